//! What do the strings and placeholders of a query say, before a parser sees it?
//!
//! The parser at hand reads some strings otherwise than Prometheus does: backquotes with a backslash,
//! bytes written as `\xc3`. So every string is read here by Go's rules and written again in one form
//! that both understand. Called by [`super::promql`] alone.

/// Of a longer query nothing is understood here; a server may.
const MAX_BYTES: usize = 64 * 1024;
/// Outside of strings. Trees are walked by recursion, so their depth is bounded.
const MAX_BARE_BYTES: usize = 4 * 1024;

/// The query with its comments gone, its strings in one form, and `marker` for each placeholder.
pub(super) fn canonical(text: &str, marker: &str) -> Result<String, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("a query of over {} KiB", MAX_BYTES / 1024));
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut bare_bytes = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = placeholder(rest) {
            out.push_str(marker);
            rest = &rest[length..];
            bare_bytes += marker.len();
        } else if matches!(c, '"' | '\'' | '`') {
            let (value, length) = string(rest)?;
            out.push('"');
            out.push_str(&promql_parser::util::escape_string(&value));
            out.push('"');
            rest = &rest[length..];
            bare_bytes += 2;
        } else if c == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            bare_bytes += 1;
        }
        if bare_bytes > MAX_BARE_BYTES {
            return Err(format!(
                "a query of over {} KiB outside of its strings",
                MAX_BARE_BYTES / 1024
            ));
        }
    }
    Ok(out)
}

/// The query as it is, with `window` for each placeholder.
pub(super) fn fill(text: &str, window: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = placeholder(rest) {
            out.push_str(window);
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How many bytes of a window placeholder a text begins with.
fn placeholder(text: &str) -> Option<usize> {
    if let Some(inside) = text.strip_prefix("{{") {
        let end = inside.find("}}")?;
        let name = inside[..end].trim_start_matches('-').trim_end_matches('-');
        return (name.trim() == ".window").then_some(end + 4);
    }
    let name = text.strip_prefix('$')?;
    if name.starts_with("{window}") {
        return Some("${window}".len());
    }
    ["window", "__rate_interval", "__range"]
        .into_iter()
        .find(|known| {
            let after = name.strip_prefix(known);
            after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
        .map(|known| known.len() + 1)
}

/// What a string literal at the beginning of a text says, and how many bytes it takes.
fn string(text: &str) -> Result<(String, usize), String> {
    let unfinished = || "a string without its end".to_owned();
    let quote = text.chars().next().ok_or_else(unfinished)?;
    let inside = &text[1..];
    if quote == '`' {
        let end = inside.find('`').ok_or_else(unfinished)?;
        return Ok((inside[..end].to_owned(), end + 2));
    }
    // Bytes, since an escape may be a part of a character.
    let mut value: Vec<u8> = Vec::new();
    let mut rest = inside;
    loop {
        let c = rest.chars().next().ok_or_else(unfinished)?;
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => return Err(unfinished()),
            '\\' => rest = escape(rest, quote, &mut value)?,
            _ if c == quote => break,
            _ => value.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    let length = text.len() - rest.len();
    let value = String::from_utf8(value).map_err(|_| "a string that is not UTF-8".to_owned())?;
    Ok((value, length))
}

/// Reads what follows a backslash, by the rules of Go's `strconv.UnquoteChar`.
fn escape<'a>(text: &'a str, quote: char, value: &mut Vec<u8>) -> Result<&'a str, String> {
    let unknown = || "an unknown escape in a string".to_owned();
    let c = text.chars().next().ok_or_else(unknown)?;
    let simple = match c {
        'a' => Some(0x07),
        'b' => Some(0x08),
        'f' => Some(0x0c),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(0x0b),
        '\\' => Some(b'\\'),
        _ if c == quote => u8::try_from(c).ok(),
        _ => None,
    };
    if let Some(byte) = simple {
        value.push(byte);
        return Ok(&text[1..]);
    }
    let (start, digits, radix) = match c {
        'x' => (1, 2, 16),
        'u' => (1, 4, 16),
        'U' => (1, 8, 16),
        '0'..='7' => (0, 3, 8),
        _ => return Err(unknown()),
    };
    let code = text.get(start..start + digits).ok_or_else(unknown)?;
    if !code.chars().all(|c| c.is_digit(radix)) {
        return Err(unknown());
    }
    let number = u32::from_str_radix(code, radix).map_err(|_| unknown())?;
    if digits < 4 {
        value.push(u8::try_from(number).map_err(|_| unknown())?);
    } else {
        let c = char::from_u32(number).ok_or_else(unknown)?;
        value.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }
    Ok(&text[start + digits..])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn canonical_of(text: &str) -> String {
        canonical(text, "8191h13m17s").unwrap()
    }

    #[test]
    fn every_placeholder_becomes_the_marker() {
        for text in [
            "rate(x[{{.window}}])",
            "rate(x[{{ .window }}])",
            "rate(x[{{-   .window -}}])",
            "rate(x[$window])",
            "rate(x[${window}])",
            "rate(x[$__rate_interval])",
            "rate(x[$__range])",
        ] {
            assert_eq!(canonical_of(text), "rate(x[8191h13m17s])", "{text}");
            assert_eq!(fill(text, "5m"), "rate(x[5m])", "{text}");
        }
        for text in ["x[$__range_s]", "x[$windows]", "x[{{.other}}]", "x[$w]"] {
            assert_eq!(canonical_of(text), text);
        }
    }

    #[test]
    fn strings_are_read_as_go_reads_them() {
        for (text, value) in [
            (r#""\xc3\xa9""#, "é"),
            (r#""\303\251""#, "é"),
            (r#""\u00e9\U0001f600""#, "é😀"),
            (r"'it\'s'", "it's"),
            (r#"'"'"#, "\""),
            (r"`a\b`", r"a\b"),
            ("`two\nlines`", "two\nlines"),
            (r#""\a\b\f\n\r\t\v\\""#, "\x07\x08\x0c\n\r\t\x0b\\"),
        ] {
            assert_eq!(string(text).unwrap(), (value.to_owned(), text.len()));
        }
        for text in [
            r#""open"#,
            "\"a\nb\"",
            r#""\q""#,
            r#""\'""#,
            r#""\xff""#,
            r#""\x+1""#,
            r#""\ud800""#,
            r#""\400""#,
            r#""\u12""#,
            "`open",
        ] {
            assert!(string(text).is_err(), "{text}");
        }
    }

    #[test]
    fn comments_go_and_strings_stay() {
        assert_eq!(
            canonical_of("sum(x{a=\"# $window\"}) # of {{.window}}\n/ y"),
            "sum(x{a=\"# $window\"}) \n/ y"
        );
    }

    #[test]
    fn what_is_too_long_is_not_understood() {
        assert!(canonical(&"(".repeat(MAX_BARE_BYTES + 1), "").is_err());
        assert!(canonical(&"a".repeat(MAX_BYTES + 1), "").is_err());
        let long_value = format!("x{{a=\"{}\"}}", "v".repeat(3 * MAX_BARE_BYTES));
        assert_eq!(canonical_of(&long_value), long_value);
    }
}
