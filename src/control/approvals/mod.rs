//! Who else approved this plan, by which key, and how do they get to hear of it?
//!
//! There is no server: a request and the approvals of it travel as files through a shared folder or a git
//! repository, or are pasted. An approval is a statement with a signature of OpenSSH's (SSHSIG), checked
//! with `ssh-keygen` against the list of signers. Called by `runtime` and `cli`. Nothing here decides
//! whether an approval counts for a plan: that is [`Approval::problem`].

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::config::actions::{ApprovalSettings, Carrier};
use crate::domain::approval::{
    Approval, ApprovalRequest, RequesterKeys, Statement, is_plain_name, used_up,
};
use crate::domain::plan::{ActionId, Plan};
use crate::domain::text::{Untrusted, shown};

mod document;
mod folder;
mod git;
mod program;
mod signers;
mod ssh;
#[cfg(test)]
pub(crate) mod tests;

pub use document::{Document, MAX_DOCUMENT_BYTES, parse_document};

use folder::{Folder, MAX_REQUEST_BYTES};
use program::Tools;

/// Why approvals cannot be signed, checked, read or handed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The config does not say what is needed: what to add.
    #[error("{0}")]
    NotConfigured(String),
    /// A program is missing or did not answer, or a file cannot be read.
    #[error("{0}")]
    Unavailable(String),
    /// It is there, and is not good.
    #[error("{0}")]
    Refused(String),
}

/// What was handed in for an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// With a good signature of somebody on the list. Whether they count is not said.
    pub approvals: Vec<Approval>,
    /// No approvals: which file, and why.
    pub rejected: Vec<Untrusted>,
}

/// What approvals are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// In the order of their times. Expired ones too.
    pub requests: Vec<ApprovalRequest>,
    /// Files that are no requests, and why.
    pub problems: Vec<Untrusted>,
}

/// Our own key, as the list of signers knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// Our name there.
    pub principal: String,
    /// `SHA256:...`
    pub fingerprint: String,
}

/// Signs, checks and carries approvals.
#[derive(Clone, Debug)]
pub struct Approvals {
    settings: ApprovalSettings,
    tools: Tools,
}

impl Approvals {
    /// By the settings, with the programs and the agent of this process. Starts and reads nothing.
    #[must_use]
    pub fn new(settings: &ApprovalSettings) -> Self {
        Self::with_tools(settings, Tools::of_process())
    }

    fn with_tools(settings: &ApprovalSettings, tools: Tools) -> Self {
        Self {
            settings: settings.clone(),
            tools,
        }
    }

    /// Lets others know that approvals are asked for. A plan that was made again replaces its request.
    ///
    /// # Errors
    /// There is no folder, or it cannot be written or pushed.
    pub async fn publish(&self, request: &ApprovalRequest) -> Result<(), ApprovalError> {
        let (id, bytes) = (request.seed.id.clone(), request.canonical_bytes());
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(ApprovalError::Refused(
                "the request is too large to travel".to_owned(),
            ));
        }
        let message = format!("Ask for approval of {}", id.short());
        self.hand_in(folder::request_name(&id)?, bytes, &message)
            .await
    }

    /// All requests that travel here.
    ///
    /// # Errors
    /// There is no folder, or it cannot be pulled or read.
    pub async fn requests(&self) -> Result<Requests, ApprovalError> {
        let folder = self.pulled().await?;
        blocking(move || folder.requests()).await
    }

    /// What was handed in for an action.
    ///
    /// # Errors
    /// There is no folder or no list of signers, or they cannot be read.
    pub async fn collect(&self, action: &ActionId) -> Result<Collected, ApprovalError> {
        self.allowed_signers()?;
        self.check_places().await?;
        let folder = self.pulled().await?;
        let wanted = action.clone();
        let (documents, mut rejected) = blocking(move || folder.approvals(&wanted)).await?;
        let mut approvals: Vec<Approval> = Vec::new();
        for (name, text) in documents {
            match self.check(&text).await {
                Ok(approval) if approval.statement.action != *action => {
                    rejected.push(Untrusted::line(&format!(
                        "{name}: it is for another action"
                    )));
                }
                Ok(approval) if approvals.contains(&approval) => {}
                Ok(approval) => approvals.push(approval),
                // Where nothing can be checked, nobody may believe that nothing was handed in.
                Err(error @ (ApprovalError::Unavailable(_) | ApprovalError::NotConfigured(_))) => {
                    return Err(error);
                }
                Err(ApprovalError::Refused(why)) => {
                    rejected.push(Untrusted::line(&format!("{name}: {why}")));
                }
            }
        }
        Ok(Collected {
            approvals,
            rejected,
        })
    }

    /// Hands an approval in, after checking it as the requester's quell will.
    ///
    /// # Errors
    /// It is not good, or there is no folder, or that cannot be written or pushed.
    pub async fn submit(&self, document: &Document) -> Result<Approval, ApprovalError> {
        let text = document.text();
        let approval = self.verify(&text).await?;
        let id = &document.statement.action;
        let message = format!("Approve {}", id.short());
        let name = folder::approval_name(id, &text)?;
        self.hand_in(name, text.into_bytes(), &message).await?;
        Ok(approval)
    }

    /// Checks one document: its form, its signature, who signed it. Also for what was pasted.
    ///
    /// # Errors
    /// Why it is no approval.
    pub async fn verify(&self, text: &str) -> Result<Approval, ApprovalError> {
        self.check_places().await?;
        self.check(text).await
    }

    async fn check(&self, text: &str) -> Result<Approval, ApprovalError> {
        let document = parse_document(text).map_err(ApprovalError::Refused)?;
        let list = self.allowed_signers()?;
        let revoked = self.settings.revoked_keys.as_deref();
        let signed = document.statement.canonical_bytes();
        let (tools, signature) = (&self.tools, &document.signature);
        let (signer, key) = ssh::verify(tools, list, revoked, &signed, signature).await?;
        Ok(Approval {
            statement: document.statement,
            signer: Untrusted::line(&signer),
            key: Untrusted::line(&key),
        })
    }

    /// Signs an approval of a plan with our own key, and checks that it would be taken. A key that wants to
    /// be touched is waited for.
    ///
    /// # Errors
    /// There is no key, it does not sign, or the list of signers does not know it by our name.
    pub async fn sign(
        &self,
        plan: &Plan,
        role: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<Document, ApprovalError> {
        let own = self.own_key().await?;
        let statement = Statement::for_plan(plan, &own.principal, role, expires_at);
        let key = self.signing_key()?;
        let signature = ssh::sign(&self.tools, key, &statement.canonical_bytes()).await?;
        let document = Document {
            statement,
            signature,
        };
        let approval = self.verify(&document.text()).await?;
        if approval.signer.raw() != own.principal {
            return Err(ApprovalError::Refused(format!(
                "the list of signers names our key `{}`, not `{}`: see actions.approvals.identity",
                approval.signer,
                shown(&own.principal)
            )));
        }
        Ok(document)
    }

    /// Our own key, and our name in the list of signers.
    ///
    /// # Errors
    /// No key is configured, or the list does not name it.
    pub async fn own_key(&self) -> Result<OwnKey, ApprovalError> {
        let fingerprint = ssh::fingerprint(&self.tools, self.signing_key()?).await?;
        if let Some(identity) = &self.settings.identity {
            return Ok(OwnKey {
                principal: identity.clone(),
                fingerprint,
            });
        }
        let listed = ssh::listed(&self.tools, self.allowed_signers()?).await?;
        let ours = listed.into_iter().find(|one| one.key == fingerprint);
        let names = ours.map(|one| one.principals).unwrap_or_default();
        let principal = names.into_iter().find(|name| is_plain_name(name));
        let principal = principal.ok_or_else(|| {
            ApprovalError::Refused(format!(
                "the list of signers has no name for our key {fingerprint}"
            ))
        })?;
        Ok(OwnKey {
            principal,
            fingerprint,
        })
    }

    /// Who we are, so that we do not approve what we asked for: our configured name, our key, every key in
    /// the agent, and every name that the list of signers has for one of these.
    ///
    /// # Errors
    /// The key, the agent or the list is there and cannot be read: nobody knows who we are.
    pub async fn requester_keys(&self) -> Result<RequesterKeys, ApprovalError> {
        let mut keys = ssh::agent_keys(&self.tools).await?;
        if let Some(key) = &self.settings.signing_key {
            keys.push(ssh::fingerprint(&self.tools, key).await?);
        }
        keys.sort_unstable();
        keys.dedup();
        let mut principals: Vec<String> = self.settings.identity.iter().cloned().collect();
        if let Some(list) = &self.settings.allowed_signers {
            let listed = ssh::listed(&self.tools, list).await?;
            let ours = listed.into_iter().filter(|one| keys.contains(&one.key));
            principals.extend(ours.flat_map(|one| one.principals));
        }
        principals.sort_unstable();
        principals.dedup();
        Ok(RequesterKeys { principals, keys })
    }

    fn signing_key(&self) -> Result<&Path, ApprovalError> {
        let key = self.settings.signing_key.as_deref();
        key.ok_or_else(|| not_configured("signing_key", "our own key"))
    }

    fn allowed_signers(&self) -> Result<&Path, ApprovalError> {
        let list = self.settings.allowed_signers.as_deref();
        list.ok_or_else(|| not_configured("allowed_signers", "the list of signers"))
    }

    fn folder(&self) -> Result<PathBuf, ApprovalError> {
        let folder = self.settings.folder.clone();
        folder.ok_or_else(|| {
            not_configured(
                "folder",
                "the folder through which approvals travel; quell approve --print works without one",
            )
        })
    }

    /// Whoever may put a file where approvals travel could name themselves a signer there.
    async fn check_places(&self) -> Result<(), ApprovalError> {
        let Some(folder) = &self.settings.folder else {
            return Ok(());
        };
        let top = match self.settings.carrier {
            Carrier::Folder => folder.clone(),
            Carrier::Git => git::top(&self.tools, folder).await?,
        };
        let files = [&self.settings.allowed_signers, &self.settings.revoked_keys];
        let files: Vec<PathBuf> = files.into_iter().flatten().cloned().collect();
        blocking(move || folder::check_apart(&top, &files)).await
    }

    /// The folder, with what the others handed in.
    async fn pulled(&self) -> Result<Folder, ApprovalError> {
        let path = self.folder()?;
        if self.settings.carrier == Carrier::Git {
            git::pull(&self.tools, &path).await?;
        }
        let carrier = self.settings.carrier;
        blocking(move || {
            if carrier == Carrier::Git {
                folder::create(&path)?;
            }
            Folder::open(&path)
        })
        .await
    }

    async fn hand_in(
        &self,
        name: String,
        bytes: Vec<u8>,
        message: &str,
    ) -> Result<(), ApprovalError> {
        let path = self.folder()?;
        let folder = self.pulled().await?;
        let file = name.clone();
        blocking(move || folder.write(&file, &bytes)).await?;
        if self.settings.carrier == Carrier::Git {
            let identity = self.settings.identity.as_deref();
            git::push(&self.tools, &path, &name, message, identity).await?;
        }
        Ok(())
    }
}

impl Collected {
    /// The same, for whoever knows whether the action was dispatched before: its name is a nonce, and
    /// approvals of it count once.
    #[must_use]
    pub fn unless_used(
        mut self,
        action: &ActionId,
        was_dispatched: impl Fn(&ActionId) -> bool,
    ) -> Self {
        if let Some(why) = used_up(action, was_dispatched) {
            let used = std::mem::take(&mut self.approvals);
            let words = used
                .iter()
                .map(|approval| Untrusted::line(&format!("of {}: {why}", approval.signer.raw())));
            self.rejected.extend(words);
        }
        self
    }
}

fn not_configured(key: &str, what: &str) -> ApprovalError {
    ApprovalError::NotConfigured(format!("actions.approvals.{key} is not set: {what}"))
}

/// Files of a shared folder may be on a slow network: not on the thread that draws.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApprovalError> + Send + 'static,
) -> Result<T, ApprovalError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ApprovalError::Unavailable(error.to_string())),
    }
}
