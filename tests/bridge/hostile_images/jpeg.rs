//! JPEGs (ITU-T T.81) of one colour, in as few bytes as can be: each block of pixels is a bit or two.

#[derive(Clone, Copy)]
pub enum Coding {
    Baseline,
    /// `scans`: of the lowest frequency; more than one refine it.
    Progressive {
        scans: u32,
    },
}

/// `samples`: the sampling factors of each component.
pub fn jpeg(size: (u32, u32), samples: &[u8], coding: Coding) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    if samples.len() == 4 {
        // Four inks, as they are.
        segment(&mut jpeg, 0xee, b"Adobe\0\x64\0\0\0\0\0");
    }
    let mut table = vec![0];
    table.extend([1; 64]);
    segment(&mut jpeg, 0xdb, &table);
    let start = match coding {
        Coding::Baseline => 0xc0,
        Coding::Progressive { .. } => 0xc2,
    };
    segment(&mut jpeg, start, &frame(size, samples));
    for class in [0x00, 0x10] {
        // One code, of one bit, for "nothing".
        let mut codes = vec![class, 1];
        codes.extend([0; 16]);
        segment(&mut jpeg, 0xc4, &codes);
    }
    let blocks = blocks(size, samples);
    match coding {
        Coding::Baseline => scan(&mut jpeg, samples, [0, 63, 0], blocks * 2),
        Coding::Progressive { scans } => {
            scan(&mut jpeg, samples, [0, 0, 1], blocks);
            for _ in 1..scans {
                scan(
                    &mut jpeg,
                    samples,
                    [0, 0, 0x10],
                    blocks.min(800_000 / u64::from(scans)),
                );
            }
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

fn segment(jpeg: &mut Vec<u8>, marker: u8, content: &[u8]) {
    jpeg.extend([0xff, marker]);
    jpeg.extend((content.len() as u16 + 2).to_be_bytes());
    jpeg.extend(content);
}

fn frame((width, height): (u32, u32), samples: &[u8]) -> Vec<u8> {
    let mut frame = vec![8];
    frame.extend((height as u16).to_be_bytes());
    frame.extend((width as u16).to_be_bytes());
    frame.push(samples.len() as u8);
    for (n, sampling) in samples.iter().enumerate() {
        frame.extend([n as u8 + 1, *sampling, 0]);
    }
    frame
}

/// How many blocks of 8 by 8 there are, of all components.
fn blocks((width, height): (u32, u32), samples: &[u8]) -> u64 {
    let side = |sampling: u8| (u32::from(sampling >> 4), u32::from(sampling & 15));
    let (most_x, most_y) = side(samples[0]);
    let units = u64::from(width.div_ceil(8 * most_x)) * u64::from(height.div_ceil(8 * most_y));
    let each = samples.iter().map(|sampling| {
        let (x, y) = side(*sampling);
        u64::from(x * y)
    });
    units * each.sum::<u64>()
}

/// A scan of all components, of so many bits that are all zero.
fn scan(jpeg: &mut Vec<u8>, samples: &[u8], terms: [u8; 3], bits: u64) {
    let mut head = vec![samples.len() as u8];
    for n in 0..samples.len() {
        head.extend([n as u8 + 1, 0]);
    }
    head.extend(terms);
    segment(jpeg, 0xda, &head);
    let bytes = (bits / 8 + 1).min(4 << 20);
    jpeg.resize(jpeg.len() + bytes as usize, 0);
}
