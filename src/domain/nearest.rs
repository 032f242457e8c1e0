//! Which known name was probably meant?
//!
//! Edit distance with swapped neighbours (optimal string alignment), as people mistype. Used by
//! the errors of config, themes and commands.

/// The nearest of the known names, if one is near enough to be worth a guess.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&word, &name.to_lowercase()), name))
        .filter(|(far, name)| *far <= tolerance(name))
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// One slip for a short word, up to three for a long one.
fn tolerance(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 3)
}

/// Insertions, deletions, replacements and swaps of neighbours from `a` to `b`; the greatest number
/// where their lengths alone are too far apart.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // A name of a hostile file may be long, a known one never is.
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_by_slips() {
        for (a, b, slips) in [
            ("", "", 0),
            ("url", "url", 0),
            ("ulr", "url", 1),
            ("urls", "url", 1),
            ("alertmanger", "alertmanager", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
        }
    }

    #[test]
    fn only_a_near_name_is_guessed() {
        let known = ["alertmanager", "prometheus", "env"];
        assert_eq!(nearest("alertmanagers", known), Some("alertmanager"));
        assert_eq!(nearest("Promethues", known), Some("prometheus"));
        assert_eq!(nearest("enf", known), Some("env"));
        assert_eq!(nearest("abc", known), None);
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }
}
