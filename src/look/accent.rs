//! The shades of a colour that people can read, in the light scheme and in the dark one.

use super::colour::Colour;

/// How far text stands out from what is behind it, at least (WCAG 2.2, criterion 1.4.3).
pub(super) const READABLE: f64 = 4.5;
/// How much of the colour is in the ground of small signs, in percent.
const TINT: u8 = 10;
/// How much darker or lighter the colour is under the pointer, in percent.
const HOVER: u8 = 25;

/// What links and buttons stand on in one scheme.
#[derive(Debug, Clone)]
pub(super) struct Surfaces {
    /// The one on which small signs are.
    pub(super) card: Colour,
    /// All others.
    pub(super) others: Vec<Colour>,
    /// What makes a colour stand out here: black in the light scheme, white in the dark one.
    pub(super) toward: Colour,
}

/// The shades of a colour in one scheme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shades {
    /// Of links and buttons.
    pub(super) accent: Colour,
    /// The same under the pointer.
    pub(super) hover: Colour,
    /// Of the words on a button.
    pub(super) on_accent: Colour,
    /// Of the ground of small signs.
    pub(super) tint: Colour,
}

impl Shades {
    /// The shade next to a colour that can be read on every surface: the colour itself, or with as little black or
    /// white in it as suffices.
    pub(super) fn of(colour: Colour, surfaces: &Surfaces) -> Self {
        let mut shades = (0..=100).map(|percent| {
            let accent = colour.mixed(surfaces.toward, percent);
            Self {
                accent,
                hover: accent.mixed(surfaces.toward, HOVER),
                on_accent: surfaces.farthest_from(accent),
                tint: surfaces.card.mixed(accent, TINT),
            }
        });
        let readable = shades.find(|shades| {
            let mut behind = surfaces.all().chain([shades.tint]);
            behind.all(|surface| shades.accent.contrast(surface) >= READABLE)
        });
        readable.unwrap_or(Self {
            accent: surfaces.toward,
            hover: surfaces.toward,
            on_accent: surfaces.card,
            tint: surfaces.card,
        })
    }
}

impl Surfaces {
    pub(super) fn all(&self) -> impl Iterator<Item = Colour> {
        [self.card].into_iter().chain(self.others.iter().copied())
    }

    fn farthest_from(&self, accent: Colour) -> Colour {
        let contrast = |surface: &Colour| accent.contrast(*surface);
        let farthest = |one: &Colour, other: &Colour| contrast(one).total_cmp(&contrast(other));
        self.all().max_by(farthest).unwrap_or(self.card)
    }
}
