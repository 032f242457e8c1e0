//! How does an answer get out of the process?
//!
//! The one writer of the commands. A reader that has gone away (`| head`) ends it quietly; any
//! other failure to write is said. It never decides what is printed.

use std::io::{self, ErrorKind, IsTerminal, Write};

use super::exit::Exit;
use super::page::{Ink, Page, Signs};
use crate::config::settings::{ColourChoice, GlyphChoice};

/// What a command has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For standard output, line feed at the end.
    pub document: String,
    /// For standard error: only where the command failed.
    pub complaint: Option<String>,
    /// How it ends.
    pub exit: Exit,
}

impl Answer {
    /// A whole answer.
    #[must_use]
    pub fn whole(document: String) -> Self {
        Self::with(document, Exit::Whole)
    }

    /// An answer that ends with this status.
    #[must_use]
    pub fn with(document: String, exit: Exit) -> Self {
        let complaint = (exit == Exit::Nothing)
            .then(|| "quell: nothing could be read: no source answered".to_owned());
        Self {
            document,
            complaint,
            exit,
        }
    }

    /// Wrong usage or config: only a complaint.
    #[must_use]
    pub fn usage(complaint: impl Into<String>) -> Self {
        Self {
            document: String::new(),
            complaint: Some(complaint.into()),
            exit: Exit::Usage,
        }
    }
}

/// Standard output and standard error.
pub struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    terminal: Terminal,
}

/// What is behind standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// A file or a pipe.
    No,
    /// A terminal of so many columns.
    Columns(usize),
}

/// What the environment says of looks.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// The character set of the locale is UTF-8.
    pub utf8: bool,
}

impl Looks {
    /// By environment variables.
    #[must_use]
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|v| !v.is_empty());
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let locale = locale.unwrap_or_default().to_lowercase();
        Self {
            no_color: set("NO_COLOR").is_some(),
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }
}

impl Output {
    /// The process's own.
    #[must_use]
    pub fn stdio() -> Self {
        let terminal = if io::stdout().is_terminal() {
            let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
            let columns = size.map_or(0, |size| usize::from(size.ws_col));
            Terminal::Columns(if columns == 0 { 80 } else { columns })
        } else {
            Terminal::No
        };
        Self::to(Box::new(io::stdout()), Box::new(io::stderr()), terminal)
    }

    /// Any other pair.
    #[must_use]
    pub fn to(out: Box<dyn Write>, err: Box<dyn Write>, terminal: Terminal) -> Self {
        Self { out, err, terminal }
    }

    /// What is behind standard output.
    #[must_use]
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// How text is laid out here: colour only on a terminal, cut only to a terminal's width.
    #[must_use]
    pub fn page(&self, colour: ColourChoice, glyphs: GlyphChoice, looks: &Looks) -> Page {
        let columns = match self.terminal {
            Terminal::No => None,
            Terminal::Columns(columns) => Some(columns),
        };
        let wanted = match colour {
            ColourChoice::Never => false,
            ColourChoice::Auto => !looks.no_color,
            _ => true,
        };
        let ascii = match glyphs {
            GlyphChoice::Ascii => true,
            GlyphChoice::Unicode => false,
            GlyphChoice::Auto => !looks.utf8,
        };
        Page {
            columns,
            ink: if wanted && columns.is_some() {
                Ink::Ansi16
            } else {
                Ink::None
            },
            signs: if ascii { Signs::Ascii } else { Signs::Unicode },
        }
    }

    /// For questions, before the answer.
    pub fn paper(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes an answer and says how the process ends.
    pub fn print(&mut self, answer: &Answer) -> Exit {
        let written = self
            .out
            .write_all(answer.document.as_bytes())
            .and_then(|()| self.out.flush());
        let mut exit = answer.exit;
        match written {
            Ok(()) => {}
            // Who closed the pipe has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return exit,
            Err(error) => {
                self.complain(&format!("quell: the answer could not be written: {error}"));
                exit = exit.max(Exit::Partial);
            }
        }
        if let Some(complaint) = &answer.complaint {
            self.complain(complaint);
        }
        exit
    }

    /// A message on standard error. Where that is closed too there is nobody left to tell.
    fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{}", text.trim_end());
        let _ = self.err.flush();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Takes a few bytes, then fails.
    struct Narrow {
        left: usize,
        end: ErrorKind,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            if taken == 0 {
                return Err(self.end.into());
            }
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub(crate) struct Kept(Rc<RefCell<Vec<u8>>>);

    impl Kept {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn print_into(end: ErrorKind) -> (Exit, String) {
        let err = Kept::default();
        let narrow = Narrow { left: 10, end };
        let mut output = Output::to(Box::new(narrow), Box::new(err.clone()), Terminal::No);
        let exit = output.print(&Answer::whole("line\n".repeat(1_000)));
        (exit, err.text())
    }

    #[test]
    fn a_closed_pipe_ends_quietly() {
        assert_eq!(
            print_into(ErrorKind::BrokenPipe),
            (Exit::Whole, String::new())
        );
    }

    #[test]
    fn a_full_disk_is_said() {
        let (exit, said) = print_into(ErrorKind::StorageFull);
        assert_eq!(exit, Exit::Partial);
        assert!(said.contains("could not be written"), "{said}");
    }

    #[test]
    fn only_a_failure_reaches_standard_error() {
        let (out, err) = (Kept::default(), Kept::default());
        let mut output = Output::to(Box::new(out.clone()), Box::new(err.clone()), Terminal::No);
        output.print(&Answer::with("partial\n".into(), Exit::Partial));
        assert_eq!(
            (out.text(), err.text()),
            ("partial\n".into(), String::new())
        );
        output.print(&Answer::usage("quell: no such thing\n"));
        assert_eq!(err.text(), "quell: no such thing\n");
    }

    #[test]
    fn colour_needs_a_terminal_and_consent() {
        let ink = |terminal, colour, no_color| {
            let looks = Looks {
                no_color,
                utf8: true,
            };
            Output::to(Box::new(io::sink()), Box::new(io::sink()), terminal)
                .page(colour, GlyphChoice::Auto, &looks)
                .ink
        };
        let tty = Terminal::Columns(80);
        assert_eq!(ink(tty, ColourChoice::Auto, false), Ink::Ansi16);
        assert_eq!(ink(tty, ColourChoice::Auto, true), Ink::None);
        assert_eq!(ink(tty, ColourChoice::Never, false), Ink::None);
        assert_eq!(ink(tty, ColourChoice::Ansi16, true), Ink::Ansi16);
        assert_eq!(
            ink(Terminal::No, ColourChoice::TrueColour, false),
            Ink::None
        );
    }
}
