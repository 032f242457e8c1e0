//! How does a number or an annotation read on the wire?
//!
//! Go's way of writing floats, and the little of its templates that the rules use. Called by the
//! handlers of both peers.

use serde_json::{Number, Value};

use super::labels::{Labels, value_of};

/// A sample's value as Prometheus' query API writes it.
pub(super) fn sample(value: f64) -> String {
    special(value).map_or_else(|| format!("{value}"), str::to_owned)
}

/// A value as `/alerts` writes it: always with an exponent of at least two digits.
pub(super) fn exponential(value: f64) -> String {
    if let Some(special) = special(value) {
        return special.to_owned();
    }
    let written = format!("{value:e}");
    let Some((digits, exponent)) = written.split_once('e') else {
        return written;
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// Unix milliseconds as the query API's seconds: whole where they are whole.
pub(super) fn unix_secs(unix_ms: i64) -> Value {
    if unix_ms % 1000 == 0 {
        return Value::from(unix_ms / 1000);
    }
    #[allow(
        clippy::cast_precision_loss,
        reason = "milliseconds of this age fit in 53 bits"
    )]
    let secs = unix_ms as f64 / 1000.0;
    Number::from_f64(secs).map_or(Value::Null, Value::Number)
}

/// Fills in `{{ $labels.NAME }}`, `{{ $value }}` and `{{ $value | humanizePercentage }}`. What it
/// does not know stays as it is written.
pub(super) fn expanded(template: &str, labels: &Labels, value: f64) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, following)) = after.split_once("}}") else {
            break;
        };
        text.push_str(before);
        match inside.trim() {
            "$value" => text.push_str(&sample(value)),
            "$value | humanizePercentage" => {
                text.push_str(&four_digits(value * 100.0));
                text.push('%');
            }
            other => match other.strip_prefix("$labels.") {
                Some(name) => text.push_str(value_of(labels, name)),
                None => text.extend(["{{", inside, "}}"]),
            },
        }
        rest = following;
    }
    text.push_str(rest);
    text
}

/// Four significant digits without trailing zeros.
fn four_digits(value: f64) -> String {
    if let Some(special) = special(value) {
        return special.to_owned();
    }
    let magnitude = if value == 0.0 {
        0.0
    } else {
        value.abs().log10().floor()
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let decimals = (3.0 - magnitude).clamp(0.0, 300.0) as usize;
    let written = format!("{value:.decimals$}");
    if written.contains('.') {
        written
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        written
    }
}

#[cfg(test)]
mod tests {
    use super::super::labels::labels;
    use super::{expanded, exponential, sample, unix_secs};

    #[test]
    fn floats_read_as_go_writes_them() {
        let table = [
            (1.0, "1", "1e+00"),
            (0.25, "0.25", "2.5e-01"),
            (1234.5, "1234.5", "1.2345e+03"),
            (0.0, "0", "0e+00"),
            (-1e300, &format!("-1{}", "0".repeat(300)), "-1e+300"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
            (f64::NAN, "NaN", "NaN"),
        ];
        for (value, plain, with_exponent) in table {
            assert_eq!(sample(value), plain);
            assert_eq!(exponential(value), with_exponent);
        }
    }

    #[test]
    fn times_are_whole_where_they_can_be() {
        assert_eq!(unix_secs(1_700_000_000_000).to_string(), "1700000000");
        assert_eq!(unix_secs(1_700_000_000_250).to_string(), "1700000000.25");
    }

    #[test]
    fn templates_are_filled_in() {
        let labels = labels([("pod", "a-1")]);
        for (template, text) in [
            ("{{ $labels.pod }} fails", "a-1 fails"),
            ("{{$labels.gone}}|", "|"),
            (
                "{{ $value }} at {{ $value | humanizePercentage }}",
                "0.12345 at 12.35%",
            ),
            ("{{ $labels.pod }} {{ range }}", "a-1 {{ range }}"),
            ("open {{ $value", "open {{ $value"),
        ] {
            assert_eq!(expanded(template, &labels, 0.12345), text);
        }
    }
}
