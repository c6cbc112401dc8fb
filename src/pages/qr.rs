//! The address of a page as a QR code, for a reader who goes on with another device.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The longest address that has a code, in bytes: longer ones have codes that few cameras read, and
/// that make pages heavy.
const MAX_BYTES: usize = 300;
/// The light border around a code, in modules (ISO/IEC 18004, section 5.3.8).
const BORDER: i32 = 4;

/// A QR code, drawn as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qr {
    /// Width and height in modules, with the border.
    pub side: i32,
    /// The path of its dark modules, as SVG writes it: a line of width 1 for each run of them.
    pub path: String,
}

impl Qr {
    /// Of an address; `None`: it is too long.
    pub(super) fn of(address: &str) -> Option<Self> {
        if address.len() > MAX_BYTES {
            return None;
        }
        let code = QrCode::encode_text(address, QrCodeEcc::Low).ok()?;
        let mut path = String::new();
        let mut pen = (0, 0);
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let from = x;
                while code.get_module(x, y) {
                    x += 1;
                }
                if x == from {
                    x += 1;
                    continue;
                }
                let (right, down) = (from + BORDER - pen.0, y + BORDER - pen.1);
                // Writing into a `String` does not fail.
                let _ = write!(path, "m{right} {down}h{}", x - from);
                pen = (x + BORDER, y + BORDER);
            }
        }
        Some(Self {
            side: code.size() + 2 * BORDER,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The dark modules that a path draws.
    fn drawn(path: &str) -> BTreeSet<(i32, i32)> {
        let mut modules = BTreeSet::new();
        let (mut x, mut y) = (0, 0);
        for step in path.split('m').skip(1) {
            let (to, run) = step.split_once('h').expect("a run");
            let (right, down) = to.split_once(' ').expect("two numbers");
            x += right.parse::<i32>().expect("a number");
            y += down.parse::<i32>().expect("a number");
            let end = x + run.parse::<i32>().expect("a number");
            modules.extend((x..end).map(|x| (x, y)));
            x = end;
        }
        modules
    }

    #[test]
    fn the_path_draws_the_code_and_nothing_else() {
        for address in [
            "https://media.example.org/v/EQFqsTuAAAECAwQFBgcICQoLDA0ODxAREhM",
            &format!("https://media.example.org/v/{}", "a".repeat(260)),
        ] {
            let qr = Qr::of(address).expect("a code");
            let code = QrCode::encode_text(address, QrCodeEcc::Low).expect("a code");
            assert_eq!(qr.side, code.size() + 8);
            let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
            let dark = all.filter(|&(x, y)| code.get_module(x, y));
            let dark: BTreeSet<_> = dark.map(|(x, y)| (x + 4, y + 4)).collect();
            assert_eq!(drawn(&qr.path), dark);
        }
    }

    #[test]
    fn a_code_is_light_or_left_out() {
        let short = "https://media.example.org/v/EQFqsTuAAAECAwQFBgcICQoLDA0ODxAREhM";
        let bytes = Qr::of(short).expect("a code").path.len();
        assert!(bytes < 2500, "{bytes}");
        assert_eq!(Qr::of(&"a".repeat(MAX_BYTES + 1)), None);
    }
}
