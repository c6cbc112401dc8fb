//! Which language a reader wants: as the address of the page says, or as the browser does.

use super::Language;

/// How many bytes of `Accept-Language` are read. Browsers send less than a tenth of them.
const MAX_BYTES: usize = 1024;
/// How many language ranges are looked at.
const MAX_RANGES: usize = 32;
/// The weight of a range without one, in thousandths.
const FULL_WEIGHT: u16 = 1000;

/// A language range and its weight.
struct Range<'a> {
    tag: &'a str,
    /// In thousandths; 0: not wanted.
    weight: u16,
}

/// The language that a query asks for by `lang=`, if it is one of ours.
#[must_use]
pub fn of_query(query: &str) -> Option<Language> {
    query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("lang="))
        .find_map(|tag| {
            let mut languages = Language::ALL.into_iter();
            languages.find(|language| language.tag() == tag)
        })
}

/// The language that the lines of `Accept-Language` ask for (RFC 9110, section 12.5.4; RFC 4647, section 3.4):
/// the one of the greatest weight, and of several the one that is named first. English if none of ours is
/// wanted.
pub fn of_header<'a>(lines: impl Iterator<Item = &'a str>) -> Language {
    let mut left = MAX_BYTES;
    let ranges: Vec<Range<'_>> = lines
        .take_while(|line| {
            let is_read = line.len() <= left;
            left = left.saturating_sub(line.len());
            is_read
        })
        .flat_map(|line| line.split(','))
        .take(MAX_RANGES)
        .filter_map(Range::parse)
        .collect();
    let mut best = (0, Language::default());
    for range in &ranges {
        let language = match range.tag {
            "*" => others(&ranges),
            tag => Language::of_tag(tag).filter(|&language| !is_refused(&ranges, language)),
        };
        if let Some(language) = language
            && range.weight > best.0
        {
            best = (range.weight, language);
        }
    }
    best.1
}

/// The language that `*` stands for: the first that no other range names.
fn others(ranges: &[Range<'_>]) -> Option<Language> {
    let is_named = |language: &Language| {
        let mut tags = ranges.iter().map(|range| range.tag);
        tags.any(|tag| Language::of_tag(tag) == Some(*language))
    };
    Language::ALL
        .into_iter()
        .find(|language| !is_named(language))
}

/// Whether the language itself is not wanted; one of its regions may be unwanted alone.
fn is_refused(ranges: &[Range<'_>], language: Language) -> bool {
    let mut ranges = ranges.iter();
    ranges.any(|range| range.weight == 0 && range.tag.eq_ignore_ascii_case(language.tag()))
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let tag = parts.next().filter(|tag| !tag.is_empty())?;
        let weight = match parts.next() {
            None => FULL_WEIGHT,
            Some(parameter) => weight(parameter)?,
        };
        parts.next().is_none().then_some(Self { tag, weight })
    }
}

/// `q=0.8` as 800 (RFC 9110, section 12.4.2).
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let (whole, thousandths) = value.split_once('.').unwrap_or((value, ""));
    let is_weight = name.trim().eq_ignore_ascii_case("q")
        && thousandths.len() <= 3
        && thousandths.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{thousandths:0<3}").parse().ok()?;
    match whole {
        "0" if is_weight => Some(thousandths),
        "1" if is_weight && thousandths == 0 => Some(FULL_WEIGHT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(line: &str) -> &'static str {
        of_header([line].into_iter()).tag()
    }

    #[test]
    fn the_greatest_weight_wins_and_the_first_of_several() {
        for (line, tag) in [
            ("", "en"),
            ("de", "de"),
            ("DE-at", "de"),
            ("zh-Hant-TW,zh;q=0.9,en;q=0.8", "zh"),
            ("en;q=0.5, pl;q=0.51", "pl"),
            ("ar, ja", "ar"),
            ("sv, nl;q=0.9, fr;q=0.1", "fr"),
            ("sv", "en"),
            ("*", "en"),
            ("en;q=0, *", "de"),
            ("en;q=0.2, *;q=0.5", "de"),
            ("de;q=0, de-AT, pt;q=0.3", "pt"),
            ("de-AT;q=0, de;q=0.2", "de"),
            ("de ; q = 1", "en"),
            ("de ;Q=1.000", "de"),
            ("de;q=0.000, en;q=0", "en"),
        ] {
            assert_eq!(chosen(line), tag, "{line}");
        }
    }

    #[test]
    fn what_is_no_header_is_english() {
        let many = format!("{}de", "sv,".repeat(MAX_RANGES));
        let long = format!("{},de", "x".repeat(MAX_BYTES));
        for line in [
            "de;q=2",
            "de;q=1.001",
            "de;q=-1",
            "de;q=0.1234",
            "de;q=",
            "de;level=1",
            "de;q=0.5;x=1",
            ";q=1",
            ",,,",
            "deutsch",
            "d",
            &many,
            &long,
        ] {
            assert_eq!(chosen(line), "en", "{line}");
        }
        let lines = ["sv", "de;q=0.5", "fr;q=0.6"];
        assert_eq!(of_header(lines.into_iter()), Language::French);
    }

    #[test]
    fn a_query_asks_for_one_of_ours() {
        assert_eq!(of_query("lang=de"), Some(Language::German));
        assert_eq!(of_query("width=1&lang=ja&x"), Some(Language::Japanese));
        assert_eq!(of_query("lang=xx&lang=fr"), Some(Language::French));
        for query in [
            "",
            "lang",
            "lang=",
            "lang=de-AT",
            "lang=DE",
            "lang=%64e",
            "xlang=de",
        ] {
            assert_eq!(of_query(query), None, "{query}");
        }
    }
}
