//! How much may a document of a YAML file ask of its reader, and what is wrong with one?
//!
//! For files of people that hold many documents: service levels and catalogues. Each document is read
//! alone, so that a broken one takes none of the others with it. Called by `slos` and `sources`.

use serde_saphyr::{DuplicateKeyPolicy, Error, MessageFormatter, Options, UserMessageFormatter};

/// How one document is read: bounded, no key twice, booleans only by their own words.
#[must_use]
pub fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 32,
            max_documents: 1,
            max_anchors: 1_000,
            max_aliases: 1_000,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The error itself: one inside of what an alias stands for comes wrapped.
#[must_use]
pub fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    error
}

/// Whether the document asks for more than its reader gives.
#[must_use]
pub fn is_too_much(error: &Error) -> bool {
    matches!(
        innermost(error),
        Error::Budget { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
    )
}

/// What is wrong, in words. It may hold text of the document.
#[must_use]
pub fn explain(error: &Error) -> String {
    if is_too_much(error) {
        return "it is too large, nested too deep, or has too many aliases".to_owned();
    }
    match innermost(error) {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` stands here a second time")
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn error<T: serde::de::DeserializeOwned>(text: &str) -> Error {
        let read = serde_saphyr::from_str_with_options::<T>(text, options());
        read.err().unwrap()
    }

    #[test]
    fn too_much_is_told_from_wrong_also_behind_an_alias() {
        let deep = format!("{}x", "- ".repeat(40));
        let deep = error::<serde_json::Value>(&deep);
        assert!(is_too_much(&deep), "{deep:?}");
        let wrong = error::<Vec<Vec<String>>>("- &a [x]\n- *a\n- 3: 4\n");
        assert!(!is_too_much(&wrong));
        assert!(!matches!(innermost(&wrong), Error::AliasError { .. }));
    }
}
