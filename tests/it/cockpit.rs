//! What does an operator see in the cockpit at real servers, and do the keys do what they say? The
//! built program in a terminal, read as a person reads it: by what stands in which row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use serde_json::json;
use vt100::Screen;

use crate::cli_scene::git;
use crate::hostile::{alertmanager, wire_alert};
use crate::peers::{
    AlertSpec, Alertmanager, AlertmanagerPair, Prometheus, SilenceSpec, WATCHDOG_RULE,
};
use crate::quell::Quell;
use crate::raw::{Answer, RawServer};
use crate::screen::{
    GUTTER, NARROW, WIDE, alert_row, configure, count_of, drop_filter, escape, go_to, has, is_dim,
    quit, row_with, size, source_row,
};
use crate::terminal::Size;

fn configure_pair(quell: &Quell, pair: &AlertmanagerPair) {
    configure(
        quell,
        &[
            ("alertmanager", "am-1", pair.first.url(), "timeout = \"5s\""),
            (
                "alertmanager",
                "am-2",
                pair.second.url(),
                "timeout = \"5s\"",
            ),
        ],
    );
}

fn page(name: &str, service: &str) -> AlertSpec {
    AlertSpec::new(name)
        .label("severity", "critical")
        .label("service", service)
        .since(TimeDelta::minutes(7))
}

#[tokio::test]
async fn replicas_are_one_row_their_differences_are_named_and_silences_move_to_quiet() {
    let pair = AlertmanagerPair::start().await;
    let shared = page("CheckoutDown", "checkout").annotation("summary", "nobody can pay");
    let lonely = page("CartSlow", "cart");
    for replica in [&pair.first, &pair.second] {
        replica.post_alerts(std::slice::from_ref(&shared)).await;
    }
    pair.first.post_alerts(&[lonely]).await;
    let quell = Quell::new();
    configure_pair(&quell, &pair);
    let terminal = quell.terminal(&[], size(NARROW));

    terminal.wait_for("both alerts, once each, and the mark on one", |screen| {
        has(screen, "[Page 2]")
            && alert_row(screen, "  CheckoutDown").is_some_and(|(_, row)| row.contains("P   7m"))
            && count_of(screen, "CheckoutDown") == 1
            && has(screen, "! CartSlow")
            && has(screen, "am ✓✓")
    });
    go_to(&terminal, "CheckoutDown");
    terminal.wait_for("the summary of both replicas", |screen| {
        has(screen, "nobody can pay") && has(screen, "from am-1, am-2")
    });
    drop_filter(&terminal);
    go_to(&terminal, "CartSlow");
    terminal.send("\r");
    terminal.wait_for("the detail with the difference", |screen| {
        row_with(screen, "Disagree").is_some_and(|(_, row)| row.contains("am-2 lacks this"))
            && has(screen, "am-1: active since")
    });
    escape(&terminal, "the list", |screen| has(screen, "/ filter"));
    drop_filter(&terminal);

    let silence = SilenceSpec::matching("alertname", "CheckoutDown");
    pair.first.post_silence(&silence).await;
    terminal.wait_for("one page less and one quiet", |screen| {
        has(screen, "[Page 1]") && has(screen, "Quiet 1")
    });
    terminal.send("lll");
    terminal.wait_for("the silenced alert with its author", |screen| {
        has(screen, "[Quiet 1]")
            && has(screen, "CheckoutDown")
            && has(screen, "silenced by tests until")
            && has(screen, "posted by a test")
    });
    quit(terminal);
}

#[tokio::test]
async fn a_lost_source_is_named_and_its_last_word_stays_dimmed() {
    let mut pair = AlertmanagerPair::start().await;
    let both = [&pair.first, &pair.second];
    let mut prometheus = Prometheus::start(WATCHDOG_RULE, &both).await;
    for replica in both {
        replica
            .post_alerts(&[page("CheckoutDown", "checkout")])
            .await;
    }
    pair.first.post_alerts(&[page("CartSlow", "cart")]).await;
    pair.second
        .post_alerts(&[page("StockStale", "stock")])
        .await;
    let quell = Quell::new();
    let short = "timeout = \"5s\"";
    configure(
        &quell,
        &[
            ("alertmanager", "am-1", pair.first.url(), short),
            ("alertmanager", "am-2", pair.second.url(), short),
            ("prometheus", "prom-1", prometheus.url(), short),
        ],
    );
    let terminal = quell.terminal(&[], size(NARROW));
    terminal.wait_for_text("[Page 3]");
    // The selected row is bold, which not every terminal shows together with dim.
    go_to(&terminal, "CartSlow");
    drop_filter(&terminal);
    terminal.wait_for("three pages, one watchdog, nothing blind", |screen| {
        has(screen, "[Page 3]")
            && has(screen, "Info 1")
            && has(screen, "am ✓✓")
            && has(screen, "prom ✓")
            && !has(screen, "blind:")
            && is_dim(screen, "StockStale") == Some(false)
    });

    pair.second.kill();
    terminal.wait_for(
        "am-2 as blind, its own alert dim, the others as before",
        |screen| {
            row_with(screen, "blind: am-2 unreachable")
                .is_some_and(|(_, row)| row.contains("its alerts are the last known"))
                && has(screen, "[Page 3]")
                && is_dim(screen, "StockStale") == Some(true)
                && is_dim(screen, "CheckoutDown") == Some(false)
                && is_dim(screen, "CartSlow") == Some(false)
        },
    );
    pair.second.restart().await;
    terminal.wait_for(
        "nothing blind, and its alert gone with its memory",
        |screen| {
            !has(screen, "blind:")
                && has(screen, "[Page 2]")
                && !has(screen, "StockStale")
                && count_of(screen, "CheckoutDown") == 1
                && has(screen, "am ✓✓")
        },
    );

    prometheus.kill();
    terminal.wait_for("prom-1 as blind, the alerts as before", |screen| {
        has(screen, "blind: prom-1 unreachable") && has(screen, "[Page 2]")
    });
    prometheus.restart().await;
    terminal.wait_for("nothing blind", |screen| {
        !has(screen, "blind:") && has(screen, "prom ✓")
    });
    quit(terminal);
}

#[tokio::test]
async fn claims_and_the_last_picture_outlive_the_session() {
    let mut pair = AlertmanagerPair::start().await;
    for replica in [&pair.first, &pair.second] {
        let alerts = [page("CheckoutDown", "checkout"), page("CartSlow", "cart")];
        replica.post_alerts(&alerts).await;
    }
    let quell = Quell::new();
    configure_pair(&quell, &pair);
    let terminal = quell.terminal(&[], size(NARROW));
    let claimed = |screen: &Screen| {
        let row = alert_row(screen, "CheckoutDown");
        row.is_some_and(|(_, row)| row.contains("mara"))
    };
    terminal.wait_for_text("[Page 2]");
    go_to(&terminal, "CheckoutDown");
    terminal.send("c");
    terminal.wait_for("the operator as the owner", claimed);
    drop_filter(&terminal);
    terminal.wait_for("who claimed nothing else", |screen| {
        alert_row(screen, "CartSlow").is_some_and(|(_, row)| !row.contains("mara"))
    });
    quit(terminal);

    let again = quell.terminal(&[], size(NARROW));
    again.wait_for("the claim of the session before", |screen| {
        claimed(screen) && has(screen, "am ✓✓")
    });
    quit(again);

    pair.first.kill();
    pair.second.kill();
    let dead = quell.terminal(&[], size(NARROW));
    dead.wait_for("the last picture, said to be old", |screen| {
        has(screen, "[Page 2]")
            && has(screen, "CartSlow")
            && claimed(screen)
            && has(screen, "blind: am-1 unreachable")
            && has(screen, "blind: am-2 unreachable")
            && has(screen, "its alerts are the last known")
    });
    quit(dead);
}

#[test]
fn the_last_picture_is_there_before_the_network_answers() {
    let answers = Arc::new(AtomicBool::new(true));
    let server = RawServer::start({
        let answers = Arc::clone(&answers);
        move |request| {
            if answers.load(Ordering::SeqCst) {
                alertmanager(
                    request,
                    &[wire_alert("1", &json!({ "alertname": "NodeDown" }))],
                )
            } else {
                Answer::Silent
            }
        }
    });
    let quell = Quell::new();
    let more = "timeout = \"5m\"";
    configure(&quell, &[("alertmanager", "am-1", server.url(), more)]);
    let terminal = quell.terminal(&[], size(NARROW));
    terminal.wait_for_text("[Page 0]  Ticket 1");
    quit(terminal);

    answers.store(false, Ordering::SeqCst);
    let silent = quell.terminal(&[], size(NARROW));
    silent.send("l");
    silent.wait_for("the alert, marked as stale", |screen| {
        has(screen, "stale: am-1 last answered")
            && has(screen, "(from the last session)")
            && is_dim(screen, "NodeDown") == Some(true)
    });
    quit(silent);
}

#[tokio::test]
async fn every_key_does_what_the_hint_bar_says() {
    let am = Alertmanager::start().await;
    for service in ["checkout", "cart", "stock"] {
        am.post_alerts(&[page("HighErrorRate", service).label("env", "prod")])
            .await;
    }
    am.post_alerts(&[page("NodeDown", "kernel")]).await;
    let quell = Quell::new();
    configure(&quell, &[("alertmanager", "am-1", am.url(), "")]);
    let terminal = quell.terminal(&[], size(NARROW));
    // Typed before there is anything to see; a terminal that is not raw yet makes the return a line
    // feed.
    terminal.send("/service=stock\r");
    terminal.wait_for("what was typed ahead", |screen| {
        has(screen, "filter: service=stock")
            && has(screen, "/ filter")
            && has(screen, "[Page 4]")
            && count_of(screen, "HighErrorRate") == 1
    });
    drop_filter(&terminal);
    terminal.wait_for("four rows, grouped by service", |screen| {
        has(screen, "[Page 4]") && count_of(screen, "HighErrorRate") == 3
    });

    terminal.send("/service=cart");
    terminal.wait_for("the filter while it is typed", |screen| {
        has(screen, "1 rows") && !has(screen, "NodeDown")
    });
    terminal.send(" env=~\"(\"\r");
    terminal.wait_for("what is wrong with the filter, and where", |screen| {
        row_with(screen, "column 19").is_some_and(|(row, _)| row == 23)
    });
    escape(&terminal, "the list as before", |screen| {
        has(screen, "NodeDown") && has(screen, "/ filter") && count_of(screen, "HighErrorRate") == 3
    });

    terminal.send(":group alertname\r");
    terminal.wait_for("one row for each name", |screen| {
        has(screen, "HighErrorRate x3") && count_of(screen, "HighErrorRate") == 1
    });
    terminal.send(":gruop\r");
    terminal.wait_for_text("no command `gruop`");
    terminal.send(":group service\r");
    terminal.wait_for("one row for each service", |screen| {
        count_of(screen, "HighErrorRate") == 3
    });

    terminal.send("5");
    terminal.wait_for("the built-in runbooks, the first selected", |screen| {
        row_with(screen, GUTTER).is_some_and(|(_, row)| row.contains("bad-rollout"))
            && has(screen, "control-plane-down")
    });
    terminal.send("\r");
    terminal.wait_for("the runbook", |screen| {
        row_with(screen, "bad-rollout @").is_some_and(|(row, _)| row == 1) && has(screen, "Meaning")
    });
    terminal.send("/rollback");
    terminal.wait_for("how often it was found", |screen| {
        row_with(screen, "/rollback")
            .is_some_and(|(_, row)| row.contains(" found") && !row.contains(" 0 found"))
    });
    terminal.send("\r");
    terminal.wait_for("the place that was found", |screen| {
        let cells = (1..23).flat_map(|row| (0..80).map(move |column| (row, column)));
        // Black on yellow is what was searched for.
        has(screen, "rollback")
            && cells
                .filter_map(|(row, column)| screen.cell(row, column))
                .any(|cell| cell.bgcolor() == vt100::Color::Idx(3))
    });

    terminal.send("8");
    terminal.wait_for("the sources", |screen| {
        has(screen, "Sources: what am I blind to?")
            && source_row(screen, "am-1").is_some_and(|row| row.contains("✓ fresh"))
            && source_row(screen, "runbooks").is_some_and(|row| row.contains("✓ fresh"))
    });
    terminal.send("?");
    terminal.wait_for_text("Keys on Sources");
    escape(&terminal, "the sources", |screen| {
        has(screen, "Sources: what am I blind to?")
    });
    terminal.send("1");
    terminal.wait_for_text("[Page 4]");
    quit(terminal);
}

#[tokio::test]
async fn the_screen_follows_its_size_down_to_the_smallest_and_back() {
    let am = Alertmanager::start().await;
    am.post_alerts(&[
        page("HighErrorRate", "checkout"),
        page("NodeDown", "kernel"),
    ])
    .await;
    let quell = Quell::new();
    configure(&quell, &[("alertmanager", "am-1", am.url(), "")]);
    let terminal = quell.terminal(&[], size(NARROW));
    let narrow = |screen: &Screen| {
        has(screen, "[Page 2]")
            && has(screen, "HighErrorRate")
            && has(screen, "NodeDown")
            && has(screen, "from am-1")
            && row_with(screen, "? help").is_some_and(|(row, _)| row == 23)
    };
    terminal.wait_for("the list with its summary", narrow);
    terminal.resize(Size::new(40, 10));
    terminal.wait_for("the list alone", |screen| {
        has(screen, "[Page 2]")
            && has(screen, "HighErrorRate")
            && has(screen, "NodeDown")
            && !has(screen, "from am-1")
            && row_with(screen, "? help").is_some_and(|(row, _)| row == 9)
    });
    terminal.resize(Size::new(39, 9));
    terminal.wait_for("what it needs, and nothing else", |screen| {
        screen.contents().trim() == "quell needs 40x10"
    });
    terminal.resize(size(WIDE));
    terminal.wait_for("list and detail side by side", |screen| {
        row_with(screen, "HighErrorRate").is_some_and(|(_, row)| row.contains('│'))
            && has(screen, "from am-1")
            && has(screen, "Can do")
            && has(screen, "group: service")
            && row_with(screen, "? help").is_some_and(|(row, _)| row == 39)
    });
    terminal.resize(size(NARROW));
    terminal.wait_for("the list with its summary", |screen| {
        narrow(screen) && !has(screen, "│")
    });
    quit(terminal);
}

#[test]
fn a_key_that_comes_together_with_another_size_is_heard() {
    let server = RawServer::start(|request| alertmanager(request, &[]));
    let quell = Quell::new();
    let arguments = ["--alertmanager", server.url()];
    let terminal = quell.terminal(&arguments, size(NARROW));
    terminal.wait_for_text("[Page 0]");
    for round in 0..100 {
        let (key, title) = [("8", "Sources: what am I blind to?"), ("1", "[Page 0]")][round % 2];
        let height = 20 + u16::try_from(round % 7).unwrap_or(0);
        terminal.resize(Size::new(80, height));
        terminal.send(key);
        terminal.wait_for("the screen of the key, as high as the window", |screen| {
            has(screen, title)
                && row_with(screen, "? help").is_some_and(|(row, _)| row == height - 1)
        });
    }
    quit(terminal);
}

#[tokio::test]
async fn a_runbook_opens_in_the_commit_that_is_checked_out_and_says_when_it_is_not_that() {
    let am = Alertmanager::start().await;
    let url = "https://github.com/example/ops/blob/main/runbooks/checkout.md#first-aid";
    am.post_alerts(&[page("CheckoutDown", "checkout").annotation("runbook_url", url)])
        .await;
    let quell = Quell::new();
    let text = "# Checkout is down\n\n## Meaning\n\nNobody pays.\n\n## First aid\n\nRestart it.\n";
    let book = quell.write("home/ops/runbooks/checkout.md", text);
    let folder = quell.path("home/ops");
    git(&folder, &["init", "--quiet", "--initial-branch=main"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message=first"]);
    let commit = git(&folder, &["rev-parse", "HEAD"]);
    let short = &commit[..7];

    let folder = folder.to_string_lossy();
    let arguments = ["--alertmanager", am.url(), "--runbooks", &folder];
    let terminal = quell.terminal(&arguments, size(NARROW));
    terminal.wait_for("the alert with its runbook", |screen| {
        alert_row(screen, "CheckoutDown").is_some_and(|(_, row)| row.contains("checkout ✓"))
            && has(screen, &format!("checkout @ {short} by runbook_url"))
    });
    terminal.send("r");
    let title = |screen: &Screen, version: &str| {
        row_with(screen, &format!("checkout @ {version} ")).is_some_and(|(row, _)| row == 1)
    };
    terminal.wait_for("the runbook at its commit", |screen| {
        title(screen, &format!("{short} ✓"))
            && has(screen, "First aid")
            && has(screen, "Restart it.")
    });

    std::fs::write(&book, format!("{text}\nTwice.\n")).unwrap_or_else(|e| panic!("{e}"));
    terminal.send("R");
    terminal.wait_for("the changed text, with the warning sign", |screen| {
        title(screen, &format!("{short}+dirty !")) && has(screen, "Twice.")
    });
    escape(&terminal, "the sign in the list, too", |screen| {
        alert_row(screen, "CheckoutDown").is_some_and(|(_, row)| row.contains("checkout !"))
    });
    quit(terminal);
}
