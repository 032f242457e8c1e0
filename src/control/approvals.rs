//! Stand-in.
use crate::config::actions::ApprovalSettings;
use crate::domain::action::Requester;
use crate::domain::approval::{Approval, ApprovalRequest, RequesterKeys};
use crate::domain::plan::ActionId;
use crate::domain::text::Untrusted;
pub(super) async fn collect(_: &ApprovalSettings, _: &ActionId) -> (Vec<Approval>, Vec<Untrusted>) {
    (vec![], vec![])
}
pub(super) async fn verify_document(_: &ApprovalSettings, _: &str) -> Result<Approval, String> {
    Err("x".into())
}
pub(super) async fn publish(_: &ApprovalSettings, _: &ApprovalRequest) -> Result<String, String> {
    Err("x".into())
}
pub(super) async fn requester_keys(_: &ApprovalSettings, _: &Requester) -> RequesterKeys {
    RequesterKeys::default()
}
