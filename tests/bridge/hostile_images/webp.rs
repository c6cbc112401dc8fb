//! WebPs (RFC 9649) of next to nothing.

use super::bits::Bits;

/// A lossless image in which no pixel takes a bit.
pub fn lossless(size: (u32, u32)) -> Vec<u8> {
    riff(&chunk(b"VP8L", &vp8l(size)))
}

/// A small image with as many groups of codes as can be, each with large tables.
pub fn many_codes() -> Vec<u8> {
    let mut bits = Bits::default();
    lossless_head(&mut bits, (16, 16));
    // No transforms, no colour cache; an image of the groups, of 4 by 4 pixels.
    bits.put(0b100, 3);
    bits.put(0, 3);
    // It has no colour cache, and says of every pixel: the last group.
    bits.put(0, 1);
    for symbol in [255, 255, 0, 0, 0] {
        only(&mut bits, symbol);
    }
    for _ in 0..65_536 * 5 {
        deep(&mut bits);
    }
    riff(&chunk(b"VP8L", &bits.finish()))
}

/// A lossy image that is predicted from its edges.
pub fn lossy(size: (u32, u32)) -> Vec<u8> {
    riff(&chunk(b"VP8 ", &vp8(size)))
}

/// The same with transparency.
pub fn lossy_with_alpha(size: (u32, u32)) -> Vec<u8> {
    let mut bits = Bits::default();
    pixels(&mut bits);
    let alpha = [&[1][..], &bits.finish()].concat();
    let chunks = [
        extended(0x10, size),
        chunk(b"ALPH", &alpha),
        chunk(b"VP8 ", &vp8(size)),
    ];
    riff(&chunks.concat())
}

/// So many frames.
pub fn animated(size: (u32, u32), frames: u32) -> Vec<u8> {
    let mut chunks = extended(0x12, size);
    chunks.extend(chunk(b"ANIM", &[0; 6]));
    let mut frame = vec![0; 6];
    frame.extend(sides(size));
    frame.extend([100, 0, 0, 0]);
    frame.extend(chunk(b"VP8L", &vp8l(size)));
    for _ in 0..frames {
        chunks.extend(chunk(b"ANMF", &frame));
    }
    riff(&chunks)
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend((chunks.len() as u32 + 4).to_le_bytes());
    file.extend(b"WEBP");
    file.extend(chunks);
    file
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((content.len() as u32).to_le_bytes());
    chunk.extend(content);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn extended(flags: u8, size: (u32, u32)) -> Vec<u8> {
    let mut content = vec![flags, 0, 0, 0];
    content.extend(sides(size));
    chunk(b"VP8X", &content)
}

/// Width and height less one, in 24 bits each.
fn sides((width, height): (u32, u32)) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    [side(width), side(height)].concat()
}

fn vp8l(size: (u32, u32)) -> Vec<u8> {
    let mut bits = Bits::default();
    lossless_head(&mut bits, size);
    pixels(&mut bits);
    bits.finish()
}

fn lossless_head(bits: &mut Bits, (width, height): (u32, u32)) {
    bits.put(0x2f, 8);
    bits.put(width - 1, 14);
    bits.put(height - 1, 14);
    // No transparency; version 0.
    bits.put(0, 4);
}

/// No transforms, no colour cache, one group of codes, in each of which there is one symbol.
fn pixels(bits: &mut Bits) {
    bits.put(0, 3);
    for _ in 0..5 {
        only(bits, 0);
    }
}

/// A code with one symbol, which takes no bits.
fn only(bits: &mut Bits, symbol: u32) {
    bits.put(0b101, 3);
    bits.put(symbol, 8);
}

/// A code with eleven symbols, whose lengths are 1 to 10 and 10 again.
fn deep(bits: &mut Bits) {
    // In the order of the format: 17, 18, 0, 1 to 5, 16, 6 to 10.
    bits.put(0, 1);
    bits.put(14 - 4, 4);
    for length in [0, 0, 0, 3, 3, 3, 3, 3, 0, 3, 4, 4, 4, 4] {
        bits.put(length, 3);
    }
    // The first eleven symbols, and no others.
    bits.put(1, 1);
    bits.put(1, 3);
    bits.put(9, 4);
    for length in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10] {
        match length {
            1..=6 => bits.put_code(length - 1, 3),
            _ => bits.put_code(12 + length - 7, 4),
        }
    }
}

/// A key frame (RFC 6386) of zeros, which mean "nothing" everywhere.
fn vp8((width, height): (u32, u32)) -> Vec<u8> {
    let first_part = (1_u32 << 19) - 1;
    let tag = first_part << 5 | 0x10;
    let mut frame = tag.to_le_bytes()[..3].to_vec();
    frame.extend([0x9d, 0x01, 0x2a]);
    frame.extend((width as u16).to_le_bytes());
    frame.extend((height as u16).to_le_bytes());
    frame.resize(frame.len() + first_part as usize + (1 << 20), 0);
    frame
}
