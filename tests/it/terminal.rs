//! What would a person see, and in which state do they get their terminal back? A pseudo-terminal
//! with a program in it, an emulator that keeps the screen, and the ways such a session ends.
//!
//! The program is a session leader with the terminal as its controlling one, as under sshd. A thread
//! reads all the time, as a terminal does, so the program never waits for the test. Queries are not
//! answered: this is the terminal that says nothing. There is no shell to come back to: a program that
//! stops itself is continued by SIGCONT.
//!
//! It stands on rustix and `setsid --ctty` rather than on portable-pty, because a lost line needs the
//! last descriptor of the master to be closed at a chosen moment, and portable-pty types a newline
//! and an end-of-file into the program when its writer goes.
//!
//! ```ignore
//! let terminal = quell.terminal(&["demo"], Size::new(80, 24));
//! terminal.wait_for_text("NodeDown");
//! terminal.send("j\r");
//! terminal.wait_for("the detail", |screen| screen.cell(2, 0).is_some_and(|cell| cell.inverse()));
//! terminal.resize(Size::new(40, 10));
//! terminal.send("q");
//! let ending = terminal.wait_end();
//! assert!(ending.status.success());
//! ending.assert_restored();
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    OptionalActions, SpecialCodeIndex, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

use crate::peers::{PATIENCE, cannot_start};

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    columns: NonZeroU16,
    rows: NonZeroU16,
}

impl Size {
    /// Neither may be zero.
    pub fn new(columns: u16, rows: u16) -> Self {
        let count =
            |n| NonZeroU16::new(n).unwrap_or_else(|| panic!("a terminal of {columns}x{rows}"));
        Self {
            columns: count(columns),
            rows: count(rows),
        }
    }

    fn winsize(self) -> Winsize {
        Winsize {
            ws_row: self.rows.get(),
            ws_col: self.columns.get(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        }
    }
}

/// What SIGHUP does to a program that does not handle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// It ends, as in a login shell.
    Deadly,
    /// Nothing, as under `nohup`.
    Ignored,
}

/// A running program and its terminal. Dropping it kills the program.
pub struct Terminal {
    child: Child,
    /// `None` once the line is lost.
    master: Option<Arc<OwnedFd>>,
    /// The harness's own hold on the program's side, as a shell would have: the terminal outlives
    /// the program and can be looked at.
    slave: Option<OwnedFd>,
    termios_before: Termios,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    /// Dropped to end the reader.
    stop: Option<PipeWriter>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    output: Vec<u8>,
    emulator: vt100::Parser,
    /// The program has ended, and what it wrote is all here.
    ended: bool,
    /// Nobody holds the program's side any more, or the line is lost.
    closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` gives a value; `Err` holds the state if it never does.
    fn wait<T>(
        &self,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, MutexGuard<'_, State>> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(value) = look(&state) {
                return Ok(value);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(state);
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Terminal {
    /// Starts `program` in a new terminal. `clean_command` makes the command of the wrapper that
    /// opens the session, with the environment the program shall have; `TERM` is set here.
    pub fn start(
        program: &str,
        arguments: &[&str],
        size: Size,
        hang_up: HangUp,
        clean_command: impl FnOnce(&str) -> Command,
    ) -> Self {
        let (master, slave) = open(size);
        let termios_before = termios(&slave);
        // `setsid` and `env` both replace themselves, so the child's id is the program's.
        let mut command = clean_command("setsid");
        command
            .args(["--ctty", "env"])
            .arg(match hang_up {
                HangUp::Deadly => "--default-signal=HUP",
                HangUp::Ignored => "--ignore-signal=HUP",
            })
            .arg("--default-signal=INT,QUIT,TERM")
            .arg(program)
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(duplicate(&slave))
            .stdout(duplicate(&slave))
            .stderr(duplicate(&slave));
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{}", cannot_start("setsid", "util-linux", &e)));

        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                output: Vec::new(),
                emulator: vt100::Parser::new(size.rows, size.columns, 0),
                ended: false,
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let (stopped, stop) = std::io::pipe().unwrap_or_else(|e| panic!("no pipe: {e}"));
        let master = Arc::new(master);
        let reader = std::thread::spawn({
            let (master, shared) = (Arc::clone(&master), Arc::clone(&shared));
            let program = watch(&child);
            move || {
                read_all(&master, &program, &stopped, &shared);
                shared.state().closed = true;
                shared.changed.notify_all();
            }
        });
        Self {
            child,
            master: Some(master),
            slave: Some(slave),
            termios_before,
            shared,
            reader: Some(reader),
            stop: Some(stop),
        }
    }

    /// Types: text, or the bytes a key sends (`"\r"`, `"\x1b"`, `"\x1b[A"`, `"\x03"`).
    pub fn send(&self, keys: &str) {
        let Some(master) = &self.master else { return };
        let mut rest = keys.as_bytes();
        while !rest.is_empty() {
            let written = retry_on_intr(|| rustix::io::write(master, rest))
                .unwrap_or_else(|e| panic!("the terminal takes no keys: {e}"));
            rest = &rest[written..];
        }
    }

    /// Waits until the screen is as `wanted` says. It fails and shows the screen after [`PATIENCE`],
    /// or as soon as the program has ended without having drawn it.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let seen = self.shared.wait(|state| {
            let there = !is_mid_frame(&state.output) && wanted(state.emulator.screen());
            (there || state.ended).then_some(there)
        });
        // The screen is shown below: its lock must not be held.
        let seen = seen.map_err(drop);
        let why = match seen {
            Ok(true) => return,
            Ok(false) => "the program ended".to_owned(),
            Err(()) => format!("waited {PATIENCE:?} in vain"),
        };
        panic!("{why}, without {what}, on:\n{}", self.screen());
    }

    /// Waits until this text stands somewhere on the screen.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for(text, |screen| screen.contents().contains(text));
    }

    /// The text of the screen now, one line a row.
    pub fn screen(&self) -> String {
        self.shared.state().emulator.screen().contents()
    }

    /// Changes the size, as the window would: the program gets SIGWINCH.
    pub fn resize(&self, size: Size) {
        let Some(master) = &self.master else { return };
        // The emulator first, so that what the program draws for the new size finds it.
        let mut state = self.shared.state();
        state.emulator.set_size(size.rows, size.columns);
        tcsetwinsize(master, size.winsize()).unwrap_or_else(|e| panic!("no resize: {e}"));
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap_or_else(|e| panic!("cannot signal {pid:?}: {e}"));
    }

    /// The id of the program's process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What of the line discipline is not as it was before the program started.
    pub fn line_changes(&self) -> Vec<String> {
        let now = self.slave.as_ref().map(termios);
        now.map_or_else(Vec::new, |now| differences(&self.termios_before, &now))
    }

    /// Sets the line discipline as it was before the program started, as a shell does when it gets
    /// the terminal back.
    pub fn set_line_as_before(&self) {
        let Some(slave) = &self.slave else { return };
        tcsetattr(slave, OptionalActions::Now, &self.termios_before)
            .unwrap_or_else(|e| panic!("the terminal takes no settings: {e}"));
    }

    /// Becomes a terminal that reads nothing any more, but is not gone.
    pub fn stop_reading(&mut self) {
        self.stop = None;
        if let Some(reader) = self.reader.take() {
            // A panic in it has been printed.
            let _ = reader.join();
        }
    }

    /// Whether the program could write more now without waiting.
    pub fn takes_bytes(&self) -> bool {
        let Some(slave) = &self.slave else {
            return false;
        };
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut watched = [PollFd::new(slave, PollFlags::OUT)];
        let ready = retry_on_intr(|| poll(&mut watched, Some(&at_once)))
            .unwrap_or_else(|e| panic!("cannot watch the terminal: {e}"));
        ready > 0
    }

    /// Waits until the program has ended by itself, and says how the terminal looks afterwards.
    pub fn wait_end(mut self) -> Ending {
        let status = self.wait_exit();
        let termios_after = self.slave.take().map(|slave| termios(&slave));
        // The last hold on the program's side is gone: the reader gets what is left, then the end.
        let read = self.shared.wait(|state| {
            let rows = state.emulator.screen().size().0;
            state.closed.then(|| (state.output.clone(), rows))
        });
        let (output, rows) = read.unwrap_or_else(|state| {
            let screen = state.emulator.screen().contents();
            panic!(
                "the program ended, but something it started still holds the terminal:\n{screen}"
            )
        });
        Ending {
            status,
            modes_left: modes_left(&output, rows),
            output,
            termios_changes: termios_after
                .map(|after| differences(&self.termios_before, &after))
                .unwrap_or_default(),
        }
    }

    /// Loses the line, as a dropped SSH connection does, and waits until the program is gone.
    ///
    /// ```ignore
    /// let status = quell.terminal_ignoring_hang_up(&["demo"], Size::new(80, 24)).hang_up();
    /// ```
    pub fn hang_up(mut self) -> ExitStatus {
        self.close_line();
        self.wait_exit()
    }

    fn close_line(&mut self) {
        // The reader holds the master too.
        self.stop_reading();
        self.master = None;
        self.slave = None;
    }

    fn wait_exit(&mut self) -> ExitStatus {
        let program = watch(&self.child);
        let patience = Timespec {
            tv_sec: i64::try_from(PATIENCE.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: 0,
        };
        // Another test's child interrupts it: the harness's programs share one SIGCHLD.
        let mut watched = [PollFd::new(&program, PollFlags::IN)];
        let ended = retry_on_intr(|| poll(&mut watched, Some(&patience)))
            .unwrap_or_else(|e| panic!("cannot watch the program: {e}"));
        assert!(
            ended > 0,
            "the program still runs after {PATIENCE:?}:\n{}",
            self.screen()
        );
        self.child
            .wait()
            .unwrap_or_else(|e| panic!("cannot wait for the program: {e}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when the program has been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.close_line();
    }
}

/// How a program left its terminal.
pub struct Ending {
    /// How it ended.
    pub status: ExitStatus,
    /// Every byte it wrote, from the first to the last.
    pub output: Vec<u8>,
    modes_left: Vec<String>,
    termios_changes: Vec<String>,
}

impl Ending {
    /// Fails if the alternate screen, a hidden cursor, any other private mode, a scroll region or a
    /// changed line discipline was left behind.
    pub fn assert_restored(&self) {
        let left = [&self.modes_left[..], &self.termios_changes].concat();
        assert!(left.is_empty(), "the terminal is not as it was: {left:?}");
    }

    /// Fails if the line discipline is not as it was; what the screen shows is not asked.
    pub fn assert_line_restored(&self) {
        let left = &self.termios_changes;
        assert!(left.is_empty(), "the line is not as it was: {left:?}");
    }

    /// Whether it ever switched to the alternate screen: a full-screen program must have.
    pub fn used_alternate_screen(&self) -> bool {
        let enter = b"\x1b[?1049h";
        self.output.windows(enter.len()).any(|bytes| bytes == enter)
    }
}

/// Whether a synchronized update has begun and not ended: then the screen is half old, half new, and
/// a terminal that knows such updates does not show it.
fn is_mid_frame(output: &[u8]) -> bool {
    let mark = b"\x1b[?2026";
    let last = output.windows(mark.len() + 1).rev();
    let mut marks = last.filter(|bytes| bytes.starts_with(mark));
    marks.next().is_some_and(|bytes| bytes.ends_with(b"h"))
}

/// The private modes and the scroll region that `output` leaves other than a fresh terminal of so
/// many rows has them.
fn modes_left(output: &[u8], rows: NonZeroU16) -> Vec<String> {
    /// On in a fresh terminal: line wrap and the cursor. Every other mode is off.
    const ON_AT_FIRST: [&str; 2] = ["7", "25"];
    let mut modes: BTreeMap<String, bool> = BTreeMap::new();
    let mut scroll_region = String::new();
    for sequence in output.split(|byte| *byte == 0x1b).skip(1) {
        let Some(rest) = sequence.strip_prefix(b"[") else {
            continue;
        };
        let Some(end) = rest.iter().position(|byte| (0x40..0x7f).contains(byte)) else {
            continue;
        };
        let parameters = String::from_utf8_lossy(&rest[..end]).into_owned();
        match (parameters.strip_prefix('?'), rest[end]) {
            (Some(numbers), on @ (b'h' | b'l')) => {
                let numbers = numbers.split(';').map(str::to_owned);
                modes.extend(numbers.map(|number| (number, on == b'h')));
            }
            (None, b'r') => scroll_region = parameters,
            _ => {}
        }
    }
    let mut left: Vec<String> = modes
        .into_iter()
        .filter(|(mode, on)| *on != ON_AT_FIRST.contains(&mode.as_str()))
        .map(|(mode, on)| format!("ESC[?{mode}{}", if on { 'h' } else { 'l' }))
        .collect();
    if !scroll_region.is_empty() && scroll_region != format!("1;{rows}") {
        left.push(format!("ESC[{scroll_region}r"));
    }
    left
}

fn differences(before: &Termios, after: &Termios) -> Vec<String> {
    let codes = |termios: &Termios| {
        [
            SpecialCodeIndex::VINTR,
            SpecialCodeIndex::VEOF,
            SpecialCodeIndex::VSUSP,
            SpecialCodeIndex::VMIN,
            SpecialCodeIndex::VTIME,
        ]
        .map(|index| termios.special_codes[index])
    };
    let fields = [
        (
            "input modes",
            before.input_modes.bits(),
            after.input_modes.bits(),
        ),
        (
            "output modes",
            before.output_modes.bits(),
            after.output_modes.bits(),
        ),
        (
            "control modes",
            before.control_modes.bits(),
            after.control_modes.bits(),
        ),
        (
            "local modes",
            before.local_modes.bits(),
            after.local_modes.bits(),
        ),
    ];
    let mut changes: Vec<String> = fields
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} {before:#o} -> {after:#o}"))
        .collect();
    if codes(before) != codes(after) {
        changes.push(format!(
            "control characters {:?} -> {:?}",
            codes(before),
            codes(after)
        ));
    }
    changes
}

/// A new pseudo-terminal: the master, and the side the program gets.
fn open(size: Size) -> (OwnedFd, OwnedFd) {
    let opened = || {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, size.winsize())?;
        let name = OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name, flags, Mode::empty())?;
        Ok::<_, Errno>((master, slave))
    };
    opened().unwrap_or_else(|e| panic!("no pseudo-terminal: {e}"))
}

fn termios(fd: &OwnedFd) -> Termios {
    tcgetattr(fd).unwrap_or_else(|e| panic!("the terminal has no settings: {e}"))
}

fn duplicate(fd: &OwnedFd) -> OwnedFd {
    fd.try_clone()
        .unwrap_or_else(|e| panic!("no further descriptor: {e}"))
}

/// A descriptor that becomes readable when the program ends.
fn watch(child: &Child) -> OwnedFd {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty())
        .unwrap_or_else(|e| panic!("cannot watch the program: {e}"))
}

/// Reads until the terminal has no other side any more, or until the other end of `stopped` is
/// dropped. Notes on the way that the program has ended, once there is nothing left to read of it.
fn read_all(master: &OwnedFd, program: &OwnedFd, stopped: &PipeReader, shared: &Shared) {
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut has_ended = false;
    loop {
        let mut watched = vec![
            PollFd::new(master, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        if !has_ended {
            watched.push(PollFd::new(program, PollFlags::IN));
        }
        let is_to_be_noted = has_ended && !shared.state().ended;
        match retry_on_intr(|| poll(&mut watched, is_to_be_noted.then_some(&at_once))) {
            Err(error) => panic!("cannot watch the terminal: {error}"),
            Ok(0) => {
                shared.state().ended = true;
                shared.changed.notify_all();
                continue;
            }
            Ok(_) => {}
        }
        let is_ready = |at: usize| watched.get(at).is_some_and(|fd| !fd.revents().is_empty());
        if is_ready(1) {
            return;
        }
        has_ended |= is_ready(2);
        if !is_ready(0) {
            continue;
        }
        match retry_on_intr(|| rustix::io::read(master, &mut buffer)) {
            // EIO is how Linux says that nobody holds the other side.
            Ok(0) | Err(Errno::IO) => return,
            Ok(count) => {
                let mut state = shared.state();
                state.output.extend_from_slice(&buffer[..count]);
                state.emulator.process(&buffer[..count]);
                drop(state);
                shared.changed.notify_all();
            }
            Err(error) => panic!("cannot read the terminal: {error}"),
        }
    }
}

mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const SIZE: (u16, u16) = (40, 10);

    fn run(program: &str, arguments: &[&str], hang_up: HangUp) -> Terminal {
        let size = Size::new(SIZE.0, SIZE.1);
        Terminal::start(program, arguments, size, hang_up, |wrapper| {
            let mut command = Command::new(wrapper);
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.env_clear().env("PATH", path).env("LANG", "C.UTF-8");
            command
        })
    }

    /// The line discipline echoes keys before there is a program; cat's copy says that it runs.
    fn wait_until_cat_answers(terminal: &Terminal) {
        terminal.send("up\r");
        terminal.wait_for("cat's copy", |screen| {
            screen.contents().matches("up").count() == 2
        });
    }

    #[test]
    fn keys_reach_the_program_and_its_output_the_screen() {
        let terminal = run("cat", &[], HangUp::Deadly);
        terminal.send("abc\r");
        // Once from the line discipline's echo, once from cat.
        terminal.wait_for("the line twice", |screen| {
            screen.contents().matches("abc").count() == 2
        });
        assert!(terminal.screen().starts_with("abc\nabc"));
        terminal.send("\x04");
        let ending = terminal.wait_end();
        assert!(ending.status.success());
        assert!(!ending.used_alternate_screen());
        ending.assert_restored();
    }

    #[test]
    fn the_program_has_a_controlling_terminal_of_the_size_asked_for() {
        let ending = run("stty", &["--file=/dev/tty", "size"], HangUp::Deadly).wait_end();
        assert_eq!(ending.output, b"10 40\r\n");
    }

    #[test]
    fn a_full_screen_program_draws_follows_a_resize_and_restores() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let config = dir.path().join("tmux.conf");
        let settings = "set -g destroy-unattached on\nset -g status-left '[here]'\n";
        std::fs::write(&config, settings).unwrap_or_else(|e| panic!("{e}"));
        let socket = dir.path().join("socket");
        let arguments = [
            "-u",
            "-S",
            &socket.to_string_lossy(),
            "-f",
            &config.to_string_lossy(),
            "new-session",
            "cat",
        ];
        let terminal = run("tmux", &arguments, HangUp::Deadly);
        let status_line = |row: u16| {
            move |screen: &vt100::Screen| {
                screen.alternate_screen() && screen.contents_between(row, 0, row, 6) == "[here]"
            }
        };
        terminal.wait_for("the status line at the bottom", status_line(9));
        terminal.resize(Size::new(60, 20));
        terminal.wait_for("the status line at the new bottom", status_line(19));
        terminal.send("hello\r\x04");
        let ending = terminal.wait_end();
        assert!(ending.status.success());
        assert!(ending.used_alternate_screen());
        ending.assert_restored();
    }

    #[test]
    fn a_signal_ends_the_program() {
        let terminal = run("cat", &[], HangUp::Ignored);
        wait_until_cat_answers(&terminal);
        terminal.signal(Signal::HUP);
        terminal.signal(Signal::TERM);
        assert_eq!(
            terminal.wait_end().status.signal(),
            Some(Signal::TERM.as_raw())
        );
    }

    #[test]
    fn a_lost_line_hangs_up_and_leaves_a_program_that_ignores_it_without_a_terminal() {
        // It never reads its terminal, so nothing but the signal can tell it.
        let file = tempfile::NamedTempFile::new().unwrap_or_else(|e| panic!("{e}"));
        std::fs::write(&file, "up\n").unwrap_or_else(|e| panic!("{e}"));
        let name = file.path().to_string_lossy();
        let deadly = run("tail", &["-f", &name], HangUp::Deadly);
        deadly.wait_for_text("up");
        assert_eq!(deadly.hang_up().signal(), Some(Signal::HUP.as_raw()));

        let ignored = run("cat", &[], HangUp::Ignored);
        wait_until_cat_answers(&ignored);
        // cat reads the end of its input, or an error, and goes by itself.
        assert_eq!(ignored.hang_up().signal(), None);
    }

    #[test]
    #[should_panic(expected = "the program ended, without something else, on:\nall there was")]
    fn waiting_for_a_program_that_has_ended_fails_at_once() {
        let terminal = run("echo", &["all there was"], HangUp::Deadly);
        terminal.wait_for_text("something else");
    }

    #[test]
    fn half_a_frame_is_not_looked_at() {
        assert!(!is_mid_frame(b"plain"));
        assert!(is_mid_frame(b"\x1b[?2026h\x1b[2J half"));
        assert!(!is_mid_frame(b"\x1b[?2026h\x1b[2J whole\x1b[?2026l"));
        assert!(is_mid_frame(b"\x1b[?2026h one\x1b[?2026l\x1b[?2026h"));
    }

    #[test]
    fn a_terminal_that_is_left_in_disorder_is_seen() {
        let disorder = run("stty", &["raw", "-echo"], HangUp::Deadly).wait_end();
        let changes = disorder.termios_changes.join(", ");
        assert!(
            changes.contains("local modes") && changes.contains("input modes"),
            "{changes}"
        );

        let printed = run(
            "printf",
            &["\x1b[?1049h\x1b[?25l\x1b[2;5rhello"],
            HangUp::Deadly,
        )
        .wait_end();
        assert!(printed.used_alternate_screen());
        assert_eq!(printed.modes_left, ["ESC[?1049h", "ESC[?25l", "ESC[2;5r"]);

        let tidy = b"\x1b[?1049;2004h\x1b[?25l\x1b[2;5r\x1b[?2004l\x1b[1;10r\x1b[?25h\x1b[?1049l";
        assert_eq!(modes_left(tidy, Size::new(SIZE.0, SIZE.1).rows), [""; 0]);
    }
}
