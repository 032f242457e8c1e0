//! How is an HTTP source reached, and is what the config says about it sound?
//!
//! Part of `resolve`: URLs, credentials, headers, TLS and limits. It connects to nothing and opens
//! no key, certificate or secret.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use url::Url;

use super::finding::{Spot, Written};
use super::mask;
use super::raw::{RawBasic, RawEndpoint, RawHeader, RawSecret, RawTls, Text};
use super::resolve::Resolver;
use super::secret::Secret;
use super::settings::{Auth, ClientCertificate, Endpoint, HeaderValue, Tls};
use crate::domain::duration;
use crate::domain::matcher::SyntaxError;
use crate::domain::text::shown;

/// For one whole request.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// No answer may be larger, unpacked.
const DEFAULT_MAX_RESPONSE_MIB: u64 = 256;
/// Where the user of a URL belongs.
const USE_BASIC: &str =
    "in the config: basic = { username = \"mara\", password = { file = \"~/.secrets/am\" } }";
const BYTES_PER_MIB: u64 = 1024 * 1024;

impl Resolver<'_> {
    /// The endpoint of a source, which `title` names in messages; none if it cannot be reached this
    /// way, which is then reported.
    pub(super) fn endpoint(
        &mut self,
        raw: &RawEndpoint,
        header: &Spot,
        title: &str,
    ) -> Option<Endpoint> {
        let text = self.required(raw.url.as_ref(), header, title, "url");
        let url = text.and_then(|text| self.base_url(text));
        self.reached_at(raw, url)
    }

    /// The same for a source that is at `default` unless the config says otherwise.
    pub(super) fn endpoint_or(&mut self, raw: &RawEndpoint, default: &str) -> Option<Endpoint> {
        let url = match &raw.url {
            Some(text) => self.base_url(text),
            None => base_url(default).ok(),
        };
        self.reached_at(raw, url)
    }

    /// Checks all the rest, whether or not there is a URL.
    fn reached_at(&mut self, raw: &RawEndpoint, url: Option<Url>) -> Option<Endpoint> {
        let auth = self.auth(raw);
        let tls = self.tls(&raw.tls);
        let headers = self.headers(&raw.headers, &auth);
        let proxy = raw.proxy.as_ref().and_then(|text| self.proxy(text));
        let timeout = self.span_of_time(
            raw.timeout.as_ref(),
            DEFAULT_TIMEOUT,
            Duration::from_millis(100)..=Duration::from_mins(5),
        );
        let mebibytes = match &raw.max_response_mib {
            Some(written) if !(1..=4096).contains(&written.value) => {
                let message = "`max_response_mib` must be from 1 to 4096";
                let hint = "the default is 256";
                self.findings.add(&written.spot, message, Some(hint));
                DEFAULT_MAX_RESPONSE_MIB
            }
            Some(written) => written.value,
            None => DEFAULT_MAX_RESPONSE_MIB,
        };
        Some(Endpoint {
            url: url?,
            auth,
            tls,
            headers,
            proxy,
            timeout,
            max_response_bytes: mebibytes * BYTES_PER_MIB,
        })
    }

    /// A duration within bounds, or its default.
    pub(super) fn span_of_time(
        &mut self,
        written: Option<&Text>,
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let hint = format!("the default is {}", words_for(default));
        let span = written.and_then(|text| self.span_within(text, &bounds, &hint));
        span.unwrap_or(default)
    }

    /// A duration within bounds; `hint` says what to do about one beyond them.
    pub(super) fn span_within(
        &mut self,
        text: &Text,
        bounds: &RangeInclusive<Duration>,
        hint: &str,
    ) -> Option<Duration> {
        let (message, hint) = match duration::parse(&text.value) {
            Ok(span) if bounds.contains(&span) => return Some(span),
            Ok(_) => {
                let (low, high) = (words_for(*bounds.start()), words_for(*bounds.end()));
                (format!("this must be from {low} to {high}"), hint)
            }
            Err(_) => (
                format!("`{}` is not a duration", shown(&text.value)),
                "write it like 15s, 5m or 1h30m",
            ),
        };
        self.findings.add(&text.spot, message, Some(hint));
        None
    }

    fn base_url(&mut self, text: &Text) -> Option<Url> {
        match base_url(&text.value) {
            Ok(url) => Some(url),
            Err(error) => {
                let document = self.surroundings.document;
                self.findings.add_within(document, text, &error);
                None
            }
        }
    }

    fn proxy(&mut self, text: &Text) -> Option<Url> {
        let schemes = ["http", "https", "socks5", "socks5h"];
        let (message, hint) = match Url::parse(&text.value) {
            Ok(url) if has_user(&url) => (
                "a proxy's password may not stand in the config".to_owned(),
                "leave `proxy` out and set HTTPS_PROXY where quell is started",
            ),
            Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => return Some(url),
            Ok(_) => (
                "this is no proxy's URL".to_owned(),
                "write it like http://proxy:3128 or socks5://localhost:1080",
            ),
            Err(error) => (
                format!("this is not a URL: {error}"),
                "write it like http://proxy:3128 or socks5://localhost:1080",
            ),
        };
        self.findings.add(&text.spot, message, Some(hint));
        None
    }

    fn auth(&mut self, raw: &RawEndpoint) -> Auth {
        let basic = raw.basic.as_ref().map(|basic| self.basic(basic));
        let bearer = raw.bearer.as_ref().map(|bearer| self.secret(bearer));
        match (basic, bearer) {
            (Some(_), Some(_)) => {
                if let Some(bearer) = &raw.bearer {
                    let message = "a request has either `basic` or `bearer`";
                    self.findings
                        .add(&bearer.spot, message, Some("remove one of them"));
                }
                Auth::None
            }
            (Some(Some((username, password))), None) => Auth::Basic { username, password },
            (None, Some(Some(secret))) => Auth::Bearer(secret),
            // None was given, or what was given is reported already.
            (_, _) => Auth::None,
        }
    }

    fn basic(&mut self, basic: &Written<RawBasic>) -> Option<(String, Secret)> {
        let raw = &basic.value;
        let username = self.required(raw.username.as_ref(), &basic.spot, "basic", "username");
        let password = self.required(raw.password.as_ref(), &basic.spot, "basic", "password");
        if let Some(name) = username.filter(|name| name.value.contains(':')) {
            // RFC 7617, section 2: the first colon ends the user.
            let message = "a user name cannot hold a colon";
            let hint = "the password goes to `password`";
            self.findings.add(&name.spot, message, Some(hint));
        }
        let password = password.and_then(|password| self.secret(password));
        Some((username?.value.clone(), password?))
    }

    fn secret(&mut self, written: &Written<RawSecret>) -> Option<Secret> {
        match &written.value {
            RawSecret::File(path) => self.path(path).map(Secret::File),
            RawSecret::Env(name) if name.value.is_empty() || name.value.contains(['=', '\0']) => {
                let message = "this is no name of an environment variable";
                self.findings
                    .add(&name.spot, message, Some("write it like AM_PASSWORD"));
                None
            }
            RawSecret::Env(name) => Some(Secret::Env(name.value.clone())),
            RawSecret::Command(words) => {
                let mut words: Vec<String> =
                    words.value.iter().map(|word| word.value.clone()).collect();
                let Some(program) = words.first_mut().filter(|word| !word.is_empty()) else {
                    let hint =
                        "write program and arguments, each by itself: [\"pass\", \"show\", \"am\"]";
                    self.findings
                        .add(&written.spot, "there is no program to run", Some(hint));
                    return None;
                };
                let expanded = self.surroundings.paths.expand(program.as_ref());
                *program = expanded.to_string_lossy().into_owned();
                Some(Secret::Command(words))
            }
            RawSecret::Broken => None,
        }
    }

    fn headers(&mut self, raw: &[(Text, RawHeader)], auth: &Auth) -> Vec<(String, HeaderValue)> {
        let mut headers = Vec::new();
        for (name, value) in raw {
            if name.value.is_empty() || !name.value.bytes().all(is_token) {
                let message = format!("`{}` is no name of a header", shown(&name.value));
                let hint = "letters, digits and hyphens, like X-Scope-OrgID";
                self.findings.add(&name.spot, message, Some(hint));
            }
            if name.value.eq_ignore_ascii_case("authorization") && !matches!(auth, Auth::None) {
                let message = "`basic` or `bearer` sets this header already";
                self.findings
                    .add(&name.spot, message, Some("remove one of them"));
            }
            let value = match value {
                RawHeader::Plain(text) if text.value.chars().any(char::is_control) => {
                    let message = "a header's value may not hold line breaks or other controls";
                    self.findings
                        .add(&text.spot, message, Some("write it on one line"));
                    continue;
                }
                RawHeader::Plain(text) => HeaderValue::Plain(text.value.clone()),
                RawHeader::Secret(secret) => match self.secret(secret) {
                    Some(secret) => HeaderValue::Secret(secret),
                    None => continue,
                },
            };
            headers.push((name.value.clone(), value));
        }
        headers
    }

    fn tls(&mut self, raw: &RawTls) -> Tls {
        let ca_file = raw.ca_file.as_ref().and_then(|path| self.path(path));
        let cert_file = raw.cert_file.as_ref().and_then(|path| self.path(path));
        let key_file = raw.key_file.as_ref().and_then(|path| self.path(path));
        let alone = match (&raw.cert_file, &raw.key_file) {
            (Some(cert), None) => Some((cert, "`cert_file` needs its `key_file`")),
            (None, Some(key)) => Some((key, "`key_file` needs its `cert_file`")),
            _ => None,
        };
        if let Some((text, message)) = alone {
            let hint = "give both; they may be the same file";
            self.findings.add(&text.spot, message, Some(hint));
        }
        let client = cert_file
            .zip(key_file)
            .map(|(cert_file, key_file)| ClientCertificate {
                cert_file,
                key_file,
            });
        Tls { ca_file, client }
    }
}

fn words_for(span: Duration) -> String {
    match span.as_millis() {
        ms @ 0..1_000 => format!("{ms}ms"),
        _ => duration::exact(span.as_secs()),
    }
}

/// A URL that `api/v2/...` can be put behind. It ends with `/`.
fn base_url(text: &str) -> Result<Url, SyntaxError> {
    let wrong = |at: Range<usize>, message: &str, hint: &str| {
        Err(SyntaxError::new(at, message, Some(hint)))
    };
    let whole = 0..text.len();
    let parsed = Url::parse(text);
    // A password with a slash in it makes the URL break somewhere else: say the real reason.
    let holds_user = match &parsed {
        Ok(url) if url.has_host() => has_user(url),
        _ => text.contains('@'),
    };
    if holds_user {
        let message = "a user or a password may not stand in the URL";
        return wrong(whole, message, USE_BASIC);
    }
    let mut url = match parsed {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(url) if text.contains("://") => {
            let scheme = shown(url.scheme());
            let message = format!("the scheme must be http or https, not {scheme}");
            return wrong(whole, &message, "write it like http://localhost:9093");
        }
        Err(error) if text.contains("://") => {
            let message = format!("this is not a URL: {error}");
            return wrong(whole, &message, "write it like http://localhost:9093");
        }
        // `localhost:9093` is taken for a scheme and a path, `10.0.0.1:9093` for nothing.
        _ => {
            let hint = match Url::parse(&format!("http://{text}")) {
                Ok(url) if !text.contains("//") && url.has_host() => {
                    let url = mask::url(url.as_str());
                    format!("did you mean `{}`?", url.trim_end_matches('/'))
                }
                _ => "write it like http://localhost:9093".to_owned(),
            };
            return wrong(whole, "the URL must begin with http:// or https://", &hint);
        }
    };
    if let Some(at) = text.find(['?', '#']) {
        let message = "the URL is a base: it has no query and no fragment";
        let hint = "remove it; `headers` may carry what a proxy asks for";
        return wrong(at..text.len(), message, hint);
    }
    if let Some(at) = api_path(text) {
        let hint = "remove it and keep only the prefix in front of it";
        return wrong(at..text.len(), "quell adds the API's own path", hint);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Where the path of the API itself begins, if the URL ends with it: `/api/v2` or
/// `/api/v2/alerts`. Deeper paths are prefixes, such as that of a Kubernetes service proxy.
fn api_path(text: &str) -> Option<usize> {
    let at = text.rfind("/api/v")?;
    let mut parts = text[at + "/api/v".len()..].trim_end_matches('/').split('/');
    let version = parts.next()?;
    (matches!(version, "1" | "2") && parts.count() <= 1).then_some(at)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn a_base_ends_with_a_slash_and_keeps_its_prefix() {
        for (text, url) in [
            ("http://am:9093", "http://am:9093/"),
            ("https://mimir/alertmanager", "https://mimir/alertmanager/"),
            ("HTTPS://AM/x/", "https://am/x/"),
            ("http://[::1]:9093", "http://[::1]:9093/"),
            ("http://am/apix/version", "http://am/apix/version/"),
            (
                "https://k8s/api/v1/namespaces/mon/services/am:9093/proxy",
                "https://k8s/api/v1/namespaces/mon/services/am:9093/proxy/",
            ),
        ] {
            assert_eq!(base_url(text).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_is_no_base_says_why_and_what_instead() {
        for (text, at, hint) in [
            ("localhost:9093", 0..14, "`http://localhost:9093`"),
            ("10.0.0.1:9093", 0..13, "`http://10.0.0.1:9093`"),
            ("am.example", 0..10, "`http://am.example`"),
            ("am/?token=abc", 0..13, "`http://am/?***`"),
            ("", 0..0, "like http://"),
            ("ftp://am", 0..8, "like http://"),
            ("http://", 0..7, "like http://"),
            ("http://u:p@am", 0..13, "basic"),
            ("http://u@am", 0..11, "basic"),
            ("http://u:p/q@am", 0..15, "basic"),
            ("u:p@am", 0..6, "basic"),
            ("http://am/#/alerts", 10..18, "remove it"),
            ("http://am/?x=1", 10..14, "remove it"),
            ("http://am/p/api/v2/alerts", 11..25, "prefix"),
            ("http://am/api/v1", 9..16, "prefix"),
        ] {
            let error = base_url(text).unwrap_err();
            assert_eq!(error.at, at, "{text}");
            assert!(error.hint.unwrap().contains(hint), "{text}");
        }
    }
}
