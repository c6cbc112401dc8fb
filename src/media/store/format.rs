//! How an object is stored: blocks, each with a keyed digest behind it, so that nothing is handed on that was cut
//! off, damaged, changed, or stored under another name. The first block tells the length and the head of the media;
//! the others hold its bytes.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use crate::media::{ObjectKeys, head::MediaHead, object_key::ObjectKey};

/// Names the format.
const FORMAT: &[u8; 8] = b"MLSTORE1";
/// The bytes of the first block before the head: the format, the length of the media and that of the head.
const FIXED_BYTES: usize = 8 + 8 + 4;
/// The longest head.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// How many bytes of media a block has; the last one may have fewer.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// How many bytes the digest behind a block has.
pub(super) const DIGEST_BYTES: usize = 16;

/// A block with its digest.
const SEALED_BYTES: u64 = (BLOCK_BYTES + DIGEST_BYTES) as u64;

/// Seals and opens the blocks of one object.
#[derive(Clone)]
pub(super) struct Blocks {
    keys: ObjectKeys,
    key: ObjectKey,
}

/// The first block, read.
pub(super) struct First {
    pub(super) head: MediaHead,
    /// How many bytes of media there are.
    pub(super) length: u64,
    /// Where the second block begins.
    pub(super) ends_at: u64,
}

impl Blocks {
    pub(super) fn new(keys: &ObjectKeys, key: ObjectKey) -> Self {
        let keys = keys.clone();
        Self { keys, key }
    }

    /// The first block.
    pub(super) fn first(&self, head: &MediaHead, length: u64) -> serde_json::Result<Vec<u8>> {
        let head = serde_json::to_vec(head)?;
        let mut block = FORMAT.to_vec();
        block.extend(length.to_be_bytes());
        block.extend(u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
        block.extend(head);
        let digest = self.keys.digest(&self.key, 0, &block);
        block.extend(digest);
        Ok(block)
    }

    /// Reads the first block from the beginning of an object; `None`: it is not whole, or not ours.
    pub(super) fn read_first(&self, bytes: &[u8]) -> Option<First> {
        let rest = bytes.strip_prefix(FORMAT)?;
        let (length, rest) = rest.split_first_chunk()?;
        let (head_bytes, _) = rest.split_first_chunk()?;
        let head_bytes = usize::try_from(u32::from_be_bytes(*head_bytes)).ok()?;
        if head_bytes > MAX_HEAD_BYTES {
            return None;
        }
        let end = FIXED_BYTES + head_bytes + DIGEST_BYTES;
        let head = self.open(0, bytes.get(..end)?)?;
        let length = u64::from_be_bytes(*length);
        let head: MediaHead = serde_json::from_slice(head.get(FIXED_BYTES..)?).ok()?;
        Some(First {
            // Once it has been stored, its length is known.
            head: MediaHead {
                length: Some(length),
                ..head
            },
            length,
            ends_at: end as u64,
        })
    }

    /// The digest behind the block of this number.
    pub(super) fn digest(&self, number: u64, bytes: &[u8]) -> [u8; DIGEST_BYTES] {
        self.keys.digest(&self.key, number, bytes)
    }

    /// A block without its digest; `None`: it is not what was stored there.
    pub(super) fn open<'b>(&self, number: u64, sealed: &'b [u8]) -> Option<&'b [u8]> {
        let (bytes, digest) = sealed.split_last_chunk::<DIGEST_BYTES>()?;
        let expected = self.digest(number, bytes);
        bool::from(expected[..].ct_eq(&digest[..])).then_some(bytes)
    }

    /// The blocks of media in a piece of an object, from the block of this number on: each as a part of the piece.
    /// `None`: one is not what was stored there. `left`: how many bytes of media are still to come.
    pub(super) fn open_all(&self, piece: &Bytes, number: u64, left: u64) -> Option<Vec<Bytes>> {
        let sealed = piece.chunks(BLOCK_BYTES + DIGEST_BYTES);
        let mut opened = Vec::with_capacity(sealed.len());
        let mut left = left;
        for (number, sealed) in (number..).zip(sealed) {
            let bytes = self.open(number, sealed)?;
            let expected = left.min(BLOCK_BYTES as u64);
            if bytes.len() as u64 != expected {
                return None;
            }
            left -= expected;
            opened.push(piece.slice_ref(bytes));
        }
        Some(opened)
    }
}

/// The length of so many bytes of media with their digests.
pub(super) fn sealed_length(length: u64) -> u64 {
    length + length.div_ceil(BLOCK_BYTES as u64) * DIGEST_BYTES as u64
}

/// Where a piece ends that begins with a whole block and has at most so many.
pub(super) fn piece_end(from: u64, blocks: u64, end: u64) -> u64 {
    end.min(from + blocks * SEALED_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(secret: u8, key: u8) -> Blocks {
        let key = ObjectKey::from_bytes([key; 32]);
        Blocks::new(&ObjectKeys::new(&[secret; 32]), key)
    }

    #[test]
    fn a_block_is_opened_only_in_its_place() {
        let of = blocks(1, 1);
        let mut sealed = b"media".to_vec();
        sealed.extend(of.digest(3, b"media"));
        assert_eq!(of.open(3, &sealed), Some(&b"media"[..]));
        assert!(of.open(4, &sealed).is_none());
        assert!(blocks(2, 1).open(3, &sealed).is_none());
        assert!(blocks(1, 2).open(3, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(of.open(3, &changed).is_none(), "{at}");
            assert!(of.open(3, &sealed[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn the_first_block_is_read_if_it_is_whole() {
        let of = blocks(1, 1);
        let head = MediaHead {
            content_type: Some("text/plain".to_owned()),
            ..MediaHead::default()
        };
        let first = of.first(&head, 70_000).expect("writes");
        let read = of.read_first(&first).expect("reads");
        assert_eq!((read.length, read.ends_at), (70_000, first.len() as u64));
        assert_eq!(read.head.length, Some(70_000));
        for at in 0..first.len() {
            let mut changed = first.clone();
            changed[at] ^= 1;
            assert!(of.read_first(&changed).is_none(), "{at}");
            assert!(of.read_first(&first[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn a_piece_is_opened_if_it_has_all_blocks_that_are_to_come() {
        let of = blocks(1, 1);
        let media = vec![7; BLOCK_BYTES + 10];
        let mut sealed = Vec::new();
        for (number, block) in (1..).zip(media.chunks(BLOCK_BYTES)) {
            sealed.extend(block);
            sealed.extend(of.digest(number, block));
        }
        assert_eq!(sealed.len() as u64, sealed_length(media.len() as u64));
        let piece = Bytes::from(sealed);
        let length = media.len() as u64;
        let opened = of.open_all(&piece, 1, length).expect("opens");
        assert_eq!(opened.concat(), media);
        assert!(of.open_all(&piece, 2, length).is_none());
        assert!(of.open_all(&piece, 1, length - 1).is_none());
        assert!(
            of.open_all(&piece, 1, length + BLOCK_BYTES as u64)
                .is_none()
        );
    }
}
