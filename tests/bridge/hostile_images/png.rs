//! PNGs of zeros.

#[derive(Clone, Copy)]
pub struct Png {
    bits: u8,
    is_interlaced: bool,
}

impl Png {
    pub fn rgba(bits: u8) -> Self {
        Self {
            bits,
            is_interlaced: false,
        }
    }

    pub fn interlaced(self) -> Self {
        Self {
            is_interlaced: true,
            ..self
        }
    }
}

pub fn png(size: (u32, u32), kind: Png) -> Vec<u8> {
    assemble(size, kind, &[])
}

/// With a colour profile of so many zeros.
pub fn with_profile(size: (u32, u32), length: u64) -> Vec<u8> {
    let mut profile = b"zeros\0\0".to_vec();
    profile.extend(zeros(length));
    assemble(size, Png::rgba(8), &chunk(b"iCCP", &profile))
}

fn assemble((width, height): (u32, u32), kind: Png, more: &[u8]) -> Vec<u8> {
    let mut head = width.to_be_bytes().to_vec();
    head.extend(height.to_be_bytes());
    head.extend([kind.bits, 6, 0, 0, u8::from(kind.is_interlaced)]);
    let bytes = u64::from(kind.bits) / 8 * 4;
    let raw = |(width, height): (u64, u64)| {
        if width == 0 {
            0
        } else {
            (width * bytes + 1) * height
        }
    };
    let (width, height) = (u64::from(width), u64::from(height));
    let length = if kind.is_interlaced {
        // The passes of Adam7: first column and row, and the steps between.
        let passes = [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ];
        let part = |all: u64, from: u64, step: u64| all.saturating_sub(from).div_ceil(step);
        let pass = |(x, y, dx, dy)| raw((part(width, x, dx), part(height, y, dy)));
        passes.map(pass).iter().sum()
    } else {
        raw((width, height))
    };
    let parts = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        more.to_vec(),
        chunk(b"IDAT", &zeros(length)),
        chunk(b"IEND", &[]),
    ];
    parts.concat()
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = (content.len() as u32).to_be_bytes().to_vec();
    let named = [&name[..], content].concat();
    chunk.extend(&named);
    chunk.extend(crc32fast::hash(&named).to_be_bytes());
    chunk
}

/// So many zeros, compressed (RFC 1950, 1951): a block with the fixed codes, in which each match of 258
/// bytes takes 13 bits.
fn zeros(length: u64) -> Vec<u8> {
    let mut bits = super::bits::Bits::default();
    // The last block, with the fixed codes; a zero.
    bits.put(0b011, 3);
    bits.put_code(0x30, 8);
    let (matches, rest) = ((length - 1) / 258, (length - 1) % 258);
    for _ in 0..matches {
        // Length 258, distance 1.
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    for _ in 0..rest {
        bits.put_code(0x30, 8);
    }
    bits.put_code(0, 7);
    let mut zlib = vec![0x78, 0x01];
    zlib.extend(bits.finish());
    // Adler-32 of zeros.
    let second = (length % 65_521) as u32;
    zlib.extend((second << 16 | 1).to_be_bytes());
    zlib
}
