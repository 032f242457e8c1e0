//! What does an answer tell besides its body?
//!
//! Its tag, where the next page is and how much may still be asked: what the sources with pages and
//! rate limits need of the headers. Read by [`super::body`] and [`super::failure`].

use chrono::{DateTime, Utc};
use reqwest::header::{ETAG, HeaderMap, LINK};
use url::Url;

/// A page's address longer than this is not followed.
const MAX_PARAMS: usize = 32;

/// What the headers of an answer tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// To be sent back: as long as it holds, the answer is the same.
    pub etag: Option<String>,
    /// The parameters of the next page, if there is one. Where it is else is not taken from an
    /// answer: our credentials go to the configured server and nowhere else.
    pub next_page: Option<Vec<(String, String)>>,
    /// How much may still be asked.
    pub rate: Option<Rate>,
}

/// How much may still be asked of a server that counts: `X-RateLimit-*` of GitHub, `RateLimit-*` of
/// GitLab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests in one period.
    pub limit: u64,
    /// What is left of them.
    pub remaining: u64,
    /// When the next period begins.
    pub resets_at: DateTime<Utc>,
}

impl Head {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let links = headers.get_all(LINK).iter();
        let links = links.filter_map(|value| value.to_str().ok());
        Self {
            etag: text(headers, ETAG.as_str()).map(str::to_owned),
            next_page: links.into_iter().find_map(next_page),
            rate: Rate::of(headers),
        }
    }
}

impl Rate {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        ["x-ratelimit", "ratelimit"].iter().find_map(|prefix| {
            let number = |name: &str| {
                let text = text(headers, &format!("{prefix}-{name}"))?;
                text.trim().parse::<u64>().ok()
            };
            Some(Self {
                limit: number("limit")?,
                remaining: number("remaining")?,
                resets_at: DateTime::from_timestamp(i64::try_from(number("reset")?).ok()?, 0)?,
            })
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Of `<https://host/path?page=2>; rel="next", <...>; rel="last"` what stands after the `?`.
fn next_page(link: &str) -> Option<Vec<(String, String)>> {
    let mut rest = link;
    while let Some((_, after)) = rest.split_once('<') {
        let (url, after) = after.split_once('>')?;
        let (params, after) = after.split_once(',').unwrap_or((after, ""));
        let is_next = params.split(';').any(|param| {
            let (name, value) = param.split_once('=').unwrap_or_default();
            let is_rel = name.trim().eq_ignore_ascii_case("rel");
            let mut names = value.trim().trim_matches('"').split_whitespace();
            is_rel && names.any(|name| name == "next")
        });
        if is_next {
            let pairs = Url::parse(url).ok()?;
            let pairs: Vec<_> = pairs.query_pairs().into_owned().collect();
            return Some(pairs).filter(|pairs| (1..=MAX_PARAMS).contains(&pairs.len()));
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn head(pairs: &[(&'static str, &str)]) -> Head {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Head::of(&headers)
    }

    #[test]
    fn only_the_parameters_of_the_next_page_are_taken() {
        let link = r#"<https://evil.test/x?per_page=100&page=1>; rel="prev", <https://evil.test/x?a=1%2C2&page=3>; rel="next", <https://evil.test/x?page=9>; rel="last""#;
        let next = head(&[("link", link)]).next_page.unwrap();
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(next, [pair("a", "1,2"), pair("page", "3")]);
        for none in [
            r#"<https://api.test/x?page=9>; rel="last""#,
            "<https://api.test/x?page=2",
            r#"<not a url>; rel="next""#,
            r#"<https://api.test/x>; rel="next""#,
            "",
        ] {
            assert_eq!(head(&[("link", none)]).next_page, None, "{none}");
        }
    }

    #[test]
    fn both_ways_to_count_are_known() {
        let rate = Rate {
            limit: 5000,
            remaining: 49,
            resets_at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        };
        let github = head(&[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "49"),
            ("x-ratelimit-reset", "1795000000"),
        ]);
        assert_eq!(github.rate, Some(rate));
        let gitlab = head(&[
            ("ratelimit-limit", "5000"),
            ("ratelimit-remaining", "49"),
            ("ratelimit-reset", "1795000000"),
            ("etag", "W/\"x\""),
        ]);
        assert_eq!(gitlab.rate, Some(rate));
        assert_eq!(gitlab.etag.as_deref(), Some("W/\"x\""));
        assert_eq!(head(&[("x-ratelimit-limit", "many")]).rate, None);
    }
}
