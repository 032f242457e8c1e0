//! Which paths of a file start at the crate root? The import walls ask. It resolves `use` groups and
//! `super` chains, and knows nothing of which path is allowed.

use crate::Source;
use crate::lexer::{Kind, Token};

/// A path as the crate root sees it: `["view", "render"]` for `crate::view::render`.
pub struct CratePath {
    pub line: usize,
    pub segments: Vec<String>,
}

impl CratePath {
    pub fn room(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// Whether it goes through a module of the room: `view::screens::x`, but not `view::render` and
    /// not `view::Scroll::new`, whose second segment is a type.
    pub fn reaches_inside(&self) -> bool {
        self.segments.len() > 2 && self.segments[1].starts_with(|c: char| !c.is_uppercase())
    }
}

pub fn starts_a_path(tokens: &[Token], at: usize) -> bool {
    at == 0 || !(tokens[at - 1].kind == Kind::Colons || tokens[at - 1].is('.'))
}

/// Every path of a file that starts at the crate root, those of `use` groups one by one, with
/// `super` resolved through the file's own module and its inline ones.
pub fn crate_paths(source: &Source) -> Vec<CratePath> {
    let tokens: Vec<&Token> = source
        .tokens
        .iter()
        .filter(|token| !matches!(token.kind, Kind::Comment(_)))
        .collect();
    let own_module = source.module();
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let token = tokens[at];
        if token.is('{') {
            depth += 1;
            if let [
                ..,
                module,
                Token {
                    kind: Kind::Word(name),
                    ..
                },
            ] = tokens[..at]
                && module.is_word("mod")
            {
                inline.push((depth, name.clone()));
            }
        } else if token.is('}') {
            inline.retain(|(opened, _)| *opened < depth);
            depth = depth.saturating_sub(1);
        }
        let inside_another =
            at > 0 && (tokens[at - 1].kind == Kind::Colons || tokens[at - 1].is('.'));
        if inside_another || !matches!(tokens.get(at + 1), Some(next) if next.kind == Kind::Colons)
        {
            continue;
        }
        let mut next = at + 2;
        let base = match token.one_of(&["crate", "quell", "super"]) {
            Some("super") => {
                let mut base = own_module.clone();
                base.extend(inline.iter().map(|(_, name)| name.clone()));
                base.pop();
                while matches!(tokens[next..], [up, colons, ..] if up.is_word("super") && colons.kind == Kind::Colons)
                {
                    base.pop();
                    next += 2;
                }
                base
            }
            Some(_) => Vec::new(),
            None => continue,
        };
        expand(&tokens, next, base, &mut found);
    }
    found
}

/// Reads the path or `use` tree at `at` and adds each path it stands for; returns where it ends.
fn expand(
    tokens: &[&Token],
    mut at: usize,
    mut base: Vec<String>,
    into: &mut Vec<CratePath>,
) -> usize {
    let Some(first) = tokens.get(at) else {
        return at;
    };
    let line = first.line;
    loop {
        match tokens.get(at).map(|token| &token.kind) {
            Some(Kind::Punct('{')) => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    if token.is('}') {
                        return at + 1;
                    }
                    at = match token.kind {
                        Kind::Word(_) => expand(tokens, at, base.clone(), into),
                        _ => at + 1,
                    };
                }
                return at;
            }
            Some(Kind::Word(word)) => {
                base.push(word.clone());
                at += 1;
            }
            Some(Kind::Punct('*')) => {
                base.push("*".to_owned());
                at += 1;
            }
            _ => break,
        }
        match tokens.get(at) {
            Some(token) if token.kind == Kind::Colons => at += 1,
            _ => break,
        }
    }
    // `as name` belongs to the tree, not to the path.
    if tokens.get(at).is_some_and(|token| token.is_word("as")) {
        at += 2;
    }
    into.push(CratePath {
        line,
        segments: base,
    });
    at
}
