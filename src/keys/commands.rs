//! Every command there is: its name, its help, where it applies and its keys.

use super::press::KeyPress;

/// What has the keyboard. The innermost counts, then the global one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere but while typing.
    Global,
    /// The list of alerts.
    Triage,
    /// One alert, opened.
    Alert,
    /// The list of SLOs.
    Burns,
    /// One SLO, opened.
    Burn,
    /// The list of changes.
    Changes,
    /// One change, opened.
    Change,
    /// The list of differences.
    Drifts,
    /// One difference, opened.
    Drift,
    /// The list of runbooks.
    Runbooks,
    /// A runbook, opened.
    Reader,
    /// What was done, and by whom.
    Journal,
    /// One record, opened.
    Record,
    /// The list of sources.
    Sources,
    /// What may be done, or what is under way.
    Menu,
    /// A plan, and what becomes of it.
    Plan,
    /// The help.
    Help,
    /// A line is being typed.
    Text,
}

impl Context {
    /// Whether keys that have no meaning here have their global one.
    #[must_use]
    pub fn falls_through(self) -> bool {
        !matches!(self, Self::Text | Self::Help | Self::Menu | Self::Plan)
    }
}

/// Names a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below says what each one does")]
pub enum CommandId {
    Quit,
    Back,
    Help,
    Palette,
    Refresh,
    Redraw,
    Suspend,
    ShowTriage,
    ShowBurn,
    ShowChanges,
    ShowDrift,
    ShowRunbooks,
    ShowJournal,
    ShowSources,
    Act,
    Silence,
    Undo,
    Actions,
    Panic,
    BreakGlass,
    Theme,
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    PageDown,
    PageUp,
    Top,
    Bottom,
    Open,
    NextLane,
    PreviousLane,
    NextNew,
    Filter,
    Group,
    Claim,
    OpenRunbook,
    OpenBurn,
    Explain,
    Span,
    Sort,
    Search,
    NextMatch,
    PreviousMatch,
    NextLink,
    PreviousLink,
    NextHeading,
    PreviousHeading,
    Accept,
    Cancel,
    NextChoice,
    PreviousChoice,
    Crash,
}

/// Where a command's argument comes from, when it is typed in the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// It takes none.
    None,
    /// It may be followed by one: `theme light`.
    Optional(&'static str),
}

/// Whether a command leads to something that changes what is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It does not.
    None,
    /// It does, by way of a plan and a confirmation. In read-only it is not offered.
    Acts,
}

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Which.
    pub id: CommandId,
    /// As the palette and the manual name it.
    pub name: &'static str,
    /// What it does, in a few words.
    pub help: &'static str,
    /// A word for the hint bar; none where it would only be noise.
    pub hint: Option<&'static str>,
    /// Where it applies.
    pub contexts: &'static [Context],
    /// Its keys, the first is shown.
    pub keys: &'static [&'static str],
    /// What may follow it in the palette.
    pub argument: Argument,
    /// Where it leads.
    pub danger: Danger,
}

impl Command {
    /// Whether a key press is one of its keys.
    #[must_use]
    pub fn has_key(&self, press: KeyPress) -> bool {
        self.keys.iter().any(|k| KeyPress::parse(k) == Some(press))
    }

    /// The command of an id. The table holds every one.
    #[must_use]
    pub fn of(id: CommandId) -> &'static Self {
        ALL.iter().find(|c| c.id == id).unwrap_or(&ALL[0])
    }

    /// Whether the palette offers it: not the keys that only move or edit.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        !matches!(self.contexts, [Context::Text]) && self.id != CommandId::Crash
    }
}

use Context::{
    Alert, Burn, Burns, Change, Changes, Drift, Drifts, Global, Help, Journal, Menu, Plan, Reader,
    Record, Runbooks, Sources, Text, Triage,
};

const LISTS: &[Context] = &[Triage, Burns, Changes, Drifts, Runbooks, Journal];
const SCROLLED: &[Context] = &[
    Triage, Burns, Burn, Changes, Change, Drifts, Drift, Runbooks, Sources, Alert, Reader, Help,
    Journal, Record, Menu, Plan,
];
/// Where something may be chosen to be done about.
const SUBJECTS: &[Context] = &[Triage, Alert, Changes, Change, Drifts, Drift, Reader];
/// Also where nothing else of the global keys applies.
const ALWAYS: &[Context] = &[Global, Menu, Plan];

const fn command(
    id: CommandId,
    name: &'static str,
    help: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
) -> Command {
    Command {
        id,
        name,
        help,
        hint: None,
        contexts,
        keys,
        argument: Argument::None,
        danger: Danger::None,
    }
}

impl Command {
    const fn hinted(mut self, word: &'static str) -> Self {
        self.hint = Some(word);
        self
    }

    const fn acting(mut self) -> Self {
        self.danger = Danger::Acts;
        self
    }

    const fn taking(mut self, what: &'static str) -> Self {
        self.argument = Argument::Optional(what);
        self
    }
}

/// The one list. The order is that of the hint bar and the help.
pub const ALL: &[Command] = &[
    command(
        CommandId::Open,
        "open",
        "open the selected row, or unfold its group",
        LISTS,
        &["enter"],
    )
    .hinted("open"),
    command(
        CommandId::Claim,
        "claim",
        "say that you look after it, or give it back; nothing is muted",
        &[Triage, Alert],
        &["c"],
    )
    .hinted("claim"),
    command(
        CommandId::OpenRunbook,
        "runbook",
        "open its runbook, in the version shown",
        &[Triage, Alert],
        &["r"],
    )
    .hinted("runbook"),
    command(
        CommandId::Silence,
        "silence",
        "silence it for a while: first the matchers, then the plan",
        &[Triage, Alert],
        &["s"],
    )
    .hinted("silence")
    .acting(),
    command(
        CommandId::Undo,
        "undo rollout",
        "take back the rollout before it: first the target, then the plan",
        &[Triage, Alert],
        &["u"],
    )
    .hinted("undo")
    .acting(),
    command(
        CommandId::Act,
        "act",
        "what can be done about it, what makes it smaller first",
        SUBJECTS,
        &["x"],
    )
    .hinted("act")
    .acting(),
    command(
        CommandId::OpenBurn,
        "service burn",
        "open the error budget of its service",
        &[Triage, Alert],
        &["b"],
    )
    .hinted("burn"),
    command(
        CommandId::Explain,
        "explain",
        "show the query, the inputs and the formula of every number, or hide them",
        &[Burns, Burn],
        &["e"],
    )
    .hinted("explain"),
    command(
        CommandId::Span,
        "span",
        "the past over 6 hours, or over 3 days",
        &[Burns, Burn],
        &["t"],
    )
    .hinted("6h/3d"),
    command(
        CommandId::Sort,
        "sort",
        "order the rows again, with what is new: what runs out first, what is newest, what drifted",
        &[Burns, Changes, Drifts, Journal],
        &["o"],
    )
    .hinted("sort"),
    command(
        CommandId::Filter,
        "filter",
        "show only what matches: env=prod severity=~\"crit.*\" word",
        &[Triage, Burns, Changes, Drifts, Journal],
        &["/"],
    )
    .hinted("filter")
    .taking("FILTER"),
    command(
        CommandId::Group,
        "group",
        "group by service, alertname, nothing, or a label you name",
        &[Triage],
        &["g"],
    )
    .hinted("group")
    .taking("LABEL"),
    command(
        CommandId::NextLane,
        "next lane",
        "the next tab: page, ticket, info, quiet, pending",
        &[Triage],
        &["tab", "l", "right"],
    )
    .hinted("lane"),
    command(
        CommandId::PreviousLane,
        "previous lane",
        "the tab before",
        &[Triage],
        &["shift-tab", "h", "left"],
    ),
    command(
        CommandId::NextNew,
        "next new",
        "go to the next alert that you have not seen",
        &[Triage],
        &["n"],
    ),
    command(
        CommandId::Search,
        "search",
        "find words in the text",
        &[Reader],
        &["/"],
    )
    .hinted("search")
    .taking("WORDS"),
    command(
        CommandId::NextMatch,
        "next match",
        "the next place found",
        &[Reader],
        &["n"],
    ),
    command(
        CommandId::PreviousMatch,
        "previous match",
        "the place found before",
        &[Reader],
        &["N"],
    ),
    command(
        CommandId::NextLink,
        "next link",
        "select the next link",
        &[Reader],
        &["tab"],
    )
    .hinted("link"),
    command(
        CommandId::PreviousLink,
        "previous link",
        "select the link before",
        &[Reader],
        &["shift-tab"],
    ),
    command(
        CommandId::Accept,
        "choose",
        "do what is selected",
        &[Menu, Plan],
        &["enter"],
    )
    .hinted("choose"),
    command(
        CommandId::NextChoice,
        "next button",
        "select the next button",
        &[Plan],
        &["tab", "l", "right"],
    )
    .hinted("next"),
    command(
        CommandId::PreviousChoice,
        "previous button",
        "select the button before",
        &[Plan],
        &["shift-tab", "h", "left"],
    ),
    command(
        CommandId::Cancel,
        "leave",
        "close it; what was not confirmed yet is given up, a countdown stops",
        &[Menu, Plan],
        &["esc", "q", "ctrl-c"],
    )
    .hinted("leave"),
    command(
        CommandId::Accept,
        "follow",
        "follow the selected link, if it leads to a runbook",
        &[Reader],
        &["enter"],
    ),
    command(
        CommandId::NextHeading,
        "next heading",
        "go to the next heading",
        &[Reader],
        &["]", "}"],
    )
    .hinted("heading"),
    command(
        CommandId::PreviousHeading,
        "previous heading",
        "go to the heading before",
        &[Reader],
        &["[", "{"],
    ),
    command(
        CommandId::Down,
        "down",
        "one down",
        SCROLLED,
        &["j", "down"],
    ),
    command(CommandId::Up, "up", "one up", SCROLLED, &["k", "up"]),
    command(
        CommandId::HalfPageDown,
        "half page down",
        "half a page down",
        SCROLLED,
        &["ctrl-d"],
    ),
    command(
        CommandId::HalfPageUp,
        "half page up",
        "half a page up",
        SCROLLED,
        &["ctrl-u"],
    ),
    command(
        CommandId::PageDown,
        "page down",
        "a page down",
        SCROLLED,
        &["pgdn", "space", "ctrl-f"],
    ),
    command(
        CommandId::PageUp,
        "page up",
        "a page up",
        SCROLLED,
        &["pgup", "ctrl-b"],
    ),
    command(
        CommandId::Top,
        "top",
        "to the top",
        SCROLLED,
        &["home", "<"],
    ),
    command(
        CommandId::Bottom,
        "bottom",
        "to the bottom",
        SCROLLED,
        &["G", "end", ">"],
    ),
    command(
        CommandId::ShowTriage,
        "triage",
        "screen 1: what needs me now",
        &[Global],
        &["1"],
    ),
    command(
        CommandId::ShowBurn,
        "burn",
        "screen 2: which error budgets are going, how fast",
        &[Global],
        &["2"],
    ),
    command(
        CommandId::ShowChanges,
        "changes",
        "screen 3: what was deployed, by whom, and how it ended",
        &[Global],
        &["3"],
    ),
    command(
        CommandId::ShowDrift,
        "drift",
        "screen 4: what differs from what was declared",
        &[Global],
        &["4"],
    ),
    command(
        CommandId::ShowRunbooks,
        "runbooks",
        "screen 5: what is written, in which version",
        &[Global],
        &["5"],
    ),
    command(
        CommandId::ShowJournal,
        "journal",
        "screen 7: what was done, by whom, and how it ended",
        &[Global],
        &["7"],
    ),
    command(
        CommandId::ShowSources,
        "sources",
        "screen 8: what am I blind to",
        &[Global],
        &["8"],
    ),
    command(
        CommandId::Actions,
        "actions",
        "what was begun here and how far it is",
        &[Global],
        &["A"],
    )
    .acting(),
    command(
        CommandId::Panic,
        "panic",
        "stop every dispatch on this machine, at once; `panic off` allows them again",
        ALWAYS,
        &["!"],
    )
    .taking("off")
    .acting(),
    command(
        CommandId::BreakGlass,
        "break-glass",
        "skip approvals for half an hour: needs the role and a reason, and pages somebody",
        ALWAYS,
        &[],
    )
    .acting(),
    command(
        CommandId::Refresh,
        "refresh",
        "ask all sources now",
        &[Global],
        &["R"],
    ),
    command(
        CommandId::Theme,
        "theme",
        "another theme: the next one, or the one you name",
        &[Global],
        &["T"],
    )
    .taking("NAME"),
    command(
        CommandId::Help,
        "help",
        "what the keys do here",
        ALWAYS,
        &["?"],
    )
    .hinted("help"),
    command(
        CommandId::Palette,
        "command",
        "type a command",
        ALWAYS,
        &[":"],
    )
    .hinted("command"),
    command(
        CommandId::Back,
        "back",
        "back, or drop the filter",
        &[Global],
        &["esc", "backspace"],
    )
    .hinted("back"),
    command(
        CommandId::Redraw,
        "redraw",
        "draw the whole screen again",
        ALWAYS,
        &["ctrl-l"],
    ),
    command(
        CommandId::Suspend,
        "suspend",
        "stop quell; `fg` brings it back",
        ALWAYS,
        &["ctrl-z"],
    ),
    command(
        CommandId::Quit,
        "quit",
        "leave quell; claims and the last picture are kept",
        &[Global],
        &["q", "ctrl-c"],
    )
    .hinted("quit"),
    command(
        CommandId::Cancel,
        "close",
        "close the help",
        &[Help],
        &["esc", "?", "q", "enter", "backspace"],
    ),
    command(
        CommandId::Accept,
        "accept",
        "take what is typed",
        &[Text],
        &["enter"],
    ),
    command(
        CommandId::Cancel,
        "cancel",
        "drop what is typed",
        &[Text],
        &["esc", "ctrl-c", "ctrl-g"],
    ),
    command(
        CommandId::NextChoice,
        "next choice",
        "the next choice",
        &[Text],
        &["down", "tab", "ctrl-n"],
    ),
    command(
        CommandId::PreviousChoice,
        "previous choice",
        "the choice before",
        &[Text],
        &["up", "shift-tab", "ctrl-p"],
    ),
    command(
        CommandId::Crash,
        "crash",
        "panic on purpose, to see that the terminal comes back",
        &[Global],
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::resolve;
    use std::collections::HashSet;

    #[test]
    fn every_key_parses_and_prints_the_same() {
        for command in ALL {
            for key in command.keys {
                let press = KeyPress::parse(key);
                assert_eq!(press.map(|p| p.to_string()).as_deref(), Some(*key));
            }
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let mut taken = HashSet::new();
        for command in ALL {
            for context in command.contexts {
                for key in command.keys {
                    assert!(taken.insert((*context, *key)), "{key} twice in {context:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_global_fires_while_typing() {
        for key in ["q", "?", ":", "1", "c", "j"] {
            let press = KeyPress::parse(key);
            assert_eq!(press.and_then(|p| resolve(p, Text)), None, "{key}");
        }
        let quit = KeyPress::parse("q");
        assert_eq!(quit.and_then(|p| resolve(p, Triage)), Some(CommandId::Quit));
        assert_eq!(quit.and_then(|p| resolve(p, Help)), Some(CommandId::Cancel));
    }

    /// The rows of the README's table, without the keys that only edit a line.
    fn readme_rows() -> Vec<String> {
        let shown = ALL
            .iter()
            .filter(|c| !c.keys.is_empty() && !matches!(c.contexts, [Text | Help]));
        let row = |c: &Command| {
            let keys: Vec<String> = c.keys.iter().map(|k| format!("`{k}`")).collect();
            format!("| {} | {} | {} |", keys.join(" "), c.name, c.help)
        };
        shown.map(row).collect()
    }

    #[test]
    fn the_readme_lists_every_key() {
        let readme = include_str!("../../README.md");
        let rows = readme_rows();
        assert!(
            readme.contains(&rows.join("\n")),
            "the table should be:\n{}",
            rows.join("\n")
        );
    }
}
