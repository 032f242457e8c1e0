//! Why is screen 3 or 4 empty? Nothing known is never called nothing there.

use crate::domain::freshness::Freshness;
use crate::model::Model;
use crate::model::delivery::{self, Matter};
use crate::model::knowledge::SourceState;
use crate::theme::Role;

/// No more of what is not read than this is named.
const MOST: usize = 4;

type Words = Vec<(String, Role)>;

/// Why there is no row at all, in paragraphs.
pub fn why(matter: Matter, model: &Model) -> Words {
    let all: Vec<&SourceState> = delivery::sources(model, matter).collect();
    let of = |wanted: Freshness| {
        let is_so = move |s: &&SourceState| s.freshness(model.now) == wanted;
        let names = all.iter().copied().filter(is_so);
        names.map(|s| s.name.to_string()).collect::<Vec<_>>()
    };
    if all.is_empty() {
        return vec![(unconfigured(matter).to_owned(), Role::Warn)];
    }
    let (never, failed) = (of(Freshness::Never), of(Freshness::Failed));
    if never.len() == all.len() {
        let words = format!("Waiting for the first answers of {}.", few(&never));
        return vec![(words, Role::Dim)];
    }
    if failed.len() == all.len() {
        let words = format!(
            "Nothing is known: none of the sources answers ({}). 8 shows why.",
            few(&failed)
        );
        return vec![(words, Role::Failed)];
    }
    let mut open = Vec::new();
    open.extend(told("not heard yet", &never));
    open.extend(told("failed", &failed));
    open.extend(told("stale", &of(Freshness::Stale)));
    let unread = delivery::unread(model, matter);
    let parts: Vec<String> = unread
        .iter()
        .map(|(source, part)| delivery::in_words(source, part))
        .collect();
    open.extend(told("not read", &parts));
    let mut words = match matter {
        Matter::Changes => no_change(model, open.is_empty()),
        Matter::Drift => no_drift(model),
    };
    let name = match matter {
        Matter::Changes => "Not known:",
        Matter::Drift => "Not compared:",
    };
    words.extend(
        open.into_iter()
            .map(|line| (format!("{name} {line}"), Role::Warn)),
    );
    words
}

/// How many sources have not been heard yet, for a title: what they know is missing.
pub fn waiting(matter: Matter, model: &Model) -> Option<(String, Role)> {
    let never = |s: &&SourceState| s.freshness(model.now) == Freshness::Never;
    match delivery::sources(model, matter).filter(never).count() {
        0 => None,
        1 => Some(("1 source not heard yet".to_owned(), Role::Warn)),
        more => Some((format!("{more} sources not heard yet"), Role::Warn)),
    }
}

fn unconfigured(matter: Matter) -> &'static str {
    match matter {
        Matter::Changes => {
            "No source tells of changes. Name one in the config ([[kubernetes]], [[argocd]], \
             [[github]], [[gitlab]], [[grafana]], [[changes]], [[terraform]]), or with --kubeconfig FILE or \
             --changes PATH."
        }
        Matter::Drift => {
            "Nothing is compared with its declaration. Name a source in the config \
             ([[kubernetes]], [[argocd]], [[terraform]]), or with --kubeconfig FILE or \
             --terraform PATH."
        }
    }
}

fn no_change(model: &Model, whole: bool) -> Words {
    // What is remembered is in the picture too: an empty one is empty for as long as quell keeps.
    let asked = delivery::sources(model, Matter::Changes).count();
    let sources = if asked == 1 { "source" } else { "sources" };
    if whole {
        let words = format!(
            "No change is known: {asked} {sources} answered, and none is told or remembered, not of \
             the last 24 hours and not of before."
        );
        return vec![(words, Role::Dim)];
    }
    vec![(
        "No change is known. That is not to say that there was none.".to_owned(),
        Role::Warn,
    )]
}

fn no_drift(model: &Model) -> Words {
    let compared = delivery::compared(model);
    let compared: Vec<String> = compared.iter().map(|s| s.name.to_string()).collect();
    if compared.is_empty() {
        let words = "Nothing was compared: no source could read what it compares.";
        return vec![(words.to_owned(), Role::Warn)];
    }
    let words = format!("Nothing drifted in what was compared ({}).", few(&compared));
    vec![(words, Role::Text)]
}

fn told(how: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{how}: {}", few(names)))
}

fn few(names: &[String]) -> String {
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
