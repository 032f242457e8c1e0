//! How is one question asked of a Kubernetes API server, and why did it fail?
//!
//! kube's client carries it: certificates, tokens and their files, proxies, the pod's own account.
//! Credentials of exec plugins are put on here. GET is the only verb that stands here: any other is
//! made up by `control` and carried by [`carry`]. Called by `discovery`, `list` and `watch`; knows
//! nothing of what the answers mean.

mod carry;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::{BodyDataStream, BodyExt};
use kube::Config;
use kube::client::Body as KubeBody;
use secrecy::{ExposeSecret, SecretString};

use super::failure;
use super::kubeconfig::{Login, in_cluster, login, nobody};
use super::plugin::{Credential, Plugin, base64};
use crate::config::delivery::{KubernetesLogin, KubernetesSettings};
use crate::domain::source::{ErrorKind, SourceError};
use crate::sources::http::{HttpError, describe_page, install_crypto_provider, is_web_page};

pub use carry::KubernetesClient;

/// A dead address is told apart from a slow answer after this at the latest.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Of one answer, unpacked.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Asks one server.
pub(super) struct Client {
    kube: kube::Client,
    config: Config,
    plugin: Option<Plugin>,
    credential: Option<Credential>,
    bearer: Option<HeaderValue>,
    /// What no text of an error repeats.
    hidden: Arc<Vec<SecretString>>,
    peer: Arc<str>,
    timeout: Duration,
    context: Option<String>,
}

impl Client {
    /// Reads the kubeconfig, and runs its plugin if it names one. Opens no connection.
    ///
    /// `pinned` is the context of an earlier client, if the settings leave it open.
    ///
    /// # Errors
    /// `Local` for what does not hold on this machine, `Tls` for a certificate or key that is none.
    pub(super) async fn new(
        settings: &KubernetesSettings,
        pinned: Option<&str>,
    ) -> Result<Self, SourceError> {
        install_crypto_provider();
        let Login {
            mut config,
            plugin,
            context,
        } = match &settings.login {
            KubernetesLogin::InCluster => in_cluster()?,
            KubernetesLogin::Nobody(url) => nobody(url)?,
            KubernetesLogin::Kubeconfig { path, context } => {
                login(path.as_deref(), context.as_deref().or(pinned)).await?
            }
        };
        // What is overloaded is asked again at the next poll, and said so until then.
        config.default_retry = false;
        // Below the whole, so that the two can be told apart.
        config.connect_timeout = Some((settings.timeout * 9 / 10).min(MAX_CONNECT_TIMEOUT));
        let agent = HeaderValue::from_static(concat!("quell/", env!("CARGO_PKG_VERSION")));
        config.headers.push((USER_AGENT, agent));

        let plugin = plugin.map(|(spec, user)| Plugin::new(spec, user));
        let credential = match &plugin {
            Some(plugin) => Some(plugin.run().await?),
            None => None,
        };
        let peer = peer(&config);
        let mut client = Self {
            kube: made_of(&config, credential.as_ref())?,
            plugin,
            credential: None,
            bearer: None,
            hidden: Arc::default(),
            peer: peer.into(),
            timeout: settings.timeout,
            context,
            config,
        };
        client.wear(credential)?;
        Ok(client)
    }

    /// The context of the kubeconfig that was taken.
    pub(super) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Which server is asked.
    pub(super) fn server(&self) -> &http::Uri {
        &self.config.cluster_url
    }

    /// Fetches new credentials where the old ones are about to end.
    pub(super) async fn refresh(&mut self, now: DateTime<Utc>) -> Result<(), SourceError> {
        if self.credential.as_ref().is_some_and(|c| c.is_ending(now)) {
            self.renew().await?;
        }
        Ok(())
    }

    /// Fetches new credentials; `false` where they do not come from a plugin.
    pub(super) async fn renew(&mut self) -> Result<bool, SourceError> {
        let Some(plugin) = &self.plugin else {
            return Ok(false);
        };
        let credential = plugin.run().await?;
        if credential.certificate.is_some() {
            self.kube = made_of(&self.config, Some(&credential))?;
        }
        self.wear(Some(credential))?;
        Ok(true)
    }

    fn wear(&mut self, credential: Option<Credential>) -> Result<(), SourceError> {
        let token = credential.as_ref().and_then(|c| c.token.as_ref());
        self.bearer = match token {
            Some(token) => Some(bearer(token)?),
            None => None,
        };
        let own = self.config.auth_info.token.iter();
        let own = own.chain(&self.config.auth_info.password);
        self.hidden = Arc::new(own.chain(token).cloned().collect());
        self.credential = credential;
        Ok(())
    }

    /// Asks, and waits for the head of the answer at most for the timeout of the settings.
    pub(super) fn open(
        &self,
        target: &str,
        accept: &'static str,
    ) -> BoxFuture<'static, Result<Body, HttpError>> {
        let mut request = Request::get(target).header(ACCEPT, accept);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        let request = request.body(KubeBody::empty());
        let (kube, peer, timeout) = (self.kube.clone(), self.peer.clone(), self.timeout);
        let (hidden, path) = (
            self.hidden.clone(),
            target.split('?').next().unwrap_or_default().to_owned(),
        );
        Box::pin(async move {
            let asked = async {
                let request = request.map_err(|error| {
                    let detail = format!("{path}: {error}");
                    SourceError::new(ErrorKind::Local, &detail)
                })?;
                let sent = kube.send(request).await;
                let response = sent.map_err(|error| failure::of_request(&peer, &error))?;
                let (head, inner) = response.into_parts();
                let mut body = Body(inner.into_data_stream());
                if head.status.is_success() {
                    return Ok(body);
                }
                let explanation = body.beginning().await;
                Err(failure::of_answer(&path, &head, &explanation, &hidden))
            };
            match tokio::time::timeout(timeout, asked).await {
                Ok(result) => result,
                Err(_) => Err(failure::no_answer(&peer, timeout).into()),
            }
        })
    }

    /// Asks for a whole answer, bounded in time and size.
    pub(super) async fn whole(
        &self,
        target: &str,
        accept: &'static str,
    ) -> Result<Vec<u8>, HttpError> {
        let asked = async {
            let mut body = self.open(target, accept).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.chunk().await {
                let chunk = chunk.map_err(|error| failure::of_body(&error, bytes.len()))?;
                if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(failure::too_large(MAX_ANSWER_BYTES).into());
                }
                bytes.extend_from_slice(&chunk);
            }
            if is_web_page(&bytes) {
                let page = describe_page(&bytes);
                let detail = format!("{page}, not this API: a proxy's login page, or a wrong URL?");
                return Err(SourceError::new(ErrorKind::Malformed, &detail).into());
            }
            Ok(bytes)
        };
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(result) => result,
            Err(_) => Err(failure::no_answer(&self.peer, self.timeout).into()),
        }
    }

    /// For one whole request.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// What comes after the head of an answer.
pub(super) struct Body(BodyDataStream<KubeBody>);

impl Body {
    /// The next part, `None` at the end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, kube::Error>> {
        self.0.next().await
    }

    /// As [`Body::chunk`], for whoever listens to many.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, kube::Error>>> {
        std::pin::Pin::new(&mut self.0).poll_next(cx)
    }

    /// Of a refusal: as much as is looked at, or as comes.
    async fn beginning(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < failure::MAX_EXPLANATION_BYTES
            && let Some(Ok(chunk)) = self.chunk().await
        {
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(failure::MAX_EXPLANATION_BYTES);
        bytes
    }
}

/// kube's client, with the certificate that a plugin gave.
fn made_of(config: &Config, credential: Option<&Credential>) -> Result<kube::Client, SourceError> {
    let mut config = config.clone();
    if let Some((certificate, key)) = credential.and_then(|c| c.certificate.as_ref()) {
        let key = base64(key.expose_secret().as_bytes());
        config.auth_info.client_certificate_data = Some(base64(certificate.as_bytes()));
        config.auth_info.client_key_data = Some(key.into());
    }
    kube::Client::try_from(config).map_err(|error| failure::of_client(&error))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, SourceError> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|_| {
        let detail = "the token of the kubeconfig's plugin has characters that no token has";
        SourceError::new(ErrorKind::Local, detail)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// `eu-1.k8s.example:6443`, for messages.
fn peer(config: &Config) -> String {
    let host = |uri: &http::Uri| {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().map(|port| format!(":{port}"));
        format!("{host}{}", port.unwrap_or_default())
    };
    match &config.proxy_url {
        Some(proxy) => format!("{} through {}", host(&config.cluster_url), host(proxy)),
        None => host(&config.cluster_url),
    }
}
