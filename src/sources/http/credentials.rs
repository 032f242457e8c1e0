//! With which secrets does a request go out?
//!
//! They are read when the first request needs them and kept, as [`SecretString`], until the server
//! refuses them: then they are read again, and sent again only if they have changed, so that a
//! wrong password does not lock an account.

use std::sync::Arc;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::config::secret::{Secret, SecretError};
use crate::config::settings::Auth;
use crate::domain::source::{ErrorKind, SourceError};

/// Values in the order of [`Credentials::places`].
type Values = Arc<[SecretString]>;

pub(super) struct Credentials {
    auth: Auth,
    headers: Vec<(HeaderName, Secret)>,
    known: Mutex<Option<Values>>,
}

impl Credentials {
    pub(super) fn new(auth: Auth, headers: Vec<(HeaderName, Secret)>) -> Self {
        Self {
            auth,
            headers,
            known: Mutex::new(None),
        }
    }

    /// What is known, read now if nothing is.
    pub(super) async fn current(&self) -> Result<Values, SourceError> {
        let mut known = self.known.lock().await;
        if let Some(values) = &*known {
            return Ok(values.clone());
        }
        Ok(known.insert(self.read().await?).clone())
    }

    /// Reads again after `refused` was refused. `None`: nothing has changed.
    pub(super) async fn newer_than(
        &self,
        refused: &[SecretString],
    ) -> Result<Option<Values>, SourceError> {
        if refused.is_empty() {
            return Ok(None);
        }
        let mut known = self.known.lock().await;
        // Another request may have been refused and have read them in the meantime.
        if let Some(values) = known.as_ref().filter(|values| !are_same(values, refused)) {
            return Ok(Some(values.clone()));
        }
        let values = known.insert(self.read().await?);
        Ok((!are_same(values, refused)).then(|| values.clone()))
    }

    pub(super) fn put_on(
        &self,
        request: RequestBuilder,
        values: &[SecretString],
    ) -> RequestBuilder {
        let mut values = values.iter().map(ExposeSecret::expose_secret);
        let mut next = || values.next().unwrap_or_default();
        let request = match &self.auth {
            Auth::None => request,
            Auth::Basic { username, .. } => request.basic_auth(username, Some(next())),
            Auth::Bearer(_) => request.bearer_auth(next()),
        };
        self.headers.iter().fold(request, |request, (name, _)| {
            // A secret has no control characters, so that this always succeeds.
            match HeaderValue::from_str(next()) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    request.header(name, value)
                }
                Err(_) => request,
            }
        })
    }

    fn places(&self) -> impl Iterator<Item = &Secret> {
        let auth = match &self.auth {
            Auth::None => None,
            Auth::Basic { password, .. } => Some(password),
            Auth::Bearer(token) => Some(token),
        };
        auth.into_iter().chain(self.headers.iter().map(|(_, s)| s))
    }

    async fn read(&self) -> Result<Values, SourceError> {
        let mut values = Vec::new();
        for place in self.places() {
            values.push(place.read().await.map_err(|error| unreadable(&error))?);
        }
        Ok(values.into())
    }
}

/// What no text may repeat of a request: its secrets, plain and as its headers carry them. Gateways
/// like to quote the token that they refuse.
pub(super) struct Hidden(Vec<SecretString>);

impl Hidden {
    pub(super) fn of(request: &Request, secrets: &[SecretString]) -> Self {
        let worn = request.headers().values().filter(|v| v.is_sensitive());
        // Without `Basic` or `Bearer` before it.
        let worn = worn
            .filter_map(|value| value.to_str().ok()?.split(' ').next_back())
            .map(SecretString::from);
        Self(secrets.iter().cloned().chain(worn).collect())
    }

    pub(super) fn mask(&self, text: &str) -> String {
        let secrets = self.0.iter().map(ExposeSecret::expose_secret);
        secrets
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// The same for what need not be text.
    pub(super) fn mask_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match std::str::from_utf8(&bytes) {
            Ok(text) if !self.0.is_empty() => self.mask(text).into_bytes(),
            Ok(_) => bytes,
            Err(_) if self.0.is_empty() => bytes,
            Err(_) => self.mask(&String::from_utf8_lossy(&bytes)).into_bytes(),
        }
    }
}

fn are_same(a: &[SecretString], b: &[SecretString]) -> bool {
    a.iter()
        .map(ExposeSecret::expose_secret)
        .eq(b.iter().map(ExposeSecret::expose_secret))
}

fn unreadable(error: &SecretError) -> SourceError {
    SourceError::new(ErrorKind::Local, &error.to_string())
}
