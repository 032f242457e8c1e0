//! How much is `500m`, `4Gi`, `1e3`?
//!
//! Kubernetes' quantities, to compare two of them. Called for quotas.

/// None for what is no quantity.
pub(super) fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
    let mut end = text.find(|c| !is_digit(c)).unwrap_or(text.len());
    // `1e3` is a number; `1E` is an exabyte.
    let exponent = text[end..].strip_prefix(['e', 'E']);
    if let Some(rest) = exponent.filter(|rest| !rest.is_empty() && rest.chars().all(is_digit)) {
        end += 1 + rest.len();
    }
    let amount: f64 = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return None,
    };
    Some(amount * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        let cases = [
            ("2", 2.0),
            ("500m", 0.5),
            ("4Gi", 4_294_967_296.0),
            ("1e3", 1000.0),
            ("1E", 1e18),
            ("1.5k", 1500.0),
        ];
        for (text, amount) in cases {
            let read = quantity(text);
            assert!(
                read.is_some_and(|read| (read - amount).abs() < 1e-9),
                "{text}"
            );
        }
        for text in ["", "Gi", "much", "1x", "é"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
