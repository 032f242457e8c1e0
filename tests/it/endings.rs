//! In which state does the operator get the terminal back, and is quell ever left behind?
//!
//! Every way a session can end or stop, on the demo. "Gone when its terminal is" is a requirement of
//! one second; these tests allow three, so that only a program that hangs fails on a busy machine.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use vt100::Screen;

use crate::hostile::{alertmanager, wire_alert};
use crate::peers::until;
use crate::quell::Quell;
use crate::raw::RawServer;
use crate::screen::{NARROW, configure, escape, has, quit, size};
use crate::terminal::{Size, Terminal};

/// Of the requirement's second, three times as much.
pub const GONE_WITHIN: Duration = Duration::from_secs(3);

const DEMO: [&str; 3] = ["demo", "--seed", "1"];

/// Whether the demo is on the screen, and both its Alertmanagers answer.
pub fn is_drawn(screen: &Screen) -> bool {
    // Where there is much to say, sources that are all well are a number.
    let are_well = has(screen, "am ✓✓") || has(screen, "✓6/6");
    screen.alternate_screen() && has(screen, "[Page") && are_well
}

fn demo(quell: &Quell) -> Terminal {
    let terminal = quell.terminal(&DEMO, size(NARROW));
    terminal.wait_for("the demo at work", is_drawn);
    terminal
}

/// Ends a drawn session and checks the exit code and the terminal.
fn assert_ends(terminal: Terminal, how: &str, end: impl FnOnce(&Terminal), code: i32) {
    end(&terminal);
    let ending = terminal.wait_end();
    assert_eq!(ending.status.code(), Some(code), "{how}: {}", ending.status);
    assert!(ending.used_alternate_screen());
    ending.assert_restored();
}

#[test]
fn keys_end_it_well() {
    let quell = Quell::new();
    for (name, key) in [("q", "q"), ("ctrl-c", "\x03")] {
        assert_ends(demo(&quell), name, |terminal| terminal.send(key), 0);
    }
}

#[test]
fn signals_end_it_as_a_shell_reports_them() {
    let quell = Quell::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let name = format!("{signal:?}");
        let code = 128 + signal.as_raw();
        // What is typed half does not hold it.
        let end = |terminal: &Terminal| {
            terminal.send("/half");
            terminal.wait_for_text("/half");
            terminal.signal(signal);
        };
        assert_ends(demo(&quell), &name, end, code);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let quell = Quell::new().with_variable("QUELL_ALLOW_CRASH", "1");
    let terminal = demo(&quell);
    terminal.send(":crash\r");
    let ending = terminal.wait_end();
    assert!(!ending.status.success(), "{}", ending.status);
    assert_eq!(ending.status.signal(), None);
    ending.assert_restored();
    let output = String::from_utf8_lossy(&ending.output);
    let (drawn, after) = output
        .rsplit_once("\x1b[?1049l")
        .unwrap_or_else(|| panic!("it never left the alternate screen"));
    assert!(!drawn.contains("on purpose"), "reported too early");
    assert!(after.contains("on purpose, by :crash"), "{after:?}");
    // A line that ends in raw mode would not return to the left edge.
    let lines = after.matches('\n').count();
    assert_eq!(lines, after.matches("\r\n").count(), "{after:?}");
}

#[test]
fn the_crash_command_is_off_unless_asked_for() {
    let terminal = demo(&Quell::new());
    terminal.send(":crash\r");
    terminal.wait_for_text("set QUELL_ALLOW_CRASH=1 to allow it");
    quit(terminal);
}

#[test]
fn it_is_gone_soon_after_its_terminal_is() {
    let quell = Quell::new();
    for (how, terminal) in [
        ("hang-up", quell.terminal(&DEMO, size(NARROW))),
        (
            "hang-up ignored",
            quell.terminal_ignoring_hang_up(&DEMO, size(NARROW)),
        ),
    ] {
        terminal.wait_for("the demo at work", is_drawn);
        let begun = Instant::now();
        let status = terminal.hang_up();
        let took = begun.elapsed();
        assert!(took < GONE_WITHIN, "{how}: it stayed for {took:?}");
        assert_eq!(status.code(), Some(129), "{how}: {status}");
    }
}

#[tokio::test]
async fn it_ends_although_its_terminal_takes_no_bytes() {
    let quell = Quell::new();
    let mut terminal = quell.terminal(&DEMO, Size::new(200, 60));
    terminal.wait_for("the demo at work", is_drawn);
    terminal.stop_reading();
    // One look may fall into a write; several in a row cannot.
    let mut full = 0;
    until("the terminal is full", async || {
        terminal.send("\x0c");
        full = if terminal.takes_bytes() { 0 } else { full + 1 };
        (full > 10)
            .then_some(())
            .ok_or("it still takes bytes".to_owned())
    })
    .await;
    let begun = Instant::now();
    terminal.signal(Signal::TERM);
    let ending = terminal.wait_end();
    let took = begun.elapsed();
    assert!(took < GONE_WITHIN, "it stayed for {took:?}");
    assert_eq!(ending.status.code(), Some(143), "{}", ending.status);
    ending.assert_line_restored();
}

async fn wait_stopped(terminal: &Terminal) {
    until("it is stopped", async || {
        match state_of(terminal.process()) {
            'T' => Ok(()),
            other => Err(format!("its state is {other}")),
        }
    })
    .await;
}

/// Continues it and checks that it draws and hears keys.
fn assert_comes_back(terminal: &Terminal) {
    terminal.signal(Signal::CONT);
    terminal.wait_for("the cockpit again", |screen| {
        is_drawn(screen) && screen.hide_cursor()
    });
    terminal.resize(size(NARROW));
    terminal.send("?");
    terminal.wait_for_text("Keys on Triage");
    escape(terminal, "the list", is_drawn);
}

#[tokio::test]
async fn it_stops_and_comes_back_like_any_other_job() {
    type Stop = fn(&Terminal);
    let by_key: Stop = |terminal| terminal.send("\x1a");
    let by_signal: Stop = |terminal| terminal.signal(Signal::TSTP);
    let quell = Quell::new();
    let terminal = demo(&quell);
    for stop in [by_key, by_signal] {
        stop(&terminal);
        wait_stopped(&terminal).await;
        terminal.wait_for("the shell's screen and cursor", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        assert_eq!(terminal.line_changes(), [""; 0]);
        // The window may change while the shell has it.
        terminal.resize(Size::new(100, 30));
        assert_comes_back(&terminal);
    }
    quit(terminal);
}

#[tokio::test]
async fn it_takes_the_line_again_after_a_stop_it_could_not_prepare_for() {
    let quell = Quell::new();
    let terminal = demo(&quell);
    terminal.signal(Signal::STOP);
    wait_stopped(&terminal).await;
    terminal.set_line_as_before();
    assert_comes_back(&terminal);
    quit(terminal);
}

/// The letter of a process's state: `T` is stopped.
fn state_of(process: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    let stat = stat.unwrap_or_else(|e| panic!("process {process}: {e}"));
    // The name of the program is in brackets and may hold anything.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.trim_start().chars().next().unwrap_or('?')
}

/// Something that ends a session.
type End = fn(Terminal);

#[test]
fn the_last_picture_is_kept_however_it_ends() {
    let server = RawServer::start(|request| {
        alertmanager(
            request,
            &[wire_alert("1", &json!({ "alertname": "NodeDown" }))],
        )
    });
    let ends: [(&str, End); 4] = [
        ("q", |terminal| {
            quit(terminal);
        }),
        ("SIGTERM", |terminal| {
            terminal.signal(Signal::TERM);
            terminal.wait_end();
        }),
        ("SIGHUP", |terminal| {
            terminal.signal(Signal::HUP);
            terminal.wait_end();
        }),
        ("a lost line", |terminal| {
            terminal.hang_up();
        }),
    ];
    for (how, end) in ends {
        let quell = Quell::new();
        configure(&quell, &[("alertmanager", "am-1", server.url(), "")]);
        let terminal = quell.terminal(&[], size(NARROW));
        terminal.wait_for_text("[Page 0]  Ticket 1");
        end(terminal);
        let kept = fs::read_to_string(quell.path("state/quell/snapshot.json"));
        let kept = kept.unwrap_or_else(|e| panic!("after {how}: {e}"));
        assert!(kept.contains("NodeDown"), "after {how}: {kept}");
    }
}
