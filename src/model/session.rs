//! Where is the operator: which screen, which row, which filter?

use std::collections::HashSet;
use std::sync::Arc;

use super::burns::BurnSession;
use super::changes::ChangesSession;
use super::dialog::Dialog;
use super::drifts::DriftsSession;
use super::journal::JournalSession;
use super::prompt::Prompt;
use super::rows::{FoldKey, Grouping, Row, RowKind, Tab};
use super::scroll::Scroll;
use crate::domain::alert::Alert;
use crate::domain::board::Board;
use crate::domain::claim::Occurrence;
use crate::domain::filter::Filter;
use crate::domain::observed::QueryAnswer;
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::keys::Context;

/// The screens there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// 1: what needs me now.
    #[default]
    Triage,
    /// 2: which budgets are going.
    Burn,
    /// 3: what was changed.
    Changes,
    /// 4: what differs from what was declared.
    Drift,
    /// 5: what is written.
    Runbooks,
    /// 7: what was done.
    Journal,
    /// 8: what am I blind to.
    Sources,
}

/// What the operator does.
#[derive(Debug)]
pub struct Session {
    /// The screen.
    pub screen: Screen,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Screen 1.
    pub triage: TriageSession,
    /// Screen 2.
    pub burn: BurnSession,
    /// Screen 3.
    pub changes: ChangesSession,
    /// Screen 4.
    pub drifts: DriftsSession,
    /// Screen 5.
    pub runbooks: RunbookSession,
    /// Screen 7.
    pub journal: JournalSession,
    /// Screen 8.
    pub sources: Scroll,
    /// What is open of acting.
    pub acting: ActingSession,
    /// The help, with how far it is scrolled.
    pub help: Option<Help>,
    /// The line being typed.
    pub prompt: Option<Prompt>,
    /// What was just done or refused, until the next key.
    pub notice: Option<Notice>,
    /// Whether the operator has touched anything.
    pub keys: Keys,
    /// Who and where.
    pub identity: Identity,
}

/// What is open of acting.
#[derive(Debug, Default)]
pub struct ActingSession {
    /// The dialog over the screen.
    pub dialog: Option<Dialog>,
    /// Whether leaving was asked for while an action is under way.
    pub leaving: Leaving,
}

/// Whether leaving was asked for while an action is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    /// No.
    #[default]
    No,
    /// Once: the next press leaves.
    Asked,
}

/// Whether any key was pressed, or the mouse used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// Not yet.
    #[default]
    Untouched,
    /// Yes: the cursor stays where the operator has it.
    Pressed,
}

/// The help on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// How many lines it has, as last drawn.
    pub lines: usize,
}

/// Who sits here, and before which environment.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The name that claims carry.
    pub operator: String,
    /// The environment's name.
    pub environment: Option<String>,
    /// The name of the environment's accent role in the theme.
    pub accent: Option<&'static str>,
    /// The themes that `:theme` knows.
    pub themes: Vec<String>,
    /// Whether `:crash` is allowed.
    pub crash: CrashSwitch,
}

/// Whether a panic on purpose is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrashSwitch {
    /// It is refused.
    #[default]
    Off,
    /// The environment variable that allows it is set.
    On,
}

/// A line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// How bad it is.
    pub tone: Tone,
}

/// How bad a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Done.
    Done,
    /// Not possible here.
    Refused,
    /// Something failed.
    Failed,
}

/// Screen 1.
#[derive(Debug)]
pub struct TriageSession {
    /// The tab.
    pub tab: Tab,
    /// The filter.
    pub filter: Filter,
    /// The grouping.
    pub grouping: Grouping,
    /// Groups that are open.
    pub open: HashSet<FoldKey>,
    /// The rows of the tab.
    pub rows: Vec<Row>,
    /// Cursor and window.
    pub scroll: Scroll,
    /// The alert of the selected row, kept for when it is gone.
    pub selected: Option<Box<Alert>>,
    /// The alert that is opened, as wide as the screen.
    pub detail: Option<Detail>,
    /// What arrived and was not on screen yet.
    pub unseen: Unseen,
}

/// What arrived and was not on screen yet.
#[derive(Debug, Default)]
pub struct Unseen {
    /// Of the picture on show.
    pub alerts: HashSet<Occurrence>,
    /// How many there are in the newer picture that waits while the list is frozen.
    pub waiting: usize,
    /// That picture.
    pub newer: Option<Arc<Board>>,
    /// Whether any picture was shown; the first one is not news.
    pub started: Started,
}

/// Whether any picture of live sources was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Started {
    /// Not yet.
    #[default]
    No,
    /// Yes.
    Yes,
}

/// An opened alert.
#[derive(Debug)]
pub struct Detail {
    /// Which one.
    pub occurrence: Occurrence,
    /// The alert as last seen, for when it is gone.
    pub alert: Box<Alert>,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// How many lines it has, as last drawn.
    pub lines: usize,
    /// Its expression over the last hour.
    pub history: History,
}

/// The history of an expression.
#[derive(Debug, Default)]
pub enum History {
    /// No Prometheus knows its rule.
    #[default]
    Unknown,
    /// Asked for.
    Asked(String),
    /// There.
    Known(QueryAnswer),
    /// Not to be had.
    Failed(SourceError),
}

/// Screen 5.
#[derive(Debug, Default)]
pub struct RunbookSession {
    /// Cursor and window of the list.
    pub list: Scroll,
    /// The runbook that is open.
    pub reader: Option<Reader>,
}

/// An open runbook.
#[derive(Debug)]
pub struct Reader {
    /// Which one.
    pub id: Untrusted,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// Where to go once it is laid out.
    pub seek: Option<Seek>,
    /// What is searched for.
    pub needle: String,
    /// Which match is the present one.
    pub match_at: usize,
    /// Which link is selected.
    pub link_at: Option<usize>,
    /// What the reader should know before anything else: another version was meant, the text has
    /// problems.
    pub caution: Option<String>,
    /// Where Esc leads: the runbooks read before, and the screen they were opened from.
    pub trail: Trail,
    /// Its lines at the present width.
    pub facts: ReaderFacts,
}

/// A place in a text that only its layout knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The heading of a slug.
    Heading(String),
    /// The first match of the search, at or below the top line.
    Match,
}

/// What the layout of a text says to whoever moves in it. Lines count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderFacts {
    /// How many lines there are.
    pub lines: usize,
    /// The line and slug of each heading.
    pub headings: Vec<(usize, String)>,
    /// The line of each match.
    pub matches: Vec<usize>,
    /// The line and target of each link.
    pub links: Vec<(usize, Untrusted)>,
    /// Where the text was at another width: the top line that shows the same.
    pub top: Option<usize>,
}

/// What a layout found out, for what scrolls without a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Of the open runbook.
    pub reader: Option<ReaderFacts>,
    /// Lines of what is opened: an alert, an SLO, a change, a difference.
    pub detail_lines: Option<usize>,
    /// Lines of the help.
    pub help_lines: Option<usize>,
    /// Lines of the dialog.
    pub dialog_lines: Option<usize>,
}

/// A runbook that Esc leads back to.
#[derive(Clone, Debug)]
pub struct Before {
    /// Which one.
    pub id: Untrusted,
    /// How far it was scrolled.
    pub scroll: Scroll,
    /// As in [`Trail`].
    pub caution: Option<String>,
    /// As in [`Trail`].
    pub matched: Option<String>,
}

/// Where a reader was opened from.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The screen.
    pub screen: Screen,
    /// The runbooks read before it.
    pub before: Vec<Before>,
    /// What the alert's link should warn of.
    pub caution: Option<String>,
    /// The alert it was opened for and the rule that matched.
    pub matched: Option<String>,
}

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(identity: Identity, grouping: Grouping, size: (u16, u16)) -> Self {
        Self {
            screen: Screen::Triage,
            size,
            triage: TriageSession {
                tab: Tab::Page,
                filter: Filter::default(),
                grouping,
                open: HashSet::new(),
                rows: Vec::new(),
                scroll: Scroll::default(),
                selected: None,
                detail: None,
                unseen: Unseen::default(),
            },
            burn: BurnSession::default(),
            changes: ChangesSession::default(),
            drifts: DriftsSession::default(),
            runbooks: RunbookSession::default(),
            journal: JournalSession::default(),
            sources: Scroll::default(),
            acting: ActingSession::default(),
            help: None,
            prompt: None,
            notice: None,
            keys: Keys::default(),
            identity,
        }
    }

    /// What has the keyboard.
    #[must_use]
    pub fn context(&self) -> Context {
        match (&self.prompt, &self.help) {
            (Some(_), _) => Context::Text,
            (None, Some(_)) => Context::Help,
            (None, None) if self.is_typing() => Context::Text,
            (None, None) => self.context_below(),
        }
    }

    /// What had the keyboard before a line was opened, or the help.
    #[must_use]
    pub fn context_below(&self) -> Context {
        match &self.acting.dialog {
            Some(Dialog::Plan(_)) => return Context::Plan,
            Some(Dialog::Menu(_) | Dialog::Runs(_) | Dialog::Form(_)) => return Context::Menu,
            None => {}
        }
        match self.screen {
            Screen::Triage if self.triage.detail.is_some() => Context::Alert,
            Screen::Triage => Context::Triage,
            Screen::Burn if self.burn.opened.is_some() => Context::Burn,
            Screen::Burn => Context::Burns,
            Screen::Changes if self.changes.list.opened.is_some() => Context::Change,
            Screen::Changes => Context::Changes,
            Screen::Drift if self.drifts.list.opened.is_some() => Context::Drift,
            Screen::Drift => Context::Drifts,
            Screen::Runbooks if self.runbooks.reader.is_some() => Context::Reader,
            Screen::Runbooks => Context::Runbooks,
            Screen::Journal if self.journal.list.opened.is_some() => Context::Record,
            Screen::Journal => Context::Journal,
            Screen::Sources => Context::Sources,
        }
    }

    /// Whether a line is typed in a dialog.
    fn is_typing(&self) -> bool {
        self.acting.dialog.as_ref().is_some_and(Dialog::is_typing)
    }

    /// Whether a newer picture has to wait: nothing moves under a prompt, a dialog or the help.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.prompt.is_some() || self.help.is_some() || self.acting.dialog.is_some()
    }

    /// Puts a line before the operator, until the next key. Reports of several lines become one.
    pub fn say(&mut self, tone: Tone, text: impl AsRef<str>) {
        let lines: Vec<&str> = text.as_ref().lines().map(str::trim).collect();
        self.notice = Some(Notice {
            text: crate::domain::text::shown(&lines.join("; ")),
            tone,
        });
    }
}

impl TriageSession {
    /// The row under the cursor.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.scroll.cursor)
    }

    /// Whether the row under the cursor is gone from the picture.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.row().is_some_and(|row| row.kind == RowKind::Gone)
    }
}
