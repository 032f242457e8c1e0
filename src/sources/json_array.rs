//! Where does each element of a JSON array end, while the array is still arriving?
//!
//! An Alertmanager's answer is one array of up to a hundred megabytes. [`ArraySplitter`] is fed the
//! chunks as they come and hands out the bytes of each complete element, so that it can be decoded
//! and dropped at once: memory is one element, not one answer. It only finds the borders; that an
//! element is valid JSON is for its decoder to say.

use std::fmt;

/// Deeper nesting is an attack. The same limit as `serde_json`'s own.
const MAX_DEPTH: usize = 128;

/// The bytes of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its number, from 0.
    pub index: usize,
    /// Where it starts in the whole input, in bytes.
    pub offset: u64,
    /// From its first to its last byte.
    pub bytes: &'a [u8],
}

/// Why the input is not an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitError {
    /// Where, in bytes from the start of the input.
    pub offset: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This byte, where something else must stand.
    Unexpected {
        /// The byte.
        found: u8,
        /// What must stand there.
        expected: &'static str,
    },
    /// More than 128 levels.
    TooDeep,
    /// The input stops before the closing bracket.
    EndsEarly,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.fault {
            Fault::Unexpected { found, expected } => {
                let found = found.escape_ascii();
                write!(f, "byte {offset}: expected {expected}, found `{found}`")
            }
            Fault::TooDeep => write!(f, "byte {offset}: nested deeper than {MAX_DEPTH} levels"),
            Fault::EndsEarly => write!(f, "the answer ends early after {offset} bytes"),
        }
    }
}

/// Finds the elements of one array. `null` counts as an empty one, as Go servers write it.
#[derive(Debug, Default)]
pub struct ArraySplitter {
    place: Place,
    /// The part of the current element that came with earlier chunks.
    pending: Vec<u8>,
    /// Bytes of all earlier chunks.
    consumed: u64,
    /// Elements handed out so far.
    count: usize,
}

/// What may come next.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Start,
    /// Within `null`, so many letters in.
    Null(usize),
    /// After `[`.
    FirstOrEnd,
    /// After `,`.
    Element,
    Inside(Inside),
    /// After an element.
    CommaOrEnd,
    /// After `]`.
    End,
}

/// Where in an element.
#[derive(Clone, Copy, Debug)]
struct Inside {
    /// Where the element starts in the whole input.
    offset: u64,
    /// Open brackets. None: a bare number, word or string.
    depth: usize,
    lexis: Lexis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lexis {
    /// Between the strings of an object or an array.
    Structure,
    Text,
    /// After a backslash in a string.
    Escape,
    /// A bare number or word, which ends where something else starts.
    Word,
}

impl ArraySplitter {
    /// Takes the next chunk and hands each element that is now complete to `each`.
    ///
    /// # Errors
    /// The first place where this is no array, or what `each` returns. No further chunk may be fed
    /// after an error.
    pub fn feed<E: From<SplitError>>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Element<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        // Where the current element starts in this chunk.
        let mut start = 0;
        while at < chunk.len() {
            if let Place::Inside(inside) = self.place {
                let Some(end) = self.scan(inside, chunk, at)? else {
                    break;
                };
                let bytes = if self.pending.is_empty() {
                    &chunk[start..end]
                } else {
                    self.pending.extend_from_slice(&chunk[..end]);
                    &self.pending
                };
                each(Element {
                    index: self.count,
                    offset: inside.offset,
                    bytes,
                })?;
                self.count += 1;
                self.pending.clear();
                self.place = Place::CommaOrEnd;
                at = end;
                continue;
            }
            let byte = chunk[at];
            let is_space = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            if !is_space || matches!(self.place, Place::Null(1..=3)) {
                start = at;
                self.place = self.step(byte, self.consumed + at as u64)?;
                // A bare word may be one byte long: its scan looks at the first byte again.
                if let Place::Inside(Inside {
                    lexis: Lexis::Word, ..
                }) = self.place
                {
                    continue;
                }
            }
            at += 1;
        }
        if matches!(self.place, Place::Inside(_)) {
            self.pending.extend_from_slice(&chunk[start..]);
        }
        self.consumed += chunk.len() as u64;
        Ok(())
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// When the array is not complete.
    pub fn finish(self) -> Result<(), SplitError> {
        match self.place {
            Place::End | Place::Null(4) => Ok(()),
            _ => Err(SplitError {
                offset: self.consumed,
                fault: Fault::EndsEarly,
            }),
        }
    }

    /// One byte outside of the elements.
    fn step(&self, byte: u8, offset: u64) -> Result<Place, SplitError> {
        let expected = match (self.place, byte) {
            (Place::Start, b'[') => return Ok(Place::FirstOrEnd),
            (Place::Start, b'n') => return Ok(Place::Null(1)),
            (Place::Null(seen @ 1..=3), _) if byte == b"null"[seen] => {
                return Ok(Place::Null(seen + 1));
            }
            (Place::FirstOrEnd | Place::CommaOrEnd, b']') => return Ok(Place::End),
            (Place::CommaOrEnd, b',') => return Ok(Place::Element),
            (Place::FirstOrEnd | Place::Element, _) => match open(byte, offset) {
                Some(inside) => return Ok(Place::Inside(inside)),
                None => "an element",
            },
            (Place::CommaOrEnd, _) => "`,` or `]`",
            (Place::Start, _) => "`[`",
            (Place::Null(1..=3), _) => "`null`",
            (Place::Null(_) | Place::End | Place::Inside(_), _) => "the end",
        };
        Err(SplitError {
            offset,
            fault: Fault::Unexpected {
                found: byte,
                expected,
            },
        })
    }

    /// Looks for the end of the current element from `at` on. `None`: not in this chunk.
    fn scan(
        &mut self,
        inside: Inside,
        chunk: &[u8],
        mut at: usize,
    ) -> Result<Option<usize>, SplitError> {
        let Inside {
            offset,
            mut depth,
            mut lexis,
        } = inside;
        while at < chunk.len() {
            match lexis {
                Lexis::Escape => {
                    lexis = Lexis::Text;
                    at += 1;
                }
                Lexis::Text => {
                    at += quote_or_backslash(&chunk[at..]);
                    match chunk.get(at) {
                        Some(b'\\') => lexis = Lexis::Escape,
                        Some(_) if depth == 0 => return Ok(Some(at + 1)),
                        Some(_) => lexis = Lexis::Structure,
                        None => break,
                    }
                    at += 1;
                }
                Lexis::Structure => {
                    let byte = chunk[at];
                    at += 1;
                    match byte {
                        b'"' => lexis = Lexis::Text,
                        b'{' | b'[' if depth == MAX_DEPTH => {
                            return Err(SplitError {
                                offset: self.consumed + at as u64 - 1,
                                fault: Fault::TooDeep,
                            });
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' if depth == 1 => return Ok(Some(at)),
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                }
                Lexis::Word => {
                    if matches!(chunk[at], b',' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                        return Ok(Some(at));
                    }
                    at += 1;
                }
            }
        }
        self.place = Place::Inside(Inside {
            offset,
            depth,
            lexis,
        });
        Ok(None)
    }
}

/// What an element that starts with this byte is.
fn open(byte: u8, offset: u64) -> Option<Inside> {
    let (depth, lexis) = match byte {
        b'{' | b'[' => (1, Lexis::Structure),
        b'"' => (0, Lexis::Text),
        b'-' | b'0'..=b'9' | b'a'..=b'z' => (0, Lexis::Word),
        _ => return None,
    };
    Some(Inside {
        offset,
        depth,
        lexis,
    })
}

/// How many bytes come before the next quote or backslash. Eight at a time: nearly all bytes of an
/// alert are inside of strings.
fn quote_or_backslash(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest high bit that is set marks the first zero byte; those above it may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;

    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = zeros(word ^ (ONES * u64::from(b'"')));
        let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
        let found = quote | backslash;
        if found != 0 {
            return i * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let in_rest = rest.iter().position(|b| matches!(b, b'"' | b'\\'));
    words.len() * 8 + in_rest.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Feeds the chunks and gives each element with its offset.
    fn split<'a>(
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<(u64, Vec<u8>)>, SplitError> {
        let mut splitter = ArraySplitter::default();
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |element| {
                assert_eq!(element.index, found.len());
                found.push((element.offset, element.bytes.to_vec()));
                Ok::<_, SplitError>(())
            })?;
        }
        splitter.finish()?;
        Ok(found)
    }

    fn whole(text: &str) -> Result<Vec<String>, String> {
        match split([text.as_bytes()]) {
            Ok(found) => Ok(found
                .into_iter()
                .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
                .collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn elements_of_every_kind_are_found() {
        let text = " [ {\"a\":[1,{}]} ,\n[], \"x]\\\",\" , -1.5e3,true,null,7] \n";
        let expected = [
            "{\"a\":[1,{}]}",
            "[]",
            "\"x]\\\",\"",
            "-1.5e3",
            "true",
            "null",
            "7",
        ];
        assert_eq!(whole(text).unwrap(), expected);
        for empty in ["[]", " [ \r\n\t] ", "null", " null\n"] {
            assert!(whole(empty).unwrap().is_empty());
        }
    }

    #[test]
    fn what_is_no_array_is_told_with_its_place() {
        let cases = [
            ("{}", "byte 0: expected `[`, found `{`"),
            ("nil", "byte 1: expected `null`, found `i`"),
            ("n ull", "byte 1: expected `null`, found ` `"),
            ("nullnull", "byte 4: expected the end, found `n`"),
            ("[1 2]", "byte 3: expected `,` or `]`, found `2`"),
            ("[,1]", "byte 1: expected an element, found `,`"),
            ("[1,]", "byte 3: expected an element, found `]`"),
            ("[\u{1}]", "byte 1: expected an element, found `\\x01`"),
            ("[1] [2]", "byte 4: expected the end, found `[`"),
            ("", "the answer ends early after 0 bytes"),
            ("nul", "the answer ends early after 3 bytes"),
            ("[{\"a\":\"b", "the answer ends early after 8 bytes"),
            ("[{\"a\":1}", "the answer ends early after 8 bytes"),
            ("[\"a\\\"]", "the answer ends early after 6 bytes"),
        ];
        for (text, expected) in cases {
            assert_eq!(whole(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("[{}{}]", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(whole(&nested(MAX_DEPTH)).unwrap().len(), 1);
        let error = whole(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error, "byte 129: nested deeper than 128 levels");
    }

    #[test]
    fn brackets_in_text_do_not_count() {
        let text = r#"[{"k":"}]},{[\\\"]"},{"\\":"\\"}]"#;
        assert_eq!(
            whole(text).unwrap(),
            [r#"{"k":"}]},{[\\\"]"}"#, r#"{"\\":"\\"}"#]
        );
    }

    #[test]
    fn an_error_of_the_reader_stops_the_splitting() {
        let mut calls = 0;
        let result = ArraySplitter::default().feed(b"[1,2,3]", |element| {
            calls += 1;
            Err(SplitError {
                offset: element.offset,
                fault: Fault::EndsEarly,
            })
        });
        assert_eq!((calls, result.unwrap_err().offset), (1, 1));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            r#"[\\"\[\]{},: a]{0,20}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_elements(
            values in prop::collection::vec(json(), 0..8),
            pretty in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = if pretty {
                serde_json::to_vec_pretty(&values).unwrap()
            } else {
                serde_json::to_vec(&values).unwrap()
            };
            let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
            let found = split(chunks).unwrap();
            for (offset, bytes) in &found {
                let at = usize::try_from(*offset).unwrap();
                prop_assert_eq!(&text[at..at + bytes.len()], &bytes[..]);
            }
            let decoded: Vec<Value> = found
                .iter()
                .map(|(_, bytes)| serde_json::from_slice(bytes).unwrap())
                .collect();
            prop_assert_eq!(decoded, values);
        }

        #[test]
        fn any_bytes_are_survived(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"[]{},\"\\n1 "[..])], 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(bytes.len() + 1);
            prop_assert_eq!(split([&bytes[..]]), split([&bytes[..cut], &bytes[cut..]]));
        }
    }
}
