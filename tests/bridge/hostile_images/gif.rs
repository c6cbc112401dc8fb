//! GIFs of one colour.

use super::bits::Bits;

/// A picture with so many frames of a size.
pub fn gif(size: (u32, u32), frame: (u32, u32), frames: u32) -> Vec<u8> {
    let sides = |(width, height): (u32, u32)| {
        [(width as u16).to_le_bytes(), (height as u16).to_le_bytes()].concat()
    };
    let mut gif = b"GIF89a".to_vec();
    gif.extend(sides(size));
    // A table of two colours.
    gif.extend([0x80, 0, 0, 10, 20, 30, 40, 50, 60]);
    let pixels = run(frame.0 * frame.1);
    for _ in 0..frames {
        gif.extend([0x2c, 0, 0, 0, 0]);
        gif.extend(sides(frame));
        gif.extend([0, 2]);
        for block in pixels.chunks(255) {
            gif.push(block.len() as u8);
            gif.extend(block);
        }
        gif.push(0);
    }
    gif.push(0x3b);
    gif
}

/// So many pixels of the first colour: each code is the run before it and one more.
fn run(mut pixels: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    while pixels > 0 {
        let (mut width, mut next) = (3, 6);
        bits.put(4, width);
        bits.put(0, width);
        pixels -= 1;
        while pixels > 0 && next < 4096 {
            let length = (next - 4).min(pixels);
            bits.put(if length == 1 { 0 } else { length + 4 }, width);
            pixels -= length;
            next += 1;
            if next == 1 << width && width < 12 {
                width += 1;
            }
        }
        if pixels == 0 {
            bits.put(5, width);
        } else {
            // The table is full; the next round clears it.
            bits.put(4, width);
        }
    }
    bits.finish()
}
