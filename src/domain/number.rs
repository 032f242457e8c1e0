//! How is a measured number written for a person?
//!
//! Prometheus sends numbers as text, as precise as a float is (`9.782608695652173e-02`). A person
//! at night needs three figures and no exponent.

/// A Prometheus value with at most four significant figures. Text that is no number stays as it is.
#[must_use]
pub fn short(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) => of(value),
        Err(_) => text.to_owned(),
    }
}

/// A number with at most four significant figures.
#[must_use]
pub fn of(value: f64) -> String {
    if !value.is_finite() {
        let sign = if value < 0.0 { "-" } else { "+" };
        return if value.is_nan() {
            "NaN".into()
        } else {
            format!("{sign}Inf")
        };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        1_000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_read_it() {
        for (text, shown) in [
            ("9.782608695652173e-02", "0.0978"),
            ("1e+00", "1"),
            ("0", "0"),
            ("1.4600000000000002e+01", "14.6"),
            ("123456.789", "123457"),
            ("0.00001234", "1.234e-5"),
            ("NaN", "NaN"),
            ("+Inf", "+Inf"),
            ("-Inf", "-Inf"),
            ("soon", "soon"),
        ] {
            assert_eq!(short(text), shown);
        }
    }
}
