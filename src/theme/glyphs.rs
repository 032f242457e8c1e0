//! Which signs does the screen draw with, where the locale has Unicode and where it has not?
//!
//! `runtime` picks a set once; `view` draws from it and never writes such a sign itself. The table
//! is closed: a screen that needs a new sign adds a field, and so has to say it in both sets.

/// Which set of signs a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlyphSet {
    /// UTF-8 locales.
    Unicode,
    /// All others.
    Ascii,
}

impl GlyphSet {
    /// The signs of the set.
    #[must_use]
    pub fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Unicode => &UNICODE,
            Self::Ascii => &ASCII,
        }
    }
}

/// One column each, in both sets, but for the boxes of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Left of the selected row.
    pub gutter: &'static str,
    /// Passed, present, reachable.
    pub check: &'static str,
    /// Failed, absent, unreachable.
    pub cross: &'static str,
    /// To be looked at.
    pub warn: &'static str,
    /// More above; rising.
    pub up: &'static str,
    /// More below; falling.
    pub down: &'static str,
    /// Points at a thing; opens.
    pub right: &'static str,
    /// Between an old value and a new one.
    pub becomes: &'static str,
    /// Stands for what was cut off.
    pub ellipsis: &'static str,
    /// Between facts on one line.
    pub dot: &'static str,
    /// Between the fields of the top bar.
    pub separator: &'static str,
    /// Items of a list, by depth.
    pub bullets: [&'static str; 3],
    /// Left of a quote.
    pub quote: &'static str,
    /// Left of the rest of a code line that did not fit.
    pub continued: &'static str,
    /// A task to be done. One column, or three in ASCII.
    pub task_open: &'static str,
    /// A task that is done. As wide as `task_open`.
    pub task_done: &'static str,
    /// A level from nothing to full, eighth by eighth; the first is empty.
    pub levels: [&'static str; 9],
    /// The filled part of a bar.
    pub bar_full: &'static str,
    /// The empty part of a bar.
    pub bar_empty: &'static str,
    /// What charts are drawn with.
    pub dots: Dots,
    /// Lines and corners.
    pub lines: LineGlyphs,
}

/// What charts are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// Eight dots in each cell.
    Braille,
    /// One star in each cell.
    Stars,
}

/// What boxes and rules are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineGlyphs {
    /// `─`
    pub horizontal: &'static str,
    /// `═`
    pub double: &'static str,
    /// `│`
    pub vertical: &'static str,
    /// `┌`
    pub top_left: &'static str,
    /// `┐`
    pub top_right: &'static str,
    /// `└`
    pub bottom_left: &'static str,
    /// `┘`
    pub bottom_right: &'static str,
    /// `├`
    pub tee_right: &'static str,
    /// `┤`
    pub tee_left: &'static str,
    /// `┬`
    pub tee_down: &'static str,
    /// `┴`
    pub tee_up: &'static str,
    /// `┼`
    pub crossing: &'static str,
}

/// No sign here has an emoji form or an own variation selector: terminals disagree on their width.
static UNICODE: Glyphs = Glyphs {
    gutter: "▌",
    check: "✓",
    cross: "✗",
    warn: "!",
    up: "↑",
    down: "↓",
    right: "▸",
    becomes: "→",
    ellipsis: "…",
    dot: "·",
    separator: "▏",
    bullets: ["•", "◦", "▪"],
    quote: "▎",
    continued: "↳",
    task_open: "☐",
    task_done: "☑",
    levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    bar_full: "█",
    bar_empty: "░",
    dots: Dots::Braille,
    lines: LineGlyphs {
        horizontal: "─",
        double: "═",
        vertical: "│",
        top_left: "┌",
        top_right: "┐",
        bottom_left: "└",
        bottom_right: "┘",
        tee_right: "├",
        tee_left: "┤",
        tee_down: "┬",
        tee_up: "┴",
        crossing: "┼",
    },
};

static ASCII: Glyphs = Glyphs {
    gutter: ">",
    check: "+",
    cross: "x",
    warn: "!",
    up: "^",
    down: "v",
    right: ">",
    becomes: ">",
    ellipsis: "~",
    dot: "-",
    separator: "|",
    bullets: ["*", "-", "+"],
    quote: ">",
    continued: "\\",
    task_open: "[ ]",
    task_done: "[x]",
    levels: [" ", ".", ":", "-", "=", "+", "*", "%", "#"],
    bar_full: "#",
    bar_empty: ".",
    dots: Dots::Stars,
    lines: LineGlyphs {
        horizontal: "-",
        double: "=",
        vertical: "|",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        tee_right: "+",
        tee_left: "+",
        tee_down: "+",
        tee_up: "+",
        crossing: "+",
    },
};

/// The set that the values of `LC_ALL`, `LC_CTYPE` and `LANG` promise; `None` where unset.
///
/// The first that is not empty decides, as in POSIX; with none, the locale is `C`.
#[must_use]
pub fn detect_glyphs(lc_all: Option<&str>, lc_ctype: Option<&str>, lang: Option<&str>) -> GlyphSet {
    let locale = [lc_all, lc_ctype, lang]
        .into_iter()
        .flatten()
        .find(|value| !value.is_empty())
        .unwrap_or("C")
        .to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") {
        GlyphSet::Unicode
    } else {
        GlyphSet::Ascii
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    /// Taken apart without `..`, so that no new sign escapes the test.
    fn all(glyphs: &Glyphs) -> Vec<(&'static str, usize)> {
        let Glyphs {
            gutter,
            check,
            cross,
            warn,
            up,
            down,
            right,
            becomes,
            ellipsis,
            dot,
            separator,
            bullets,
            quote,
            continued,
            task_open,
            task_done,
            levels,
            bar_full,
            bar_empty,
            dots: Dots::Braille | Dots::Stars,
            lines,
        } = *glyphs;
        let LineGlyphs {
            horizontal,
            double,
            vertical,
            top_left,
            top_right,
            bottom_left,
            bottom_right,
            tee_right,
            tee_left,
            tee_down,
            tee_up,
            crossing,
        } = lines;
        let task_width = if task_open.is_ascii() { 3 } else { 1 };
        let one = [
            gutter,
            check,
            cross,
            warn,
            up,
            down,
            right,
            becomes,
            ellipsis,
            dot,
            separator,
            quote,
            continued,
            bar_full,
            bar_empty,
            horizontal,
            double,
            vertical,
            top_left,
            top_right,
            bottom_left,
            bottom_right,
            tee_right,
            tee_left,
            tee_down,
            tee_up,
            crossing,
        ];
        one.into_iter()
            .chain(bullets)
            .chain(levels)
            .map(|glyph| (glyph, 1))
            .chain([(task_open, task_width), (task_done, task_width)])
            .collect()
    }

    #[test]
    fn every_sign_has_its_width() {
        for set in [GlyphSet::Unicode, GlyphSet::Ascii] {
            for (glyph, width) in all(set.glyphs()) {
                assert_eq!(glyph.width(), width, "{glyph}");
            }
        }
    }

    #[test]
    fn ascii_is_ascii() {
        for (glyph, _) in all(GlyphSet::Ascii.glyphs()) {
            assert!(glyph.is_ascii(), "{glyph}");
        }
    }

    #[test]
    fn signs_that_must_differ_do() {
        for set in [GlyphSet::Unicode, GlyphSet::Ascii] {
            let g = set.glyphs();
            let states = [g.check, g.cross, g.warn];
            let levels = g.levels;
            let bars = [g.bar_full, g.bar_empty];
            let tasks = [g.task_open, g.task_done];
            let code = [g.lines.vertical, g.continued, g.quote];
            for group in [&states[..], &levels, &bars, &tasks, &code] {
                for (i, glyph) in group.iter().enumerate() {
                    assert!(!group[i + 1..].contains(glyph), "{set:?} {glyph}");
                }
            }
        }
    }

    #[test]
    fn the_locale_promises_a_set() {
        use GlyphSet::{Ascii, Unicode};
        for (lc_all, lc_ctype, lang, set) in [
            (None, None, Some("en_GB.UTF-8"), Unicode),
            (None, None, Some("C.utf8"), Unicode),
            (None, None, Some("de_DE@euro"), Ascii),
            (None, None, None, Ascii),
            (Some("C"), None, Some("en_GB.UTF-8"), Ascii),
            (Some(""), Some("en_GB.UTF-8"), Some("C"), Unicode),
            (None, Some("POSIX"), Some("en_GB.UTF-8"), Ascii),
        ] {
            assert_eq!(detect_glyphs(lc_all, lc_ctype, lang), set);
        }
    }
}
