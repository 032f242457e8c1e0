//! Which kinds of thing on the screen can have a look of their own?
//!
//! The closed list that theme files and views share. It says nothing about how a role looks.

/// A kind of thing on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Text that matters less.
    Dim,
    /// The title of a screen or pane.
    Title,
    /// Lines around and between panes.
    Border,
    /// The row under the cursor.
    Selected,
    /// The severity letter `P`, and what belongs to a page.
    SeverityPage,
    /// The severity letter `T`.
    SeverityTicket,
    /// The severity letter `I`.
    SeverityInfo,
    /// An alert whose severity nobody stated.
    SeverityUnknown,
    /// Silenced, inhibited or muted.
    StateQuiet,
    /// The last known, not the present.
    Stale,
    /// A source or a check that failed.
    Failed,
    /// A source that answered just now.
    Fresh,
    /// A check that passed.
    Ok,
    /// Something to look at.
    Warn,
    /// Something that hurts.
    Danger,
    /// A link.
    Link,
    /// Code, in a block or in running text.
    Code,
    /// A heading of a runbook.
    Heading,
    /// Strong words of a runbook.
    Strong,
    /// Stressed words of a runbook.
    Emphasis,
    /// The key of a hint.
    Key,
    /// What the key of a hint does.
    Hint,
    /// A short notice, such as `12 new`.
    Badge,
    /// Who owns an alert.
    Owner,
    /// What a search found.
    Search,
    /// The name of an environment set to red, as production is.
    AccentRed,
    /// The name of an environment set to yellow.
    AccentYellow,
    /// The name of an environment set to green.
    AccentGreen,
    /// The name of an environment set to blue.
    AccentBlue,
    /// The name of an environment set to magenta.
    AccentMagenta,
    /// The name of an environment set to cyan.
    AccentCyan,
}

impl Role {
    /// How many roles there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every role with the name that theme files give it, in the order of the enum.
    pub const ALL: [(Self, &'static str); 32] = [
        (Self::Text, "text"),
        (Self::Dim, "dim"),
        (Self::Title, "title"),
        (Self::Border, "border"),
        (Self::Selected, "selected"),
        (Self::SeverityPage, "severity.page"),
        (Self::SeverityTicket, "severity.ticket"),
        (Self::SeverityInfo, "severity.info"),
        (Self::SeverityUnknown, "severity.unknown"),
        (Self::StateQuiet, "state.quiet"),
        (Self::Stale, "stale"),
        (Self::Failed, "failed"),
        (Self::Fresh, "fresh"),
        (Self::Ok, "ok"),
        (Self::Warn, "warn"),
        (Self::Danger, "danger"),
        (Self::Link, "link"),
        (Self::Code, "code"),
        (Self::Heading, "heading"),
        (Self::Strong, "strong"),
        (Self::Emphasis, "emphasis"),
        (Self::Key, "key"),
        (Self::Hint, "hint"),
        (Self::Badge, "badge"),
        (Self::Owner, "owner"),
        (Self::Search, "search"),
        (Self::AccentRed, "accent.red"),
        (Self::AccentYellow, "accent.yellow"),
        (Self::AccentGreen, "accent.green"),
        (Self::AccentBlue, "accent.blue"),
        (Self::AccentMagenta, "accent.magenta"),
        (Self::AccentCyan, "accent.cyan"),
    ];

    /// The role that theme files call so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find_map(|(role, known)| (known == name).then_some(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_follows_the_enum() {
        for (index, (role, name)) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, index, "{name}");
            assert_eq!(Role::named(name), Some(role));
        }
    }
}
