//! quell without a terminal: what goes in are keys and answers, what comes out is a buffer.
//!
//! Orders for a picture are carried out at once, as `runtime` does off the screen's thread. All
//! other effects are the world's, and there is no world here; those that a test looks at are kept.

use chrono::{DateTime, TimeDelta, Utc};
use quell::domain::board::Board;
use quell::domain::delivery::DeliveryAnswer;
use quell::domain::freshness::Health;
use quell::domain::observed::{QueryAnswer, Sample};
use quell::domain::slo::SloId;
use quell::domain::slo_measured::Span;
use quell::domain::source::{ErrorKind, SourceError, SourceKind};
use quell::effect::Effect;
use quell::keys::KeyPress;
use quell::model::Model;
use quell::model::knowledge::{DeliveryKnowledge, Kept, Knowledge, Merging, SourceState};
use quell::model::rows::Grouping;
use quell::model::session::{Identity, Session};
use quell::msg::{Answer, Msg, Report};
use quell::theme::{ColourDepth, GlyphSet, load};
use quell::update::{measured, update};
use quell::view::{Cache, Look, prepare, render};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::sync::Arc;

use crate::cast::{Cast, now};
use crate::slos::policies;

/// The sources of a stage, in the order of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first Alertmanager replica.
    Am1,
    /// The second one of the same cluster.
    Am2,
    /// The Prometheus.
    Prom,
    /// The SLOs that it measures.
    Slos,
    /// The folder of runbooks.
    Books,
}

impl Source {
    pub const ALL: [Self; 5] = [Self::Am1, Self::Am2, Self::Prom, Self::Slos, Self::Books];
}

/// What a Prometheus says of the past of an SLO.
pub type Telling = fn(&SloId, Span) -> Result<Vec<Sample>, SourceError>;

/// quell, ready to be driven.
pub struct Stage {
    pub model: Model,
    pub look: Look,
    /// The last expression whose history was asked for.
    pub asked: Option<String>,
    /// What is said of the past of an SLO, at once; without it nobody answers.
    pub past: Option<Telling>,
    cache: Cache,
}

impl Stage {
    /// Sources are configured; none has answered.
    pub fn waiting() -> Self {
        Self::for_operator("mara", "prod")
    }

    /// As [`Self::waiting`], for another operator and environment.
    pub fn for_operator(operator: &str, environment: &str) -> Self {
        let identity = Identity {
            operator: operator.to_owned(),
            environment: Some(environment.to_owned()),
            accent: Some("accent.red"),
            themes: vec!["default".into(), "mono".into()],
            ..Identity::default()
        };
        let knowledge = Knowledge {
            sources: sources(),
            claims: Arc::default(),
            policy: Arc::default(),
            policies: Arc::new(policies()),
            holding: Arc::default(),
            delivery: DeliveryKnowledge::default(),
            merging: Merging::default(),
        };
        let session = Session::new(identity, Grouping::ByService, (80, 24));
        Self {
            model: Model::new(knowledge, session, now()),
            look: Look {
                theme: load("default", None)
                    .unwrap()
                    .at_depth(ColourDepth::Sixteen),
                glyphs: GlyphSet::Unicode.glyphs(),
            },
            asked: None,
            past: None,
            cache: Cache::default(),
        }
    }

    /// Every source has just answered with the cast.
    pub fn of(cast: &Cast) -> Self {
        let mut stage = Self::waiting();
        stage.model.knowledge.claims = Arc::new(cast.claims.clone());
        stage.answered(cast, now() - TimeDelta::seconds(2));
        stage
    }

    /// Whoever asks for the past of an SLO is told at once.
    pub fn remembering(mut self, telling: Telling) -> Self {
        self.past = Some(telling);
        self
    }

    /// One more source, of changes or drift. It has not answered.
    pub fn with(mut self, name: &str, kind: SourceKind) -> Self {
        let place = format!("https://{name}.example.net");
        let source = state(name, kind, &place, 30);
        self.model.knowledge.sources.push(source);
        self
    }

    /// A source of changes or drift answered, by its name.
    pub fn delivers(&mut self, name: &str, answer: DeliveryAnswer, at: DateTime<Utc>) {
        self.delivery(name, at, Ok(Answer::Delivery(Arc::new(answer))));
    }

    /// A source of changes or drift failed, by its name.
    pub fn delivers_not(&mut self, name: &str, at: DateTime<Utc>, detail: &str) {
        let error = SourceError::new(ErrorKind::Unreachable, detail);
        self.delivery(name, at, Err(error));
    }

    fn delivery(&mut self, name: &str, at: DateTime<Utc>, result: Result<Answer, SourceError>) {
        let mut sources = self.model.knowledge.sources.iter();
        let source = sources.position(|s| &*s.name == name).unwrap();
        self.tell(Msg::SourceReported(Report {
            source,
            at,
            latency_ms: 23,
            result,
        }));
    }

    /// Every source answered at that time.
    pub fn answered(&mut self, cast: &Cast, at: DateTime<Utc>) {
        for source in Source::ALL {
            self.reports(source, cast, at);
        }
    }

    /// One source answered.
    pub fn reports(&mut self, source: Source, cast: &Cast, at: DateTime<Utc>) {
        let answer = match source {
            Source::Am1 => Answer::Alertmanager(Arc::new(cast.am_1.clone())),
            Source::Am2 => Answer::Alertmanager(Arc::new(cast.am_2.clone())),
            Source::Prom => Answer::Prometheus(Arc::new(cast.prom.clone())),
            Source::Slos => Answer::Burn(Arc::new(cast.burn.clone())),
            Source::Books => Answer::Runbooks(Arc::new(cast.library.clone())),
        };
        self.report(source, at, Ok(answer));
    }

    /// One source failed.
    pub fn fails(&mut self, source: Source, at: DateTime<Utc>, kind: ErrorKind, detail: &str) {
        self.report(source, at, Err(SourceError::new(kind, detail)));
    }

    fn report(&mut self, source: Source, at: DateTime<Utc>, result: Result<Answer, SourceError>) {
        self.tell(Msg::SourceReported(Report {
            source: source as usize,
            at,
            latency_ms: 23,
            result,
        }));
    }

    /// Something happened.
    pub fn tell(&mut self, msg: Msg) {
        let mut effects = update(&mut self.model, msg, now());
        while let Some(effect) = effects.pop() {
            match effect {
                Effect::Merge { seq, inputs } => {
                    let board = Arc::new(Board::of(&inputs));
                    let ready = Msg::BoardReady { seq, board };
                    effects.extend(update(&mut self.model, ready, now()));
                }
                Effect::History { query, .. } => self.asked = Some(query),
                Effect::BurnHistory { slos, span, .. } => {
                    let asked: Vec<SloId> = slos.into_iter().map(|slo| slo.id).collect();
                    for said in self.told(asked, span) {
                        effects.extend(update(&mut self.model, said, now()));
                    }
                }
                _ => {}
            }
        }
    }

    /// What is said of the past of these, each by itself.
    fn told(&self, asked: Vec<SloId>, span: Span) -> Vec<Msg> {
        let Some(telling) = self.past else {
            return Vec::new();
        };
        let said = |id: SloId| Msg::BurnHistoryReady {
            result: telling(&id, span).map(|samples| vec![(id.clone(), samples)]),
            asked: vec![id],
            span,
        };
        asked.into_iter().map(said).collect()
    }

    /// The history that was asked for arrives.
    pub fn history(&mut self, answer: Result<QueryAnswer, SourceError>) {
        let query = self.asked.take().unwrap();
        self.tell(Msg::HistoryReady {
            query,
            result: answer,
        });
    }

    /// Keys by name, separated by spaces. Each is pressed on a screen that was drawn before.
    pub fn press(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            self.draw();
            self.tell(Msg::Key(KeyPress::parse(key).unwrap()));
        }
        self
    }

    /// Text, typed key by key.
    pub fn types(mut self, text: &str) -> Self {
        for c in text.chars() {
            self.draw();
            let key = match c {
                ' ' => KeyPress::parse("space"),
                c => KeyPress::parse(&c.to_string()),
            };
            self.tell(Msg::Key(key.unwrap()));
        }
        self
    }

    pub fn sized(mut self, columns: u16, rows: u16) -> Self {
        self.resize(columns, rows);
        self
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.tell(Msg::Resized { columns, rows });
    }

    pub fn themed(mut self, name: &str) -> Self {
        let depth = if name == "mono" {
            ColourDepth::None
        } else {
            ColourDepth::Sixteen
        };
        self.look.theme = load(name, None).unwrap().at_depth(depth);
        self
    }

    pub fn ascii(mut self) -> Self {
        self.look.glyphs = GlyphSet::Ascii.glyphs();
        self.cache = Cache::default();
        self
    }

    /// What is on screen, and where the cursor stands.
    pub fn draw(&mut self) -> (Buffer, Option<Position>) {
        let (width, height) = self.model.session.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = self.draw_on(&mut buffer);
        (buffer, cursor)
    }

    /// As [`Self::draw`], on a buffer of the right size.
    pub fn draw_on(&mut self, buffer: &mut Buffer) -> Option<Position> {
        let facts = prepare(&self.model, &self.look, &mut self.cache);
        measured(&mut self.model, facts);
        render(&self.model, &self.look, &self.cache, buffer)
    }
}

fn state(name: &str, kind: SourceKind, place: &str, period_secs: u64) -> SourceState {
    SourceState {
        name: name.into(),
        kind,
        place: place.into(),
        period_secs,
        cluster: None,
        scope: String::new(),
        health: Health::default(),
        kept: Kept::Nothing,
    }
}

fn sources() -> Vec<SourceState> {
    vec![
        state(
            "am-1",
            SourceKind::Alertmanager,
            "https://am-1.eu-1.example.net/alertmanager",
            15,
        ),
        state(
            "am-2",
            SourceKind::Alertmanager,
            "https://am-2.eu-1.example.net/alertmanager",
            15,
        ),
        state(
            "prom-1",
            SourceKind::Prometheus,
            "https://prometheus.eu-1.example.net",
            15,
        ),
        state(
            "prom-1/slo",
            SourceKind::Slos,
            "https://prometheus.eu-1.example.net",
            30,
        ),
        state("runbooks", SourceKind::Runbooks, "/srv/runbooks", 60),
    ]
}
