//! How is one question asked of an HTTP API, safely and to the end?
//!
//! [`HttpClient`] is what every source reads through: GET only, one deadline over
//! the whole request, an answer bounded after unpacking, no redirect followed, and every failure
//! classified by what the operator can do about it. It knows nothing of what the answers mean, and
//! no text it gives away holds a credential, the user of a URL or its query.

mod body;
mod carry;
mod credentials;
mod failure;
mod head;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, Response, StatusCode};
use secrecy::SecretString;
use tokio::time::Instant;
use url::{Host, Url};

pub use body::Body;
pub use carry::HttpServer;
pub use failure::HttpError;
pub(super) use failure::{describe_page, find, innermost, is_web_page, message_line, retry_after};
pub use head::{Head, Rate};

use self::credentials::{Credentials, Hidden};
use crate::config::settings::{Endpoint, HeaderValue as ConfiguredValue, Tls};
use crate::domain::source::{ErrorKind, SourceError};

/// A dead address is told apart from a slow answer after this at the latest.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("quell/", env!("CARGO_PKG_VERSION"));

/// Installs ring as the process's TLS arithmetic, unless something is installed already.
///
/// Every `HttpClient::new` does so too: reqwest is built without a provider of its own and would
/// panic. `main` calls it first, so that the choice does not depend on who comes first.
pub fn install_crypto_provider() {
    // The error only says that a provider is there already, which is all that is wanted.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}

/// Reads from one base URL. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    client: Client,
    base: Url,
    /// Who is asked, for messages.
    peer: String,
    headers: HeaderMap,
    credentials: Credentials,
    timeout: Duration,
    max_bytes: u64,
}

/// Whether a connection may carry more than one request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    /// It may, and one that was refused unread is sent again.
    Wanted,
    /// Each request has its own, and is sent once.
    Never,
}

/// What came of a question that may be answered with "as before".
pub enum Asked {
    /// An answer, whose body is still to be read.
    Changed(Body),
    /// 304: what was told with the tag still holds.
    Unchanged(Head),
}

impl HttpClient {
    /// Prepares the client. Reads the certificate files, opens no connection, reads no secret.
    ///
    /// # Errors
    /// `Local` for a file that cannot be read or a header that cannot be sent, `Tls` for one that
    /// is no certificate or key.
    pub fn new(endpoint: &Endpoint) -> Result<Self, SourceError> {
        Self::with(endpoint, Reuse::Wanted)
    }

    fn with(endpoint: &Endpoint, reuse: Reuse) -> Result<Self, SourceError> {
        install_crypto_provider();
        let (plain, secret) = headers(&endpoint.headers)?;
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .gzip(true)
            .pool_max_idle_per_host(match reuse {
                Reuse::Wanted => 2,
                Reuse::Never => 0,
            })
            // Below the whole, so that the two can be told apart.
            .connect_timeout((endpoint.timeout * 9 / 10).min(MAX_CONNECT_TIMEOUT));
        if reuse == Reuse::Never {
            builder = builder.retry(reqwest::retry::never());
        }
        builder = with_proxy(builder, endpoint)?;
        builder = with_tls(builder, endpoint)?;
        let client = builder
            .build()
            .map_err(|error| failure::of_client(&error))?;
        Ok(Self(Arc::new(Inner {
            client,
            base: endpoint.url.clone(),
            peer: peer(endpoint),
            headers: plain,
            credentials: Credentials::new(endpoint.auth.clone(), secret),
            timeout: endpoint.timeout,
            max_bytes: endpoint.max_response_bytes,
        })))
    }

    /// Asks for a path under the base URL. The answer's body is still to be read.
    ///
    /// # Errors
    /// Whatever kept a 2xx answer from beginning, classified.
    pub async fn get(&self, path: &str, params: &[(&str, &str)]) -> Result<Body, HttpError> {
        let (url, body, hidden) = self.ask(path, params, None).await?;
        if body.status().is_success() {
            return Ok(body);
        }
        Err(failure::of_answer(&url, body, &hidden).await)
    }

    /// As [`HttpClient::get`], unless what the server told with this `ETag` still holds.
    ///
    /// # Errors
    /// As [`HttpClient::get`].
    pub async fn get_unless(
        &self,
        etag: Option<&str>,
        path: &str,
        params: &[(&str, &str)],
    ) -> Result<Asked, HttpError> {
        let (url, body, hidden) = self.ask(path, params, etag).await?;
        if etag.is_some() && body.status() == StatusCode::NOT_MODIFIED {
            return Ok(Asked::Unchanged(body.head()));
        }
        if body.status().is_success() {
            return Ok(Asked::Changed(body));
        }
        Err(failure::of_answer(&url, body, &hidden).await)
    }

    async fn ask(
        &self,
        path: &str,
        params: &[(&str, &str)],
        etag: Option<&str>,
    ) -> Result<(Url, Body, Hidden), HttpError> {
        let inner = &*self.0;
        let url = join(&inner.base, path, params);
        let deadline = Instant::now() + inner.timeout;

        let secrets = inner.credentials.current().await?;
        let (mut response, mut hidden) = self.send(&url, etag, &secrets, deadline).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(newer) = inner.credentials.newer_than(&secrets).await?
        {
            (response, hidden) = self.send(&url, etag, &newer, deadline).await?;
        }
        let body = Body::new(response, deadline, inner.timeout, inner.max_bytes);
        Ok((url, body, hidden))
    }

    async fn send(
        &self,
        url: &Url,
        etag: Option<&str>,
        secrets: &[SecretString],
        deadline: Instant,
    ) -> Result<(Response, Hidden), HttpError> {
        let inner = &*self.0;
        let mut request = inner.client.get(url.clone()).headers(inner.headers.clone());
        // A tag that is no header's value cannot have come from one: then all of it is asked for.
        if let Some(tag) = etag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let request = inner.credentials.put_on(request, secrets).build();
        let request = request.map_err(|error| failure::of_request(&inner.peer, &error))?;
        let hidden = Hidden::of(&request, secrets);
        match tokio::time::timeout_at(deadline, inner.client.execute(request)).await {
            Ok(Ok(response)) => Ok((response, hidden)),
            Ok(Err(error)) => Err(failure::of_request(&inner.peer, &error).into()),
            Err(_) => Err(failure::no_answer(&inner.peer, inner.timeout).into()),
        }
    }

    /// For one whole request, as configured.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }
}

/// `am-1:9093`, or `am-1:9093 through proxy:3128`.
fn peer(endpoint: &Endpoint) -> String {
    let host = host(&endpoint.url);
    match &endpoint.proxy {
        Some(proxy) => format!("{host} through {}", self::host(proxy)),
        None => host,
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The path goes under the base's own path prefix, with or without its trailing slash.
fn join(base: &Url, path: &str, params: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}{path}"));
    url.set_fragment(None);
    if !params.is_empty() {
        url.query_pairs_mut().extend_pairs(params);
    }
    url
}

type SecretHeaders = Vec<(HeaderName, crate::config::secret::Secret)>;

fn headers(
    configured: &[(String, ConfiguredValue)],
) -> Result<(HeaderMap, SecretHeaders), SourceError> {
    let mut plain = HeaderMap::new();
    let mut secret = Vec::new();
    for (name, value) in configured {
        let local =
            |what: &str| SourceError::new(ErrorKind::Local, &format!("header `{name}`: {what}"));
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| local("not a header's name"))?;
        match value {
            ConfiguredValue::Plain(text) => {
                let text = HeaderValue::from_str(text)
                    .map_err(|_| local("its value has control characters"))?;
                plain.append(parsed, text);
            }
            ConfiguredValue::Secret(place) => secret.push((parsed, place.clone())),
        }
    }
    Ok((plain, secret))
}

fn with_proxy(builder: ClientBuilder, endpoint: &Endpoint) -> Result<ClientBuilder, SourceError> {
    if let Some(url) = &endpoint.proxy {
        let proxy = Proxy::all(url.clone()).map_err(|error| failure::of_client(&error))?;
        return Ok(builder.proxy(proxy));
    }
    // As in Prometheus's own tools: the environment's proxies are not asked for this machine.
    if is_loopback(&endpoint.url) {
        return Ok(builder.no_proxy());
    }
    Ok(builder)
}

fn with_tls(builder: ClientBuilder, endpoint: &Endpoint) -> Result<ClientBuilder, SourceError> {
    if !may_use_tls(endpoint) {
        // The machine's trust store takes milliseconds to read, and a small one has none.
        return Ok(builder.tls_certs_only([]));
    }
    let Tls { ca_file, client } = &endpoint.tls;
    let mut builder = builder;
    if let Some(path) = ca_file {
        let authorities = Certificate::from_pem_bundle(&read(path)?)
            .map_err(|_| unusable(path, "not a PEM file of certificates"))?;
        if authorities.is_empty() {
            return Err(unusable(path, "it has no certificate"));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some(own) = client {
        let mut pem = read(&own.key_file)?;
        pem.push(b'\n');
        pem.extend(read(&own.cert_file)?);
        let identity = Identity::from_pem(&pem).map_err(|_| {
            unusable(
                &own.cert_file,
                "with its key it is no PEM certificate and private key",
            )
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn may_use_tls(endpoint: &Endpoint) -> bool {
    let https_proxy = match &endpoint.proxy {
        Some(url) => url.scheme() == "https",
        None => !is_loopback(&endpoint.url) && environment_has_https_proxy(),
    };
    endpoint.url.scheme() == "https" || https_proxy
}

fn environment_has_https_proxy() -> bool {
    ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .any(|value| value.starts_with("https:"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    std::fs::read(path).map_err(|error| {
        let detail = format!("{}: {}", path.display(), error.kind());
        SourceError::new(ErrorKind::Local, &detail)
    })
}

fn unusable(path: &Path, why: &str) -> SourceError {
    SourceError::new(ErrorKind::Tls, &format!("{}: {why}", path.display()))
}
