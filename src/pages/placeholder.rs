//! The placeholder of a picture until it is loaded: its room, and the colours of its blurhash
//! (MSC2448).

/// How many tiles the colours are drawn with, in each direction.
const TILES: u32 = 8;

/// The room of a picture, filled with a few colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placeholder {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Empty if the colours are unknown.
    pub tiles: Vec<Tile>,
}

/// A rectangle of one colour, in eighths of the width and the height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    /// Columns from the left.
    pub column: u32,
    /// Rows from the top.
    pub row: u32,
    /// As CSS writes it: `#1a2b3c`.
    pub colour: String,
}

impl Placeholder {
    /// Of a picture of this many pixels.
    pub(super) fn new(width: u32, height: u32, blurhash: Option<&str>) -> Self {
        Self {
            width,
            height,
            tiles: blurhash.map(tiles).unwrap_or_default(),
        }
    }
}

/// The tiles of a blurhash; a broken one has none.
fn tiles(blurhash: &str) -> Vec<Tile> {
    let Ok(pixels) = blurhash::decode(blurhash, TILES, TILES, 1.0) else {
        return Vec::new();
    };
    (0..)
        .zip(pixels.chunks_exact(4))
        .map(|(n, pixel)| Tile {
            column: n % TILES,
            row: n / TILES,
            colour: format!("#{:02x}{:02x}{:02x}", pixel[0], pixel[1], pixel[2]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_blurhash_becomes_tiles() {
        let placeholder = Placeholder::new(800, 600, Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj"));
        assert_eq!(placeholder.tiles.len(), 64);
        let last = &placeholder.tiles[63];
        assert_eq!((last.column, last.row), (7, 7));
        // A hash of one component has one colour.
        let grey = Placeholder::new(1, 1, Some("00Pj0^"));
        let colours: std::collections::BTreeSet<_> =
            grey.tiles.iter().map(|tile| tile.colour.as_str()).collect();
        assert_eq!(colours.len(), 1, "{colours:?}");
        assert_eq!(Placeholder::new(1, 1, Some("LEHV6n")).tiles, []);
        assert_eq!(Placeholder::new(1, 1, None).tiles, []);
    }

    proptest! {
        #[test]
        fn no_blurhash_breaks_it(hash in "\\PC{0,40}", more in "[0-9A-Za-z#$%*+,.:;=?@^_{|}~-]{6,100}") {
            let _ = (tiles(&hash), tiles(&more));
        }
    }
}
