//! Does this label set match that Alertmanager matcher?
//!
//! One matcher, as in a route, an inhibition rule, a silence or the `filter` parameter. Braces and
//! lists are refused, as Alertmanager refuses them in `filter`.

use regex::Regex;

use super::labels::{Labels, value_of};

/// One matcher.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    pub name: String,
    pub value: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Equal,
    NotEqual,
    Matches(Regex),
    NotMatches(Regex),
}

impl Matcher {
    /// Parses `name op value`, where name and value may be quoted.
    ///
    /// # Errors
    /// What is wrong with it, in Alertmanager's manner.
    pub(super) fn parse(source: &str) -> Result<Matcher, String> {
        let bad = || format!("bad matcher format: {source}");
        let (name, rest) = token(source.trim_start()).ok_or_else(bad)?;
        let rest = rest.trim_start();
        let operator = ["=~", "!~", "!=", "="]
            .into_iter()
            .find(|operator| rest.starts_with(operator))
            .ok_or_else(bad)?;
        let rest = rest[operator.len()..].trim_start();
        let (value, rest) = if rest.is_empty() {
            (String::new(), rest)
        } else {
            token(rest).ok_or_else(bad)?
        };
        if name.is_empty() || !rest.trim().is_empty() {
            return Err(bad());
        }
        let anchored = || {
            Regex::new(&format!("^(?:{value})$")).map_err(|reason| format!("{}: {reason}", bad()))
        };
        let test = match operator {
            "=" => Test::Equal,
            "!=" => Test::NotEqual,
            "=~" => Test::Matches(anchored()?),
            _ => Test::NotMatches(anchored()?),
        };
        Ok(Matcher { name, value, test })
    }

    /// A label that is not there counts as empty.
    pub(super) fn matches(&self, labels: &Labels) -> bool {
        let value = value_of(labels, &self.name);
        match &self.test {
            Test::Equal => value == self.value,
            Test::NotEqual => value != self.value,
            Test::Matches(regex) => regex.is_match(value),
            Test::NotMatches(regex) => !regex.is_match(value),
        }
    }

    /// Negative or not, as the API's `isEqual`.
    pub(super) fn is_equal(&self) -> bool {
        matches!(self.test, Test::Equal | Test::Matches(_))
    }

    /// The API's `isRegex`.
    pub(super) fn is_regex(&self) -> bool {
        matches!(self.test, Test::Matches(_) | Test::NotMatches(_))
    }
}

/// A name or value at the beginning of `text`, and what follows it. `None` if there is none.
fn token(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c));
        let (bare, rest) = text.split_at(end.unwrap_or(text.len()));
        return (!bare.is_empty()).then(|| (bare.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[place + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::super::labels::labels;
    use super::Matcher;

    #[test]
    fn matchers_hold_or_not() {
        let labels = labels([("severity", "page"), ("note", "say \"hi\"")]);
        for (matcher, holds) in [
            ("severity=\"page\"", true),
            ("severity=page", true),
            (" severity != ticket ", true),
            ("severity=~\"pa|ti\"", false),
            ("severity=~\"pa.*\"", true),
            ("severity!~\"pa.*\"", false),
            ("pod=\"\"", true),
            ("pod=", true),
            ("pod!=\"\"", false),
            ("\"note\"=\"say \\\"hi\\\"\"", true),
        ] {
            assert_eq!(
                Matcher::parse(matcher).unwrap().matches(&labels),
                holds,
                "{matcher}"
            );
        }
    }

    #[test]
    fn anything_but_one_matcher_is_refused() {
        for text in [
            "",
            "severity",
            "{severity=\"page\"}",
            "a=\"b\",c=\"d\"",
            "=\"b\"",
            "a=~\"(\"",
            "a=\"b",
        ] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }
}
