//! Which numbers, spans and queries are read, and as what?

use super::*;
use crate::domain::budget_period::CalendarUnit;

fn share_of(text: &str) -> f64 {
    only(&sloth("s", "n", text)).objective
}

#[test]
#[allow(clippy::float_cmp, reason = "the very number that the digits name")]
fn percentages_are_the_numbers_nearest_to_their_digits() {
    for (text, share) in [
        ("99.9", 0.999),
        ("99.95", 0.9995),
        ("\"99.99\"", 0.9999),
        ("99", 0.99),
        ("+99.5", 0.995),
        ("9.99e1", 0.999),
        ("99.999", 0.99999),
        ("1.5", 0.015),
    ] {
        assert_eq!(share_of(text), share, "{text}");
    }
}

#[test]
fn objectives_that_promise_nothing_or_everything_are_refused() {
    for (text, why) in [
        ("0", "which promises nothing"),
        ("-1", "below 0"),
        ("100", "which leaves no error budget to burn"),
        ("100.0", "which leaves no error budget to burn"),
        ("120", "more than all events"),
        ("0.999", "this promises next to nothing; write 99.9"),
        ("1e400", "which is no number"),
        (
            "099",
            "which is octal to some readers of YAML and decimal to others; write 99",
        ),
        ("1_0", "which is no number"),
        ("0x10", "which is no number"),
        ("inf", "which is no number"),
        ("NaN", "which is no number"),
        ("99,5", "which is no number; write 99.5"),
        ("99.5 %", "which is no number; write 99.5"),
        ("yes", "which is no number"),
        ("'x'", "which is no number"),
    ] {
        let found = problems(&sloth("s", "n", text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(why), "{text}: {}", found[0]);
        assert!(
            found[0].starts_with("a.yaml:5:16: SLO `n`: `slos[0].objective` is"),
            "{}",
            found[0]
        );
    }
}

#[test]
fn a_share_that_was_meant_in_per_cent_is_told_both_ways() {
    let text = openslo(
        "x",
        &format!("{RATIO}timeWindow: [{{duration: 30d}}]\nobjectives: [{{target: 99.95}}]\n"),
    );
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].ends_with("write 0.9995 or `targetPercent: 99.95`"),
        "{}",
        found[0]
    );
}

fn window_of(window: &str) -> BudgetWindow {
    let text = openslo(
        "x",
        &format!("{RATIO}timeWindow: [{window}]\nobjectives: [{{target: 0.9}}]\n"),
    );
    only(&text).window
}

#[test]
fn rolling_windows_are_counted_in_seconds() {
    for (text, secs) in [
        ("90m", 5_400),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("4w", 2_419_200),
        ("1M", 2_592_000),
        ("1Q", 7_776_000),
        ("1Y", 31_536_000),
    ] {
        let window = window_of(&format!("{{duration: {text}}}"));
        assert_eq!(window, BudgetWindow::Rolling { secs }, "{text}");
        let window = window_of(&format!("{{duration: \"{text}\", isRolling: true}}"));
        assert_eq!(window, BudgetWindow::Rolling { secs }, "{text}");
    }
}

#[test]
fn calendars_begin_where_their_zone_shows_the_start() {
    for (start, zone, expected) in [
        (
            "2020-01-21 12:30:00",
            "America/New_York",
            "2020-01-21T12:30:00",
        ),
        ("'2020-01-21T12:30:00'", "UTC", "2020-01-21T12:30:00"),
        ("2020-01-21 12:30", "UTC", "2020-01-21T12:30:00"),
        ("2020-01-21", "Asia/Kolkata", "2020-01-21T00:00:00"),
        // With an offset it is a moment, which the zone's clock shows in its own way.
        (
            "2020-07-01T00:00:00Z",
            "Europe/Berlin",
            "2020-07-01T02:00:00",
        ),
        (
            "2020-01-01T00:00:00-05:00",
            "America/New_York",
            "2020-01-01T00:00:00",
        ),
    ] {
        let window = window_of(&format!(
            "{{duration: 3M, calendar: {{startTime: {start}, timeZone: {zone}}}}}"
        ));
        let BudgetWindow::Calendar(calendar) = window else {
            panic!("{start}: {window:?}");
        };
        assert_eq!(calendar.starts_at, expected.parse().unwrap(), "{start}");
        assert_eq!(calendar.zone.0.name(), zone);
        assert_eq!((calendar.count, calendar.unit), (3, CalendarUnit::Month));
    }
}

#[test]
fn calendar_units_are_kept_apart() {
    for (text, count, unit) in [
        ("120m", 2, CalendarUnit::Hour),
        ("24h", 24, CalendarUnit::Hour),
        ("1d", 1, CalendarUnit::Day),
        ("2w", 2, CalendarUnit::Week),
        ("1M", 1, CalendarUnit::Month),
        ("1Q", 1, CalendarUnit::Quarter),
        ("1Y", 1, CalendarUnit::Year),
    ] {
        let window = window_of(&format!(
            "{{duration: {text}, calendar: {{startTime: 2026-01-01, timeZone: UTC}}}}"
        ));
        let BudgetWindow::Calendar(calendar) = window else {
            panic!("{text}: {window:?}");
        };
        assert_eq!((calendar.count, calendar.unit), (count, unit), "{text}");
    }
}

#[test]
fn slices_are_minutes_or_spans() {
    for (text, secs) in [("5", 300), ("1m", 60), ("2h", 7_200), ("\"10\"", 600)] {
        let slo = only(&openslo(
            "x",
            &format!(
                "{RATIO}timeWindow: [{{duration: 1d}}]\nbudgetingMethod: TimeSlices\n\
                 objectives: [{{target: 0.9, timeSliceTarget: 0.5, timeSliceWindow: {text}}}]\n"
            ),
        ));
        let expected = BudgetMethod::Timeslices {
            slice_secs: secs,
            target: 0.5,
        };
        assert_eq!(slo.method, expected, "{text}");
    }
}

/// The cautions of a Sloth file with this query for its errors.
fn cautions_of(query: &str) -> Vec<String> {
    let text = sloth("s", "n", "99");
    let query = format!("'{}'", query.replace('\'', "''"));
    let text = text.replace("sum(rate(e_total[{{.window}}]))", &query);
    let slo = only(&text);
    slo.cautions
        .iter()
        .map(|caution| caution.shown().to_owned())
        .collect()
}

#[test]
fn every_placeholder_of_a_window_is_understood() {
    for window in [
        "{{.window}}",
        "{{ .window }}",
        "{{  .window  }}",
        "$window",
        "${window}",
        "$__rate_interval",
        "${__rate_interval}",
        "$__interval",
        "$__range",
        "5m",
        "1h:5m",
    ] {
        let query = format!("sum(increase(errors_total{{job=\"x\"}}[{window}]))");
        assert_eq!(cautions_of(&query), Vec::<String>::new(), "{window}");
    }
}

#[test]
fn a_query_of_sloth_without_a_window_is_a_caution() {
    let cautions = cautions_of("sum(errors_total)");
    assert_eq!(
        cautions,
        [
            "`slos[0].sli.events.error_query` has neither `{{.window}}` nor a range: it may count the \
          same for every window (a.yaml:8)"
        ]
    );
    // A label's value may carry the window, as those of recorded series do.
    assert_eq!(
        cautions_of("errors:ratio_rate{window=\"{{.window}}\"}"),
        Vec::<String>::new()
    );
}

#[test]
fn what_the_parser_does_not_understand_is_a_caution_and_no_veto() {
    let cautions = cautions_of("sum(rate(errors_total[{{window}}]))");
    assert_eq!(cautions.len(), 1);
    assert!(
        cautions[0].starts_with("`slos[0].sli.events.error_query` may be no PromQL: "),
        "{}",
        cautions[0]
    );
}

#[test]
fn a_query_is_kept_as_written() {
    let text = sloth("s", "n", "99").replace(
        "sum(rate(e_total[{{.window}}]))",
        "|\n\n          sum(\n            rate(e_total[{{ .window }}])\n          )",
    );
    let slo = only(&text);
    let Indicator::Events { part, .. } = &slo.indicator else {
        panic!("{:?}", slo.indicator);
    };
    assert_eq!(part.text, "sum(\n  rate(e_total[{{ .window }}])\n)");
    assert_eq!(text.lines().nth(part.line - 1).unwrap().trim(), "sum(");
}

#[test]
fn without_a_word_on_counters_the_names_tell() {
    for (good, kind) in [
        ("done_total", MetricKind::Counter),
        ("seconds_bucket{le=\"1\"}", MetricKind::Counter),
        ("seconds_count", MetricKind::Counter),
        ("sum(bytes_sum)", MetricKind::Counter),
        ("in_flight", MetricKind::Gauge),
        ("done_total + in_flight", MetricKind::Gauge),
        ("{job=\"x\"}", MetricKind::Gauge),
    ] {
        let spec = RATIO
            .replace("counter: true, ", "")
            .replace("a_total{ok=\"1\"}", good);
        let slo = only(&openslo(
            "x",
            &format!("{spec}timeWindow: [{{duration: 30d}}]\nobjectives: [{{target: 0.9}}]\n"),
        ));
        let Indicator::Events { part, part_is, .. } = &slo.indicator else {
            panic!("{:?}", slo.indicator);
        };
        assert_eq!((part.metric, *part_is), (kind, Outcome::Good), "{good}");
    }
}

#[test]
fn words_that_some_yaml_takes_for_booleans_and_numbers_stay_words() {
    for name in [
        "no",
        "on",
        "Yes",
        "010",
        "1e3",
        "0x1f",
        "1.20",
        "~x",
        "2026-01-01",
    ] {
        let slo = only(&sloth(name, name, "99"));
        assert_eq!(slo.id.name.raw(), name);
        assert_eq!(slo.id.service.unwrap().raw(), name);
    }
    for name in ["null", "~", "''", "[a]", "{a: b}"] {
        assert_eq!(problems(&sloth("s", name, "99")).len(), 1, "{name}");
    }
}
