//! The files of the demo, made on the spot.

use anyhow::Context;

/// A file to share.
pub(super) struct Sample {
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// An image, a text and a sound.
pub(super) fn all() -> anyhow::Result<Vec<Sample>> {
    Ok(vec![
        Sample {
            name: "sunset.png",
            content_type: "image/png",
            bytes: sunset().context("the image")?,
        },
        Sample {
            name: "readme.txt",
            content_type: "text/plain",
            bytes: TEXT.as_bytes().to_vec(),
        },
        Sample {
            name: "chord.wav",
            content_type: "audio/wav",
            bytes: chord(),
        },
    ])
}

/// A message that is too long for most networks.
pub(super) fn long_message() -> Sample {
    Sample {
        name: "greet.py",
        content_type: "text/plain",
        bytes: LONG_MESSAGE.as_bytes().to_vec(),
    }
}

const LONG_MESSAGE: &str = "# A long message becomes a link to its text.
def greet(names, greeting=\"hello\"):
    \"\"\"Greets everybody, one line each.\"\"\"
    for number, name in enumerate(sorted(names), start=1):
        print(f\"{number}. {greeting}, {name}!\")


greet([\"Alice\", \"Bob\", \"Żaneta\"])
";

const TEXT: &str = "This text was uploaded to a Matrix homeserver.\n\
    Downloading it there needs an access token and a content token.\n\
    You came by a link that needs neither, for as long as the link lives. 🐈\n";

const WIDTH: u32 = 640;
const HEIGHT: u32 = 400;

/// A sun over hills.
fn sunset() -> Result<Vec<u8>, png::EncodingError> {
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            pixels.extend(pixel(x as f32, y as f32));
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}

fn pixel(x: f32, y: f32) -> [u8; 3] {
    let mix = |from: [f32; 3], to: [f32; 3], share: f32| {
        std::array::from_fn(|i| (from[i] + (to[i] - from[i]) * share.clamp(0.0, 1.0)) as u8)
    };
    let near = 300.0 + 30.0 * (x / 90.0).sin() + 12.0 * (x / 31.0).cos();
    let far = 260.0 + 25.0 * (x / 140.0 + 2.0).sin();
    let from_sun = ((x - 420.0).powi(2) + (y - 190.0).powi(2)).sqrt();
    if y > near {
        mix([38.0, 30.0, 56.0], [18.0, 14.0, 30.0], (y - near) / 100.0)
    } else if y > far {
        mix([110.0, 62.0, 92.0], [70.0, 44.0, 78.0], (y - far) / 60.0)
    } else if from_sun < 46.0 {
        mix(
            [255.0, 240.0, 190.0],
            [255.0, 200.0, 120.0],
            from_sun / 46.0,
        )
    } else {
        mix([74.0, 58.0, 120.0], [250.0, 150.0, 96.0], y / far)
    }
}

const RATE: u32 = 22_050;
const SECONDS: u32 = 3;

/// Three tones that fade: 16 bits, one channel.
fn chord() -> Vec<u8> {
    let samples = RATE * SECONDS;
    let mut file = Vec::with_capacity(44 + samples as usize * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + samples * 2).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(samples * 2).to_le_bytes());
    for n in 0..samples {
        let time = n as f32 / RATE as f32;
        let tone: f32 = [261.63_f32, 329.63, 392.0]
            .iter()
            .map(|pitch| (time * pitch * std::f32::consts::TAU).sin())
            .sum();
        let level = tone / 3.0 * (-1.2 * time).exp() * 12_000.0;
        file.extend_from_slice(&(level as i16).to_le_bytes());
    }
    file
}
