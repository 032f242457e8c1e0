//! How many colours can this terminal show, and how does a style look with so few?
//!
//! `runtime` calls it at start with the environment's values. It reads no environment itself and
//! asks the terminal nothing: an answer that never comes would cost a start its first second.

use ratatui::style::{Color, Modifier, Style};

use super::colour;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColourDepth {
    /// Attributes only.
    None,
    /// The ANSI colours.
    Sixteen,
    /// xterm's fixed palette.
    TwoHundredFiftySix,
    /// Any RGB colour.
    TrueColour,
}

/// Terminals that show every colour and say so only in `TERM`. SSH passes `TERM` on, but drops
/// `COLORTERM`.
const TRUE_COLOUR_TERMS: [&str; 6] = [
    "xterm-kitty",
    "xterm-ghostty",
    "alacritty",
    "wezterm",
    "foot",
    "contour",
];

/// Terminals of paper and phosphor.
const COLOURLESS_TERMS: [&str; 8] = [
    "", "dumb", "unknown", "vt52", "vt100", "vt102", "vt220", "vt320",
];

/// The depth that the values of `NO_COLOR`, `COLORTERM` and `TERM` promise; `None` where unset.
///
/// `NO_COLOR` counts where it is not empty (<https://no-color.org>).
#[must_use]
pub fn detect_depth(
    no_color: Option<&str>,
    colorterm: Option<&str>,
    term: Option<&str>,
) -> ColourDepth {
    let term = term.unwrap_or("").to_ascii_lowercase();
    if no_color.is_some_and(|value| !value.is_empty())
        || COLOURLESS_TERMS.contains(&term.as_str())
        || term.ends_with("-mono")
        || term.ends_with("-m")
    {
        return ColourDepth::None;
    }
    // Inside screen, and inside a tmux that calls itself so, COLORTERM describes the terminal
    // outside.
    let inside_screen = term.starts_with("screen");
    let colorterm = colorterm.unwrap_or("");
    let says_all = colorterm.eq_ignore_ascii_case("truecolor")
        || colorterm.eq_ignore_ascii_case("24bit")
        || term.ends_with("-direct")
        || TRUE_COLOUR_TERMS
            .iter()
            .any(|known| term == *known || term.starts_with(&format!("{known}-")));
    if says_all && !inside_screen {
        ColourDepth::TrueColour
    } else if says_all || term.contains("256") {
        ColourDepth::TwoHundredFiftySix
    } else {
        ColourDepth::Sixteen
    }
}

/// `style` with colours that `depth` has. `ground` is the theme's own background, which carries no
/// meaning.
pub(super) fn reduce(style: Style, ground: Option<Color>, depth: ColourDepth) -> Style {
    let nearest = match depth {
        ColourDepth::TrueColour => return style,
        ColourDepth::TwoHundredFiftySix => colour::to_256,
        ColourDepth::Sixteen => colour::to_16,
        ColourDepth::None => {
            let marked = style.bg.is_some_and(|bg| bg != Color::Reset) && style.bg != ground;
            return without_colours(style, marked);
        }
    };
    let reduced = Style {
        fg: style.fg.map(nearest),
        bg: style.bg.map(nearest),
        ..style
    };
    let unreadable = style.fg != style.bg
        && reduced.fg == reduced.bg
        && reduced.fg.is_some_and(|fg| fg != Color::Reset);
    if unreadable {
        return without_colours(style, true);
    }
    reduced
}

fn without_colours(style: Style, marked: bool) -> Style {
    let plain = Style {
        fg: None,
        bg: None,
        underline_color: None,
        ..style
    };
    if marked {
        plain.add_modifier(Modifier::REVERSED)
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_promises_a_depth() {
        use ColourDepth::{None as Colourless, Sixteen, TrueColour, TwoHundredFiftySix};
        let table = [
            (None, None, Some("xterm"), Sixteen),
            (None, None, Some("xterm-256color"), TwoHundredFiftySix),
            (None, Some("truecolor"), Some("xterm-256color"), TrueColour),
            (None, Some("24bit"), Some("xterm"), TrueColour),
            (None, Some("1"), Some("xterm"), Sixteen),
            (None, None, Some("xterm-kitty"), TrueColour),
            (None, None, Some("foot-extra"), TrueColour),
            (None, None, Some("xterm-direct"), TrueColour),
            (
                None,
                Some("truecolor"),
                Some("screen-256color"),
                TwoHundredFiftySix,
            ),
            (None, None, Some("screen"), Sixteen),
            (None, Some("truecolor"), Some("dumb"), Colourless),
            (None, None, Some("vt100"), Colourless),
            (None, None, Some("xterm-mono"), Colourless),
            (None, None, None, Colourless),
            (Some("1"), Some("truecolor"), Some("xterm"), Colourless),
            (Some(""), None, Some("xterm"), Sixteen),
        ];
        for (no_color, colorterm, term, depth) in table {
            assert_eq!(
                detect_depth(no_color, colorterm, term),
                depth,
                "{no_color:?} {colorterm:?} {term:?}"
            );
        }
    }

    #[test]
    fn what_would_fall_together_is_reversed() {
        let style = Style::new()
            .fg(Color::Rgb(250, 250, 250))
            .bg(Color::Rgb(255, 255, 255));
        let reduced = reduce(style, None, ColourDepth::Sixteen);
        assert_eq!(reduced, Style::new().add_modifier(Modifier::REVERSED));
    }

    #[test]
    fn a_background_survives_as_reverse_unless_it_is_the_ground() {
        let badge = Style::new().fg(Color::Black).bg(Color::Cyan);
        assert_eq!(
            reduce(badge, None, ColourDepth::None),
            Style::new().add_modifier(Modifier::REVERSED)
        );
        assert_eq!(
            reduce(badge, Some(Color::Cyan), ColourDepth::None),
            Style::new()
        );
    }
}
