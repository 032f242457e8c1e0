//! Which real programs do the tests talk to, and how are they started, watched and ended?
//!
//! Every peer is a real program on a free loopback port with its own temporary folder. It is ready
//! when its `start` returns and dead when it is dropped. A peer that is not installed fails the test
//! with the name of its package; no test is skipped because of one.
//!
//! ```ignore
//! let pair = AlertmanagerPair::start().await;
//! pair.first.post_alerts(&[AlertSpec::new("NodeDown").label("node", "n1")]).await;
//! let prometheus = Prometheus::start(WATCHDOG_RULE, &[&pair.first, &pair.second]).await;
//! ```

mod access;
mod alertmanager;
mod backfill;
mod prometheus;
mod tests;

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::ClientBuilder;

pub use access::{Access, PASSWORD, USER};
pub use alertmanager::{AlertSpec, Alertmanager, AlertmanagerPair, SilenceSpec};
pub use backfill::{DATA_ENDS, expected};
pub use prometheus::{Prometheus, WATCHDOG_RULE};

/// How long a test waits for something that should come. It is only ever used up by a failure, so it
/// is generous: a busy machine must not fail a test.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` returns a value; after [`PATIENCE`] it fails with the last reason why not.
///
/// ```ignore
/// until("the alert is suppressed", async || {
///     let alerts = am.alerts().await;
///     let state = &alerts[0]["status"]["state"];
///     (state == "suppressed").then_some(()).ok_or(format!("state is {state}"))
/// }).await;
/// ```
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    let seen = tokio::time::timeout(PATIENCE, async {
        loop {
            match look().await {
                Ok(value) => return value,
                Err(reason) => last = reason,
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
    seen.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain until {what}: {last}"))
}

/// The start of every HTTP client in the tests: quell's TLS provider is installed, and a proxy set
/// in the developer's environment is left out, because every peer is on loopback.
pub fn http_client() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that somebody installed one before: quell's own code, for instance.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
}

/// A loopback port nobody listens on, by TCP and UDP, and that no other peer of this process gets.
///
/// It lies below the range the kernel takes outgoing ports from: otherwise a peer that is down could
/// find its port taken by somebody's connection when it comes back.
pub fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test programs of two checkouts may run at once: each starts at a place of its own.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let Ok(port) = u16::try_from(FIRST + offset) else {
            continue;
        };
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        {
            return port;
        }
    }
    panic!(
        "no free loopback port between {FIRST} and {}",
        FIRST + COUNT
    );
}

/// A real program under test: started with fixed arguments, killed and waited for when dropped.
struct Peer {
    program: &'static str,
    /// The Debian package that brings the program.
    package: &'static str,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Peer {
    /// Starts it; what it prints goes to `log`, in addition to what is there.
    fn start(
        program: &'static str,
        package: &'static str,
        arguments: Vec<String>,
        log: PathBuf,
    ) -> Self {
        let mut peer = Self {
            program,
            package,
            arguments,
            log,
            child: None,
        };
        peer.spawn();
        peer
    }

    fn spawn(&mut self) {
        let output = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", self.log.display()));
        let errors = output
            .try_clone()
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", self.log.display()));
        let child = Command::new(self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|e| panic!("{}", cannot_start(self.program, self.package, &e)));
        self.child = Some(child);
    }

    /// Ends it at once, as a crash would (SIGKILL), and waits until it is gone.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child
                .kill()
                .and_then(|()| child.wait())
                .unwrap_or_else(|e| panic!("cannot end {}: {e}", self.program));
        }
    }

    /// Waits until a GET of `url` answers 200, and fails at once, with the log, if the program ends.
    async fn wait_ready(&mut self, client: &reqwest::Client, url: &str) {
        until(&format!("{} is ready at {url}", self.program), async || {
            self.fail_if_ended();
            match client.get(url).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                Ok(answer) => Err(format!("{}\n{}", answer.status(), self.log_tail())),
                Err(error) => Err(format!("{error:?}\n{}", self.log_tail())),
            }
        })
        .await;
    }

    fn fail_if_ended(&mut self) {
        let ended = self
            .child
            .as_mut()
            .map_or(Ok(None), Child::try_wait)
            .unwrap_or_else(|e| panic!("cannot watch {}: {e}", self.program));
        if let Some(status) = ended {
            panic!(
                "{} ended early, {status}:\n{}",
                self.program,
                self.log_tail()
            );
        }
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_else(|e| format!("no log: {e}"));
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a test says when a program it needs does not start.
pub fn cannot_start(program: &str, package: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "`{program}` is not installed. Run scripts/test once as root, or: apt-get install --no-install-recommends {package}"
        ),
        _ => format!("cannot start `{program}` (Debian package {package}): {error}"),
    }
}
