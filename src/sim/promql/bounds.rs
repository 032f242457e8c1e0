//! Is this text small enough to be parsed?
//!
//! Expressions are walked by recursion, in the parser as well, so how deep one may nest is decided
//! before it is parsed. Called by [`super::parse`]; whether the text is PromQL it does not ask.

use super::{Outcome, unsupported};

/// A union of a few hundred expressions fits.
const MOST_BYTES: usize = 128 * 1024;
/// Brackets within brackets.
const MOST_NESTED: usize = 100;
/// Operators nest in a chain as brackets do. A union of two hundred ratios has a thousand or so.
const MOST_OPERATORS: usize = 2_000;

/// # Errors
/// [`super::Error::Execution`] for a text beyond the bounds.
pub(super) fn check(query: &str) -> Outcome<()> {
    if query.len() > MOST_BYTES {
        return Err(unsupported("a query of over 128 KiB"));
    }
    let (mut nested, mut operators) = (0_usize, 0_usize);
    let mut rest = query;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' | '\'' | '`' => quoted(rest, character),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => word(rest),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match token {
            "(" | "[" | "{" => nested += 1,
            ")" | "]" | "}" => nested = nested.saturating_sub(1),
            "+" | "-" | "*" | "/" | "%" | "^" | "<" | ">" | "=" | "!" => operators += 1,
            _ if is_set_operator(token) => operators += 1,
            _ => {}
        }
        if nested > MOST_NESTED {
            return Err(unsupported("an expression of over 100 levels"));
        }
        if operators > MOST_OPERATORS {
            return Err(unsupported("an expression of over 2,000 operators"));
        }
        rest = after;
    }
    Ok(())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == ':'
}

fn word(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn is_set_operator(word: &str) -> bool {
    ["or", "and", "unless", "atan2"]
        .iter()
        .any(|operator| word.eq_ignore_ascii_case(operator))
}

/// How long a string is that starts here, quotes included. One that is never closed ends the text.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        if character == quote {
            return place + quote.len_utf8();
        }
        if character == '\\' && quote != '`' {
            characters.next();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn long_and_wide_texts_pass_and_deep_ones_do_not() {
        let wide = vec!["sum(rate(a{b=\"(((\",c!=\"-\"}[1h])) / sum(rate(a[1h]))"; 200];
        assert_eq!(check(&wide.join(" or ")), Ok(()));
        assert_eq!(
            check(&format!("a{{b=\"{}\"}}", "-(".repeat(30_000))),
            Ok(())
        );
        assert_eq!(
            check(&format!("a{{b='{}'}}", "\\'-(".repeat(9_000))),
            Ok(())
        );
        assert_eq!(check(&format!("# {}\na", "-(".repeat(9_000))), Ok(()));
        for deep in [
            "(".repeat(101),
            "-".repeat(2_001),
            vec!["a"; 2_002].join(" OR "),
            "a".repeat(200_000),
        ] {
            assert!(check(&deep).is_err(), "{}", &deep[..20]);
        }
    }
}
