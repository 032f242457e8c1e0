//! What else ends or stops a session, besides the operator?
//!
//! Signals, and a terminal that is gone. crossterm re-reads a vanished terminal for ever and tells
//! nobody, so a thread of its own waits for the hang-up.

use std::io;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Why a session ends or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SIGTERM, SIGINT or SIGQUIT.
    Asked(u8),
    /// SIGHUP, or the terminal hung up.
    LostTerminal,
    /// SIGTSTP: stop until continued.
    Stop,
    /// SIGCONT: somebody else may have had the terminal.
    Continued,
}

/// Waits for ends.
pub struct Ends {
    term: Signal,
    int: Signal,
    quit: Signal,
    hup: Signal,
    tstp: Signal,
    cont: Signal,
    hang_up: oneshot::Receiver<()>,
}

/// The numbers differ from system to system; `rustix` knows them.
fn number(signal: rustix::process::Signal) -> SignalKind {
    SignalKind::from_raw(signal.as_raw())
}

impl Ends {
    /// Begins to listen. Must be called within the runtime.
    pub fn listen() -> io::Result<Self> {
        let (tell, hang_up) = oneshot::channel();
        std::thread::Builder::new()
            .name("hang-up".into())
            .spawn(move || {
                wait_for_hang_up();
                // If the loop has ended already nobody needs to be told.
                let _ = tell.send(());
            })?;
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hup: signal(SignalKind::hangup())?,
            tstp: signal(number(rustix::process::Signal::TSTP))?,
            cont: signal(number(rustix::process::Signal::CONT))?,
            hang_up,
        })
    }

    /// The next one; of several, the end before the stop.
    pub async fn next(&mut self) -> End {
        tokio::select! {
            biased;
            _ = self.term.recv() => End::Asked(15),
            _ = self.int.recv() => End::Asked(2),
            _ = self.quit.recv() => End::Asked(3),
            _ = self.hup.recv() => End::LostTerminal,
            _ = &mut self.hang_up => End::LostTerminal,
            _ = self.tstp.recv() => End::Stop,
            _ = self.cont.recv() => End::Continued,
        }
    }
}

/// Asks for no events: the kernel reports a hang-up all the same.
fn wait_for_hang_up() {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_)
                if fds[0]
                    .revents()
                    .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
            {
                return;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Stops this process as the shell expects it, until it is continued.
pub fn stop() -> io::Result<()> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
    Ok(())
}
