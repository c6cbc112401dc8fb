//! A colour, and how far it stands out from another one.

use std::fmt;

/// An opaque colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    pub(super) const BLACK: Self = Self([0; 3]);
    pub(super) const WHITE: Self = Self([u8::MAX; 3]);

    /// Reads `#rgb` or `#rrggbb`, as CSS has them; `None`: it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?.chars();
        let digits: Option<Vec<u8>> = digits
            .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        match digits?[..] {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r, s, g, h, b, c] => Some(Self([r * 16 + s, g * 16 + h, b * 16 + c])),
            _ => None,
        }
    }

    /// This colour, of which so many percent are the other one. Black and white leave the hue as it is.
    pub(super) fn mixed(self, other: Self, percent: u8) -> Self {
        let (most, share) = (100, u32::from(percent.min(100)));
        let mut mixed = self.0;
        for (value, other) in mixed.iter_mut().zip(other.0) {
            let sum = u32::from(*value) * (most - share) + u32::from(other) * share;
            *value = u8::try_from((sum + most / 2) / most).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// How light it is, from 0 to 1 (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|value| {
            let value = f64::from(value) / 255.0;
            match value <= 0.04045 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// How far both stand out from each other, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_css_has_it() {
        for (text, read) in [
            ("#fc0", "#ffcc00"),
            ("#FFCC00", "#ffcc00"),
            ("#0b6E4f", "#0b6e4f"),
            ("#000", "#000000"),
        ] {
            let colour = Colour::parse(text).expect(text);
            assert_eq!(colour.to_string(), read);
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in [
            "",
            "#",
            "fc0",
            "ffcc00",
            "#ff",
            "#fc08",
            "#ffcc0",
            "#ffcc000",
            "#ffcc0080",
            "##fc0",
            "#fc0 ",
            " #fc0",
            "#fc0;",
            "#ggg",
            "#fé0",
            "#+f0",
            "#٣٣٣",
            "yellow",
            "rgb(1,2,3)",
            "var(--red)",
            "#fff}</style>",
        ] {
            assert_eq!(Colour::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let of = |text| Colour::parse(text).expect("a colour");
        let close = |found: f64, told: f64| assert!((found - told).abs() < 0.01, "{found} {told}");
        close(of("#000").contrast(of("#fff")), 21.0);
        close(of("#777").contrast(of("#fff")), 4.48);
        close(of("#fff").contrast(of("#767676")), 4.54);
        close(of("#00f").contrast(of("#fff")), 8.59);
        close(of("#123").contrast(of("#123")), 1.0);
    }

    #[test]
    fn a_mixture_is_between_both() {
        let of = |text| Colour::parse(text).expect("a colour");
        assert_eq!(of("#102030").mixed(Colour::WHITE, 0), of("#102030"));
        assert_eq!(of("#102030").mixed(Colour::WHITE, 100), Colour::WHITE);
        assert_eq!(of("#c86432").mixed(Colour::BLACK, 50), of("#643219"));
    }
}
