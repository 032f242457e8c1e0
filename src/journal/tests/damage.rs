//! Every way to change the file is found, and located.

use std::fs;

use super::*;
use crate::journal::checkpoint::{Checkpoint, Sealer};
use crate::journal::file::{checkpoints_file, key_file};
use crate::journal::frame::{self, Frame};
use crate::journal::scan::first_line;

/// The first line and the frames of a journal.
fn taken_apart(path: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let bytes = fs::read(path).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let (line, mut rest) = bytes.split_at(first);
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let frame = Frame::read(rest).unwrap().bytes;
        frames.push(frame.to_vec());
        rest = &rest[frame.len()..];
    }
    (line.to_vec(), frames)
}

fn put_together(path: &Path, line: &[u8], frames: &[Vec<u8>]) {
    fs::write(path, [line, &frames.concat()].concat()).unwrap();
}

/// The same records with all lengths, checksums and hashes right: what an editor with our own code does.
fn rechained(line: &[u8], records: &[Record]) -> Vec<Vec<u8>> {
    let mut previous = frame::hash(line);
    let frames = records.iter().enumerate().map(|(seq, record)| {
        let frame = frame::write(seq as u64, &previous, record).unwrap();
        previous = frame::hash(&frame);
        frame
    });
    frames.collect()
}

fn check(path: &Path, anchors: &[PathBuf]) -> Verdict {
    let against = Against {
        anchors: &[],
        files: anchors,
    };
    verify(path, &against).unwrap()
}

fn broken(path: &Path) -> Break {
    check(path, &[]).broken.unwrap()
}

/// Copies the journal's own checkpoints away, as an anchor does, and takes them from beside it.
fn anchored(path: &Path) -> PathBuf {
    let anchor = path.with_extension("anchor");
    fs::rename(checkpoints_file(path), &anchor).unwrap();
    anchor
}

fn offset(line: &[u8], frames: &[Vec<u8>], seq: usize) -> u64 {
    let before: usize = frames[..seq].iter().map(Vec::len).sum();
    (line.len() + before) as u64
}

#[tokio::test]
async fn every_flipped_bit_is_found_and_located() {
    let (_root, path) = place();
    drop(written(&path, 4).await);
    anchored(&path);
    let whole = fs::read(&path).unwrap();
    let (line, frames) = taken_apart(&path);
    let mut flips = 0;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        let found = broken(&path);
        let seq = (0..frames.len()).rfind(|seq| offset(&line, &frames, *seq) <= (bit / 8) as u64);
        let seq = seq.unwrap_or(0);
        assert_eq!(found.seq, seq as u64, "bit {bit}: {found:?}");
        if bit / 8 >= line.len() {
            assert_eq!(found.offset, offset(&line, &frames, seq), "bit {bit}");
        }
        flips += 1;
        // Opening it changes nothing either; one in each byte is enough of that.
        if bit % 8 == 5 {
            let refused = Journal::open(&path, &JournalSettings::default());
            let is_unborn = bit / 8 < line.len() && refused.is_ok();
            assert!(!is_unborn, "bit {bit}: begun anew over what was there");
            assert!(refused.is_err(), "bit {bit}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "bit {bit}");
        }
    }
    assert_eq!(flips, whole.len() * 8);
}

#[tokio::test]
async fn every_cut_is_found_within_a_record_and_against_an_anchor() {
    let (_root, path) = place();
    let journal = written(&path, 5).await;
    journal.anchor_now(at(99)).await.unwrap();
    drop(journal);
    let whole = fs::read(&path).unwrap();
    let (line, frames) = taken_apart(&path);
    let ends: Vec<u64> = (0..=5).map(|seq| offset(&line, &frames, seq)).collect();
    let anchor = anchored(&path);
    for cut in 1..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let alone = check(&path, &[]);
        let is_at_end = ends.contains(&(cut as u64));
        assert_eq!(alone.broken.is_none(), is_at_end, "{cut}: {alone:?}");
        if !is_at_end && cut > line.len() {
            let seq = ends.iter().rposition(|end| *end < cut as u64).unwrap();
            let found = alone.broken.unwrap();
            assert_eq!((found.seq, found.offset), (seq as u64, ends[seq]));
            assert!(found.what.contains("only its first"), "{found:?}");
        }
        if !is_at_end {
            continue;
        }
        let found = check(&path, std::slice::from_ref(&anchor)).broken.unwrap();
        let seq = ends.iter().position(|end| *end == cut as u64).unwrap();
        assert_eq!((found.seq, found.offset), (seq as u64, cut as u64));
        let words = format!("the journal has {seq} records");
        assert!(found.what.contains(&words), "{found:?}");
        assert!(
            found.what.ends_with("of 2026-11-21T14:01:39Z proves 5"),
            "{found:?}"
        );
    }
    fs::write(&path, b"").unwrap();
    let found = check(&path, &[anchor]).broken.unwrap();
    assert!(found.what.contains("tells of 5 records"), "{found:?}");
}

#[tokio::test]
async fn a_torn_tail_is_kept_aside_and_said() {
    let (_root, path) = place();
    drop(written(&path, 3).await);
    let whole = fs::read(&path).unwrap();
    let (line, frames) = taken_apart(&path);
    let last = usize::try_from(offset(&line, &frames, 2)).unwrap();
    for cut in [last + 1, last + 39, last + 41, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let journal = open(&path);
        let Standing::Whole(words) = journal.picture().standing else {
            unreachable!("{cut}");
        };
        assert!(words.raw().contains("never finished"), "{words}");
        assert_eq!(journal.append(said("after", 9)).await.unwrap(), 2);
    }
    let folder = path.parent().unwrap();
    let torn = fs::read(folder.join("journal.log.torn-3")).unwrap();
    assert_eq!(torn, whole[last..whole.len() - 1]);
}

#[tokio::test]
async fn taken_out_reordered_and_spliced_records_are_found() {
    let (_root, path) = place();
    drop(written(&path, 6).await);
    let (line, frames) = taken_apart(&path);
    let (_other_root, other) = place();
    drop(written(&other, 6).await);
    let (_, foreign) = taken_apart(&other);
    let mut swapped = frames.clone();
    swapped.swap(2, 3);
    let mut without = frames.clone();
    without.remove(4);
    let mut doubled = frames.clone();
    doubled.insert(2, frames[1].clone());
    let mut one_foreign = frames.clone();
    one_foreign[3].clone_from(&foreign[3]);
    let foreign_end = [&frames[..3], &foreign[3..]].concat();
    let cases = [
        (&swapped, 2, "record 3 stands in its place"),
        (&without, 4, "record 5 stands in its place"),
        (&doubled, 2, "record 1 stands in its place"),
        (&one_foreign, 3, "of another journal"),
        (&foreign_end, 3, "of another journal"),
        (&foreign, 0, "not written behind this first line"),
    ];
    for (changed, seq, why) in cases {
        put_together(&path, &line, changed);
        let found = broken(&path);
        assert_eq!(found.seq, seq, "{found:?}");
        assert!(found.what.contains(why), "{found:?}");
        let Standing::Broken { seq: shown, .. } =
            picture(&path, &JournalSettings::default()).standing
        else {
            unreachable!("{why}");
        };
        assert_eq!(shown, seq);
        assert!(
            records(&path).is_err() && Journal::open(&path, &JournalSettings::default()).is_err()
        );
    }
}

#[tokio::test]
async fn an_edit_with_right_checksums_is_found_by_the_hash_behind_it() {
    let (_root, path) = place();
    drop(written(&path, 5).await);
    let (line, mut frames) = taken_apart(&path);
    let previous = *Frame::read(&frames[2]).unwrap().previous;
    frames[2] = frame::write(2, &previous, &said("nothing happened", 2)).unwrap();
    put_together(&path, &line, &frames);
    let found = broken(&path);
    assert_eq!(found.seq, 3);
    assert!(
        found
            .what
            .contains("does not follow record 2: that one was changed"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_rewrite_with_every_hash_right_is_found_by_checkpoints() {
    let (_root, path) = place();
    let journal = written(&path, 3).await;
    journal.anchor_now(at(50)).await.unwrap();
    for n in 3..6 {
        journal.append(said(&format!("note {n}"), n)).await.unwrap();
    }
    journal.anchor_now(at(90)).await.unwrap();
    drop(journal);
    let (line, _) = taken_apart(&path);
    let mut records: Vec<Record> = (0..6).map(|n| said(&format!("note {n}"), n)).collect();
    records[4] = said("nothing happened", 4);
    put_together(&path, &line, &rechained(&line, &records));
    // Its own checkpoints know; without them, and without an anchor, nobody does.
    let found = broken(&path);
    assert_eq!(found.seq, 3, "behind what is proven");
    let why = "one of the records 3 to 5 is not what it was at 2026-11-21T14:01:30Z";
    assert!(found.what.contains(why), "{found:?}");
    let anchor = anchored(&path);
    assert_eq!(check(&path, &[]).broken, None);
    let verdict = check(&path, &[anchor]);
    assert_eq!(verdict.broken.unwrap().seq, 3);
    assert_eq!(verdict.proofs.last().unwrap().records, 3);
}

#[tokio::test]
async fn a_whole_file_rewritten_and_sealed_anew_is_found_by_an_anchor() {
    let (_root, path) = place();
    let journal = written(&path, 3).await;
    journal.anchor_now(at(50)).await.unwrap();
    drop(journal);
    let anchor = anchored(&path);
    let kept = fs::read_to_string(&anchor).unwrap();
    let name = Checkpoint::all(&kept)[0].name.clone();
    let records = [said("nothing happened", 0), said("nothing either", 1)];

    // Under a name and key of its own.
    let theirs = Sealer::new().unwrap();
    let line = first_line(theirs.identity());
    put_together(
        &path,
        line.as_bytes(),
        &rechained(line.as_bytes(), &records),
    );
    assert_eq!(
        check(&path, &[]).broken,
        None,
        "nothing left that could know"
    );
    let found = check(&path, std::slice::from_ref(&anchor)).broken.unwrap();
    assert_eq!(found.seq, 0);
    assert!(found.what.contains("begun or written anew"), "{found:?}");

    // Under the same name, with a key of its own and checkpoints to match.
    let theirs = Sealer::named(&name).unwrap();
    let line = first_line(theirs.identity());
    let frames = rechained(line.as_bytes(), &records);
    put_together(&path, line.as_bytes(), &frames);
    let mut tree = crate::journal::tree::Tree::default();
    for frame in &frames {
        tree.push(&frame::hash(frame));
    }
    let sealed = theirs.seal(2, tree.root(), at(60));
    fs::write(checkpoints_file(&path), sealed.note()).unwrap();
    let verdict = check(&path, &[]);
    assert_eq!((verdict.broken, verdict.proofs.len()), (None, 1));
    let found = check(&path, &[anchor]).broken.unwrap();
    assert!(found.what.contains("sealed by another key"), "{found:?}");
}

#[tokio::test]
async fn old_records_sealed_by_a_newer_key_are_refused() {
    let (_root, path) = place();
    let journal = written(&path, 3).await;
    drop(journal);
    let kept = fs::read_to_string(checkpoints_file(&path)).unwrap();
    let name = Checkpoint::all(&kept)[0].name.clone();
    let newer = Sealer::named(&name).unwrap();
    fs::remove_file(key_file(&path)).unwrap();
    newer.keep(&key_file(&path)).unwrap();
    let journal = open(&path);
    assert_eq!(journal.append(said("more", 3)).await.unwrap(), 3);
    let why = journal.anchor_now(at(9)).await.unwrap_err();
    assert!(why.0.raw().contains("key of another journal"), "{why}");
    let sealed = newer.seal(3, [0; 32], at(60));
    fs::write(checkpoints_file(&path), sealed.note()).unwrap();
    assert!(broken(&path).what.contains("sealed by another key"));
}

#[tokio::test]
async fn a_forged_or_unreadable_checkpoint_is_a_doubt() {
    let (_root, path) = place();
    drop(written(&path, 2).await);
    let own = checkpoints_file(&path);
    let notes = fs::read_to_string(&own).unwrap();
    fs::write(&own, notes.replace("\n1\n", "\n2\n")).unwrap();
    let verdict = check(&path, &[PathBuf::from("/not/there")]);
    assert_eq!(verdict.doubts.len(), 2, "{verdict:?}");
    assert!(
        verdict
            .doubts
            .iter()
            .any(|doubt| doubt.contains("signatures of 1"))
    );
    assert!(
        verdict
            .doubts
            .iter()
            .any(|doubt| doubt.contains("/not/there cannot be read"))
    );
}
