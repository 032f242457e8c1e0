//! A model with sources, fed by hand.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};

pub(crate) use crate::domain::board::tests::t;
use crate::domain::board::tests::{observed, replica};
use crate::domain::board::{Board, Inputs};
use crate::domain::claim::Claims;
use crate::domain::freshness::Health;
use crate::domain::label::Labels;
use crate::domain::observed::{
    AlertmanagerAnswer, ObservedAlert, PrometheusAnswer, ReplicaState, RuleAlert, RuleAlertState,
    Suppression,
};
use crate::domain::prose::Document;
use crate::domain::runbook::{FrontMatter, Library, Runbook, Version};
use crate::domain::slo_measured::{BurnAnswer, MeasuredSlo};
use crate::domain::source::{ErrorKind, SourceError, SourceKind};
use crate::domain::text::Untrusted;
use crate::domain::triage::TriagePolicy;
use crate::effect::Effect;
use crate::keys::KeyPress;
use crate::model::Model;
use crate::model::knowledge::{DeliveryKnowledge, Kept, Knowledge, Merging, SourceState};
use crate::model::layout::Layout;
use crate::model::rows::{FoldState, Grouping, Row, RowKind, RowPlace};
use crate::model::session::{Identity, Session, Tone};
use crate::msg::{Answer, Msg, Report};
use crate::update::update;

/// Seconds between two polls of each source.
pub const PERIOD_SECS: u64 = 15;

/// Nine rows of list: no heads, no summary.
const SMALL: (u16, u16) = (80, 12);

/// Shared: its expressions take longer to compile than most tests take.
static POLICY: LazyLock<Arc<TriagePolicy>> = LazyLock::new(Arc::default);

/// A model with some Alertmanagers, then a Prometheus, then the runbooks.
pub struct World {
    pub model: Model,
    alertmanagers: usize,
}

impl World {
    /// One Alertmanager, rows not grouped, nothing heard yet.
    pub fn silent() -> Self {
        Self::with(1, "none")
    }

    pub fn with(alertmanagers: usize, grouping: &str) -> Self {
        let mut sources: Vec<SourceState> = (1..=alertmanagers)
            .map(|n| source(&format!("am-{n}"), SourceKind::Alertmanager))
            .collect();
        sources.push(source("prom-1", SourceKind::Prometheus));
        sources.push(source("prom-1/slo", SourceKind::Slos));
        sources.push(source("runbooks", SourceKind::Runbooks));
        let knowledge = Knowledge {
            sources,
            claims: Arc::default(),
            policy: POLICY.clone(),
            policies: Arc::default(),
            holding: Arc::default(),
            delivery: DeliveryKnowledge::default(),
            merging: Merging::default(),
        };
        let identity = Identity {
            operator: "mara".into(),
            themes: vec!["default".into(), "light".into()],
            ..Identity::default()
        };
        let session = Session::new(identity, Grouping::parse(grouping), SMALL);
        let mut model = Model::new(knowledge, session, t(100));
        model.dirty = false;
        Self {
            model,
            alertmanagers,
        }
    }

    /// Every source has answered, am-1 with these alerts.
    pub fn showing(alerts: &[Fired]) -> Self {
        Self::grouped("none", alerts)
    }

    /// As [`World::showing`], grouped.
    pub fn grouped(grouping: &str, alerts: &[Fired]) -> Self {
        let mut world = Self::with(1, grouping);
        world.answers(world.runbooks(), Answer::Runbooks(Arc::new(library())));
        world.answers(world.prometheus(), prometheus(vec![]));
        world.fires(alerts);
        world
    }

    pub fn prometheus(&self) -> usize {
        self.alertmanagers
    }

    pub fn slos(&self) -> usize {
        self.alertmanagers + 1
    }

    pub fn runbooks(&self) -> usize {
        self.alertmanagers + 2
    }

    /// The Prometheus has measured these SLOs.
    pub fn burns(&mut self, slos: Vec<MeasuredSlo>) {
        let answer = BurnAnswer {
            slos: slos.into_iter().map(Arc::new).collect(),
            ..BurnAnswer::default()
        };
        self.answers(self.slos(), Answer::Burn(Arc::new(answer)));
    }

    /// Hands a message in. Merges are left to the caller.
    pub fn send(&mut self, msg: Msg) -> Vec<Effect> {
        let now = self.model.now;
        update(&mut self.model, msg, now)
    }

    /// Hands a message in and performs the merges that follow; the other effects are handed back.
    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let effects = self.send(msg);
        self.perform(effects)
    }

    /// Performs merges until none is ordered; the other effects are handed back.
    pub fn perform(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut others = Vec::new();
        let mut queue = effects;
        while let Some(effect) = queue.pop() {
            match effect {
                Effect::Merge { seq, inputs } => {
                    queue.extend(self.send(Msg::BoardReady {
                        seq,
                        board: Arc::new(Board::of(&inputs)),
                    }));
                }
                other => others.push(other),
            }
        }
        others.reverse();
        others
    }

    /// What a source says, on time.
    pub fn report(&self, source: usize, result: Result<Answer, SourceError>) -> Msg {
        Msg::SourceReported(Report {
            source,
            at: self.model.now,
            latency_ms: 20,
            result,
        })
    }

    pub fn answers(&mut self, source: usize, answer: Answer) {
        let msg = self.report(source, Ok(answer));
        assert!(self.tell(msg).is_empty());
    }

    pub fn fails(&mut self, source: usize) {
        let msg = self.report(source, Err(refused()));
        assert!(self.tell(msg).is_empty());
    }

    /// am-1 answers with these alerts.
    pub fn fires(&mut self, alerts: &[Fired]) {
        self.answers(0, alertmanager(alerts));
    }

    /// Seconds go by, one tick each, and nothing else happens.
    pub fn pass_secs(&mut self, secs: u32) -> Vec<Effect> {
        let mut effects = Vec::new();
        for _ in 0..secs {
            let now = self.model.now + TimeDelta::seconds(1);
            effects.extend(update(&mut self.model, Msg::Tick, now));
        }
        effects
    }

    /// Presses keys by their names, with spaces between them.
    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in keys.split_whitespace() {
            let press = KeyPress::parse(name).unwrap_or_else(|| panic!("no key `{name}`"));
            effects.extend(self.tell(Msg::Key(press)));
        }
        effects
    }

    /// Types a text, character by character.
    pub fn type_text(&mut self, text: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for c in text.chars() {
            let press = KeyPress {
                code: crossterm::event::KeyCode::Char(c),
                modifiers: crossterm::event::KeyModifiers::NONE,
            };
            effects.extend(self.tell(Msg::Key(press)));
        }
        effects
    }

    /// Opens the palette, types a command and takes it.
    pub fn command(&mut self, text: &str) -> Vec<Effect> {
        let mut effects = self.press(":");
        effects.extend(self.type_text(text));
        effects.extend(self.press("enter"));
        effects
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        assert!(self.tell(Msg::Resized { columns, rows }).is_empty());
    }

    /// The rows of the tab: `Name`, `Name/pod`, `Name x2`, `Name x2 open`, with ` gone` where the
    /// alert is gone, and `>` before the one with the cursor.
    pub fn rows(&self) -> Vec<String> {
        let triage = &self.model.session.triage;
        let rows = triage.rows.iter().enumerate();
        rows.map(|(at, row)| {
            let mark = if at == triage.scroll.cursor { ">" } else { "" };
            format!("{mark}{}", self.named(row))
        })
        .collect()
    }

    /// The row under the cursor, as in [`World::rows`]; empty without one.
    pub fn here(&self) -> String {
        let row = self.model.session.triage.row();
        row.map_or_else(String::new, |row| self.named(row))
    }

    fn named(&self, row: &Row) -> String {
        let board = &self.model.board;
        let indent = match row.place {
            RowPlace::Alone => "",
            RowPlace::Member(_) => "  ",
        };
        match row.kind {
            RowKind::Alert(at) => format!("{indent}{}", full_name(&board.alerts[at].labels)),
            RowKind::Fold {
                first,
                count,
                state,
            } => {
                let open = match state {
                    FoldState::Open => " open",
                    FoldState::Closed => "",
                };
                format!("{} x{count}{open}", board.alerts[first].name())
            }
            RowKind::Burn(at) => format!("{} burn", board.burns[at].id()),
            RowKind::Pending(at) => format!("{} pending", full_name(&board.pending[at].labels)),
            RowKind::Gone => {
                let kept = self.model.session.triage.selected.as_ref();
                let name = kept.map_or_else(|| "-".into(), |a| full_name(&a.labels));
                format!("{indent}{name} gone")
            }
        }
    }

    /// The line of the list that the cursor is on, 0 is the first on screen.
    pub fn line(&self) -> usize {
        let scroll = self.model.session.triage.scroll;
        scroll.cursor - scroll.top
    }

    pub fn height(&self) -> usize {
        Layout::of(&self.model).height()
    }

    /// What the bottom line says, if it was refused.
    pub fn refusal(&self) -> Option<&str> {
        let notice = self.model.session.notice.as_ref()?;
        (notice.tone == Tone::Refused).then_some(notice.text.as_str())
    }

    pub fn notice(&self) -> &str {
        let notice = self.model.session.notice.as_ref();
        notice.map_or("", |n| n.text.as_str())
    }

    /// The names of what was not on screen yet, most urgent first.
    pub fn unseen(&self) -> Vec<String> {
        let unseen = &self.model.session.triage.unseen.alerts;
        let alerts = self.model.board.alerts.iter();
        let hidden = alerts.filter(|a| unseen.contains(&a.occurrence));
        hidden.map(|a| full_name(&a.labels)).collect()
    }

    /// Who has claimed an alert on the board, by its full name.
    pub fn claimed_by(&self, name: &str) -> Option<String> {
        let mut alerts = self.model.board.alerts.iter();
        let alert = alerts.find(|a| full_name(&a.labels) == name).unwrap();
        alert.claim.as_ref().map(|c| c.by.shown().to_owned())
    }
}

fn full_name(labels: &Labels) -> String {
    let get = |name| labels.get(name).map(|v: &Untrusted| v.shown());
    let name = get("alertname").unwrap_or("-");
    get("pod").map_or_else(|| name.to_owned(), |pod| format!("{name}/{pod}"))
}

pub fn source(name: &str, kind: SourceKind) -> SourceState {
    SourceState {
        name: name.into(),
        kind,
        place: format!("http://{name}"),
        period_secs: PERIOD_SECS,
        cluster: None,
        scope: String::new(),
        health: Health::default(),
        kept: Kept::Nothing,
    }
}

/// An alert that fires, to be refined.
#[derive(Clone, Debug)]
pub struct Fired {
    name: String,
    labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
    starts_at: DateTime<Utc>,
    suppression: Option<Suppression>,
}

/// A page by its name, or `Name/pod`. Unless told otherwise it stands where the alphabet puts it:
/// the earlier its first letter, the newer it is.
pub fn page(name: &str) -> Fired {
    let (alertname, pod) = match name.split_once('/') {
        Some((alertname, pod)) => (alertname, Some(("pod", pod.to_owned()))),
        None => (name, None),
    };
    Fired {
        name: alertname.into(),
        labels: pod.into_iter().collect(),
        annotations: Vec::new(),
        starts_at: t(-alphabetical(name)),
        suppression: None,
    }
    .with("severity", "critical")
}

fn alphabetical(name: &str) -> i64 {
    let (alertname, pod) = name.split_once('/').unwrap_or((name, ""));
    let first = |text: &str| text.bytes().next().map_or(0, i64::from);
    first(alertname) * 1_000 + first(pod)
}

pub fn ticket(name: &str) -> Fired {
    page(name).with("severity", "warning")
}

impl Fired {
    pub fn with(mut self, label: &'static str, value: &str) -> Self {
        self.labels.retain(|(name, _)| *name != label);
        self.labels.push((label, value.into()));
        self
    }

    pub fn annotated(mut self, name: &'static str, value: &str) -> Self {
        self.annotations.push((name, value.into()));
        self
    }

    /// Seconds after the first possible start.
    pub fn since(mut self, secs: i64) -> Self {
        self.starts_at = t(secs);
        self
    }

    pub fn silenced(mut self) -> Self {
        self.suppression = Some(Suppression {
            silenced_by: vec![Untrusted::line("s1")],
            ..Suppression::default()
        });
        self
    }

    fn labels(&self) -> Labels {
        let own = self.labels.iter().map(|(n, v)| (*n, v.as_str()));
        let named = own.chain([("alertname", self.name.as_str())]);
        Labels::of(&named.collect::<Vec<_>>())
    }

    fn observed(&self) -> ObservedAlert {
        let pairs: Vec<(&str, &str)> = self
            .annotations
            .iter()
            .map(|(n, v)| (*n, v.as_str()))
            .collect();
        let labels = self.labels();
        ObservedAlert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: Labels::of(&pairs),
            starts_at: self.starts_at,
            state: match self.suppression {
                Some(_) => ReplicaState::Suppressed,
                None => ReplicaState::Active,
            },
            suppression: self.suppression.clone().unwrap_or_default(),
            ..observed(&[])
        }
    }
}

/// A list of pages.
pub fn pages(names: &[&str]) -> Vec<Fired> {
    names.iter().map(|name| page(name)).collect()
}

pub fn alertmanager(alerts: &[Fired]) -> Answer {
    let observed = alerts.iter().map(Fired::observed).collect();
    let answer: &AlertmanagerAnswer = &replica("am-1", observed).heard.answer;
    Answer::Alertmanager(Arc::new(answer.clone()))
}

pub fn prometheus(alerts: Vec<RuleAlert>) -> Answer {
    Answer::Prometheus(Arc::new(PrometheusAnswer {
        alerts,
        ..PrometheusAnswer::default()
    }))
}

pub fn pending(name: &str) -> RuleAlert {
    RuleAlert {
        labels: page(name).labels(),
        annotations: Labels::default(),
        state: RuleAlertState::Pending,
        active_at: t(0),
        value: Untrusted::line("1e+00"),
    }
}

pub fn refused() -> SourceError {
    SourceError::new(ErrorKind::Unreachable, "connection refused")
}

/// Three runbooks in two folders.
pub fn library() -> Library {
    Library {
        runbooks: vec![
            runbook("bad-rollout", "bad-rollout.md"),
            runbook("dns", "net/dns.md"),
            runbook("ingest", "ingest.md"),
        ],
        ..Library::default()
    }
}

pub fn runbook(id: &str, path: &str) -> Runbook {
    Runbook {
        id: Untrusted::line(id),
        title: Untrusted::line(id),
        path: Untrusted::line(path),
        version: Version::Unversioned {
            sha256: "9c1185a5c5e9fc54612808977ee8f548b2258d31".into(),
        },
        front: FrontMatter::default(),
        document: Arc::new(Document::default()),
        source: "".into(),
        problems: Vec::new(),
    }
}

/// The claims that are to be kept, from effects that must be nothing else.
pub fn saved_claims(effects: &[Effect]) -> &Claims {
    match effects {
        [Effect::SaveClaims(claims)] => claims,
        other => panic!("not only claims to save: {other:?}"),
    }
}

/// The order of a picture, from effects that must be nothing else.
pub fn ordered(effects: Vec<Effect>) -> (u64, Box<Inputs>) {
    let mut effects = effects;
    match (effects.pop(), effects.as_slice()) {
        (Some(Effect::Merge { seq, inputs }), []) => (seq, inputs),
        other => panic!("not one order of a picture: {other:?}"),
    }
}
