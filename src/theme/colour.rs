//! Which colour does a word of a theme file mean, and which one is nearest to it?
//!
//! Used by the theme reader and by the reduction to a terminal's depth. It knows no roles.

use ratatui::style::Color;

/// The sixteen ANSI colours by SGR order: name, ratatui's value, and xterm's default RGB, which
/// stands for all the palettes we cannot ask for.
const ANSI: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("white", Color::Gray, [229, 229, 229]),
    ("bright-black", Color::DarkGray, [127, 127, 127]),
    ("bright-red", Color::LightRed, [255, 0, 0]),
    ("bright-green", Color::LightGreen, [0, 255, 0]),
    ("bright-yellow", Color::LightYellow, [255, 255, 0]),
    ("bright-blue", Color::LightBlue, [92, 92, 255]),
    ("bright-magenta", Color::LightMagenta, [255, 0, 255]),
    ("bright-cyan", Color::LightCyan, [0, 255, 255]),
    ("bright-white", Color::White, [255, 255, 255]),
];

/// The levels of the 6x6x6 colour cube at 16..=231 of xterm's 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The words that name a colour, beside palette names, numbers and `#rrggbb`.
pub(super) fn known_words<'a>() -> impl Iterator<Item = &'a str> {
    ANSI.iter()
        .map(|(name, ..)| *name)
        .chain(["default", "gray"])
}

/// `red`, `bright-red`, `default` (the terminal's own), `0` to `255`, or `#rrggbb`.
pub(super) fn parse(word: &str) -> Option<Color> {
    if let Some(hex) = word.strip_prefix('#') {
        if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let rgb = u32::from_str_radix(hex, 16).ok()?;
        let [_, red, green, blue] = rgb.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return word.parse().ok().map(indexed);
    }
    match word {
        "default" => Some(Color::Reset),
        "gray" => Some(Color::DarkGray),
        _ => ANSI
            .iter()
            .find_map(|(name, colour, _)| (*name == word).then_some(*colour)),
    }
}

/// The first sixteen keep their names, so that they follow the terminal's palette everywhere.
fn indexed(index: u8) -> Color {
    ANSI.get(usize::from(index))
        .map_or(Color::Indexed(index), |(_, colour, _)| *colour)
}

/// The nearest of xterm's 240 fixed colours.
pub(super) fn to_256(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let wanted = [red, green, blue];
    (16..=255)
        .min_by_key(|index| distance(wanted, rgb_of_index(*index)))
        .map_or(colour, Color::Indexed)
}

/// The nearest of the sixteen.
pub(super) fn to_16(colour: Color) -> Color {
    let wanted = match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Indexed(index) => rgb_of_index(index),
        named => return named,
    };
    ANSI.iter()
        .min_by_key(|(_, _, rgb)| distance(wanted, *rgb))
        .map_or(colour, |(_, named, _)| *named)
}

fn rgb_of_index(index: u8) -> [u8; 3] {
    match index {
        0..=15 => ANSI[usize::from(index)].2,
        16..=231 => {
            let at = usize::from(index - 16);
            [CUBE[at / 36], CUBE[at / 6 % 6], CUBE[at % 6]]
        }
        // A ramp of 24 greys, 8 to 238.
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

/// Squared distance, weighted by how strongly the eye answers to each channel at this redness
/// (the "redmean" approximation, <https://www.compuphase.com/cmetric.htm>).
fn distance(a: [u8; 3], b: [u8; 3]) -> i32 {
    let redness = i32::midpoint(i32::from(a[0]), i32::from(b[0]));
    let square = |channel: usize| (i32::from(a[channel]) - i32::from(b[channel])).pow(2);
    (((512 + redness) * square(0)) >> 8) + 4 * square(1) + (((767 - redness) * square(2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_colours() {
        for (word, colour) in [
            ("red", Some(Color::Red)),
            ("white", Some(Color::Gray)),
            ("bright-white", Some(Color::White)),
            ("default", Some(Color::Reset)),
            ("9", Some(Color::LightRed)),
            ("208", Some(Color::Indexed(208))),
            ("#ff8700", Some(Color::Rgb(255, 135, 0))),
            ("256", None),
            ("#ff87", None),
            ("#ff87+0", None),
            ("rot", None),
        ] {
            assert_eq!(parse(word), colour, "{word}");
        }
    }

    #[test]
    fn colours_become_the_nearest() {
        for (colour, of_256, of_16) in [
            (Color::Rgb(255, 0, 0), Color::Indexed(196), Color::LightRed),
            (Color::Rgb(1, 1, 1), Color::Indexed(16), Color::Black),
            (
                Color::Rgb(120, 120, 120),
                Color::Indexed(243),
                Color::DarkGray,
            ),
            (Color::Indexed(231), Color::Indexed(231), Color::White),
            (Color::Indexed(226), Color::Indexed(226), Color::LightYellow),
            (Color::Green, Color::Green, Color::Green),
            (Color::Reset, Color::Reset, Color::Reset),
        ] {
            assert_eq!(to_256(colour), of_256, "{colour:?}");
            assert_eq!(to_16(colour), of_16, "{colour:?}");
        }
    }
}
