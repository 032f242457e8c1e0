//! How much is `500m`, `1.5Gi` or `2k`?
//!
//! Kubernetes' quantities, exact, and in the form in which the server writes them: with the largest unit
//! that leaves a whole number. Both stand in guards and sums of these actions.

/// A quantity, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantity {
    milli: i128,
    is_binary: bool,
}

const BINARY: [(&str, u32); 6] = [
    ("Ei", 60),
    ("Pi", 50),
    ("Ti", 40),
    ("Gi", 30),
    ("Mi", 20),
    ("Ki", 10),
];
const DECIMAL: [(&str, u32); 8] = [
    ("E", 21),
    ("P", 18),
    ("T", 15),
    ("G", 12),
    ("M", 9),
    ("k", 6),
    ("", 3),
    ("m", 0),
];

impl Quantity {
    /// Reads one. None for what is none, is negative, or is finer than a thousandth.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if number.len() > 18 || (whole.is_empty() && part.is_empty()) || part.contains('.') {
            return None;
        }
        let digits: i128 = format!("{whole}{part}").parse().ok()?;
        let scale = 10_i128.pow(u32::try_from(part.len()).ok()?);
        let binary = BINARY.iter().find(|(name, _)| *name == unit);
        let factor = match binary {
            Some((_, bits)) => 1000 * (1_i128 << bits),
            None => {
                let (_, power) = DECIMAL.iter().find(|(name, _)| *name == unit)?;
                10_i128.pow(*power)
            }
        };
        let scaled = digits.checked_mul(factor)?;
        (scaled % scale == 0).then_some(Self {
            milli: scaled / scale,
            is_binary: binary.is_some(),
        })
    }

    /// What it is, in thousandths.
    pub(super) fn milli(self) -> i128 {
        self.milli
    }

    /// As the server writes it.
    pub(super) fn canonical(self) -> String {
        if self.milli == 0 {
            return "0".to_owned();
        }
        if self.is_binary && self.milli % 1000 == 0 {
            let whole = self.milli / 1000;
            let unit = BINARY
                .iter()
                .find(|(_, bits)| whole % (1_i128 << bits) == 0);
            return match unit {
                Some((name, bits)) => format!("{}{name}", whole >> bits),
                None => whole.to_string(),
            };
        }
        let unit = DECIMAL
            .iter()
            .find(|(_, power)| self.milli % 10_i128.pow(*power) == 0);
        let (name, power) = unit.copied().unwrap_or(("m", 0));
        format!("{}{name}", self.milli / 10_i128.pow(power))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn quantities_are_exact_and_written_as_the_server_does() {
        let cases = [
            ("20", 20_000, "20"),
            ("1000", 1_000_000, "1k"),
            ("500m", 500, "500m"),
            ("0.5", 500, "500m"),
            ("1500m", 1500, "1500m"),
            ("2000m", 2000, "2"),
            ("1024Mi", 1_073_741_824_000, "1Gi"),
            ("1.5Gi", 1_610_612_736_000, "1536Mi"),
            ("640Mi", 671_088_640_000, "640Mi"),
            ("0", 0, "0"),
        ];
        for (text, milli, canonical) in cases {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!(quantity.milli(), milli, "{text}");
            assert_eq!(quantity.canonical(), canonical, "{text}");
        }
        for text in ["", "-1", "1x", "1.2.3", "1e3", ".", "0.0001", "20 pods"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
