//! `quell init`: what should the first config say?
//!
//! From flags, from what other tools know, and from a few questions on a terminal. The text is
//! loaded before it is written, so that no broken config ever is. It replaces nothing without
//! `--force`.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use super::args::{Global, InitArgs};
use super::init_found::{self, ClusterHint, Hint, Hints, Kubeconfig};
use super::output::{Answer, Output, Terminal};
use super::{Outcome, World};
use crate::config::overrides::Values;
use crate::config::{self, Found, FoundCluster, Overrides, Paths, paths, render_template};
use crate::domain::text::shown;

/// Writes or prints a first config.
///
/// # Errors
/// A file that is there already, answers that make no valid config, a folder that cannot be written.
pub(super) fn run(args: &InitArgs, global: &Global, world: &World, output: &mut Output) -> Outcome {
    let target = Target::of(args, global, &world.paths);
    if let Target::File(path) = &target
        && !args.force
        && path.symlink_metadata().is_ok()
    {
        return Err(Answer::usage(format!(
            "quell: {} is there already\n  replace it:     quell init --force\n  \
             only print one: quell init --output -",
            shown(&path.to_string_lossy())
        )));
    }
    let overrides = global.overrides(world.variables);
    let hints = init_found::look(world.variables, &world.paths.home);
    let mut draft = Draft::new(&overrides, hints);
    let may_ask = output.terminal() != Terminal::No && io::stdin().is_terminal();
    if may_ask {
        draft
            .ask(&mut io::stdin().lock(), output.paper())
            .map_err(|error| Answer::usage(format!("quell: nothing was written: {error}")))?;
    }
    let found = draft.found(&world.paths);
    let text = render_template(&found);
    validate(&text, &found, world)?;
    let Target::File(path) = target else {
        return Ok(Answer::whole(text));
    };
    paths::write_private(&path, text.as_bytes()).map_err(|error| {
        let place = shown(&path.to_string_lossy());
        Answer::usage(format!("quell: {place} could not be written: {error}"))
    })?;
    Ok(Answer::whole(draft.report(&path)))
}

/// Where the config goes.
enum Target {
    Stdout,
    File(PathBuf),
}

impl Target {
    fn of(args: &InitArgs, global: &Global, paths: &Paths) -> Self {
        let named = args.output.as_ref().or(global.config.as_ref());
        match named {
            Some(path) if path.as_os_str() == "-" => Self::Stdout,
            Some(path) => Self::File(path.clone()),
            None => Self::File(paths.config_file()),
        }
    }
}

/// The config to be, and where its parts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    env: Option<String>,
    alertmanagers: Vec<Hint>,
    prometheuses: Vec<Hint>,
    runbooks: Option<PathBuf>,
    slos: Vec<PathBuf>,
    kubernetes: Option<ClusterHint>,
    terraforms: Vec<PathBuf>,
    changes: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Draft {
    /// Flags, then variables of quell, then what other tools know.
    fn new(overrides: &Overrides, hints: Hints) -> Self {
        let (flags, variables) = (&overrides.flags, &overrides.variables);
        let urls = |flag: &[String], variable: &[String], place: [&str; 2], found: Vec<Hint>| {
            let given = [(flag, place[0]), (variable, place[1])];
            let first = given.into_iter().find(|(urls, _)| !urls.is_empty());
            first.map_or(found, |(urls, place)| {
                let hint = |url: &String| Hint {
                    url: url.clone(),
                    place: place.to_owned(),
                };
                urls.iter().map(hint).collect()
            })
        };
        let files = |flag: &Vec<PathBuf>, variable: &Vec<PathBuf>| {
            if flag.is_empty() { variable } else { flag }.clone()
        };
        let mut notes = hints.notes;
        Self {
            env: flags.env.clone().or_else(|| variables.env.clone()),
            alertmanagers: urls(
                &flags.alertmanagers,
                &variables.alertmanagers,
                ["--alertmanager", "QUELL_ALERTMANAGER"],
                hints.alertmanagers,
            ),
            prometheuses: urls(
                &flags.prometheuses,
                &variables.prometheuses,
                ["--prometheus", "QUELL_PROMETHEUS"],
                hints.prometheuses,
            ),
            runbooks: flags
                .runbooks
                .clone()
                .or_else(|| variables.runbooks.clone()),
            slos: files(&flags.slos, &variables.slos),
            kubernetes: cluster(overrides, hints.kubernetes, &mut notes),
            terraforms: files(&flags.terraforms, &variables.terraforms),
            changes: files(&flags.changes, &variables.changes),
            notes,
        }
    }

    /// One question each; an empty answer keeps what is in brackets.
    fn ask(&mut self, input: &mut impl BufRead, out: &mut dyn Write) -> io::Result<()> {
        for note in &self.notes {
            writeln!(out, "could not be used: {note}")?;
        }
        if let Some(env) = ask_for("Environment, such as prod", self.env.as_deref(), input, out)? {
            self.env = Some(env);
        }
        let question = "Alertmanager URLs, every replica, with commas";
        ask_for_urls(question, &mut self.alertmanagers, input, out)?;
        ask_for_urls("Prometheus URL", &mut self.prometheuses, input, out)?;
        let runbooks = self.runbooks.as_ref().map(|path| path.to_string_lossy());
        let question = "Folder of runbooks, empty for the built-in ones";
        if let Some(path) = ask_for(question, runbooks.as_deref(), input, out)? {
            self.runbooks = Some(PathBuf::from(path));
        }
        if let Some(cluster) = &mut self.kubernetes {
            let question = "Kubernetes context, - for no cluster";
            match ask_for(question, cluster.context.as_deref(), input, out)?.as_deref() {
                Some("-") => self.kubernetes = None,
                Some(context) => cluster.context = Some(context.to_owned()),
                None => {}
            }
        }
        Ok(())
    }

    fn found(&self, paths: &Paths) -> Found {
        let all = |files: &[PathBuf]| files.iter().map(|path| absolute(path, paths)).collect();
        let cluster = |hint: &ClusterHint| FoundCluster {
            kubeconfig: hint.kubeconfig.as_ref().map(|path| absolute(path, paths)),
            context: hint.context.clone(),
        };
        let urls = |hints: &[Hint]| hints.iter().map(|hint| hint.url.clone()).collect();
        Found {
            env: self.env.clone(),
            alertmanagers: urls(&self.alertmanagers),
            prometheuses: urls(&self.prometheuses),
            runbooks: self.runbooks.as_ref().map(|path| absolute(path, paths)),
            slos: all(&self.slos),
            kubernetes: self.kubernetes.as_ref().map(cluster),
            terraforms: all(&self.terraforms),
            changes: all(&self.changes),
        }
    }

    fn report(&self, path: &Path) -> String {
        let mut lines = vec![format!("wrote {}", shown(&path.to_string_lossy()))];
        for (kind, hints) in [
            ("alertmanager", &self.alertmanagers),
            ("prometheus", &self.prometheuses),
        ] {
            for hint in hints {
                lines.push(format!(
                    "  {kind}  {}  (from {})",
                    shown(&hint.url),
                    hint.place
                ));
            }
        }
        if let Some(cluster) = &self.kubernetes {
            let context = cluster.context.as_deref().unwrap_or("its current context");
            lines.push(format!(
                "  kubernetes  {}  (from {})",
                shown(context),
                cluster.place
            ));
        }
        for (kind, paths) in [("terraform", &self.terraforms), ("changes", &self.changes)] {
            let line = |path: &PathBuf| format!("  {kind}  {}", shown(&path.to_string_lossy()));
            lines.extend(paths.iter().map(line));
        }
        lines.extend(
            self.notes
                .iter()
                .map(|note| format!("could not be used: {note}")),
        );
        let has_servers = !self.alertmanagers.is_empty() || !self.prometheuses.is_empty();
        let has_files = !self.terraforms.is_empty() || !self.changes.is_empty();
        if !has_servers && !has_files && self.kubernetes.is_none() {
            lines.push("it names no source yet: add a url to it, then: quell check".to_owned());
        } else {
            lines.push("next: quell check".to_owned());
        }
        lines.join("\n") + "\n"
    }
}

/// What flags and variables say of a cluster, filled up with what its kubeconfig says; else what was
/// found. The context is written down: another day the current one may be another cluster.
fn cluster(
    overrides: &Overrides,
    found: Option<ClusterHint>,
    notes: &mut Vec<String>,
) -> Option<ClusterHint> {
    let (flags, variables) = (&overrides.flags, &overrides.variables);
    let kubeconfig = flags.kubeconfig.as_ref().or(variables.kubeconfig.as_ref());
    let context = flags.context.as_ref().or(variables.context.as_ref());
    let place = |flag: Option<&'static str>, variable: &str| flag.unwrap_or(variable).to_owned();
    match (kubeconfig, context) {
        (None, None) => found,
        (None, Some(context)) => Some(ClusterHint {
            kubeconfig: found.and_then(|found| found.kubeconfig),
            context: Some(context.clone()),
            place: place(flags.context.as_ref().map(|_| "--context"), "QUELL_CONTEXT"),
        }),
        (Some(path), context) => {
            let mut current = || match init_found::current_context(path) {
                Ok(Kubeconfig::Current(context)) => Some(context),
                Ok(Kubeconfig::Missing | Kubeconfig::WithoutCurrent) => None,
                Err(why) => {
                    let path = shown(&path.to_string_lossy());
                    notes.push(format!("{path}: {why}"));
                    None
                }
            };
            let context = context.cloned().or_else(&mut current);
            Some(ClusterHint {
                kubeconfig: Some(path.clone()),
                context,
                place: place(
                    flags.kubeconfig.as_ref().map(|_| "--kubeconfig"),
                    "QUELL_KUBECONFIG",
                ),
            })
        }
    }
}

/// A relative path of the command line is relative to where one stands, not to the config.
fn absolute(path: &Path, paths: &Paths) -> PathBuf {
    if path.to_str() == Some(config::BUILT_IN_SLOS) {
        return path.to_owned();
    }
    let path = paths.expand(path);
    std::path::absolute(&path).unwrap_or(path)
}

fn ask_for_urls(
    question: &str,
    hints: &mut Vec<Hint>,
    input: &mut impl BufRead,
    out: &mut dyn Write,
) -> io::Result<()> {
    let known: Vec<&str> = hints.iter().map(|hint| hint.url.as_str()).collect();
    let known = known.join(",");
    let present = (!known.is_empty()).then_some(known.as_str());
    let Some(answer) = ask_for(question, present, input, out)? else {
        return Ok(());
    };
    let urls = answer.split([',', ' ']).filter(|url| !url.is_empty());
    let hint = |url: &str| Hint {
        url: url.to_owned(),
        place: "your answer".to_owned(),
    };
    *hints = urls.map(hint).collect();
    Ok(())
}

/// None: what was there stays.
fn ask_for(
    question: &str,
    present: Option<&str>,
    input: &mut impl BufRead,
    out: &mut dyn Write,
) -> io::Result<Option<String>> {
    let default = present.map(|text| format!(" [{}]", shown(text)));
    write!(out, "{question}{}: ", default.unwrap_or_default())?;
    out.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        writeln!(out)?;
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the questions were left",
        ));
    }
    let answer = line.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}

/// Loads the text as it will be loaded. It has to stand in a file for that: errors name a place. Its
/// files and folders are given once more, as flags: those must be there.
fn validate(text: &str, found: &Found, world: &World) -> Result<(), Answer> {
    let draft = world.paths.cache.join("init-draft.toml");
    let unwritten = |error: io::Error| {
        let place = shown(&draft.to_string_lossy());
        Answer::usage(format!("quell: {place} could not be written: {error}"))
    };
    paths::write_private(&draft, text.as_bytes()).map_err(unwritten)?;
    let as_written = Values {
        config: Some(draft.clone()),
        ..Values::default()
    };
    let cluster = found.kubernetes.as_ref();
    let with_files = Values {
        slos: found.slos.clone(),
        kubeconfig: cluster.and_then(|cluster| cluster.kubeconfig.clone()),
        terraforms: found.terraforms.clone(),
        changes: found.changes.clone(),
        ..as_written.clone()
    };
    let load = |flags: Values| {
        let overrides = Overrides {
            flags,
            ..Overrides::default()
        };
        config::load(&overrides, &world.paths, world.built_in_themes)
    };
    let loaded = load(as_written).and_then(|_| load(with_files));
    std::fs::remove_file(&draft).map_err(unwritten)?;
    match loaded {
        Ok(_) => Ok(()),
        Err(errors) => Err(Answer::usage(format!(
            "quell: nothing was written: this config would not hold\n{errors}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn world(root: &Path) -> World {
        World {
            clock: || chrono::DateTime::UNIX_EPOCH,
            paths: Paths::below(root),
            built_in_themes: &[],
            variables: |_| None,
        }
    }

    fn nowhere() -> Output {
        Output::to(Box::new(io::sink()), Box::new(io::sink()), Terminal::No)
    }

    fn global(url: &str) -> Global {
        Global {
            alertmanager: vec![url.to_owned()],
            ..Global::default()
        }
    }

    fn args(output: Option<&str>, force: bool) -> InitArgs {
        InitArgs {
            output: output.map(PathBuf::from),
            force,
        }
    }

    #[test]
    fn a_written_config_loads_and_is_private_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        let good = global("http://am:9093/prefix");
        run(&args(None, false), &good, &world, &mut nowhere()).unwrap();
        let file = world.paths.config_file();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let loaded = config::load(&Overrides::default(), &world.paths, &[]).unwrap();
        let url = &loaded.settings.alertmanagers[0].endpoint.url;
        assert!(url.as_str().starts_with("http://am:9093/prefix"));

        let refused = run(
            &args(None, false),
            &global("http://b:1"),
            &world,
            &mut nowhere(),
        );
        assert!(refused.unwrap_err().complaint.unwrap().contains("--force"));
        assert!(std::fs::read_to_string(&file).unwrap().contains("am:9093"));
        run(
            &args(None, true),
            &global("http://b:1"),
            &world,
            &mut nowhere(),
        )
        .unwrap();
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .contains("http://b:1")
        );
    }

    #[test]
    fn a_dash_prints_and_writes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        let good = global("http://am:9093");
        let answer = run(&args(Some("-"), false), &good, &world, &mut nowhere()).unwrap();
        assert!(answer.document.contains("[[alertmanager]]"));
        assert!(!world.paths.config.exists());
        assert_eq!(std::fs::read_dir(&world.paths.cache).unwrap().count(), 0);
    }

    #[test]
    fn a_config_that_would_not_hold_is_never_written() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        let answer = run(
            &args(None, false),
            &global("not a url"),
            &world,
            &mut nowhere(),
        );
        assert_eq!(answer.unwrap_err().exit, super::super::exit::Exit::Usage);
        assert!(!world.paths.config_file().exists());
    }

    #[test]
    fn service_levels_are_named_absolutely_and_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        let folder = root.path().join("slo");
        let named = |paths: &[&Path]| Global {
            slo: paths.iter().map(|path| path.to_path_buf()).collect(),
            ..global("http://am:9093")
        };
        let print = args(Some("-"), false);
        let run = |global: &Global| run(&print, global, &world, &mut nowhere());
        let missing = run(&named(&[&folder])).unwrap_err().complaint.unwrap();
        assert!(missing.contains("no such file or folder"), "{missing}");
        std::fs::create_dir(&folder).unwrap();
        let built_in = Path::new(config::BUILT_IN_SLOS);
        let text = run(&named(&[&folder, built_in, Path::new(".")]))
            .unwrap()
            .document;
        let here = std::env::current_dir().unwrap();
        let paths = format!("paths = [\"{}\", \"{}\"]", folder.display(), here.display());
        assert!(text.contains(&paths), "{text}\n{paths}");
        assert!(text.contains("\nbuiltin = true\n"), "{text}");
    }

    #[test]
    fn a_cluster_is_pinned_by_its_context_and_flags_weigh_more_than_what_is_there() {
        let root = tempfile::tempdir().unwrap();
        let world = world(root.path());
        let kube = root.path().join(".kube");
        std::fs::create_dir(&kube).unwrap();
        std::fs::write(kube.join("config"), "current-context: prod-eu-1\n").unwrap();
        let other = root.path().join("other");
        std::fs::write(&other, "current-context: stage\n").unwrap();
        let print = args(Some("-"), false);
        let text = |global: Global| {
            let answer = run(&print, &global, &world, &mut nowhere());
            answer
                .map(|answer| answer.document)
                .map_err(|answer| answer.complaint.unwrap())
        };
        let section = |kubeconfig: &Path, context: &str| {
            format!(
                "[[kubernetes]]\nkubeconfig = \"{}\"\ncontext = \"{context}\"\n",
                kubeconfig.display()
            )
        };
        let found = text(Global::default()).unwrap();
        assert!(
            found.contains(&section(&kube.join("config"), "prod-eu-1")),
            "{found}"
        );

        let flag = Global {
            kubeconfig: Some(other.clone()),
            terraform: vec![root.path().to_owned()],
            changes: vec![root.path().to_owned()],
            ..Global::default()
        };
        let flag = text(flag).unwrap();
        assert!(flag.contains(&section(&other, "stage")), "{flag}");
        let path = format!("path = \"{}\"\n", root.path().display());
        assert!(flag.contains(&format!("[[terraform]]\n{path}")), "{flag}");
        assert!(flag.contains(&format!("[[changes]]\n{path}")), "{flag}");

        let context = Global {
            context: Some("prod-us-1".to_owned()),
            ..Global::default()
        };
        let context = text(context).unwrap();
        assert!(
            context.contains(&section(&kube.join("config"), "prod-us-1")),
            "{context}"
        );

        let missing = Global {
            kubeconfig: Some("/nowhere/kube".into()),
            ..Global::default()
        };
        let missing = text(missing).unwrap_err();
        assert!(missing.contains("no such file or folder"), "{missing}");
    }

    #[test]
    fn a_cluster_that_was_found_can_be_left_out() {
        let hint = || ClusterHint {
            kubeconfig: None,
            context: Some("prod-eu-1".to_owned()),
            place: "KUBECONFIG".to_owned(),
        };
        let asked = |typed: &str| {
            let mut draft = Draft {
                kubernetes: Some(hint()),
                ..Draft::default()
            };
            draft.ask(&mut typed.as_bytes(), &mut Vec::new()).unwrap();
            draft.kubernetes.and_then(|cluster| cluster.context)
        };
        assert_eq!(asked("\n\n\n\n\n").as_deref(), Some("prod-eu-1"));
        assert_eq!(asked("\n\n\n\nstage\n").as_deref(), Some("stage"));
        assert_eq!(asked("\n\n\n\n-\n"), None);
    }

    #[test]
    fn answers_replace_what_was_found_and_silence_keeps_it() {
        let hint = |url: &str| Hint {
            url: url.to_owned(),
            place: "PROMETHEUS_URL".to_owned(),
        };
        let mut draft = Draft {
            prometheuses: vec![hint("http://p:9090")],
            ..Draft::default()
        };
        let mut said = Vec::new();
        let typed = "prod\nhttp://a:9093, http://b:9093\n\n~/runbooks\n";
        draft.ask(&mut typed.as_bytes(), &mut said).unwrap();
        assert_eq!(draft.env.as_deref(), Some("prod"));
        let urls: Vec<&str> = draft.alertmanagers.iter().map(|h| h.url.as_str()).collect();
        assert_eq!(urls, ["http://a:9093", "http://b:9093"]);
        assert_eq!(draft.prometheuses, [hint("http://p:9090")]);
        let found = draft.found(&Paths::below(Path::new("/home/mara")));
        assert_eq!(
            found.runbooks.as_deref(),
            Some(Path::new("/home/mara/runbooks"))
        );
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("Prometheus URL [http://p:9090]: "), "{said}");

        let left = Draft::default().ask(&mut "".as_bytes(), &mut Vec::new());
        assert_eq!(left.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
