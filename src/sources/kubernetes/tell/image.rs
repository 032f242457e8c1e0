//! Which version does an image or a revision name?
//!
//! A tag, a digest cut short, a commit cut short. Called by whoever tells of a change.

use crate::sources::kubernetes::object::Packed;

/// What there was before and what there is now, of the containers that changed; where none did, of all.
pub(super) fn versions(before: Option<&Packed>, now: &Packed) -> (Option<String>, Option<String>) {
    let Some(before) = before.filter(|before| !before.is_empty()) else {
        return (None, written(now, None));
    };
    if before == now {
        let all = written(now, None);
        return (all.clone(), all);
    }
    (written(before, Some(now)), written(now, Some(before)))
}

/// The versions of images: those that differ from others, or all.
fn written(images: &Packed, others: Option<&Packed>) -> Option<String> {
    let is_single = |images: &Packed| images.iter().nth(1).is_none();
    let is_told_bare = is_single(images) && others.is_none_or(is_single);
    let changed = images
        .iter()
        .filter(|(name, image)| others.is_none_or(|others| others.get(name) != Some(*image)));
    let words: Vec<String> = changed
        .map(|(name, image)| {
            let other = others.and_then(|others| others.get(name));
            let version = version(image, other);
            if is_told_bare {
                version
            } else {
                format!("{name}={version}")
            }
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The part of an image that tells it from another: the tag, else the digest, else the repository.
fn version(image: &str, other: Option<&str>) -> String {
    let parts = Parts::of(image);
    let Some(other) = other.map(Parts::of) else {
        return parts.tag_or_digest();
    };
    if parts.tag_or_digest() != other.tag_or_digest() {
        parts.tag_or_digest()
    } else if parts.digest != other.digest {
        parts
            .digest
            .map_or_else(|| parts.tag_or_digest(), short_digest)
    } else {
        format!("{}:{}", parts.repository, parts.tag_or_digest())
    }
}

struct Parts<'a> {
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(image: &'a str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        // A colon before the last slash is a port.
        let last = name.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match name[last..].find(':') {
            Some(at) => (&name[..last + at], Some(&name[last + at + 1..])),
            None => (name, None),
        };
        Self {
            repository,
            tag: tag.filter(|tag| !tag.is_empty()),
            digest,
        }
    }

    fn tag_or_digest(&self) -> String {
        match (self.tag, self.digest) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => short_digest(digest),
            // What a registry gives to whoever names no version.
            (None, None) => "latest".to_owned(),
        }
    }
}

/// `sha256:` and as many digits as tell images apart.
fn short_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((kind, hex)) => format!("{kind}:{}", hex.chars().take(12).collect::<String>()),
        None => digest.chars().take(12).collect(),
    }
}

/// A commit in seven digits; what is no commit stays as it is. Also of `main@sha1:5b1c0de…`.
pub(super) fn short_revision(revision: &str) -> String {
    let (head, last) = match revision.rfind([':', '@', '/']) {
        Some(at) => revision.split_at(at + 1),
        None => ("", revision),
    };
    let is_hash = matches!(last.len(), 40 | 64) && last.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash {
        return revision.to_owned();
    }
    let head = head.trim_end_matches("sha1:").trim_end_matches("sha256:");
    format!("{head}{}", &last[..7])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(pairs: &[(&str, &str)]) -> Packed {
        Packed::new(pairs.iter().copied())
    }

    #[test]
    fn a_tag_is_found_behind_ports_and_before_digests() {
        let of = |image: &str| Parts::of(image).tag_or_digest();
        assert_eq!(of("web"), "latest");
        assert_eq!(of("web:1.2"), "1.2");
        assert_eq!(of("localhost:5000/shop/web"), "latest");
        assert_eq!(of("localhost:5000/shop/web:1.2"), "1.2");
        assert_eq!(of("web:1.2@sha256:0123456789abcdef0123"), "1.2");
        assert_eq!(of("web@sha256:0123456789abcdef0123"), "sha256:0123456789ab");
        assert_eq!(of("web:"), "latest");
        assert_eq!(of(""), "latest");
    }

    #[test]
    fn of_several_containers_only_those_that_changed_are_named() {
        let before = images(&[("web", "r/web:1"), ("proxy", "r/proxy:7")]);
        let now = images(&[("web", "r/web:2"), ("proxy", "r/proxy:7")]);
        let told = versions(Some(&before), &now);
        assert_eq!(told, (Some("web=1".into()), Some("web=2".into())));
        let more = images(&[("web", "r/web:1"), ("proxy", "r/proxy:7"), ("log", "r/l:3")]);
        assert_eq!(versions(Some(&before), &more), (None, Some("log=3".into())));
        let all = Some("web=1, proxy=7".to_owned());
        assert_eq!(versions(Some(&before), &before), (all.clone(), all));
    }

    #[test]
    fn the_same_tag_is_told_by_what_differs() {
        let a = images(&[("web", "r/web:1@sha256:aaaaaaaaaaaaaaaa")]);
        let b = images(&[("web", "r/web:1@sha256:bbbbbbbbbbbbbbbb")]);
        let (from, to) = versions(Some(&a), &b);
        assert_eq!(from.as_deref(), Some("sha256:aaaaaaaaaaaa"));
        assert_eq!(to.as_deref(), Some("sha256:bbbbbbbbbbbb"));
        let mirror = images(&[("web", "mirror:5000/web:1")]);
        let (from, to) = versions(Some(&images(&[("web", "r/web:1")])), &mirror);
        assert_eq!(from.as_deref(), Some("r/web:1"));
        assert_eq!(to.as_deref(), Some("mirror:5000/web:1"));
    }

    #[test]
    fn commits_are_cut_and_versions_are_not() {
        let commit = "5b1c0de55b1c0de55b1c0de55b1c0de55b1c0de5";
        assert_eq!(short_revision(commit), "5b1c0de");
        assert_eq!(
            short_revision(&format!("main@sha1:{commit}")),
            "main@5b1c0de"
        );
        assert_eq!(short_revision("4.13.1"), "4.13.1");
        assert_eq!(short_revision("é"), "é");
    }
}
