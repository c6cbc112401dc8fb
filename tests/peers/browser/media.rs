//! Media that browsers show and play.

use std::io::Cursor;

/// A picture of two colours, as PNG.
pub fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(Cursor::new(&mut bytes), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    let pixels: Vec<u8> = (0..width * height)
        .flat_map(|at| {
            let is_light = (at % width / 40 + at / width / 40).is_multiple_of(2);
            if is_light {
                [0xf2, 0xb7, 0x4b]
            } else {
                [0x2f, 0x6f, 0x8f]
            }
        })
        .collect();
    writer.write_image_data(&pixels).expect("pixels");
    drop(writer);
    bytes
}

/// A sound of so many seconds, as WAV: 16 bits, 44,100 times a second. It is large, so that a browser does not load it
/// whole before it jumps.
pub fn sound(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 44_100;
    let length = seconds * RATE * 2;
    let mut bytes = Vec::with_capacity(44 + length as usize);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + length).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    for word in [RATE, RATE * 2] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for half in [2_u16, 16] {
        bytes.extend_from_slice(&half.to_le_bytes());
    }
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&length.to_le_bytes());
    for at in 0..seconds * RATE {
        // A saw of 110 Hz, softly.
        let height = (at % 400) as i16 * 10 - 2_000;
        bytes.extend_from_slice(&height.to_le_bytes());
    }
    bytes
}
