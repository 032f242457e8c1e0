//! The session: sets everything up, runs the loop, gives everything back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use color_eyre::eyre::{WrapErr as _, eyre};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use super::actions::{self, Actions};
use super::ends::{End, Ends};
use super::historian::{self, Told};
use super::painter::Painter;
use super::pollers::{self, BURN_PERIOD, BurnUpstream, RUNBOOK_PERIOD, Upstream};
use super::state::{self, Files, Keeper};
use super::tasks::Tasks;
use super::terminal::{MouseMode, Terminal};
use super::{clock, history, input, logging};
use crate::config::Paths;
use crate::config::paths::create_private_dir;
use crate::config::settings::{Accent, ColourChoice, GlyphChoice, Mouse, Settings};
use crate::domain::board::Board;
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::freshness::Health;
use crate::domain::guard::{Event, RunId};
use crate::domain::source::{SourceKind, SourceName};
use crate::domain::text::Untrusted;
use crate::effect::{Effect, ThemeChoice};
use crate::model::Model;
use crate::model::knowledge::{DeliveryKnowledge, Kept, Knowledge, Merging, SourceState};
use crate::model::rows::Grouping;
use crate::model::session::{CrashSwitch, Identity, Session, Tone};
use crate::msg::Msg;
use crate::sources::{BurnHistory, QueryHandle};
use crate::theme::{self, ColourDepth, GlyphSet, Theme, ThemeError};
use crate::update::{measured, update};
use crate::view::{Cache, Look, prepare, render};

/// Messages that may wait: a source that floods waits itself.
const INBOX: usize = 256;

/// No two frames are closer than this while keys come.
const KEY_FRAME: Duration = Duration::from_millis(8);

/// No two frames are closer than this while only data comes.
const DATA_FRAME: Duration = Duration::from_millis(33);

/// What was begun is waited for so long once the session has ended.
const FINISH_WITHIN: Duration = Duration::from_mins(2);
/// And the anchors of the journal so long.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// The last answers are kept at most this often.
const SNAPSHOT_EVERY: Duration = Duration::from_mins(1);

/// What a session starts from.
pub struct Start {
    /// The config, complete.
    pub settings: Settings,
    /// The folders of this machine.
    pub paths: Paths,
    /// Whether anything is kept.
    pub mode: Mode,
    /// What the config wants to be said.
    pub warnings: Vec<String>,
}

/// Whether a session is about the real world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is: claims and the last picture are kept.
    Live,
    /// It is the demo: nothing is read from earlier sessions, nothing is kept.
    Demo,
}

/// Runs the cockpit in this terminal until it ends. `beside` runs along with it, such as the
/// simulated platform of the demo; its end or failure ends the session.
///
/// # Errors
/// There is no terminal, or a part of quell itself failed. The terminal has been given back.
pub fn run_cockpit(
    start: Start,
    beside: Option<std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>>,
    tokio: tokio::runtime::Runtime,
) -> color_eyre::Result<ExitCode> {
    let result = tokio.block_on(async {
        let mut cockpit = Cockpit::set_up(start)?;
        if let Some(beside) = beside {
            let inbox = cockpit.inbox.clone();
            cockpit.tasks.spawn(async move {
                let why = match beside.await {
                    Ok(()) => "the simulated platform has ended".to_owned(),
                    Err(error) => format!("the simulated platform has failed: {error}"),
                };
                let _ = inbox.send(Msg::Trouble(why)).await;
            });
        }
        let result = cockpit.run().await;
        if let Err(error) = &result {
            tracing::error!(?error, "the session failed");
        }
        Terminal::give_back();
        cockpit.finish_actions().await;
        cockpit.finish();
        result
    });
    Terminal::give_back();
    // A request or a disk that hangs does not hold the end up.
    tokio.shutdown_background();
    result
}

struct Cockpit {
    model: Model,
    look: Look,
    cache: Cache,
    painter: Painter,
    terminal: Terminal,
    tasks: Tasks,
    inbox: mpsc::Sender<Msg>,
    mail: mpsc::Receiver<Msg>,
    themes: Themes,
    sources: Upstreams,
    keeper: Option<Keeper>,
    historian: Option<mpsc::Sender<Told>>,
    actions: Actions,
    began: Instant,
    kept_at: Instant,
}

/// How to reach the pollers.
#[derive(Default)]
struct Upstreams {
    wakes: Vec<Arc<Notify>>,
    queries: HashMap<usize, QueryHandle>,
    pasts: HashMap<usize, BurnHistory>,
}

/// Where themes come from, and how many colours there are.
struct Themes {
    folder: PathBuf,
    depth: ColourDepth,
    loaded: mpsc::Receiver<Result<Theme, String>>,
    load: mpsc::Sender<Result<Theme, String>>,
}

impl Cockpit {
    fn set_up(start: Start) -> color_eyre::Result<Self> {
        let Start {
            settings,
            paths,
            mode,
            warnings,
        } = start;
        let files = (mode == Mode::Live).then(|| Files {
            claims: paths.claims_file(),
            snapshot: paths.snapshot_file(settings.environment.as_ref().map(|e| e.name.as_str())),
        });
        let mut troubles = warnings;
        if files.is_some() {
            let logged = create_private_dir(&paths.log_dir())
                .and_then(|()| logging::begin(&paths.log_dir(), &settings.log_level));
            if let Err(error) = logged {
                troubles.push(format!("no log in {}: {error}", paths.log_dir().display()));
            }
        }
        let (claims, trouble) = files
            .as_ref()
            .map(|f| state::load_claims(&f.claims))
            .unwrap_or_default();
        troubles.extend(trouble);
        let (look, depth, trouble) = look(&settings, &paths.themes_dir())?;
        troubles.extend(trouble);
        let (inbox, mail) = mpsc::channel(INBOX);
        let (load, loaded) = mpsc::channel(1);
        let mouse = match settings.screen.mouse {
            Mouse::Off => MouseMode::Off,
            Mouse::On => MouseMode::On,
        };
        let size = Terminal::size().unwrap_or((80, 24));
        let now = clock::now();
        let knowledge = Knowledge {
            sources: sources(&settings),
            claims: Arc::new(claims),
            policy: Arc::new(settings.triage.clone()),
            policies: Arc::new(settings.slo.policies.clone()),
            holding: Arc::default(),
            delivery: DeliveryKnowledge {
                services: Arc::new(settings.delivery.services()),
                allowances: Arc::new(settings.delivery.allowances.clone()),
                ..DeliveryKnowledge::default()
            },
            merging: Merging::default(),
        };
        let identity = identity(&settings, &paths.themes_dir());
        let grouping = Grouping::parse(&settings.screen.group_by);
        let mut session = Session::new(identity, grouping, size);
        if let Some(trouble) = troubles
            .into_iter()
            .reduce(|all, one| format!("{all}; {one}"))
        {
            session.say(Tone::Failed, trouble);
        }
        let mut tasks = Tasks::default();
        if let Some(files) = &files {
            let path = files.snapshot.clone();
            restore_snapshot(&mut tasks, &inbox, path, &knowledge.sources);
        }
        let cache = (mode == Mode::Live).then(|| paths.burn_dir());
        let sources = begin_polling(&settings, cache.as_deref(), &mut tasks, &inbox);
        // The demo remembers nothing, and without a source there is nothing to remember.
        let remembers = mode == Mode::Live && !settings.delivery.sources.is_empty();
        let historian = remembers.then(|| {
            let (told, queue) = historian::queue();
            let environment = settings.environment.as_ref().map(|e| e.name.as_str());
            let path = paths.history_file(environment);
            let keep = settings.delivery.keep;
            tasks.spawn(historian::remember(path, keep, queue, inbox.clone()));
            told
        });
        let (actions, acting) = actions::begin(&settings, &paths, mode, &mut tasks, &inbox);
        let keeper =
            Keeper::begin(files, inbox.clone()).wrap_err("starting the thread that keeps state")?;
        // Last: whatever fails before leaves the terminal alone.
        let terminal = Terminal::enter(mouse)?;
        let mut model = Model::new(knowledge, session, now);
        model.acting = acting;
        Ok(Self {
            model,
            look,
            cache: Cache::default(),
            painter: Painter::new(size.0, size.1),
            terminal,
            tasks,
            inbox,
            mail,
            themes: Themes {
                folder: paths.themes_dir(),
                depth,
                loaded,
                load,
            },
            sources,
            keeper: Some(keeper),
            historian,
            actions,
            began: Instant::now(),
            kept_at: Instant::now(),
        })
    }

    async fn run(&mut self) -> color_eyre::Result<ExitCode> {
        let mut keys = input::listen().wrap_err("reading the terminal")?;
        let mut ends = Ends::listen().wrap_err("listening for signals")?;
        let mut clock_ticks = tokio::time::interval(Duration::from_secs(1));
        clock_ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last_frame = Instant::now() - DATA_FRAME;
        let mut pressed = Pressed::No;
        loop {
            let gap = match pressed {
                Pressed::Yes => KEY_FRAME,
                Pressed::No => DATA_FRAME,
            };
            let due = last_frame + gap;
            if self.model.dirty && self.terminal.is_idle() && Instant::now() >= due {
                self.draw();
                last_frame = Instant::now();
                pressed = Pressed::No;
            }
            let flow = tokio::select! {
                biased;
                end = ends.next() => self.end(end)?,
                error = self.tasks.panicked() => return Err(eyre!("a task of quell panicked: {error}")),
                Some(msg) = keys.recv() => {
                    pressed = Pressed::Yes;
                    self.take_keys(msg, &mut keys)?
                }
                Some(msg) = self.mail.recv() => self.take(msg)?,
                Some(theme) = self.themes.loaded.recv() => self.wear(theme)?,
                () = wait_to_draw(&self.terminal, due), if self.model.dirty => Flow::Go,
                _ = clock_ticks.tick() => self.tick()?,
            };
            if let Flow::End(status) = flow {
                return Ok(status);
            }
        }
    }

    /// All keys that wait are taken before the next frame.
    fn take_keys(
        &mut self,
        first: Msg,
        keys: &mut mpsc::Receiver<Msg>,
    ) -> color_eyre::Result<Flow> {
        let mut next = Some(first);
        while let Some(msg) = next {
            if self.model.dirty {
                // It may be about what the key before it opened, which was not drawn yet: then it
                // needs to know how long that is.
                self.measure();
            }
            if let Flow::End(status) = self.take(msg)? {
                return Ok(Flow::End(status));
            }
            next = keys.try_recv().ok();
        }
        Ok(Flow::Go)
    }

    fn take(&mut self, msg: Msg) -> color_eyre::Result<Flow> {
        if let Msg::Resized { columns, rows } = msg {
            self.painter.forget(columns, rows);
        }
        for effect in update(&mut self.model, msg, clock::now()) {
            if let Flow::End(status) = self.perform(effect)? {
                return Ok(Flow::End(status));
            }
        }
        if self.kept_at.elapsed() >= SNAPSHOT_EVERY {
            self.keep_snapshot();
        }
        Ok(Flow::Go)
    }

    fn tick(&mut self) -> color_eyre::Result<Flow> {
        if let Flow::End(status) = self.take(Msg::Steady(self.began.elapsed()))? {
            return Ok(Flow::End(status));
        }
        self.take(Msg::Tick)
    }

    fn perform(&mut self, effect: Effect) -> color_eyre::Result<Flow> {
        match effect {
            Effect::PollAll => self.sources.wakes.iter().for_each(|wake| wake.notify_one()),
            Effect::Merge { seq, inputs } => {
                let inbox = self.inbox.clone();
                self.tasks.spawn_blocking(move || {
                    let board = Arc::new(Board::of(&inputs));
                    // The loop has ended if nobody listens.
                    let _ = inbox.blocking_send(Msg::BoardReady { seq, board });
                });
            }
            Effect::History { source, query } => {
                let handle = self.sources.queries.get(&source).cloned();
                self.tasks
                    .spawn(history::ask(handle, query, self.inbox.clone()));
            }
            Effect::BurnHistory { source, slos, span } => {
                let handle = self.sources.pasts.get(&source).cloned();
                self.tasks
                    .spawn(history::ask_burns(handle, slos, span, self.inbox.clone()));
            }
            Effect::Remember { source, answer, at } => self.remember(source, answer, at),
            Effect::SaveClaims(claims) => {
                if let Some(keeper) = &self.keeper {
                    keeper.claims(claims);
                }
            }
            Effect::SaveSnapshot => self.keep_snapshot(),
            Effect::Theme(choice) => self.load_theme(choice),
            Effect::Redraw => {
                let (columns, rows) = self.model.session.size;
                self.painter.forget(columns, rows);
            }
            Effect::Suspend => return self.suspend(),
            Effect::Quit => return Ok(Flow::End(ExitCode::SUCCESS)),
            Effect::Action(run, order) => self.actions.perform(run, *order, &mut self.tasks),
            Effect::SetPanic(switch) => self.actions.set_panic(switch, &mut self.tasks),
            Effect::BreakGlass { reason } => self.actions.break_glass(reason, &mut self.tasks),
            Effect::TakeApproval(document) => self.actions.take_approval(document),
            Effect::ReadJournal => self.actions.read_journal(&mut self.tasks),
            #[allow(clippy::panic, reason = "it is what the operator asked for")]
            Effect::Crash => self.tasks.spawn(async { panic!("on purpose, by :crash") }),
        }
        Ok(Flow::Go)
    }

    fn remember(&self, source: SourceName, answer: Arc<DeliveryAnswer>, at: DateTime<Utc>) {
        if let Some(historian) = &self.historian
            && historian.try_send(Told { source, answer, at }).is_err()
        {
            tracing::warn!("the disk is slow: changes were not remembered this time");
        }
    }

    fn measure(&mut self) {
        let facts = prepare(&self.model, &self.look, &mut self.cache);
        measured(&mut self.model, facts);
    }

    fn draw(&mut self) {
        self.measure();
        let cursor = render(&self.model, &self.look, &self.cache, self.painter.frame());
        let mut bytes = Vec::with_capacity(16 * 1024);
        self.painter.encode(cursor, &mut bytes);
        self.model.dirty = false;
        if !bytes.is_empty() {
            self.terminal.show(bytes);
        }
    }

    fn end(&mut self, end: End) -> color_eyre::Result<Flow> {
        match end {
            End::Stop => self.suspend(),
            End::Continued => self.take_terminal_again(),
            End::Asked(signal) => {
                tracing::info!(signal, "ended by a signal");
                self.keep_snapshot();
                // As a shell reports a program that a signal ended.
                Ok(Flow::End(ExitCode::from(128 + signal)))
            }
            End::LostTerminal => {
                tracing::info!("the terminal is gone");
                self.keep_snapshot();
                Ok(Flow::End(ExitCode::from(129)))
            }
        }
    }

    fn suspend(&mut self) -> color_eyre::Result<Flow> {
        Terminal::give_back();
        super::ends::stop().wrap_err("stopping")?;
        self.take_terminal_again()
    }

    /// After a stop, whoever had the terminal meanwhile.
    fn take_terminal_again(&mut self) -> color_eyre::Result<Flow> {
        if let Err(error) = self.terminal.take() {
            // The kernel continues us, too, when it hangs up: then there is none to take.
            tracing::warn!(%error, "the terminal was not taken again");
            return self.end(End::LostTerminal);
        }
        let (columns, rows) = Terminal::size().unwrap_or(self.model.session.size);
        self.take(Msg::Resized { columns, rows })
    }

    fn keep_snapshot(&mut self) {
        self.kept_at = Instant::now();
        if let Some(keeper) = &self.keeper {
            keeper.snapshot(&self.model.knowledge.sources);
        }
    }

    fn load_theme(&mut self, choice: ThemeChoice) {
        let names = &self.model.session.identity.themes;
        let name = match choice {
            ThemeChoice::Named(name) => name,
            ThemeChoice::Next => {
                let at = names.iter().position(|n| n == self.look.theme.name());
                let next = at.map_or(0, |at| at + 1);
                names
                    .get(next)
                    .or(names.first())
                    .cloned()
                    .unwrap_or_default()
            }
        };
        let (folder, depth, tell) = (
            self.themes.folder.clone(),
            self.themes.depth,
            self.themes.load.clone(),
        );
        self.tasks.spawn_blocking(move || {
            let loaded = theme::load(&name, Some(&folder)).map(|theme| theme.at_depth(depth));
            let _ = tell.blocking_send(loaded.map_err(|error| error.to_string()));
        });
    }

    fn wear(&mut self, theme: Result<Theme, String>) -> color_eyre::Result<Flow> {
        let msg = theme.map(|theme| {
            let name = theme.name().to_owned();
            self.look.theme = theme;
            name
        });
        self.take(Msg::ThemeChanged(msg))
    }

    /// What is being sent is finished and looked at; nothing new begins. The line may be gone.
    async fn finish_actions(&mut self) {
        let runs: Vec<RunId> = self.model.acting.runs.iter().map(|run| run.id).collect();
        for run in runs {
            let hang_up = Msg::Action(run, Box::new(Event::HangUp));
            // An end that is asked for now is the one that is under way.
            let _ = self.take(hang_up);
        }
        let until = Instant::now() + FINISH_WITHIN;
        while self.actions.is_busy() && Instant::now() < until {
            match tokio::time::timeout_at(until, self.mail.recv()).await {
                Ok(Some(msg @ Msg::Action(..))) => {
                    let _ = self.take(msg);
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        // An anchor that hangs does not hold the end up; the journal itself is on the disk already.
        let _ = tokio::time::timeout(SETTLE_WITHIN, self.actions.settle()).await;
    }

    /// Ends the tasks and lets the last write finish.
    fn finish(&mut self) {
        Terminal::give_back();
        self.tasks.abort_all();
        self.actions.forget();
        if let Some(keeper) = self.keeper.take() {
            keeper.finish();
        }
    }
}

/// Whether the loop goes on.
enum Flow {
    Go,
    End(ExitCode),
}

/// Whether a key waits to be seen.
#[derive(Clone, Copy)]
enum Pressed {
    No,
    Yes,
}

async fn wait_to_draw(terminal: &Terminal, due: Instant) {
    terminal.idle().await;
    tokio::time::sleep_until(due).await;
}

fn begin_polling(
    settings: &Settings,
    cache: Option<&Path>,
    tasks: &mut Tasks,
    inbox: &mpsc::Sender<Msg>,
) -> Upstreams {
    let alertmanagers = settings
        .alertmanagers
        .iter()
        .map(|s| Upstream::Alertmanager(s.clone(), None));
    let prometheuses = settings
        .prometheuses
        .iter()
        .map(|s| Upstream::Prometheus(s.clone(), None));
    let burns = settings.measuring().map(|(prometheus, measures)| {
        let (prometheus, slo) = (prometheus.clone(), settings.slo.clone());
        Upstream::Burn(Box::new(BurnUpstream::new(
            prometheus,
            slo,
            measures,
            cache.map(Path::to_owned),
        )))
    });
    let deliveries = settings.delivery.sources.iter();
    let deliveries = deliveries.map(|s| Upstream::Delivery(s.clone(), None));
    let runbooks = std::iter::once(Upstream::Runbooks(settings.runbooks.clone()));
    let mut upstreams = Upstreams::default();
    for (at, mut upstream) in alertmanagers
        .chain(prometheuses)
        .chain(burns)
        .chain(deliveries)
        .chain(runbooks)
        .enumerate()
    {
        let wake = Arc::new(Notify::new());
        if let Some(queries) = upstream.queries() {
            upstreams.queries.insert(at, queries);
        }
        if let Some(pasts) = upstream.pasts() {
            upstreams.pasts.insert(at, pasts);
        }
        upstreams.wakes.push(wake.clone());
        tasks.spawn(pollers::poll(at, upstream, wake, inbox.clone()));
    }
    upstreams
}

/// The sources as the model knows them, in the order of [`begin_polling`].
fn sources(settings: &Settings) -> Vec<SourceState> {
    let state = |name: SourceName, kind, place: &str, period: Duration| SourceState {
        name,
        kind,
        place: Untrusted::line(place).shown().to_owned(),
        period_secs: period.as_secs().max(1),
        cluster: None,
        scope: String::new(),
        health: Health::default(),
        kept: Kept::Nothing,
    };
    let mut all = Vec::new();
    for am in &settings.alertmanagers {
        all.push(SourceState {
            cluster: am.cluster.clone(),
            scope: am.scope(),
            ..state(
                am.name.clone(),
                SourceKind::Alertmanager,
                am.endpoint.url.as_str(),
                am.period,
            )
        });
    }
    for prom in &settings.prometheuses {
        all.push(state(
            prom.name.clone(),
            SourceKind::Prometheus,
            prom.endpoint.url.as_str(),
            prom.period,
        ));
    }
    for (prom, _) in settings.measuring() {
        all.push(state(
            prom.slo_source(),
            SourceKind::Slos,
            prom.endpoint.url.as_str(),
            BURN_PERIOD,
        ));
    }
    for source in &settings.delivery.sources {
        let (name, kind) = (source.name.clone(), source.kind());
        all.push(state(name, kind, &source.address(), source.period));
    }
    let path = settings
        .runbooks
        .path
        .as_ref()
        .map(|p| p.display().to_string());
    let place = path.as_deref().unwrap_or("built in");
    all.push(state(
        "runbooks".into(),
        SourceKind::Runbooks,
        place,
        RUNBOOK_PERIOD,
    ));
    all
}

fn restore_snapshot(
    tasks: &mut Tasks,
    inbox: &mpsc::Sender<Msg>,
    path: PathBuf,
    sources: &[SourceState],
) {
    let names: Vec<(String, String)> = sources
        .iter()
        .map(|s| (s.name.to_string(), s.place.clone()))
        .collect();
    let inbox = inbox.clone();
    tasks.spawn_blocking(move || {
        let msg = match state::load_snapshot(&path, &names) {
            Ok(restored) => Msg::Restored(restored),
            Err(why) => Msg::Trouble(why),
        };
        let _ = inbox.blocking_send(msg);
    });
}

fn identity(settings: &Settings, themes: &Path) -> Identity {
    Identity {
        operator: settings.operator.clone(),
        environment: settings.environment.as_ref().map(|e| e.name.clone()),
        accent: settings.environment.as_ref().map(|e| match e.accent {
            Accent::Red => "accent.red",
            Accent::Yellow => "accent.yellow",
            Accent::Green => "accent.green",
            Accent::Blue => "accent.blue",
            Accent::Magenta => "accent.magenta",
            Accent::Cyan => "accent.cyan",
        }),
        // A folder that cannot be read has no themes of the user; the built-in ones remain.
        themes: theme::names(Some(themes))
            .or_else(|_| theme::names(None))
            .unwrap_or_default(),
        crash: match std::env::var("QUELL_ALLOW_CRASH").as_deref() {
            Ok("1") => CrashSwitch::On,
            _ => CrashSwitch::Off,
        },
    }
}

/// The theme, colours and signs; a theme that does not load is told, and the default one worn.
fn look(
    settings: &Settings,
    themes: &Path,
) -> Result<(Look, ColourDepth, Option<String>), ThemeError> {
    let env = |name: &str| std::env::var(name).ok();
    let screen = &settings.screen;
    let depth = match screen.colour {
        ColourChoice::Never => ColourDepth::None,
        ColourChoice::Ansi16 => ColourDepth::Sixteen,
        ColourChoice::Ansi256 => ColourDepth::TwoHundredFiftySix,
        ColourChoice::TrueColour => ColourDepth::TrueColour,
        ColourChoice::Auto => theme::detect_depth(
            env("NO_COLOR").as_deref(),
            env("COLORTERM").as_deref(),
            env("TERM").as_deref(),
        ),
    };
    let set = match screen.glyphs {
        GlyphChoice::Unicode => GlyphSet::Unicode,
        GlyphChoice::Ascii => GlyphSet::Ascii,
        GlyphChoice::Auto => theme::detect_glyphs(
            env("LC_ALL").as_deref(),
            env("LC_CTYPE").as_deref(),
            env("LANG").as_deref(),
        ),
    };
    let (theme, trouble) = match theme::load(&screen.theme, Some(themes)) {
        Ok(theme) => (theme, None),
        Err(error) => (Theme::default_theme()?, Some(error.to_string())),
    };
    let look = Look {
        theme: theme.at_depth(depth),
        glyphs: set.glyphs(),
    };
    Ok((look, depth, trouble))
}
