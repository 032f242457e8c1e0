//! How does one record stand in the file?
//!
//! ```text
//! length   u32, little endian   of the payload
//! check    u32, little endian   CRC-32 of length, previous and payload
//! previous 32 bytes             SHA-256 of the whole frame before, of the first line for the first
//! payload  JSON, then LF        {"seq":12,"record":{...}}
//! ```
//!
//! The payload has one line feed, its last byte: bytes with a line feed in their payload are a whole
//! frame whatever their length says, so that a length that was tampered with is never taken for a
//! record that a crash cut short. Called by [`super::file`] and [`super::scan`]. It reads no file.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use sha2::{Digest as _, Sha256};

use crate::domain::record::Record;
use crate::domain::text::Untrusted;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// Before the payload.
pub(super) const HEAD: usize = 40;

/// The most bytes of a payload. No record comes near; a length beyond is a length that was changed.
pub(super) const MOST: usize = 4 * 1024 * 1024;

const BEGIN: &[u8] = b"{\"seq\":";
const BETWEEN: &[u8] = b",\"record\":";
const END: &[u8] = b"}\n";

/// A frame that holds by itself. Whether it follows the one before is for the caller.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// All of it.
    pub(super) bytes: &'a [u8],
    /// Its number, as its payload says it.
    pub(super) seq: u64,
    /// The hash of the one before, as it says it.
    pub(super) previous: &'a Hash,
}

/// Why bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unframed {
    /// They end before the frame does. Where no more will come, [`torn`] says what that means.
    Short,
    /// They do not hold.
    Broken(&'static str),
}

impl<'a> Frame<'a> {
    /// Reads the frame at the start of some bytes.
    pub(super) fn read(rest: &'a [u8]) -> Result<Self, Unframed> {
        let Some((head, after)) = rest.split_first_chunk::<HEAD>() else {
            return Err(Unframed::Short);
        };
        let (length, check) = (number(head, 0), number(head, 4));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length < BEGIN.len() + END.len() || length > MOST {
            return Err(Unframed::Broken("its length is none that a record has"));
        }
        let Some(payload) = after.get(..length) else {
            return Err(Unframed::Short);
        };
        if checksum(head, payload) != check {
            return Err(Unframed::Broken("its checksum does not match its bytes"));
        }
        let bytes = &rest[..HEAD + length];
        let seq = seq(payload).ok_or(Unframed::Broken("its text is none that quell writes"))?;
        let previous = bytes[8..].first_chunk::<32>();
        let previous = previous.ok_or(Unframed::Short)?;
        Ok(Self {
            bytes,
            seq,
            previous,
        })
    }

    /// What it says: one line of JSON, without its line feed.
    pub(super) fn text(&self) -> &'a [u8] {
        &self.bytes[HEAD..self.bytes.len() - 1]
    }

    /// What the next one calls the previous, and what the tree counts.
    pub(super) fn hash(&self) -> Hash {
        hash(self.bytes)
    }
}

/// How many bytes the frame at the start of these has, as far as that can be seen.
pub(super) fn wanted(rest: &[u8]) -> usize {
    let length = rest.first_chunk::<HEAD>().map(|head| number(head, 0));
    let length = length.and_then(|length| usize::try_from(length).ok());
    HEAD + length.filter(|length| *length <= MOST).unwrap_or(0)
}

/// What is wrong with the last bytes of a file that [`Frame::read`] finds too short. None: nothing, a
/// crash cut them off in the middle of writing them.
pub(super) fn torn(rest: &[u8]) -> Option<&'static str> {
    let payload = rest.get(HEAD..).unwrap_or_default();
    payload
        .contains(&b'\n')
        .then_some("its length leads beyond the end of the file, but it is all there")
}

/// The SHA-256 of some bytes.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Makes the frame of a record. Control, bidirectional and invisible characters are escaped as JSON
/// has it, so that a person may look at the file with any pager, and none is lost.
///
/// # Errors
/// It is too long, or is no JSON.
pub(super) fn write(seq: u64, previous: &Hash, record: &Record) -> Result<Vec<u8>, String> {
    let mut frame = vec![0; HEAD];
    frame.extend_from_slice(BEGIN);
    frame.extend_from_slice(seq.to_string().as_bytes());
    frame.extend_from_slice(BETWEEN);
    let mut json = serde_json::Serializer::with_formatter(&mut frame, Harmless);
    record
        .serialize(&mut json)
        .map_err(|error| format!("the record is no JSON: {error}"))?;
    frame.extend_from_slice(END);
    let length = frame.len() - HEAD;
    let too_long = || format!("the record has {length} bytes; the most is {MOST}");
    if length > MOST {
        return Err(too_long());
    }
    let short = u32::try_from(length).map_err(|_| too_long())?;
    frame[..4].copy_from_slice(&short.to_le_bytes());
    frame[8..HEAD].copy_from_slice(previous);
    let check = frame.split_first_chunk::<HEAD>();
    let check = check.map_or(0, |(head, payload)| checksum(head, payload));
    frame[4..8].copy_from_slice(&check.to_le_bytes());
    Ok(frame)
}

fn number(head: &[u8; HEAD], at: usize) -> u32 {
    let bytes = head[at..].first_chunk::<4>();
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn checksum(head: &[u8; HEAD], payload: &[u8]) -> u32 {
    let mut check = crc32fast::Hasher::new();
    check.update(&head[..4]);
    check.update(&head[8..]);
    check.update(payload);
    check.finalize()
}

/// The number in a payload that has the shape of [`write()`].
fn seq(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at_checked(digits)?;
    rest.strip_prefix(BETWEEN)?;
    let is_one_line = digits.len() == 1 || digits.first() != Some(&b'0');
    is_one_line
        .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

/// JSON in which every character that steers a terminal or hides is escaped.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        // JSON itself escapes what is below 0x20.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            let mut units = [0; 2];
            let mut bytes = [0; 4];
            let text = &*c.encode_utf8(&mut bytes);
            if Untrusted::line(text).shown() == text {
                writer.write_all(text.as_bytes())?;
                continue;
            }
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
