//! Does the config say what it means, and do its errors say what to do?
//!
//! Every file of `tests/fixtures/config/bad` has its error text as a snapshot; those of `good` load.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

#[path = "config/actions.rs"]
mod actions;
#[path = "config/delivery.rs"]
mod delivery;

use std::fs;
use std::path::{Path, PathBuf};

use quell::config::overrides::Values;
use quell::config::secret::Secret;
use quell::config::settings::{
    Accent, Auth, BuiltInSlos, ColourChoice, GlyphChoice, HeaderValue, Mouse, RecordedSlos,
    SloSettings,
};
use quell::config::{ConfigErrors, Found, Loaded, Overrides, Paths, load, render_template};
use quell::domain::alert::Lane;
use quell::domain::burn_policy::{Above, Level, Threshold, built_in};
use quell::domain::text::shown;

const THEMES: [&str; 4] = ["default", "light", "contrast", "mono"];

fn paths(root: &Path) -> Paths {
    Paths::below(root)
}

fn flags(flags: Values) -> Overrides {
    Overrides {
        flags,
        user: Some("mara".into()),
        ..Overrides::default()
    }
}

fn load_file(path: &Path) -> Result<Loaded, ConfigErrors> {
    let values = Values {
        config: Some(path.to_owned()),
        ..Values::default()
    };
    load(&flags(values), &paths(Path::new("/home/mara")), &THEMES)
}

/// Loads a text as the config of a fresh home.
fn load_text(text: &str, values: Values) -> Result<Loaded, ConfigErrors> {
    let root = tempfile::tempdir().unwrap();
    let paths = paths(root.path());
    fs::create_dir_all(&paths.config).unwrap();
    fs::write(paths.config_file(), text).unwrap();
    load(&flags(values), &paths, &THEMES)
}

fn without_file(values: Values) -> Result<Loaded, ConfigErrors> {
    let root = tempfile::tempdir().unwrap();
    load(&flags(values), &paths(root.path()), &THEMES)
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/fixtures/config").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Whether nothing in it had to be escaped for a terminal.
fn is_harmless(text: &str) -> bool {
    text.lines().all(|line| shown(line) == line)
}

#[test]
fn every_bad_config_is_told_with_line_caret_and_next_step() {
    for file in fixtures("bad") {
        let errors = load_file(&file).unwrap_err();
        let text = errors.to_string();
        assert!(is_harmless(&text), "{}: {text:?}", file.display());
        assert!(!text.contains("hunter"), "{}: {text}", file.display());
        let json = serde_json::to_string(&errors.problems).unwrap();
        assert!(is_harmless(&json), "{json:?}");
        assert!(!json.contains("hunter"), "{json}");
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn every_good_config_loads() {
    for file in fixtures("good") {
        let loaded = load_file(&file).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(loaded.file.as_ref(), Some(&file));
    }
}

/// The fixture that uses every key, loaded in a home that has its theme.
fn load_full(root: &Path) -> Loaded {
    let paths = paths(root);
    fs::create_dir_all(paths.themes_dir()).unwrap();
    fs::write(paths.themes_dir().join("night.toml"), "").unwrap();
    let text = fs::read_to_string("tests/fixtures/config/good/full.toml").unwrap();
    fs::write(
        paths.config_file(),
        text.replace("\"default\"", "\"night\""),
    )
    .unwrap();
    load(&Overrides::default(), &paths, &[]).unwrap()
}

#[test]
fn every_key_of_a_source_has_its_effect() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let paths = paths(root);
    let loaded = load_full(root);
    let settings = loaded.settings;

    let am = &settings.alertmanagers[0];
    let endpoint = &am.endpoint;
    assert_eq!(&*am.name, "am-1");
    assert_eq!(endpoint.url.as_str(), "https://am-1.example.org/prefix/");
    assert_eq!(am.cluster.as_deref(), Some("eu"));
    let filters = r#"severity=~"critical|page", team="sre", env!="dev""#;
    assert_eq!(am.filters.to_string(), filters);
    assert_eq!(am.receiver.as_deref(), Some("team-.*"));
    assert_eq!(am.period.as_secs(), 20);
    assert_eq!(endpoint.timeout.as_secs(), 5);
    assert_eq!(endpoint.max_response_bytes, 64 * 1024 * 1024);
    let Auth::Basic { username, password } = &endpoint.auth else {
        panic!("not basic");
    };
    assert_eq!(username, "quell");
    let program = root.join("bin/secret").to_str().unwrap().to_owned();
    let command = vec![program, "show".into(), "am".into()];
    assert_eq!(password, &Secret::Command(command));
    let [
        (key, HeaderValue::Secret(secret)),
        (tenant, HeaderValue::Plain(plain)),
    ] = endpoint.headers.as_slice()
    else {
        panic!("other headers");
    };
    assert_eq!((key.as_str(), secret), ("X-Key", &Secret::Env("K".into())));
    assert_eq!(
        (tenant.as_str(), plain.as_str()),
        ("X-Scope-OrgID", "tenant")
    );
    assert_eq!(endpoint.tls.ca_file, Some(paths.config.join("pki/ca.pem")));
    let client = endpoint.tls.client.as_ref().unwrap();
    assert_eq!(client.cert_file, root.join("client.pem"));
    assert_eq!(client.key_file, Path::new("/etc/quell/client.key"));
    assert_eq!(
        endpoint.proxy.as_ref().unwrap().as_str(),
        "socks5://localhost:1080"
    );

    // The second is called am-2 by itself, the third by order; that of stage is not on show.
    let names: Vec<_> = settings.alertmanagers.iter().map(|a| &*a.name).collect();
    assert_eq!(names, ["am-1", "am-2", "am-3"]);

    let prom = &settings.prometheuses[0];
    assert_eq!(prom.period.as_secs(), 60);
    let Auth::Bearer(token) = &prom.endpoint.auth else {
        panic!("not bearer");
    };
    assert_eq!(token, &Secret::File(paths.config.join("token")));

    let expected = "the credentials of prom-1 cross the network unencrypted: \
        use https, or a tunnel to localhost";
    assert_eq!(loaded.warnings, [expected]);
}

#[test]
fn every_other_key_has_its_effect() {
    let root = tempfile::tempdir().unwrap();
    let paths = paths(root.path());
    let settings = load_full(root.path()).settings;
    assert_eq!(
        settings.runbooks.path,
        Some(paths.config.join("../runbooks"))
    );
    assert_eq!(
        settings.runbooks.url_prefixes,
        ["https://wiki.example.org/runbooks/"]
    );
    assert_eq!(
        settings.runbooks.url_prefixes,
        settings.triage.runbook_url_prefixes
    );

    let triage = &settings.triage;
    let lanes: Vec<_> = triage
        .lanes
        .iter()
        .map(|r| (r.lane, r.matchers.to_string()))
        .collect();
    let expected = [
        (Lane::Page, r#"level="1""#.to_owned()),
        (Lane::Ticket, r#"level=~"2|3""#.to_owned()),
    ];
    assert_eq!(lanes, expected);
    assert_eq!(triage.default_lane, Lane::Info);
    assert_eq!(triage.watchdogs, [""; 0]);
    assert_eq!(triage.labels.severity, ["level"]);
    assert_eq!(triage.labels.service, ["svc"]);
    assert_eq!(triage.labels.env, ["stage"]);
    assert_eq!(triage.labels.location, ["dc"]);
    assert_eq!(triage.labels.owner, ["squad"]);

    let screen = &settings.screen;
    assert_eq!(screen.theme, "night");
    assert_eq!(screen.colour, ColourChoice::Ansi256);
    assert_eq!(screen.glyphs, GlyphChoice::Ascii);
    assert_eq!(screen.mouse, Mouse::On);
    assert_eq!(screen.group_by, "alertname");
    assert_eq!(settings.operator, "mara");
    assert_eq!(settings.log_level, "debug");
    let environment = settings.environment.unwrap();
    assert_eq!(
        (environment.name.as_str(), environment.accent),
        ("prod", Accent::Red)
    );
}

#[test]
fn every_key_of_service_levels_has_its_effect() {
    let root = tempfile::tempdir().unwrap();
    let paths = paths(root.path());
    let slo = load_full(root.path()).settings.slo;
    let expected = [
        paths.config.join("slo/"),
        root.path().join("more/checkout.yaml"),
        "/etc/slo".into(),
    ];
    assert_eq!(slo.paths, expected);
    assert_eq!(slo.built_in, BuiltInSlos::On);
    assert_eq!(slo.recorded, RecordedSlos::Ignored);
    assert_eq!(slo.prometheus.as_deref(), Some("prom-2"));
    let metrics = [
        (
            "platform_api_requests_total",
            "http_requests_total{job=\"api\"}",
        ),
        ("platform:latency", "latency_seconds"),
    ];
    let metrics = metrics.map(|(name, selector)| (name.to_owned(), selector.to_owned()));
    assert_eq!(slo.metrics.len(), 2);
    assert!(metrics.iter().all(|pair| slo.metrics.contains(pair)));
}

#[test]
fn own_burn_policies_stand_beside_the_built_in_ones_or_in_their_place() {
    let root = tempfile::tempdir().unwrap();
    let policies = load_full(root.path()).settings.slo.policies;
    assert_eq!(policies.default, "night");
    let rules: Vec<_> = policies
        .rules
        .iter()
        .map(|(matchers, name)| (matchers.to_string(), name.as_str()))
        .collect();
    let expected = [
        (r#"tier="1", service!="batch""#.to_owned(), "paas"),
        (r#"team=~"sre|infra""#.to_owned(), "google"),
    ];
    assert_eq!(rules, expected);

    let mut names: Vec<_> = built_in().into_iter().map(|p| p.name).collect();
    names.push("night".to_owned());
    let all: Vec<_> = policies.list.iter().map(|p| p.name.clone()).collect();
    assert_eq!(all, names);
    assert_eq!(policies.named("google"), built_in().first());
    let own = &policies.named("paas").unwrap().conditions;
    assert_eq!(own.len(), 1, "it replaces the built-in one as a whole");

    let night = policies.named("night").unwrap();
    assert_eq!(night.summary, "only what cannot wait");
    let [fast, half] = night.conditions.as_slice() else {
        panic!("{night:?}");
    };
    assert_eq!((fast.name.as_str(), fast.level), ("page-fast", Level::Page));
    assert_eq!(fast.threshold, Threshold::Burn(14.4));
    assert_eq!(fast.comparison, Above::Strictly);
    assert_eq!(
        (fast.window_secs, fast.confirm_secs, fast.for_secs),
        (3_600, Some(300), 120)
    );
    assert_eq!(
        (half.level, half.comparison),
        (Level::Freeze, Above::OrEqual)
    );
    assert_eq!(half.threshold, Threshold::Budget(0.5));
    assert_eq!(
        (half.window_secs, half.confirm_secs, half.for_secs),
        (86_400, None, 0)
    );
}

#[test]
fn service_levels_of_flags_take_the_place_of_the_files() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("slo");
    fs::create_dir(&folder).unwrap();
    let text = "[slo]\nbuiltin = true\npaths = [\"mine\"]\npolicy = \"pe\"\n";
    let slo = |values: Values| load_text(text, values).map(|loaded| loaded.settings.slo);
    let file: SloSettings = slo(Values::default()).unwrap();
    assert_eq!(file.paths.len(), 1, "one of the file need not be there");
    assert_eq!(
        (file.built_in, file.policies.default.as_str()),
        (BuiltInSlos::On, "pe")
    );

    let flag = Values {
        slos: vec![folder.clone()],
        burn_policy: Some("ssp".into()),
        ..Values::default()
    };
    let flag = slo(flag).unwrap();
    assert_eq!(flag.paths, [folder]);
    assert_eq!(
        (flag.built_in, flag.policies.default.as_str()),
        (BuiltInSlos::Off, "ssp")
    );

    let built_in = Values {
        slos: vec!["builtin:platform".into()],
        ..Values::default()
    };
    let built_in = slo(built_in).unwrap();
    assert!(built_in.paths.is_empty());
    assert_eq!(built_in.built_in, BuiltInSlos::On);
}

#[test]
fn wrong_flags_of_service_levels_are_named() {
    let mut overrides = flags(Values {
        slos: vec!["/nowhere/slo".into(), "builtin:paltform".into()],
        ..Values::default()
    });
    overrides.variables.burn_policy = Some("gooogle".into());
    let root = tempfile::tempdir().unwrap();
    let errors = load(&overrides, &paths(root.path()), &THEMES).unwrap_err();
    insta::assert_snapshot!("slo_flags", errors.to_string());
}

#[test]
fn the_prometheus_of_service_levels_may_be_out_of_sight() {
    let text = "[[environment]]\nname = \"prod\"\n[[environment]]\nname = \"stage\"\n\
        [[prometheus]]\nname = \"p\"\nurl = \"http://p\"\nenv = \"prod\"\n\
        [[prometheus]]\nname = \"s\"\nurl = \"http://s\"\nenv = \"stage\"\n\
        [slo]\nprometheus = \"p\"\n";
    let env = |name: &str| Values {
        env: Some(name.into()),
        ..Values::default()
    };
    let prod = load_text(text, env("prod")).unwrap();
    assert_eq!(prod.settings.slo.prometheus.as_deref(), Some("p"));
    assert!(prod.warnings.is_empty(), "{:?}", prod.warnings);
    let replaced = Values {
        prometheuses: vec!["http://elsewhere".into()],
        ..env("prod")
    };
    for values in [env("stage"), replaced] {
        let loaded = load_text(text, values).unwrap();
        assert_eq!(loaded.settings.slo.prometheus, None);
        assert!(
            loaded.warnings[0].contains("not on show"),
            "{:?}",
            loaded.warnings
        );
    }
}

#[test]
fn a_share_above_the_whole_budget_is_worth_a_word() {
    let text = "[[burn_policy]]\nname = \"n\"\n[[burn_policy.condition]]\nname = \"c\"\n\
        level = \"page\"\nbudget = 2\nwindow = \"1h\"\n";
    let loaded = load_text(text, Values::default()).unwrap();
    assert!(
        loaded.warnings[0].contains("2 % is 0.02"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn another_environment_has_other_sources() {
    let text = fs::read_to_string("tests/fixtures/config/good/full.toml").unwrap();
    let stage = Values {
        env: Some("stage".into()),
        ..Values::default()
    };
    let settings = load_text(&text, stage).unwrap().settings;
    let names: Vec<_> = settings.alertmanagers.iter().map(|a| &*a.name).collect();
    assert_eq!(names, ["am-1", "am-2"]);
    let urls: Vec<_> = settings
        .alertmanagers
        .iter()
        .map(|a| a.endpoint.url.as_str())
        .collect();
    assert_eq!(
        urls,
        ["https://am-3.example.org/", "https://am.stage.example.org/"]
    );
    assert_eq!(settings.environment.unwrap().name, "stage");
}

#[test]
fn a_single_environment_needs_no_choice() {
    let text = "[[environment]]\nname = \"prod\"\naccent = \"red\"\n";
    let environment = load_text(text, Values::default())
        .unwrap()
        .settings
        .environment
        .unwrap();
    assert_eq!(
        (environment.name.as_str(), environment.accent),
        ("prod", Accent::Red)
    );
}

#[test]
fn an_environment_without_sources_is_told() {
    let text = "env = \"b\"\n[[environment]]\nname = \"a\"\n[[environment]]\nname = \"b\"\n\
        [[prometheus]]\nurl = \"http://p\"\nenv = \"a\"\n";
    let loaded = load_text(text, Values::default()).unwrap();
    assert!(loaded.settings.prometheuses.is_empty());
    assert!(
        loaded.warnings[0].starts_with("no source belongs to `b`"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn without_any_file_flags_are_enough() {
    let values = Values {
        alertmanagers: vec!["http://a:9093".into(), "http://b:9093/x".into()],
        prometheuses: vec!["http://p:9090".into()],
        runbooks: Some("~/books".into()),
        slos: vec![env!("CARGO_MANIFEST_DIR").into()],
        burn_policy: Some("paas".into()),
        env: Some("prod".into()),
        theme: Some("mono".into()),
        no_color: true,
        ascii: true,
        log_level: Some("trace".into()),
        ..Values::default()
    };
    let loaded = without_file(values).unwrap();
    assert_eq!(loaded.file, None);
    let settings = loaded.settings;
    let names: Vec<_> = settings.alertmanagers.iter().map(|a| &*a.name).collect();
    assert_eq!(names, ["am-1", "am-2"]);
    assert_eq!(
        settings.alertmanagers[1].endpoint.url.as_str(),
        "http://b:9093/x/"
    );
    assert!(matches!(
        settings.alertmanagers[0].endpoint.auth,
        Auth::None
    ));
    assert_eq!(&*settings.prometheuses[0].name, "prom-1");
    assert!(settings.runbooks.path.unwrap().ends_with("books"));
    assert_eq!(settings.slo.paths, [Path::new(env!("CARGO_MANIFEST_DIR"))]);
    assert_eq!(settings.slo.policies.default, "paas");
    assert_eq!(settings.environment.unwrap().name, "prod");
    assert_eq!(settings.screen.theme, "mono");
    assert_eq!(settings.screen.colour, ColourChoice::Never);
    assert_eq!(settings.screen.glyphs, GlyphChoice::Ascii);
    assert_eq!(settings.screen.mouse, Mouse::Off);
    assert_eq!(settings.log_level, "trace");
    assert_eq!(settings.operator, "mara");
}

#[test]
fn flags_replace_their_kind_and_leave_the_other() {
    let text = "log_level = \"error\"\n[[alertmanager]]\nurl = \"http://file\"\n\
        [[alertmanager]]\nurl = \"http://file2\"\n[[prometheus]]\nurl = \"http://prom\"\n";
    let values = Values {
        alertmanagers: vec!["http://flag".into()],
        ..Values::default()
    };
    let settings = load_text(text, values).unwrap().settings;
    assert_eq!(settings.alertmanagers.len(), 1);
    assert_eq!(
        settings.alertmanagers[0].endpoint.url.as_str(),
        "http://flag/"
    );
    assert_eq!(
        settings.prometheuses[0].endpoint.url.as_str(),
        "http://prom/"
    );
    assert_eq!(settings.log_level, "error");
}

#[test]
fn a_flag_weighs_more_than_a_variable_and_that_more_than_the_file() {
    let root = tempfile::tempdir().unwrap();
    let paths = paths(root.path());
    let variable = root.path().join("variable.toml");
    fs::write(
        &variable,
        "log_level = \"error\"\n[screen]\ntheme = \"light\"\n",
    )
    .unwrap();
    let get = |name: &str| match name {
        "QUELL_CONFIG" => Some(variable.to_str().unwrap().to_owned()),
        "QUELL_LOG_LEVEL" => Some("warn".into()),
        "QUELL_ALERTMANAGER" => Some("http://a, http://b".into()),
        _ => None,
    };
    let values = Values {
        log_level: Some("debug".into()),
        ..Values::default()
    };
    let settings = load(&Overrides::new(values, get), &paths, &THEMES)
        .unwrap()
        .settings;
    assert_eq!(settings.log_level, "debug");
    assert_eq!(settings.screen.theme, "light");
    assert_eq!(settings.alertmanagers.len(), 2);
    assert_eq!(settings.operator, "unknown");
    let settings = load(&Overrides::new(Values::default(), get), &paths, &THEMES)
        .unwrap()
        .settings;
    assert_eq!(settings.log_level, "warn");
}

#[test]
fn wrong_flags_are_named_and_keep_their_secrets() {
    let mut overrides = flags(Values {
        alertmanagers: vec!["localhost:9093".into(), "http://mara:hunter2@am".into()],
        theme: Some("lihgt".into()),
        ..Values::default()
    });
    overrides.variables.log_level = Some("loud\u{1b}[31m".into());
    let root = tempfile::tempdir().unwrap();
    let errors = load(&overrides, &paths(root.path()), &THEMES).unwrap_err();
    let text = errors.to_string();
    assert!(is_harmless(&text) && !text.contains("hunter2"));
    insta::assert_snapshot!("flags", text);
    let first = serde_json::to_value(&errors.problems[0]).unwrap();
    assert_eq!(first["given_by"], "--alertmanager");
    assert_eq!(first["file"], serde_json::Value::Null);
}

#[test]
fn an_unknown_environment_of_a_flag_names_the_known_ones() {
    let text =
        "env = \"prod\"\n[[environment]]\nname = \"prod\"\n[[environment]]\nname = \"stage\"\n";
    let values = Values {
        env: Some("stge".into()),
        ..Values::default()
    };
    let errors = load_text(text, values).unwrap_err();
    assert_eq!(errors.problems[0].given_by.as_deref(), Some("--env"));
    let hint = errors.problems[0].hint.as_deref().unwrap();
    assert_eq!(hint, "did you mean `stage`? known: prod, stage");
}

#[test]
fn problems_have_fields_for_scripts() {
    let errors = load_text("\n[screen]\n  thme = \"x\"\n", Values::default()).unwrap_err();
    let problem = serde_json::to_value(&errors.problems[0]).unwrap();
    assert_eq!(problem["line"], 3);
    assert_eq!(problem["column"], 3);
    assert_eq!(problem["message"], "unknown key `thme` in [screen]");
    assert_eq!(problem["hint"], "did you mean `theme`?");
    assert!(
        problem["file"]
            .as_str()
            .unwrap()
            .ends_with("config/config.toml")
    );
    assert!(problem.get("text").is_none());
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let missing = load_file(Path::new("tests/fixtures/config/nowhere.toml")).unwrap_err();
    insta::assert_snapshot!("missing_file", missing.to_string());
    let folder = load_file(Path::new("tests/fixtures/config")).unwrap_err();
    insta::assert_snapshot!("folder_instead_of_file", folder.to_string());

    let root = tempfile::tempdir().unwrap();
    let large = root.path().join("large.toml");
    fs::write(&large, "#".repeat(1024 * 1024 + 1)).unwrap();
    let text = load_file(&large).unwrap_err().to_string();
    assert!(text.contains("it is larger than 1 MiB"), "{text}");
    fs::write(&large, "#".repeat(1024 * 1024)).unwrap();
    assert!(load_file(&large).is_ok());
}

#[test]
fn a_config_that_everybody_may_write_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("quell.toml");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(load_file(&file).unwrap().warnings[0].contains("chmod o-w"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(load_file(&file).unwrap().warnings.is_empty());
}

#[test]
fn the_example_is_the_defaults() {
    let example = load_file(Path::new("config.example.toml")).unwrap_or_else(|e| panic!("{e}"));
    let default = without_file(Values::default()).unwrap();
    let all = |loaded: &Loaded| format!("{:#?}", loaded.settings);
    assert_eq!(all(&example), all(&default));
}

/// The example with every commented key in use.
fn example_in_full() -> String {
    let text = fs::read_to_string("config.example.toml").unwrap();
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => rest,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_example_loads_with_everything_in_use() {
    let loaded = load_text(&example_in_full(), Values::default()).unwrap_or_else(|e| panic!("{e}"));
    let settings = loaded.settings;
    assert_eq!(&*settings.alertmanagers[0].name, "am-1");
    assert_eq!(&*settings.prometheuses[0].name, "prom-1");
    assert_eq!(settings.environment.unwrap().accent, Accent::Red);
    // What the comments call a default is one.
    let text = "[[alertmanager]]\nurl = \"http://a\"\n[[prometheus]]\nurl = \"http://p\"\n";
    let bare = load_text(text, Values::default()).unwrap().settings;
    let (a, b) = (&bare.alertmanagers[0], &settings.alertmanagers[0]);
    assert_eq!(a.period, b.period);
    assert_eq!(a.endpoint.timeout, b.endpoint.timeout);
    assert_eq!(a.endpoint.max_response_bytes, b.endpoint.max_response_bytes);
    assert_eq!(bare.prometheuses[0].period, settings.prometheuses[0].period);
    assert_eq!(settings.slo.policies.list.len(), built_in().len() + 1);
}

#[test]
fn what_init_writes_loads_back() {
    let nasty = "http://am:9093/a\"b\\c%20d";
    let found = Found {
        env: Some("prod-eu".into()),
        alertmanagers: vec!["http://am-1:9093".into(), nasty.into()],
        prometheuses: vec!["https://prom/prefix/".into()],
        runbooks: Some("/srv/run \"books\"\\é\u{202e}\n".into()),
        slos: vec!["/srv/s \"lo\"".into(), "builtin:platform".into()],
        ..Found::default()
    };
    let text = render_template(&found);
    assert!(is_harmless(&text), "{text}");
    let settings = load_text(&text, Values::default())
        .unwrap_or_else(|e| panic!("{e}"))
        .settings;
    let environment = settings.environment.unwrap();
    assert_eq!(
        (environment.name.as_str(), environment.accent),
        ("prod-eu", Accent::Red)
    );
    let urls: Vec<_> = settings
        .alertmanagers
        .iter()
        .map(|a| a.endpoint.url.clone())
        .collect();
    let expected = ["http://am-1:9093/", &format!("{nasty}/")];
    assert_eq!(urls, expected.map(|url| url.parse().unwrap()));
    assert_eq!(
        settings.prometheuses[0].endpoint.url.as_str(),
        "https://prom/prefix/"
    );
    assert_eq!(settings.runbooks.path, found.runbooks);
    assert_eq!(settings.slo.paths, found.slos[..1]);
    assert_eq!(settings.slo.built_in, BuiltInSlos::On);
}

#[test]
fn what_init_writes_of_nothing_loads_too() {
    let text = render_template(&Found::default());
    insta::assert_snapshot!("template_of_nothing", text);
    let loaded = load_text(&text, Values::default()).unwrap();
    assert!(loaded.settings.alertmanagers.is_empty());
}

/// A config with a secret in every place that one may come to stand.
const SECRETS: &str = r#"
[[alertmanager]]
url = "https://mara:hunter2@am.example.org"
basic = { username = "mara", password = "hunter2" }

[[alertmanager]]
url = "https://am.example.org/?token=hunter2"
bearer = 'hunter2'
headers = { X-Api-Key = "hunter2", Cookie = "hunter2" }

[alertmanager.basic]
username = "mara"
pasword = "hunter2"

[[prometheus]]
url = "https://prom.example.org"
basic = ["mara", "hunter2"]
bearer = """
hunter2
"""
proxy = "http://mara:hunter2@proxy"

[[kubernetes]]
kubeconfig = "users:\n- token: hunter2\n"

[[gitlab]]
token = "hunter2"
headers = { PRIVATE-TOKEN = "hunter2" }
"#;

#[test]
fn no_slip_of_the_keyboard_makes_an_error_show_a_secret() {
    let slips = SECRETS.match_indices(|c: char| !c.is_alphanumeric() && c != '@');
    for (at, removed) in slips {
        let mut text = SECRETS.to_owned();
        text.replace_range(at..at + removed.len(), "");
        let errors = load_text(&text, Values::default()).unwrap_err().to_string();
        assert!(
            !errors.contains("hunter"),
            "without {removed:?} at {at}:\n{errors}"
        );
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn no_file_makes_it_fall_over_or_print_what_harms(
        cut in proptest::sample::subsequence((0..SECRETS.len()).collect::<Vec<_>>(), 0..4),
        foreign in "[\\PC\"'=\\[\\]\n\u{1b}\u{202e}]{0,12}",
    ) {
        let mut text = SECRETS.replace("hunter2", "");
        for at in cut {
            let at = text.floor_char_boundary(at.min(text.len()));
            text.insert_str(at, &foreign);
        }
        if let Err(errors) = load_text(&text, Values::default()) {
            proptest::prop_assert!(is_harmless(&errors.to_string()), "{errors}");
            proptest::prop_assert!(errors.problems.iter().all(|p| p.hint.is_some()), "{errors}");
        }
    }
}
