//! How does a test read the cockpit as a person does: which row says what, and how does it look?
//!
//! Beside it stands what nearly every session begins and ends with: a config, and `q`.

use vt100::{Cell, Screen};

use crate::quell::Quell;
use crate::terminal::{Ending, Size, Terminal};

/// The terminal of the bad day: one pane.
pub const NARROW: (u16, u16) = (80, 24);
/// List and detail side by side.
pub const WIDE: (u16, u16) = (120, 40);

/// Left of the selected row.
pub const GUTTER: &str = "▌";

/// As the harness wants it.
pub fn size((columns, rows): (u16, u16)) -> Size {
    Size::new(columns, rows)
}

/// A config whose sources are asked every second. Each is the kind, the name, the URL and more keys.
pub fn configure(quell: &Quell, sources: &[(&str, &str, &str, &str)]) {
    let mut text = "operator = \"mara\"\n".to_owned();
    for (kind, name, url, more) in sources {
        let source =
            format!("[[{kind}]]\nname = \"{name}\"\nurl = \"{url}\"\nperiod = \"1s\"\n{more}\n");
        text.push_str(&source);
    }
    quell.write("config/quell/config.toml", &text);
}

/// The first row that holds this text, and its number.
pub fn row_with(screen: &Screen, text: &str) -> Option<(u16, String)> {
    (0..).zip(rows(screen)).find(|(_, row)| row.contains(text))
}

/// The row of the list that shows an alert of this name, and its number.
pub fn alert_row(screen: &Screen, name: &str) -> Option<(u16, String)> {
    let is_alert = |row: &str| {
        let mut lane = row.trim_start_matches([' ', '▌']).chars();
        matches!(lane.next(), Some('P' | 'T' | 'I')) && lane.next() == Some(' ')
    };
    (0..)
        .zip(rows(screen))
        .find(|(_, row)| is_alert(row) && row.contains(name))
}

/// The row of screen 8 that is about this source.
pub fn source_row(screen: &Screen, name: &str) -> Option<String> {
    let begin = format!("{name} ");
    // Two columns are the gutter; a line that says what is blind begins after one.
    let is_about = |row: &String| row.chars().skip(2).collect::<String>().starts_with(&begin);
    rows(screen).into_iter().find(is_about)
}

/// All rows, without trailing spaces.
pub fn rows(screen: &Screen) -> Vec<String> {
    screen.rows(0, screen.size().1.get()).collect()
}

/// How many rows hold this text.
pub fn count_of(screen: &Screen, text: &str) -> usize {
    rows(screen).iter().filter(|row| row.contains(text)).count()
}

/// Whether the alert of this name is dimmed; `None` if it is not there.
pub fn is_dim(screen: &Screen, name: &str) -> Option<bool> {
    let (row, content) = alert_row(screen, name)?;
    let before = content.split(name).next()?;
    let column = u16::try_from(before.chars().count()).ok()?;
    screen.cell(row, column).map(Cell::dim)
}

/// Whether this text stands somewhere.
pub fn has(screen: &Screen, text: &str) -> bool {
    screen.contents().contains(text)
}

/// Escape, which must be read by itself: with what follows it would be Alt and that key.
pub fn escape(terminal: &Terminal, to: &str, is_there: impl Fn(&Screen) -> bool) {
    terminal.send("\x1b");
    terminal.wait_for(to, is_there);
}

/// Puts the cursor on an alert by filtering for it, as an operator would.
pub fn go_to(terminal: &Terminal, name: &str) {
    terminal.send(&format!("/{name}\r"));
    terminal.wait_for(&format!("{name} alone and selected"), |screen| {
        alert_row(screen, name).is_some_and(|(_, row)| row.starts_with(GUTTER))
            && has(screen, &format!("filter: {name}"))
            && has(screen, "/ filter")
    });
}

/// Drops the filter of [`go_to`].
pub fn drop_filter(terminal: &Terminal) {
    escape(terminal, "no filter", |screen| !has(screen, "filter: "));
}

/// Leaves by the key, which must restore the terminal and succeed.
pub fn quit(terminal: Terminal) -> Ending {
    terminal.send("q");
    let ending = terminal.wait_end();
    assert!(ending.status.success(), "{}", ending.status);
    ending.assert_restored();
    ending
}
