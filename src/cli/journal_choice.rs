//! Which records does `quell journal show FILTER...` mean?
//!
//! Words of the shape `key=value`, and fragments of text; all must hold, and of one key any value may. A
//! key that nobody knows is a mistake, not an empty list. Pure.

use chrono::{DateTime, Utc};

use super::journal_words::{KINDS, kind, said, who};
use super::when;
use crate::domain::nearest::nearest;
use crate::domain::record::Kept;
use crate::domain::text::shown;

const KEYS: [&str; 5] = ["action", "kind", "who", "env", "since"];

/// What is let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    actions: Vec<String>,
    kinds: Vec<String>,
    who: Vec<String>,
    envs: Vec<String>,
    fragments: Vec<String>,
    since: Option<DateTime<Utc>>,
}

impl JournalFilter {
    /// Reads the words.
    ///
    /// # Errors
    /// Which word is wrong, and what could stand there.
    pub fn parse(words: &[String], now: DateTime<Utc>) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in words {
            match word.split_once('=') {
                Some((key, value)) => filter.add(key, value, now)?,
                None if word.trim().is_empty() => {}
                None => filter.fragments.push(word.to_lowercase()),
            }
        }
        Ok(filter)
    }

    fn add(&mut self, key: &str, value: &str, now: DateTime<Utc>) -> Result<(), String> {
        if value.is_empty() && KEYS.contains(&key) {
            return Err(format!("`{key}=` has no value"));
        }
        match key {
            "action" => self.actions.push(value.to_lowercase()),
            "who" => self.who.push(value.to_lowercase()),
            "env" => self.envs.push(value.to_owned()),
            "since" => {
                let since = when::moment(value, now).map_err(|why| format!("since: {why}"))?;
                self.since = Some(since);
            }
            "kind" if KINDS.contains(&value) => self.kinds.push(value.to_owned()),
            "kind" => return Err(no_such("kind", value, &KINDS)),
            _ => return Err(no_such("key", key, &KEYS)),
        }
        Ok(())
    }

    /// Whether a record is meant. One that this quell does not understand is only left out by a word.
    #[must_use]
    pub fn matches(&self, kept: Option<&Kept>) -> bool {
        let Some(Kept { record, .. }) = kept else {
            let is_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == "unknown");
            let others = [&self.actions, &self.who, &self.envs, &self.fragments];
            return is_kind && others.iter().all(|wanted| wanted.is_empty());
        };
        let action = record.action.as_ref().map_or("", |action| action.as_str());
        let env = record.env.as_ref().map_or("", |env| env.raw());
        let any = |wanted: &[String], is: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|one| is(one))
        };
        let text = || format!("{} {}", kind(&record.entry), said(&record.entry).0).to_lowercase();
        any(&self.actions, &|one| action.starts_with(one))
            && any(&self.kinds, &|one| kind(&record.entry) == one)
            && any(&self.who, &|one| who(record).to_lowercase().contains(one))
            && any(&self.envs, &|one| env == one)
            && self.since.is_none_or(|since| record.at >= since)
            && self.fragments.iter().all(|one| text().contains(one))
    }
}

fn no_such(what: &str, value: &str, all: &[&str]) -> String {
    let hint = nearest(value, all.iter().copied());
    let hint = hint.map(|near| format!("; did you mean `{near}`?"));
    let (value, all) = (shown(value), all.join(", "));
    format!(
        "`{value}` is no {what}: use one of {all}{}",
        hint.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::action::Requester;
    use crate::domain::plan::ActionId;
    use crate::domain::record::{Entry, Record};
    use crate::domain::text::Untrusted;

    fn now() -> DateTime<Utc> {
        "2026-11-21T14:02:00Z".parse().unwrap()
    }

    fn parse(words: &[&str]) -> Result<JournalFilter, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        JournalFilter::parse(&words, now())
    }

    #[test]
    fn every_word_must_hold() {
        let kept = Kept {
            seq: 7,
            record: Record {
                at: now(),
                by: Requester {
                    name: Untrusted::line("Ada"),
                    host: Untrusted::line("bastion-1"),
                },
                env: Some(Untrusted::line("prod")),
                action: Some(ActionId::new([0x4f; 16])),
                entry: Entry::Note {
                    text: Untrusted::line("the Pager went"),
                },
            },
        };
        let yes: [&[&str]; 8] = [
            &[],
            &["pager", "note"],
            &["action=4f4f"],
            &["who=ada@b", "env=prod"],
            &["kind=note"],
            &["kind=intent", "kind=note"],
            &["since=1h"],
            &["since=2026-11-21T14:02:00Z"],
        ];
        for words in yes {
            assert!(parse(words).unwrap().matches(Some(&kept)), "{words:?}");
        }
        let no: [&[&str]; 6] = [
            &["pager", "page2"],
            &["action=f4"],
            &["who=grace"],
            &["env=pro"],
            &["kind=intent"],
            &["env=prod", "kind=panic"],
        ];
        for words in no {
            assert!(!parse(words).unwrap().matches(Some(&kept)), "{words:?}");
        }
        assert!(parse(&[]).unwrap().matches(None));
        assert!(parse(&["kind=unknown"]).unwrap().matches(None));
        assert!(!parse(&["kind=note"]).unwrap().matches(None));
    }

    #[test]
    fn what_nobody_knows_is_said() {
        for (word, why) in [
            (
                "knd=note",
                "`knd` is no key: use one of action, kind, who, env, since; did you mean `kind`?",
            ),
            ("kind=", "`kind=` has no value"),
            ("since=soon", "since: `soon` is no time"),
        ] {
            let said = parse(&[word]).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
        let said = parse(&["kind=intents"]).unwrap_err();
        assert!(said.ends_with("did you mean `intent`?"), "{said}");
    }
}
