//! Who has the terminal, and how is it given back?
//!
//! Entered once, restored once, after every kind of end: return, error, panic, signal, lost line.
//! One thread writes frames, so that a terminal that does not take bytes never blocks the loop.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use tokio::sync::Notify;

/// Alternate screen, cursor hidden, pasted text marked.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";

/// Clicks and the wheel, in the encoding that reaches beyond column 223.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";

/// Everything back, in an order that works from any state: frame closed, region and colours reset.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[r\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// How long a terminal that takes no bytes may delay the end.
const PATIENCE: Duration = Duration::from_millis(400);

/// Whether the terminal is ours. A panic in any thread gives it back at once.
static OURS: AtomicBool = AtomicBool::new(false);

/// Frames are written while this is held, so that giving the terminal back never cuts one in half.
static WRITING: Mutex<()> = Mutex::new(());

/// Whether the mouse is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseMode {
    /// The terminal keeps it for its own selection.
    Off,
    /// Clicks and the wheel come to us.
    On,
}

/// The terminal, entered.
pub struct Terminal {
    mouse: MouseMode,
    frames: SyncSender<Vec<u8>>,
    idle: Arc<AtomicBool>,
    written: Arc<Notify>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// There is none, or it cannot be set up.
    pub fn enter(mouse: MouseMode) -> io::Result<Self> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(io::Error::other(
                "quell needs a terminal; in a script use `quell status` or `quell alerts`",
            ));
        }
        restore_on_panic();
        let idle = Arc::new(AtomicBool::new(true));
        let written = Arc::new(Notify::new());
        let (frames, queue) = sync_channel(1);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (thread_idle, thread_written) = (idle.clone(), written.clone());
        std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || write_frames(output, &queue, &thread_idle, &thread_written))?;
        let terminal = Self {
            mouse,
            frames,
            idle,
            written,
        };
        terminal.take()?;
        Ok(terminal)
    }

    /// Takes the terminal again, after a suspension.
    pub fn take(&self) -> io::Result<()> {
        // A shell may have set the line to its own liking, but crossterm believes its memory.
        disable_raw_mode()?;
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        let mut out = io::stdout().lock();
        out.write_all(ENTER)?;
        if self.mouse == MouseMode::On {
            out.write_all(MOUSE_ON)?;
        }
        out.flush()
    }

    /// Columns and rows.
    pub fn size() -> io::Result<(u16, u16)> {
        size()
    }

    /// Whether the last frame was taken by the terminal.
    pub fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    /// Waits until it was.
    pub async fn idle(&self) {
        while !self.is_idle() {
            self.written.notified().await;
        }
    }

    /// Hands a frame over. Only while [`Self::is_idle`].
    pub fn show(&self, frame: Vec<u8>) {
        self.idle.store(false, Ordering::Release);
        if self.frames.try_send(frame).is_err() {
            // The thread has ended: the terminal is gone, and the loop is told by its watcher.
            tracing::warn!("a frame was not taken");
        }
    }

    /// Gives the terminal back, but never waits long for one that takes no bytes.
    pub fn give_back() {
        let (done, wait) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("restore".into())
            .spawn(move || {
                restore();
                // Nobody waits any more once the patience is over.
                let _ = done.send(());
            });
        match thread {
            Ok(_) => {
                let _ = wait.recv_timeout(PATIENCE);
            }
            Err(_) => restore(),
        }
        // The modes of the line are ours to give back even if it takes no bytes.
        let _ = disable_raw_mode();
    }
}

fn write_frames(mut output: File, queue: &Receiver<Vec<u8>>, idle: &AtomicBool, written: &Notify) {
    while let Ok(frame) = queue.recv() {
        {
            let _guard = WRITING.lock();
            if OURS.load(Ordering::SeqCst) && output.write_all(&frame).is_err() {
                return;
            }
        }
        idle.store(true, Ordering::Release);
        written.notify_one();
    }
}

/// Idempotent, and safe from any thread.
fn restore() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _guard = WRITING.lock();
    let mut out = io::stdout().lock();
    // If the terminal is gone there is nobody to tell.
    let _ = out.write_all(LEAVE);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Before the report of a panic is printed, whichever thread it is in.
fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        Terminal::give_back();
        report(info);
    }));
}
