//! What was pressed, apart from how the terminal encodes it?

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with control and alt. Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPress {
    /// The key.
    pub code: KeyCode,
    /// Control and alt; nothing else.
    pub modifiers: KeyModifiers,
}

impl KeyPress {
    /// Reads a name from the command table: `j`, `ctrl-d`, `enter`, `shift-tab`, `f1`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (modifiers, key) = match name.split_once("ctrl-") {
            Some(("", key)) => (KeyModifiers::CONTROL, key),
            _ => (KeyModifiers::NONE, name),
        };
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "space" => KeyCode::Char(' '),
            "backspace" => KeyCode::Backspace,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            _ => {
                let mut chars = key.chars();
                let c = chars.next()?;
                if chars.next().is_some() {
                    return None;
                }
                KeyCode::Char(c)
            }
        };
        Some(Self { code, modifiers })
    }
}

impl From<KeyEvent> for KeyPress {
    fn from(event: KeyEvent) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT;
        // A return typed before the terminal is ours arrives as a line feed.
        if event.code == KeyCode::Char('j') && event.modifiers & kept == KeyModifiers::CONTROL {
            return Self {
                code: KeyCode::Enter,
                modifiers: KeyModifiers::NONE,
            };
        }
        // Some terminals send shift-tab as tab with shift.
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self {
            code,
            modifiers: event.modifiers & kept,
        }
    }
}

impl From<KeyPress> for KeyEvent {
    fn from(press: KeyPress) -> Self {
        Self::new(press.code, press.modifiers)
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::PageUp => f.write_str("pgup"),
            KeyCode::PageDown => f.write_str("pgdn"),
            code => write!(f, "{}", code.to_string().to_lowercase()),
        }
    }
}
