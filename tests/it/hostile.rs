//! What can a server do to the operator's terminal, or to the sources beside it? Nothing: what it sends
//! is shown as text, and an answer that is broken, endless or too large fails that source alone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::peers::{AlertSpec, Alertmanager};
use crate::quell::Quell;
use crate::raw::{Answer, RawServer, Request};
use crate::screen::{NARROW, WIDE, configure, escape, has, is_dim, quit, rows, size, source_row};

/// An Alertmanager of version 0.25 by itself, with these alerts and no silences.
pub fn alertmanager(request: &Request, alerts: &[Value]) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default();
    match path {
        "/api/v2/alerts" => Answer::json(&json!(alerts).to_string()),
        "/api/v2/silences" | "/api/v2/alerts/groups" => Answer::json("[]"),
        "/api/v2/status" => Answer::json(
            &json!({
                "cluster": { "peers": [], "status": "disabled" },
                "config": { "original": "" },
                "uptime": "2026-11-21T08:07:45.716Z",
                "versionInfo": { "version": "0.25.0" },
            })
            .to_string(),
        ),
        _ => Answer::text(404, "not found"),
    }
}

/// One alert as Alertmanager sends it. The fingerprint is `number` in front of zeros.
pub fn wire_alert(number: &str, labels: &Value) -> Value {
    json!({
        "fingerprint": format!("{number:0<16}"),
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-11-20T10:00:00.000Z",
        "updatedAt": "2026-11-20T10:00:00.000Z",
        "endsAt": "2126-11-20T10:00:00.000Z",
        "receivers": [{ "name": "pager" }],
        "status": { "state": "active", "silencedBy": [], "inhibitedBy": [] },
    })
}

/// What somebody who may set a label or an annotation would try against a terminal.
const ATTACKS: [&str; 14] = [
    "\x1b]0;PWNED\x07",
    "\x1b]52;c;UFdORUQ=\x1b\\",
    "\x1b[5;41mPWNED",
    "\x1b[2J\x1b[HPWNED",
    "\x1b[6n",
    "\x1b[?1003h",
    "\x1bP$q\"p\x1b\\",
    "\x1bc",
    "\u{9b}31mPWNED",
    "\u{9d}0;PWNED\u{9c}",
    "\r\x08\x08\x0e\x7fPWNED",
    "\u{202e}DENWP\u{2066}\u{2069}",
    "P\u{200b}W\u{200d}N\u{feff}E\u{2060}D\u{e0041}",
    "\u{fff9}PWNED\u{fffb}\u{2028}\u{2029}",
];

fn hostile_alerts() -> Vec<Value> {
    let long = "X".repeat(10_000);
    let deep = "a line\t\r\n\x1b[31m".repeat(400);
    let marks = format!("Z{}", "\u{301}".repeat(500));
    let mut alerts: Vec<Value> = ATTACKS
        .iter()
        .zip('a'..)
        .map(|(attack, number)| {
            let labels = json!({
                "alertname": format!("Evil {attack}"),
                "service": attack,
                "severity": "critical",
                "instance": format!("{attack}{long}"),
                "owner": attack,
                *attack: attack,
            });
            let mut alert = wire_alert(&number.to_string(), &labels);
            let number_as_hex = format!("{:0<16x}", u32::from(number));
            alert["fingerprint"] = json!(number_as_hex);
            alert["annotations"] = json!({
                "summary": format!("{attack}{marks}"),
                "description": format!("{attack}{deep}"),
                "runbook_url": format!("https://example.org/{attack}"),
                *attack: long,
            });
            alert["generatorURL"] = json!(format!("http://x/{attack}"));
            alert["receivers"] = json!([{ "name": attack }]);
            alert
        })
        .collect();
    alerts[0]["status"] = json!({
        "state": "suppressed", "silencedBy": [ATTACKS[2]], "inhibitedBy": [ATTACKS[3]],
    });
    alerts
}

/// Fails unless every byte is text that can be seen, or a control sequence of quell's own repertoire.
fn assert_only_own_sequences(output: &[u8]) {
    let text = std::str::from_utf8(output).unwrap_or_else(|e| panic!("no UTF-8: {e}"));
    for attack in ATTACKS {
        assert!(!text.contains(attack), "{attack:?} came through as it is");
    }
    for (at, part) in text.split('\x1b').enumerate() {
        let plain = match at {
            0 => part,
            _ => after_own_sequence(part).unwrap_or_else(|| panic!("ESC before {:?}", begin(part))),
        };
        if let Some(bad) = plain.find(is_unseen) {
            panic!("unseen: {:?}", begin(&plain[bad..]));
        }
    }
}

fn begin(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The rest behind a sequence that quell's painter or its entering and leaving may write: cursor,
/// erasing, scrolling, the modes it uses, and colours and attributes without blinking or hiding.
fn after_own_sequence(text: &str) -> Option<&str> {
    let text = text.strip_prefix('[')?;
    let end = text.find(|c: char| ('@'..='~').contains(&c))?;
    let (parameters, rest) = text.split_at(end);
    let mut rest = rest.chars();
    let is_own = match rest.next()? {
        'H' | 'J' | 'K' | 'C' | 'S' | 'T' | 'r' => {
            parameters.chars().all(|c| c.is_ascii_digit() || c == ';')
        }
        'h' | 'l' => matches!(
            parameters,
            "?25" | "?1000" | "?1006" | "?1049" | "?2004" | "?2026"
        ),
        'm' => {
            // 38;5;n and 48;5;n are colours.
            let colours = parameters.replace("38;5;", "").replace("48;5;", "");
            colours
                .split(';')
                .all(|code| !matches!(code, "5" | "6" | "8"))
        }
        _ => false,
    };
    is_own.then_some(rest.as_str())
}

#[tokio::test]
async fn nothing_that_a_label_says_reaches_the_terminal_as_a_command() {
    let server = RawServer::start(|request| alertmanager(request, &hostile_alerts()));
    let honest = Alertmanager::start().await;
    honest.post_alerts(&[page("HonestAlert")]).await;
    let quell = Quell::new();
    configure(
        &quell,
        &[
            ("alertmanager", "evil", server.url(), ""),
            ("alertmanager", "honest", honest.url(), ""),
        ],
    );
    let terminal = quell.terminal(&[], size(WIDE));
    let pages = format!("[Page {}]", ATTACKS.len());
    terminal.wait_for("all alerts, the honest one among them", |screen| {
        has(screen, &pages) && has(screen, "HonestAlert") && has(screen, "am ✓✓")
    });
    terminal.wait_for("what was tried, as text", |screen| {
        has(screen, "Evil \\u{1b}")
    });
    // Each alert opened and read to its end.
    for _ in 0..ATTACKS.len() {
        terminal.send("\rG");
        terminal.wait_for("the end of the detail", |screen| {
            has(screen, "100%") && has(screen, "Can do")
        });
        escape(&terminal, "the list", |screen| has(screen, "/ filter"));
        terminal.send("j");
    }
    terminal.send("lll");
    terminal.wait_for("the quiet one with the silence it names", |screen| {
        has(screen, "[Quiet 1]") && has(screen, "silenced by \\u{1b}[5;41")
    });
    terminal.send("8");
    terminal.wait_for_text("Sources: what am I blind to?");
    terminal.send("1:filter PWNED\r");
    terminal.wait_for_text("filter: PWNED");
    terminal.resize(size(NARROW));
    terminal.wait_for("the same on a small screen", |screen| {
        // The rule above the summary.
        rows(screen)[20].starts_with('─')
    });
    let ending = quit(terminal);
    assert_only_own_sequences(&ending.output);
}

fn page(name: &str) -> AlertSpec {
    AlertSpec::new(name).label("severity", "critical")
}

#[tokio::test]
async fn a_bad_answer_fails_its_own_source_alone_and_says_why() {
    let bad = |answer: Answer| RawServer::start(move |_| answer.clone());
    let dripping = bad(Answer::Dripping {
        every: Duration::from_millis(50),
    });
    let enormous = bad(Answer::Enormous { bytes: 3 << 20 });
    let cut = bad(Answer::CutShort {
        body: br#"[{"labels":{"alertname":"HalfAnAlert"},"#.to_vec(),
        missing: 1_000,
    });
    let honest = Alertmanager::start().await;
    honest.post_alerts(&[page("HonestAlert")]).await;
    let quell = Quell::new();
    configure(
        &quell,
        &[
            ("alertmanager", "good", honest.url(), ""),
            // Its size is within what is allowed: only the time is up.
            (
                "alertmanager",
                "slow",
                dripping.url(),
                "timeout = \"1s\"\nmax_response_mib = 4096",
            ),
            (
                "alertmanager",
                "huge",
                enormous.url(),
                "max_response_mib = 1",
            ),
            ("alertmanager", "half", cut.url(), ""),
        ],
    );
    let terminal = quell.terminal(&[], size(NARROW));
    terminal.send("8");
    terminal.wait_for("each failure in its own words", |screen| {
        let says = |name: &str, state: &str, why: &str| {
            source_row(screen, name).is_some_and(|row| row.contains(state) && row.contains(why))
        };
        has(screen, "Sources: what am I blind to?")
            && says("good", "✓ fresh", "ms")
            && says("slow", "✗ failed", "timed out")
            && says("huge", "✗ failed", "answer too large")
            && says("half", "✗ failed", "malformed answer")
    });
    honest.post_alerts(&[page("StillHeard")]).await;
    terminal.send("1");
    terminal.wait_for("what the good one says next", |screen| {
        has(screen, "[Page 2]")
            && has(screen, "blind: slow timed out")
            && is_dim(screen, "HonestAlert") == Some(false)
            && has(screen, "StillHeard")
            && !has(screen, "HalfAnAlert")
    });
    quit(terminal);
}
