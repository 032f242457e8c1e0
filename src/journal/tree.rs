//! Which one number stands for all records up to here?
//!
//! The Merkle tree hash of RFC 6962, section 2.1: leaves are hashed behind a 0x00, nodes behind a 0x01,
//! so that no node passes for a leaf. A leaf is the hash of a frame. Only the roots of the complete
//! subtrees are kept, one for each bit of the size.

use sha2::{Digest as _, Sha256};

use super::frame::Hash;

/// A tree that only grows.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Roots of complete subtrees, the largest first.
    peaks: Vec<Hash>,
    size: u64,
}

impl Tree {
    /// How many leaves it has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub(super) fn push(&mut self, entry: &[u8]) {
        let mut node: Hash = Sha256::new()
            .chain_update([0])
            .chain_update(entry)
            .finalize()
            .into();
        // Each trailing one of the size is a subtree that this leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The hash of all of it.
    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return Sha256::digest([]).into();
        };
        peaks.fold(*last, |right, left| parent(left, &right))
    }
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let hash = Sha256::new().chain_update([1]);
    hash.chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::hex;

    /// The definition of RFC 6962, word by word.
    fn by_definition(entries: &[&[u8]]) -> Hash {
        match entries {
            [] => Sha256::digest([]).into(),
            [one] => Sha256::new()
                .chain_update([0])
                .chain_update(one)
                .finalize()
                .into(),
            _ => {
                let half = entries.len().next_power_of_two() / 2;
                let (left, right) = entries.split_at(half);
                parent(&by_definition(left), &by_definition(right))
            }
        }
    }

    /// From the reference implementation of RFC 6962 (`merkle_tree_test.cc` of certificate-transparency).
    #[test]
    fn the_roots_are_those_of_the_reference() {
        let entries: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let mut tree = Tree::default();
        let mut roots = vec![hex(&tree.root())];
        for entry in entries {
            tree.push(entry);
            roots.push(hex(&tree.root()));
        }
        assert_eq!(
            roots,
            [
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ]
        );
    }

    #[test]
    fn every_size_is_as_the_definition_has_it() {
        let entries: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n; usize::from(n % 7)]).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let mut tree = Tree::default();
        for (at, entry) in entries.iter().enumerate() {
            tree.push(entry);
            assert_eq!(tree.root(), by_definition(&entries[..=at]), "{at}");
        }
        assert_eq!(tree.size(), 200);
    }
}
