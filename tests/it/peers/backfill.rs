//! A real Prometheus that holds a month of worked cases, written beforehand.
//!
//! `tests/fixtures/slo/slo_reference.py` writes the cases and knows what must come out of them
//! (`expected.json`); what other people's recording rules would have kept is written beside them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::access::{Access, Door, write};
use super::prometheus::Prometheus;
use super::{Peer, free_port};

/// The moment the data ends, in seconds since the epoch.
pub const DATA_ENDS: i64 = 1_793_448_000;

/// The reference, as the script that wrote the data computed it.
pub fn expected() -> Value {
    let text = include_str!("../../fixtures/slo/expected.json");
    // Python writes a burn without end as a word that is no JSON.
    serde_json::from_str(&text.replace("Infinity", "null"))
        .unwrap_or_else(|e| panic!("expected.json: {e}"))
}

impl Prometheus {
    /// Starts one that holds the worked cases and records nothing.
    pub async fn with_worked_cases() -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"));
        let data = dir.path().join("data");
        let cases = dir.path().join("cases.om");
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/slo/slo_reference.py"
        );
        let case_file = cases.display().to_string();
        run(Command::new("python3").args([script, "--gen", &case_file]));
        load(&cases, &data);
        let recorded = dir.path().join("recorded.om");
        write(&recorded, &recordings());
        load(&recorded, &data);
        std::fs::remove_file(&cases).unwrap_or_else(|e| panic!("{case_file}: {e}"));

        let port = free_port();
        let config_file = dir.path().join("prometheus.yml");
        write(&config_file, "global: {}\n");
        let arguments = vec![
            format!("--config.file={}", config_file.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // The cases never grow too old.
            "--storage.tsdb.retention.time=100y".to_owned(),
        ];
        let log = dir.path().join("log");
        Self::over(dir, port, arguments, log).await
    }

    async fn over(
        dir: TempDir,
        port: u16,
        arguments: Vec<String>,
        log: std::path::PathBuf,
    ) -> Self {
        let mut prometheus = Self {
            peer: Peer::start("prometheus", "prometheus", arguments, log),
            door: Door::build(Access::Open, dir.path()),
            url: format!("http://127.0.0.1:{port}"),
            _dir: dir,
        };
        prometheus.wait_ready().await;
        prometheus
    }
}

fn load(open_metrics: &Path, data: &Path) {
    let mut promtool = Command::new("promtool");
    promtool.args(["tsdb", "create-blocks-from", "openmetrics"]);
    // One block for a month instead of one for each two hours.
    promtool
        .arg("--max-block-duration=768h")
        .arg(open_metrics)
        .arg(data);
    run(&mut promtool);
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}; scripts/test installs it"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// What recording rules of Sloth, Pyrra and Grafana would have kept of the cases, for the last
/// minutes: every window's ratio, and Sloth's own 30 days, which are a mean over time.
fn recordings() -> String {
    let expected = expected();
    let mut sloth = String::new();
    let mut pyrra = String::new();
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
        let scenario = &expected["scenarios"]["E6"];
        let ratio = match window {
            "30d" => &scenario["sloth_mean_of_5m"]["ratio"],
            window => &scenario["windows"][window]["ratio"],
        };
        let name = format!("slo:sli_error:ratio_rate{window}");
        let labels = format!(
            "sloth_id=\"night-nightly\",sloth_service=\"night\",sloth_slo=\"nightly\",sloth_window=\"{window}\""
        );
        gauge(&mut sloth, &name, &labels, ratio);
        let ratio = &expected["scenarios"]["E4"]["windows"][window]["ratio"];
        let name = format!("http_requests:burnrate{window}");
        gauge(&mut pyrra, &name, "slo=\"leak-by-pyrra\"", ratio);
    }
    let id = "sloth_id=\"night-nightly\",sloth_service=\"night\",sloth_slo=\"nightly\"";
    gauge(&mut sloth, "slo:time_period:days", id, &Value::from(30));
    let info = format!("{id},sloth_objective=\"99.9\"");
    gauge(&mut sloth, "sloth_slo_info", &info, &Value::from(1));
    gauge(
        &mut pyrra,
        "pyrra_objective",
        "slo=\"leak-by-pyrra\"",
        &Value::from(0.999),
    );
    gauge(
        &mut pyrra,
        "pyrra_window",
        "slo=\"leak-by-pyrra\"",
        &Value::from(2_592_000),
    );
    // An idle service, one whose numbers are none, and one that counts more bad than all.
    let mut odd = String::new();
    gauge(
        &mut odd,
        "idle_requests_total",
        "code=\"200\"",
        &Value::from(7),
    );
    gauge(
        &mut odd,
        "idle_requests_total",
        "code=\"500\"",
        &Value::from(1),
    );
    sloth + &pyrra + &odd + "# EOF\n"
}

/// A series that has had one value for ten minutes.
fn gauge(out: &mut String, name: &str, labels: &str, value: &Value) {
    for at in (DATA_ENDS - 600..=DATA_ENDS).step_by(30) {
        let written = writeln!(out, "{name}{{{labels}}} {value} {at}");
        written.unwrap_or_else(|e| panic!("{e}"));
    }
}
