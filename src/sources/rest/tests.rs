//! What all REST sources share, piece by piece.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use chrono::{DateTime, Utc};

use super::*;
use crate::domain::source::ErrorKind;
use crate::sources::http::Rate;

fn t(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
}

#[test]
fn an_odd_element_is_named_and_the_others_are_read() {
    #[derive(Debug, Deserialize)]
    struct Thing {
        size: u32,
    }
    let list =
        r#"[{"id":1,"size":2},{"id":7,"size":"\u001b[2J"},null,{"metadata":{"name":"web"}}]"#;
    let (read, odd) = sorted_out::<Thing>(serde_json::from_str(list).unwrap());
    assert_eq!(read.iter().map(|t| t.size).collect::<Vec<_>>(), [2]);
    assert!(odd[0].starts_with("#7: invalid type: string"), "{odd:?}");
    assert!(odd[1].starts_with("one without a name: invalid type: null"));
    assert_eq!(odd[2], "web: missing field `size`");
}

#[test]
fn only_hashes_are_shortened() {
    let sha = "9f2c1d7be04a6f5b3a8e1c2d4f6a7b8c9d0e1f2a";
    assert_eq!(short_revision(sha), "9f2c1d7be04a");
    assert_eq!(
        short_revision("release-2026-11-21-with-a-very-long-name"),
        "release-2026-11-21-with-a-very-long-name"
    );
    assert_eq!(
        short_revision("ünïcödeünïcödeünïcödeünïcöde"),
        "ünïcödeünïcödeünïcödeünïcöde"
    );
}

#[test]
fn only_web_links_without_a_user_are_links() {
    let of = |text| web_link(&[text]).map(|link| link.shown().to_owned());
    assert_eq!(
        of(Some("https://ci.test/1")).as_deref(),
        Some("https://ci.test/1")
    );
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://me:pw@ci.test/",
        "/relative",
        "",
    ] {
        assert_eq!(of(Some(bad)), None, "{bad}");
    }
    let second = web_link(&[None, Some("ssh://x"), Some("http://b.test/\u{202e}")]).unwrap();
    assert_eq!(second.shown(), "http://b.test/%E2%80%AE");
}

#[test]
fn a_reserve_is_left_until_the_count_begins_anew() {
    let rate = |limit, remaining| Rate {
        limit,
        remaining,
        resets_at: t(600),
    };
    let mut budget = Budget::default();
    budget.note(Some(&rate(5000, 50)), t(0));
    assert_eq!(budget.paused_until(t(0)), None);
    budget.note(Some(&rate(5000, 49)), t(0));
    assert_eq!(budget.paused_until(t(599)), Some(t(600)));
    assert_eq!(budget.paused_until(t(600)), None);
    assert_eq!(
        budget.limit(t(0)).unwrap().shown(),
        "rate limit: 49 of 5000 requests are left; not asked again until 08:10:00Z"
    );
    let error = budget.error(t(590)).unwrap();
    assert_eq!(error.kind, ErrorKind::Busy);
    assert_eq!(error.retry_after.unwrap().as_secs(), 10);
    // Without a token there are only 60: six are left, not fifty.
    budget.note(Some(&rate(60, 6)), t(0));
    assert_eq!(budget.paused_until(t(0)), None);
    // A wrong reset does not stop it for ever.
    let far = Rate {
        resets_at: t(10_000_000),
        ..rate(5000, 0)
    };
    budget.note(Some(&far), t(0));
    assert_eq!(budget.paused_until(t(0)), Some(t(3600)));
    assert_eq!(budget.paused_until(t(-5)), None);
}
