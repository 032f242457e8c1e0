//! What becomes of a request that `control` made up, on its way to an API server?
//!
//! It goes out once, with the login of the read side, and comes back as a whole answer or as what is known
//! of it. Nothing is asked again here, and nothing here knows what a request does. No text and no answer
//! holds the credentials that were sent with it.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use kube::client::Body as KubeBody;
use secrecy::ExposeSecret;
use sha2::{Digest as _, Sha256};

use super::{Body, BodyExt, Client, MAX_ANSWER_BYTES};
use crate::config::delivery::KubernetesSettings;
use crate::domain::source::{ErrorKind, SourceError};
use crate::sources::carried::{self, NoAnswer};
use crate::sources::http::{HttpError, describe_page, find, is_web_page};
use crate::sources::kubernetes::failure;

/// Whoever waits longer for a write no longer knows what is going on.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Of the answer to a write: an object has 3 MiB at the most.
const MAX_WRITE_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// What hyper-util says where there was no connection, and so nothing that a byte could have left on.
const NO_CONNECTION: &str = "client error (Connect)";

/// Asks one API server, and carries to it what `control` made up.
pub struct KubernetesClient {
    client: Client,
    settings: KubernetesSettings,
}

impl KubernetesClient {
    /// Reads the kubeconfig, and runs its plugin if it names one. Opens no connection.
    ///
    /// # Errors
    /// `Local` for what does not hold on this machine, `Tls` for a certificate or key that is none.
    pub async fn new(settings: &KubernetesSettings) -> Result<Self, SourceError> {
        Ok(Self {
            client: Client::new(settings, None).await?,
            settings: settings.clone(),
        })
    }

    /// Asks for a path, with its query. The answer is whole, and 2xx or 404: what is not there is an
    /// answer, too.
    ///
    /// # Errors
    /// Anything else, classified, with its status where there was an answer.
    pub async fn get(&self, path: &str) -> Result<carried::Answer, HttpError> {
        let request = carried::Request {
            verb: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let within = (self.client.timeout, MAX_ANSWER_BYTES);
        let answer = match self.client.carry_within(request, within).await {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent(error) | NoAnswer::Lost(error)) => return Err(error.into()),
        };
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        if !answer.status.is_success() {
            let mut head = http::Response::new(()).into_parts().0;
            (head.status, head.headers) = (answer.status, answer.headers);
            let place = path.split('?').next().unwrap_or_default();
            let said = &answer.body[..answer.body.len().min(failure::MAX_EXPLANATION_BYTES)];
            return Err(failure::of_answer(place, &head, said, &self.client.hidden));
        }
        if is_web_page(&answer.body) {
            let page = describe_page(&answer.body);
            let detail = format!("{page}, not this API: a proxy's login page, or a wrong URL?");
            return Err(SourceError::new(ErrorKind::Malformed, &detail).into());
        }
        Ok(answer)
    }

    /// Sends a request once, and waits for its whole answer, whatever it says.
    ///
    /// # Errors
    /// Whether it never left, or nobody knows what became of it.
    pub async fn carry(&self, request: carried::Request) -> Result<carried::Answer, NoAnswer> {
        let timeout = self.client.timeout.min(MAX_WRITE_TIMEOUT);
        let within = (timeout, MAX_WRITE_ANSWER_BYTES);
        self.client.carry_within(request, within).await
    }

    /// Fetches new credentials after they were refused: of the plugin, else of the kubeconfig as it stands
    /// now.
    ///
    /// # Errors
    /// They cannot be had, or the kubeconfig names another server by now.
    pub async fn renew(&mut self) -> Result<(), SourceError> {
        if self.client.renew().await? {
            return Ok(());
        }
        let client = Client::new(&self.settings, self.client.context()).await?;
        if client.server() != self.client.server() {
            let detail = "the kubeconfig names another server than when quell started";
            return Err(SourceError::new(ErrorKind::Local, detail));
        }
        self.client = client;
        Ok(())
    }

    /// What tells the server from another where it does not say so itself: its address, and a digest of
    /// the authorities that its certificate is checked against.
    #[must_use]
    pub fn address(&self) -> String {
        let config = &self.client.config;
        let mut digest = Sha256::new();
        let authorities = config.root_cert.iter().flatten();
        let mut is_pinned = false;
        for authority in authorities {
            is_pinned = true;
            digest.update(authority);
        }
        let server = config.cluster_url.to_string();
        let server = server.trim_end_matches('/');
        if is_pinned {
            let digest = crate::domain::plan::Digest::of(&digest.finalize());
            format!("{server} ca:{}", digest.as_str())
        } else {
            server.to_owned()
        }
    }
}

impl Client {
    async fn carry_within(
        &self,
        request: carried::Request,
        (timeout, max_bytes): (Duration, usize),
    ) -> Result<carried::Answer, NoAnswer> {
        let request = self.built(request).map_err(NoAnswer::NotSent)?;
        let asked = async {
            let sent = self.kube.send(request).await;
            let response = sent.map_err(|error| {
                let told = failure::of_request(&self.peer, &error);
                if never_left(&error) {
                    NoAnswer::NotSent(told)
                } else {
                    NoAnswer::Lost(told)
                }
            })?;
            let (head, inner) = response.into_parts();
            let body = whole(Body(inner.into_data_stream()), max_bytes).await;
            Ok((head, body.map_err(NoAnswer::Lost)?))
        };
        match tokio::time::timeout(timeout, asked).await {
            Ok(Ok((head, body))) => Ok(self.told(head.status, head.headers, body)),
            Ok(Err(none)) => Err(none),
            Err(_) => Err(NoAnswer::Lost(failure::no_answer(&self.peer, timeout))),
        }
    }

    fn built(&self, request: carried::Request) -> Result<Request<KubeBody>, SourceError> {
        let path = request.path.clone();
        let wrong = |error: http::Error| {
            let place = path.split('?').next().unwrap_or_default();
            let detail = format!("{place}: {error}");
            SourceError::new(ErrorKind::Local, &detail)
        };
        let body = if request.body.is_empty() {
            KubeBody::empty()
        } else {
            KubeBody::from(request.body)
        };
        let mut building = Request::builder()
            .method(request.verb)
            .uri(&request.path)
            .header(ACCEPT, "application/json");
        for (name, value) in &request.headers {
            building = building.header(name, value);
        }
        if let Some(bearer) = &self.bearer {
            building = building.header(AUTHORIZATION, bearer.clone());
        }
        building.body(body).map_err(wrong)
    }

    /// An answer without what was sent with its question: whoever answers may repeat it.
    fn told(&self, status: StatusCode, mut headers: HeaderMap, body: Bytes) -> carried::Answer {
        let mut body = Vec::from(body);
        let secrets = self.hidden.iter().map(ExposeSecret::expose_secret);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            for value in headers.values_mut() {
                if holds(value.as_bytes(), secret.as_bytes()) {
                    *value = HeaderValue::from_static("***");
                }
            }
            if !status.is_success() && holds(&body, secret.as_bytes()) {
                let text = String::from_utf8_lossy(&body);
                body = text.replace(secret, "***").into_bytes();
            }
        }
        carried::Answer {
            status,
            headers,
            body,
        }
    }
}

async fn whole(mut body: Body, max_bytes: usize) -> Result<Bytes, SourceError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk.map_err(|error| failure::of_body(&error, bytes.len()))?;
        if bytes.len() + chunk.len() > max_bytes {
            return Err(failure::too_large(max_bytes));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Whether there was no connection at all, so that nothing can have been done. A login that failed in
/// kube's own layers never reached one. Of everything else nobody can be certain.
fn never_left(error: &kube::Error) -> bool {
    if find::<kube::client::AuthError>(error).is_some() {
        return true;
    }
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = cause {
        if this.to_string() == NO_CONNECTION {
            return true;
        }
        cause = this.source();
    }
    false
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.len() >= part.len() && bytes.windows(part.len()).any(|window| window == part)
}
