//! Which share of good events is promised, and which numbers may be written for it?
//!
//! Shares are read from their decimal digits, not divided: 99.9 % is the number nearest to 0.999. It
//! reads single texts and knows no format.

use super::fields::Text;
use super::report::{Report, quoted};

/// A finite decimal number.
pub(super) fn number(text: &Text<'_>, report: &mut Report) -> Option<f64> {
    let written = text.value;
    let wrong = |why: &str, next_step: String, report: &mut Report| {
        let what = format!("{} is {}, {why}", quoted(&text.path), quoted(written));
        report.problem(text.at, what, next_step);
        None
    };
    if written.is_empty() {
        return wrong("which is no number", "write a number".to_owned(), report);
    }
    let digits = written.trim_start_matches(['+', '-']);
    let is_old_octal = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_old_octal {
        let decimal = digits.trim_start_matches('0');
        let why = "which is octal to some readers of YAML and decimal to others";
        return wrong(why, format!("write {}", or_zero(decimal)), report);
    }
    if let Some(value) = decimal(written) {
        return Some(value);
    }
    let without_sign = written.trim_end_matches('%').trim_end();
    let with_point = without_sign.replace(',', ".");
    let next_step = match decimal(&with_point) {
        Some(_) => format!("write {with_point}"),
        None => "write a decimal number such as 99.9".to_owned(),
    };
    wrong("which is no number", next_step, report)
}

fn or_zero(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Digits, a point, an exponent: no `inf`, no `0x10`, no `1_000`.
fn decimal(text: &str) -> Option<f64> {
    let is_decimal = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let value: f64 = is_decimal.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

/// An objective as a share of 1.
pub(super) fn share(text: &Text<'_>, report: &mut Report) -> Option<f64> {
    let value = number(text, report)?;
    if value > 1.0 && value < 100.0 {
        let what = format!(
            "{} is {}, but a share of good events lies between 0 and 1",
            quoted(&text.path),
            quoted(text.value)
        );
        let percent = text.value;
        let next_step = format!(
            "write {} or `targetPercent: {percent}`",
            hundredth(percent)?
        );
        report.problem(text.at, what, next_step);
        return None;
    }
    // 100 and more was meant in per cent, and is as wrong there.
    let (shown, percent) = if value >= 100.0 {
        (format!("{} %", text.value), value)
    } else {
        (text.value.to_owned(), value * 100.0)
    };
    within(text, &shown, percent, "0.999", report).then_some(value)
}

/// An objective in per cent, as a share of 1.
pub(super) fn percent(text: &Text<'_>, report: &mut Report) -> Option<f64> {
    let value = number(text, report)?;
    if value > 0.0 && value <= 1.0 {
        let what = format!(
            "{} is {}, but it is written in per cent: this promises next to nothing",
            quoted(&text.path),
            quoted(text.value)
        );
        let next_step = if value < 1.0 {
            format!("write {}", in_short(value * 100.0))
        } else {
            "write an objective such as 99.9".to_owned()
        };
        report.problem(text.at, what, next_step);
        return None;
    }
    let shown = format!("{} %", text.value);
    if !within(text, &shown, value, "99.9", report) {
        return None;
    }
    hundredth(text.value)
}

/// A decimal text moved by two digits: no rounding that division would bring.
fn hundredth(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(2)?;
    format!("{digits}e{exponent}").parse().ok()
}

/// Says what is wrong with an objective at or beyond the ends.
fn within(text: &Text<'_>, shown: &str, percent: f64, example: &str, report: &mut Report) -> bool {
    let why = if percent < 0.0 {
        "below 0"
    } else if percent <= 0.0 {
        "which promises nothing"
    } else if percent > 100.0 {
        "more than all events"
    } else if percent >= 100.0 {
        "which leaves no error budget to burn"
    } else {
        return true;
    };
    let what = format!("{} is {}, {why}", quoted(&text.path), quoted(shown));
    report.problem(
        text.at,
        what,
        format!("write an objective such as {example}"),
    );
    false
}

/// A number with at most nine digits behind the point.
pub(super) fn in_short(value: f64) -> String {
    let text = format!("{value:.9}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}
