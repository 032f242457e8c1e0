//! What does Flux apply, and when?
//!
//! Reconcile asks for it now, suspend lets it apply nothing more, resume lets it go on. A suspension carries
//! who, why and when, for whoever finds it later. Called by [`super::super::families`].

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::draft::{
    Back, Draft, MARKER_PLACE, Patch, as_before, difference, here, is, list, marker_evidence, name,
    read, step, text,
};
use super::finish::{Context, object, pin, pinned};
use super::{Access, Cluster};
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Condition, Evidence, Operand, ReadCheck, at};
use crate::domain::plan::{Holds, Plan, Seed, Step, Target};
use crate::domain::source::SourceName;
use crate::domain::text::{Untrusted, shown};

const SUSPEND: &str = "/spec/suspend";
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
const REQUESTED_PLACE: &str = "/metadata/annotations/reconcile.fluxcd.io~1requestedAt";
const HANDLED: &str = "/status/lastHandledReconcileAt";
const READY: &str = "/status/conditions/[type=Ready]/status";
/// What a suspension leaves for whoever finds it.
const REASON: &str = "quell.dev/suspended-because";
const BY: &str = "quell.dev/suspended-by";

/// A kind that can be reconciled and suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kustomization,
    HelmRelease,
}

impl Kind {
    fn of(word: &str) -> Result<Self, NoPlan> {
        match word.to_ascii_lowercase().as_str() {
            "kustomization" | "kustomizations" | "ks" => Ok(Self::Kustomization),
            "helmrelease" | "helmreleases" | "hr" => Ok(Self::HelmRelease),
            _ => Err(NoPlan::new(format!(
                "`{}` is neither Kustomization nor HelmRelease",
                shown(word)
            ))),
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomize.toolkit.fluxcd.io",
            Self::HelmRelease => "helm.toolkit.fluxcd.io",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomizations",
            Self::HelmRelease => "helmreleases",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomization",
            Self::HelmRelease => "helmrelease",
        }
    }

    fn path(self, namespace: &str, name: &str) -> String {
        let version = match self {
            Self::Kustomization => "v1",
            Self::HelmRelease => "v2",
        };
        let (group, plural) = (self.group(), self.plural());
        format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}")
    }
}

/// One object, and what its source offers.
struct One {
    kind: Kind,
    object: Value,
    /// The revision that its source offers; why it is not known otherwise.
    offered: Result<String, String>,
}

impl One {
    fn at(&self, place: &str) -> &str {
        text(&self.object, place)
    }

    fn path(&self) -> String {
        self.kind
            .path(self.at("/metadata/namespace"), self.at("/metadata/name"))
    }

    fn words(&self) -> String {
        let (namespace, name) = (self.at("/metadata/namespace"), self.at("/metadata/name"));
        format!("{namespace}/{}/{name}", self.kind.word())
    }

    fn is_suspended(&self) -> bool {
        at(&self.object, SUSPEND).and_then(Value::as_bool) == Some(true)
    }

    /// The revision that was applied last.
    fn applied(&self) -> &str {
        let applied = match self.kind {
            Kind::Kustomization => self.at("/status/lastAppliedRevision"),
            Kind::HelmRelease => list(&self.object, "/status/history")
                .iter()
                .find(|one| text(one, "/status") == "deployed")
                .or_else(|| list(&self.object, "/status/history").first())
                .map_or("", |one| text(one, "/chartVersion")),
        };
        match applied {
            "" => "nothing yet",
            applied => applied,
        }
    }
}

/// `NAMESPACE/KIND/NAME`
fn parsed(one: &str) -> Result<(&str, Kind, &str), NoPlan> {
    let mut parts = one.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(namespace), Some(kind), Some(rest), None) => {
            Ok((name(namespace)?, Kind::of(kind)?, name(rest)?))
        }
        _ => Err(NoPlan::new(format!(
            "`{}` is not NAMESPACE/KIND/NAME",
            shown(one)
        ))),
    }
}

/// Pins the objects.
pub(crate) async fn resolve(
    cluster: &Cluster,
    request: &ActionRequest,
) -> Result<Vec<Target>, NoPlan> {
    let mut targets: Vec<Target> = Vec::new();
    for one in request.list("target")? {
        let (namespace, kind, name) = parsed(one)?;
        let found = object(cluster, &kind.path(namespace, name), one).await?;
        let target = pin(cluster, &found, kind.word()).await?;
        if targets.iter().any(|known| known.name == target.name) {
            return Err(NoPlan::new(format!("{one} is named twice")));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Plans a reconcile, a suspension or its end.
pub(crate) async fn plan(
    cluster: &Cluster,
    request: &ActionRequest,
    seed: &Seed,
    targets: &[Target],
) -> Result<Plan, NoPlan> {
    let mut all = Vec::new();
    for (one, target) in request.list("target")?.iter().zip(targets) {
        let (namespace, kind, name) = parsed(one)?;
        let object = pinned(cluster, &kind.path(namespace, name), Some(target)).await?;
        let offered = offered(cluster, kind, &object).await;
        all.push(One {
            kind,
            object,
            offered,
        });
    }
    let draft = draft(cluster.name(), request, &all, seed)?;
    Context::new(cluster, request, seed, targets)
        .finish(draft)
        .await
}

/// The revision that the source of an object offers.
async fn offered(cluster: &Cluster, kind: Kind, object: &Value) -> Result<String, String> {
    let (path, what) = source(kind, object)?;
    let found = cluster.get(&path).await.map_err(|why| why.to_string())?;
    let source = found.value.ok_or_else(|| format!("there is no {what}"))?;
    match text(&source, "/status/artifact/revision") {
        "" => Err(format!("{what} has no artifact")),
        revision => Ok(revision.to_owned()),
    }
}

/// Where the source of an object is, and what it is called.
fn source(kind: Kind, object: &Value) -> Result<(String, String), String> {
    let own = text(object, "/metadata/namespace");
    let (source_kind, namespace, source_name) = match kind {
        Kind::Kustomization => (
            text(object, "/spec/sourceRef/kind"),
            text(object, "/spec/sourceRef/namespace"),
            text(object, "/spec/sourceRef/name"),
        ),
        Kind::HelmRelease => match text(object, "/status/helmChart").split_once('/') {
            Some((namespace, name)) => ("HelmChart", namespace, name),
            None => (
                text(object, "/spec/chartRef/kind"),
                text(object, "/spec/chartRef/namespace"),
                text(object, "/spec/chartRef/name"),
            ),
        },
    };
    let plural = match source_kind {
        "GitRepository" => "gitrepositories",
        "OCIRepository" => "ocirepositories",
        "Bucket" => "buckets",
        "HelmChart" => "helmcharts",
        other => {
            return Err(format!(
                "its source is of an unknown kind `{}`",
                shown(other)
            ));
        }
    };
    let namespace = match namespace {
        "" => own,
        other => other,
    };
    let (Ok(namespace), Ok(source_name)) = (name(namespace), name(source_name)) else {
        return Err("its source has no name".to_owned());
    };
    let path =
        format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/{plural}/{source_name}");
    Ok((path, format!("{source_kind} {namespace}/{source_name}")))
}

fn draft(
    server: &SourceName,
    request: &ActionRequest,
    all: &[One],
    seed: &Seed,
) -> Result<Draft, NoPlan> {
    let names: Vec<String> = all.iter().map(One::words).collect();
    let (verb, risk, direction) = match &*request.action {
        "flux.reconcile" => ("reconcile", Risk::R2, Direction::Adds),
        "flux.suspend" => ("suspend", Risk::R1, Direction::Reduces),
        "flux.resume" => ("resume", Risk::R2, Direction::Adds),
        other => {
            return Err(NoPlan::new(format!(
                "nothing here plans `{}`",
                shown(other)
            )));
        }
    };
    let title = format!("{verb} {}", super::node::some(&names));
    let mut draft = Draft::new(title, risk, direction);
    let mut back = Vec::new();
    for (index, one) in all.iter().enumerate() {
        let (mut step, undo) = match verb {
            "reconcile" => (reconcile(&mut draft, server, one, seed)?, None),
            "suspend" => suspend(&mut draft, server, one, request, seed)?,
            _ => resume(&mut draft, server, one, seed)?,
        };
        step.target = index;
        draft.step(step);
        back.extend(undo.map(|mut undo| {
            undo.target = index;
            undo
        }));
        draft.needs(access(one));
        touches(&mut draft, one);
    }
    draft.blast.count = u32::try_from(all.len()).ok();
    draft.back = match verb {
        "suspend" => Back::Steps("resume it again".to_owned(), back),
        "resume" => Back::Steps(
            "suspend it again; what was applied meanwhile stays".to_owned(),
            back,
        ),
        _ => Back::None("what is applied stays: revert in git".to_owned()),
    };
    if verb != "suspend" {
        draft.notes.push(
            "the server checked the annotation or field, not what Flux will apply".to_owned(),
        );
    }
    Ok(draft)
}

fn access(one: &One) -> Access {
    Access::to("patch", one.kind.group(), one.kind.plural())
        .within(one.at("/metadata/namespace"))
        .named(one.at("/metadata/name"))
}

fn touches(draft: &mut Draft, one: &One) {
    let objects = list(&one.object, "/status/inventory/entries").len();
    if objects > 0 {
        draft.touches(&format!("{} applies {objects} objects", one.words()));
    }
    let namespace = Untrusted::line(one.at("/metadata/namespace"));
    if !draft.blast.namespaces.contains(&namespace) {
        draft.blast.namespaces.push(namespace);
    }
}

/// What would be applied, by what the source offers.
fn would_apply(draft: &mut Draft, one: &One) {
    let what = format!("what {} would apply is known", one.words());
    match &one.offered {
        Ok(offered) => {
            let place = format!("{} revision", one.words());
            draft
                .differences
                .push(difference(&place, Some(one.applied()), Some(offered)));
            let detail = format!("its source offers {offered}; applied is {}", one.applied());
            draft.holds(&what, Holds::Yes, &detail);
        }
        Err(why) => draft.holds(&what, Holds::Unknown, why),
    }
}

fn reconcile(
    draft: &mut Draft,
    server: &SourceName,
    one: &One,
    seed: &Seed,
) -> Result<Step, NoPlan> {
    if one.is_suspended() {
        return Err(NoPlan::new(format!(
            "{} is suspended: it reconciles nothing until it is resumed (flux.resume)",
            one.words()
        )));
    }
    would_apply(draft, one);
    let when = seed.at.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let path = one.path();
    // What it will apply is decided by its source: a source that moves on makes another plan.
    let offered = one.offered.clone().unwrap_or_default();
    let further = [
        (REQUESTED, when.as_str()),
        ("quell.dev/source-revision", offered.as_str()),
    ];
    let write = Patch::of_generation(&one.object)
        .still(&one.object, SUSPEND)
        .marked(&one.object, &seed.id, &further)
        .write(server, &path);
    let places = ["/metadata/generation", REQUESTED_PLACE];
    let evidence = marker_evidence(server, &path, &one.object, &seed.id, &places);
    let mut step = step(&format!("reconcile {}", one.words()), write, evidence);
    step.check = Some(ReadCheck {
        read: read(server, &path),
        done: vec![is(HANDLED, json!(when)), is(READY, json!("True"))],
        // Ready is False from before until it was handled: only time says that it failed.
        failed: Vec::new(),
        shown: shown_places(),
        within: patience(one),
    });
    Ok(step)
}

fn shown_places() -> Vec<(Untrusted, String)> {
    let place = |word: &str, place: &str| (Untrusted::line(word), place.to_owned());
    vec![
        place("ready", READY),
        place("because", "/status/conditions/[type=Ready]/message"),
    ]
}

/// Its own time limit, and a little more.
fn patience(one: &One) -> Duration {
    let own = crate::domain::duration::parse(one.at("/spec/timeout")).unwrap_or_default();
    own.clamp(Duration::from_mins(3), Duration::from_mins(15)) + Duration::from_mins(2)
}

fn suspend(
    draft: &mut Draft,
    server: &SourceName,
    one: &One,
    request: &ActionRequest,
    seed: &Seed,
) -> Result<(Step, Option<Step>), NoPlan> {
    if one.is_suspended() {
        let by = match one.at("/metadata/annotations/quell.dev~1suspended-by") {
            "" => String::new(),
            by => format!(" by {}", shown(by)),
        };
        return Err(NoPlan::new(format!(
            "{} is suspended already{by}: nothing to do",
            one.words()
        )));
    }
    let when = seed.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let by = format!(
        "{}@{} {when}",
        request.by.name.shown(),
        request.by.host.shown()
    );
    let reason = shown(request.text("reason")?);
    let further = [(REASON, reason.as_str()), (BY, by.as_str())];
    let path = one.path();
    let write = Patch::of_generation(&one.object)
        .put(&one.object, SUSPEND, json!(true))
        .marked(&one.object, &seed.id, &further)
        .write(server, &path);
    let before = at(&one.object, SUSPEND).map(ToString::to_string);
    let place = format!("{} {SUSPEND}", one.words());
    draft
        .differences
        .push(difference(&place, before.as_deref(), Some("true")));
    let evidence = marker_evidence(server, &path, &one.object, &seed.id, &[SUSPEND]);
    let mut step = step(&format!("suspend {}", one.words()), write, evidence);
    step.check = Some(field_check(server, one, json!(true)));
    let undo = Patch::of(&one.object)
        .test(MARKER_PLACE, json!(seed.id.as_str()))
        .test(SUSPEND, json!(true))
        .add(SUSPEND, json!(false));
    Ok((step, Some(back(server, one, undo, false))))
}

fn resume(
    draft: &mut Draft,
    server: &SourceName,
    one: &One,
    seed: &Seed,
) -> Result<(Step, Option<Step>), NoPlan> {
    if !one.is_suspended() {
        return Err(NoPlan::new(format!(
            "{} is not suspended: nothing to do",
            one.words()
        )));
    }
    would_apply(draft, one);
    let waited = match &one.offered {
        Ok(offered) if offered == one.applied() => None,
        Ok(offered) => Some(format!("from {} to {offered}", one.applied())),
        Err(_) => Some("nobody can say what".to_owned()),
    };
    if let Some(waited) = waited {
        let detail = format!("it brings what waited: {waited}");
        draft.holds("nothing waits to be applied", Holds::Warns, &detail);
    }
    let because = one.at("/metadata/annotations/quell.dev~1suspended-because");
    if !because.is_empty() {
        let by = one.at("/metadata/annotations/quell.dev~1suspended-by");
        let detail = format!("suspended by {}: {}", shown(by), shown(because));
        draft.holds("why it was suspended is over", Holds::Warns, &detail);
    }
    let path = one.path();
    let offered = one.offered.clone().unwrap_or_default();
    let reason = "/metadata/annotations/quell.dev~1suspended-because";
    let by = "/metadata/annotations/quell.dev~1suspended-by";
    let write = Patch::of_generation(&one.object)
        .put(&one.object, SUSPEND, json!(false))
        .drop(&one.object, reason)
        .drop(&one.object, by)
        .marked(
            &one.object,
            &seed.id,
            &[("quell.dev/source-revision", offered.as_str())],
        )
        .write(server, &path);
    let place = format!("{} {SUSPEND}", one.words());
    draft
        .differences
        .push(difference(&place, Some("true"), Some("false")));
    let evidence = marker_evidence(server, &path, &one.object, &seed.id, &[SUSPEND]);
    let mut step = step(&format!("resume {}", one.words()), write, evidence);
    step.check = Some(field_check(server, one, json!(false)));
    let undo = Patch::of(&one.object)
        .test(MARKER_PLACE, json!(seed.id.as_str()))
        .test(SUSPEND, json!(false))
        .add(SUSPEND, json!(true));
    Ok((step, Some(back(server, one, undo, true))))
}

fn field_check(server: &SourceName, one: &One, value: Value) -> ReadCheck {
    ReadCheck {
        read: read(server, &one.path()),
        done: vec![
            Condition::Equal(here(SUSPEND, json!(false)), Operand::Is(value)),
            as_before(&one.object, "/metadata/uid"),
        ],
        failed: Vec::new(),
        shown: shown_places(),
        within: Duration::from_secs(30),
    }
}

/// The step that sets the field back, and only where it is ours.
fn back(server: &SourceName, one: &One, patch: Patch, value: bool) -> Step {
    let path = one.path();
    let field =
        |value: bool| Condition::Equal(here(SUSPEND, json!(false)), Operand::Is(json!(value)));
    let uid = as_before(&one.object, "/metadata/uid");
    let evidence = Evidence::Read {
        read: read(server, &path),
        applied: vec![uid.clone(), field(value)],
        untouched: vec![uid, field(!value)],
    };
    let word = if value { "suspend" } else { "resume" };
    let what = format!("{word} {}", one.words());
    let mut step = step(&what, patch.write(server, &path), evidence);
    step.check = Some(field_check(server, one, json!(value)));
    step
}

#[cfg(test)]
#[path = "flux_tests.rs"]
mod tests;
