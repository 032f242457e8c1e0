//! What does the operator press?
//!
//! One thread reads the terminal for the whole session. It blocks there, so an idle session costs
//! nothing, and it never touches the model.

use std::io;

use crossterm::event::{Event, KeyEventKind, MouseEventKind, read};
use tokio::sync::mpsc;

use crate::keys::KeyPress;
use crate::msg::{Mouse, Msg};

/// As many keys may wait: a burst of them is handled at once and drawn once.
const WAITING_KEYS: usize = 1_024;

/// Begins to read.
pub fn listen() -> io::Result<mpsc::Receiver<Msg>> {
    let (tell, keys) = mpsc::channel(WAITING_KEYS);
    std::thread::Builder::new()
        .name("input".into())
        .spawn(move || {
            // An error here is a terminal that is gone: the hang-up watcher ends the session.
            while let Ok(event) = read() {
                if let Some(msg) = message(event)
                    && tell.blocking_send(msg).is_err()
                {
                    return;
                }
            }
        })?;
    Ok(keys)
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(KeyPress::from(key))),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(columns, rows) => Some(Msg::Resized { columns, rows }),
        Event::Mouse(event) => Some(Msg::Mouse(match event.kind {
            MouseEventKind::ScrollDown => Mouse::WheelDown,
            MouseEventKind::ScrollUp => Mouse::WheelUp,
            MouseEventKind::Down(_) => Mouse::Click { row: event.row },
            _ => return None,
        })),
        Event::Key(_) | Event::FocusGained | Event::FocusLost => None,
    }
}
