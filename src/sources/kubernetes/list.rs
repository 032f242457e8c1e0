//! What objects are there, all pages of them?
//!
//! One consistent list of a resource: page by page, and again from the start when the server has
//! forgotten where it was. An object that cannot be read is told, and the others go on. Called by
//! [`super::Kubernetes`].

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Client;
use super::object::Object;
use super::store::{Key, Read, Scope};
use super::target::Target;
use crate::domain::source::{ErrorKind, SourceError};
use crate::sources::http::HttpError;

/// A server that never comes to an end is not followed.
const MAX_PAGES: usize = 10_000;

/// All there was at one resource version.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) items: Vec<(Key, Read)>,
    /// What cannot even be named, and why.
    pub(super) nameless: Vec<String>,
    /// Where a watch goes on. Empty where the server does not tell.
    pub(super) resource_version: String,
}

/// Why a list is not there.
enum Paging {
    /// The server has forgotten where it was.
    Expired(HttpError),
    Failed(HttpError),
}

impl From<HttpError> for Paging {
    fn from(error: HttpError) -> Self {
        Self::Failed(error)
    }
}

/// Lists everything at one of the target's paths: twice in pages, then at once.
pub(super) async fn list(
    client: &Client,
    target: &Target,
    path: &str,
    page_size: u32,
) -> Result<Listing, HttpError> {
    for limit in [Some(page_size), Some(page_size)] {
        match pages(client, target, path, limit).await {
            Ok(listing) => return Ok(listing),
            Err(Paging::Failed(error)) => return Err(error),
            Err(Paging::Expired(_)) => {}
        }
    }
    match pages(client, target, path, None).await {
        Ok(listing) => Ok(listing),
        Err(Paging::Failed(error) | Paging::Expired(error)) => Err(error),
    }
}

async fn pages(
    client: &Client,
    target: &Target,
    path: &str,
    limit: Option<u32>,
) -> Result<Listing, Paging> {
    let mut listing = Listing::default();
    let mut token: Option<String> = None;
    for page in 1..=MAX_PAGES {
        let asked = target.page(path, limit, token.as_deref());
        let bytes = match client.whole(&asked, target.accepts_list()).await {
            Ok(bytes) => bytes,
            Err(error) if token.is_some() && matches!(error.status, Some(400 | 410)) => {
                return Err(Paging::Expired(error));
            }
            Err(error) => return Err(error.into()),
        };
        token = listing
            .take(&target.scope, page, &bytes)
            .map_err(|why| malformed(&format!("page {page} of {path}: {why}")))?;
        if token.is_none() {
            return Ok(listing);
        }
    }
    let detail = format!("{path} does not end within {MAX_PAGES} pages");
    Err(malformed(&detail).into())
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    metadata: PageMeta,
    /// Go writes an empty list as null at times.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PageMeta {
    resource_version: Option<String>,
    r#continue: Option<String>,
}

impl Listing {
    /// Takes over a page; gives the token of the next one.
    fn take(
        &mut self,
        scope: &Scope,
        number: usize,
        page: &[u8],
    ) -> Result<Option<String>, String> {
        let page: Page<'_> = serde_json::from_slice(page).map_err(|error| error.to_string())?;
        if !page.kind.ends_with("List") {
            return Err(format!("a {} instead of a list", page.kind));
        }
        for (index, item) in page.items.into_iter().flatten().enumerate() {
            match read(scope, item.get()) {
                Ok(item) => self.items.push(item),
                Err(why) => {
                    let index = index + 1;
                    let name = format!("object {index} of page {number} has no name: {why}");
                    self.nameless.push(name);
                }
            }
        }
        self.resource_version = page.metadata.resource_version.unwrap_or_default();
        Ok(page.metadata.r#continue.filter(|token| !token.is_empty()))
    }
}

/// What names an object, and nothing else of it.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) metadata: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Name {
    name: String,
    namespace: Option<String>,
}

/// An object or why it cannot be read; an error where it has no name.
pub(super) fn read(scope: &Scope, json: &str) -> Result<(Key, Read), String> {
    match Object::read(scope.resource, json) {
        Ok(object) => {
            let namespace = object.meta.namespace.as_deref().map(str::to_owned);
            let name: &str = object.meta.name.as_ref();
            Ok((scope.key(namespace, name.to_owned()), Ok(object)))
        }
        Err(why) => Ok((key(scope, json)?, Err(why))),
    }
}

/// The name of an object.
pub(super) fn key(scope: &Scope, json: &str) -> Result<Key, String> {
    let named: Named = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(scope.key(named.metadata.namespace, named.metadata.name))
}

fn malformed(detail: &str) -> HttpError {
    SourceError::new(ErrorKind::Malformed, detail).into()
}
