//! What does the text of an annotation say without its markup?
//!
//! People write `<b>`, links and line breaks into annotations. Only what is read stays; nothing is
//! interpreted beyond that.

/// Of a text, this much is kept.
const MAX_CHARS: usize = 500;
const ENTITIES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", " "),
    // Last: `&amp;lt;` is the text `&lt;`.
    ("&amp;", "&"),
];

/// The words, with single spaces between them.
pub(super) fn words(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        bare.push_str(&rest[..at]);
        rest = &rest[at..];
        match (is_tag(rest), rest.find('>')) {
            (true, Some(end)) => {
                bare.push(' ');
                rest = &rest[end + 1..];
            }
            // `p99 < 300ms` is no markup.
            _ => {
                bare.push('<');
                rest = &rest[1..];
            }
        }
    }
    bare.push_str(rest);
    for (entity, character) in ENTITIES {
        bare = bare.replace(entity, character);
    }
    let mut words = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(MAX_CHARS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// Where the first link goes.
pub(super) fn link(text: &str) -> Option<&str> {
    let quoted = text.split_once("href=").and_then(|(_, after)| {
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        after[1..].split(quote).next()
    });
    quoted.or_else(|| {
        let start = text.find("https://").or_else(|| text.find("http://"))?;
        let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | ')' | ']');
        text[start..].split(ends).next()
    })
}

fn is_tag(text: &str) -> bool {
    let after = text[1..].trim_start_matches('/').chars().next();
    after.is_some_and(|c| c.is_ascii_alphabetic() || c == '!')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        let cases = [
            ("plain", "plain"),
            ("<b>Deploy</b> of<br/>checkout", "Deploy of checkout"),
            ("p99 < 300ms && 3 > 2", "p99 < 300ms && 3 > 2"),
            ("&amp;lt;b&gt; &quot;x&quot;", "&lt;b> \"x\""),
            ("<script>alert(1)</script>", "alert(1)"),
            ("<!-- no -->a<", "a<"),
            ("ü<p ünclosed", "ü<p ünclosed"),
            ("", ""),
        ];
        for (text, words_of) in cases {
            assert_eq!(words(text), words_of, "{text}");
        }
        assert_eq!(words(&"ä".repeat(600)).chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn the_first_link_is_found() {
        assert_eq!(
            link(r#"see <a href="https://ci.test/1?a=b">1</a>"#),
            Some("https://ci.test/1?a=b")
        );
        assert_eq!(
            link("see (https://ci.test/1) or"),
            Some("https://ci.test/1")
        );
        assert_eq!(link("<a href='x'>"), Some("x"));
        assert_eq!(link("href="), None);
        assert_eq!(link("nothing"), None);
    }
}
