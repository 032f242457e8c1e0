//! What does this seed say? Numbers and identifiers that look random and are the same in every run.
//!
//! The platform names its pods and shakes its curves with it; the Alertmanagers take their peer
//! names and silence ids from it. It never reads a clock or the system's random source.

/// The seed of one simulated platform. Every answer is a pure function of the seed and a topic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(pub u64);

/// What Kubernetes picks pod suffixes from: no vowels, so that no words appear.
const POD_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Crockford's base 32, in which ULIDs are written.
const ULID_ALPHABET: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Seed {
    /// 64 bits for `topic`.
    pub(super) fn number(self, topic: &str) -> u64 {
        let folded = topic
            .bytes()
            .fold(self.0 ^ 0x51_7c_c1_b7_27_22_0a_95, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        scramble(folded)
    }

    /// A number from 0 up to, but not including, 1.
    pub(super) fn unit(self, topic: &str) -> f64 {
        let top = u32::try_from(self.number(topic) >> 32).unwrap_or(u32::MAX);
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }

    /// The end of a pod or replica set name.
    pub(super) fn pod_suffix(self, topic: &str, length: usize) -> String {
        self.letters(topic, length, POD_ALPHABET)
    }

    /// A peer name as a gossiping Alertmanager shows it: 26 characters, a first digit of 0.
    pub(super) fn ulid(self, topic: &str) -> String {
        format!("01{}", self.letters(topic, 24, ULID_ALPHABET))
    }

    /// A version 4 UUID, as silences have.
    pub(super) fn uuid(self, topic: &str) -> String {
        let high = self.number(topic);
        let low = scramble(high);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0x0fff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }

    fn letters(self, topic: &str, length: usize, alphabet: &[u8]) -> String {
        let mut state = self.number(topic);
        (0..length)
            .map(|_| {
                state = scramble(state);
                let place = usize::try_from(state >> 40).unwrap_or(0) % alphabet.len();
                char::from(alphabet[place])
            })
            .collect()
    }
}

/// The finalizer of splitmix64: every input bit changes about half of the output bits.
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
