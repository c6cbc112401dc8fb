//! A text without its percent-encoding, the escapes of JSON and the references of HTML, where each
//! byte knows its place in the original.

use std::ops::Range;

/// The references of HTML that are decoded besides the numeric ones.
const REFERENCES: [(&[u8], u8); 6] = [
    (b"&amp;", b'&'),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&quot;", b'"'),
    (b"&apos;", b'\''),
    (b"&sol;", b'/'),
];

/// The ways of encoding, by the byte with which each begins: percent-encoding, the escapes of JSON, the
/// references of HTML.
pub(super) const ENCODINGS: [u8; 3] = *b"%\\&";

/// The bytes of a text, and where each stands in the original.
pub(super) struct Decoded {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Decoded {
    /// The text as it is.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            places: (0..text.len()).map(|at| at..at + 1).collect(),
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a part of the bytes stands in the original.
    pub(super) fn place(&self, part: &Range<usize>) -> Range<usize> {
        let part = &self.places[part.clone()];
        match (part.first(), part.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }

    /// The text with one level of this encoding less; `None`: nothing in it is encoded so.
    pub(super) fn decoded(&self, encoding: u8) -> Option<Self> {
        if !self.bytes.contains(&encoding) {
            return None;
        }
        let mut decoded = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            places: Vec::with_capacity(self.bytes.len()),
        };
        let (mut at, mut is_news) = (0, false);
        while at < self.bytes.len() {
            let plain = self.bytes[at];
            let encoded = decode(&self.bytes[at..]).filter(|_| plain == encoding);
            let (byte, length) = encoded.unwrap_or((plain, 1));
            is_news |= length > 1;
            decoded.bytes.push(byte);
            decoded.places.push(self.place(&(at..at + length)));
            at += length;
        }
        is_news.then_some(decoded)
    }
}

/// The byte that an encoding at the beginning stands for, and the length of the encoding.
fn decode(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes.first()? {
        b'%' => Some((hex(bytes.get(1..3)?)?, 3)),
        b'\\' => match bytes.get(1)? {
            b'u' if bytes.get(2) == Some(&b'{') => {
                let end = bytes.iter().take(10).position(|byte| *byte == b'}')?;
                Some((hex(bytes.get(3..end)?)?, end + 1))
            }
            b'u' => Some((hex(bytes.get(2..6)?)?, 6)),
            b'x' => Some((hex(bytes.get(2..4)?)?, 4)),
            b'n' | b'r' | b't' => Some((b' ', 2)),
            escaped if escaped.is_ascii_punctuation() => Some((*escaped, 2)),
            _ => None,
        },
        b'&' => {
            let known = REFERENCES.iter().find(|(name, _)| bytes.starts_with(name));
            known
                .map(|(name, byte)| (*byte, name.len()))
                .or_else(|| numeric_reference(bytes))
        }
        _ => None,
    }
}

fn numeric_reference(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().take(12).position(|byte| *byte == b';')?;
    let number = bytes.get(2..end).filter(|_| bytes[1] == b'#')?;
    let byte = match number.split_first()? {
        (b'x' | b'X', digits) => hex(digits)?,
        _ => std::str::from_utf8(number).ok()?.parse().ok()?,
    };
    Some((byte, end + 1))
}

fn hex(digits: &[u8]) -> Option<u8> {
    // `from_str_radix` would take a sign.
    let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u8::from_str_radix(text, 16).ok()
}
