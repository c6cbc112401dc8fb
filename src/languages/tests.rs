//! What holds for the texts of every language.

use std::collections::BTreeSet;

use fluent_syntax::{ast::Entry, parser};
use time::macros::datetime;

use super::{
    Language, Languages,
    pieces::{Pieces, pieces},
    texts::source,
};

/// The pieces of all messages with their variables.
fn messages(language: Language) -> Pieces {
    let resource = parser::parse(source(language)).expect("the texts can be read");
    let mut messages = Pieces::new();
    for entry in &resource.body {
        match entry {
            Entry::Message(message) => {
                for (name, variables) in pieces(message).expect("nothing but variables") {
                    let earlier = messages.insert(name.clone(), variables);
                    assert!(earlier.is_none(), "{name} stands twice in {language}");
                }
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            Entry::Term(_) | Entry::Junk { .. } => panic!("{entry:?} in {language}"),
        }
    }
    messages
}

#[test]
fn every_language_has_every_message_with_the_same_variables() {
    let english = messages(Language::English);
    for language in Language::ALL {
        let own = messages(language);
        let names = |messages: &Pieces| -> BTreeSet<String> { messages.keys().cloned().collect() };
        assert_eq!(names(&own), names(&english), "{language}");
        for (name, variables) in &own {
            assert_eq!(variables, &english[name], "{name} in {language}");
        }
    }
}

/// All source and all templates, without tests.
fn users() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let mut folders = vec![root.join("src"), root.join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "html")
            {
                text += &std::fs::read_to_string(path).expect("a text");
            }
        }
    }
    text
}

#[test]
fn every_message_is_used() {
    let users = users();
    for name in messages(Language::English).keys() {
        let id = name.split('.').next().expect("a name");
        assert!(users.contains(&format!("\"{id}\"")), "{id} is used nowhere");
    }
}

#[test]
fn every_plural_is_written_out() {
    for language in Language::ALL {
        let texts = Languages::built_in().of(language);
        for count in [1, 2, 3, 5, 11, 21, 22, 100, 1_000_000] {
            for id in [
                "in-seconds",
                "in-minutes",
                "in-hours",
                "in-days",
                "works-times",
                "paste-cut",
            ] {
                let text = texts.say_with(id, &[("count", count.into())]);
                assert!(!text.contains(['{', '}', '$']), "{text} in {language}");
            }
        }
    }
}

/// How each language writes one moment, three days, a size and a list.
const WRITTEN: [(Language, &str, &str, &str, &str); 8] = [
    (
        Language::English,
        "28 November 2026, 14:05 UTC",
        "in 3 days",
        "1.2 MiB",
        "IRC, XMPP and SMS",
    ),
    (
        Language::German,
        "28. November 2026, 14:05 Uhr UTC",
        "in 3 Tagen",
        "1,2 MiB",
        "IRC, XMPP und SMS",
    ),
    (
        Language::French,
        "28 novembre 2026 à 14:05 UTC",
        "dans 3 jours",
        "1,2 Mio",
        "IRC, XMPP et SMS",
    ),
    (
        Language::Spanish,
        "28 de noviembre de 2026, 14:05 UTC",
        "dentro de 3 días",
        "1,2 MiB",
        "IRC, XMPP y SMS",
    ),
    (
        Language::Portuguese,
        "28 de novembro de 2026, 14:05 UTC",
        "em 3 dias",
        "1,2 MiB",
        "IRC, XMPP e SMS",
    ),
    (
        Language::Polish,
        "28 listopada 2026, 14:05 UTC",
        "za 3 dni",
        "1,2 MiB",
        "IRC, XMPP i SMS",
    ),
    (
        Language::Japanese,
        "2026年11月28日 14:05（UTC）",
        "3日後",
        "1.2 MiB",
        "IRC、XMPP、SMS",
    ),
    (
        Language::Chinese,
        "2026年11月28日 14:05（UTC）",
        "3 天后",
        "1.2 MiB",
        "IRC、XMPP和SMS",
    ),
];

#[test]
fn moments_sizes_and_lists_follow_the_language() {
    let names = ["IRC", "XMPP", "SMS"].map(str::to_owned);
    let at = datetime!(2026-11-28 14:05 UTC);
    for (language, moment, left, size, list) in WRITTEN {
        let texts = Languages::built_in().of(language);
        assert_eq!(texts.date_and_time(at).as_deref(), Some(moment));
        assert_eq!(texts.time_left(3 * 86_400 + 80_000), left);
        assert_eq!(texts.size(1_234_567), size);
        assert_eq!(texts.list(&names), list);
    }
    let arabic = Languages::built_in().of(Language::Arabic);
    let moment = arabic.date_and_time(at).expect("a moment");
    assert!(
        moment.contains("نوفمبر") && moment.contains("UTC"),
        "{moment}"
    );
    let counted = |count: u64| arabic.time_left(count * 86_400);
    let forms: BTreeSet<String> = [2, 3, 11].map(counted).into_iter().collect();
    assert_eq!(forms.len(), 3, "{forms:?}");
}

#[test]
fn times_are_never_told_too_favourably() {
    let texts = Languages::built_in().of(Language::English);
    for (seconds, left, wait) in [
        (0, "in a second", "in a second"),
        (119, "in 119 seconds", "in 119 seconds"),
        (179, "in 2 minutes", "in 3 minutes"),
        (7_199, "in 119 minutes", "in 120 minutes"),
        (10_799, "in 2 hours", "in 3 hours"),
        (172_801, "in 2 days", "in 3 days"),
    ] {
        assert_eq!(texts.time_left(seconds), left);
        assert_eq!(texts.wait(Some(seconds)), wait);
    }
    assert_eq!(texts.wait(None), "in a few minutes");
    assert!(texts.wait(Some(u64::MAX)).ends_with(" days"));
    let over = texts.moment(0, 1).expect("a moment");
    assert_eq!(over.distance, None);
    assert_eq!(over.rfc3339, "1970-01-01T00:00:00Z");
    assert_eq!(texts.moment(i64::MAX, 0), None);
}

#[test]
fn sizes_have_a_decimal_below_ten() {
    let texts = Languages::built_in().of(Language::English);
    for (bytes, words) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (340_112, "332 KiB"),
        (1_234_567, "1.2 MiB"),
        (20 << 20, "20 MiB"),
        (u64::MAX, "16 EiB"),
    ] {
        assert_eq!(texts.size(bytes), words);
    }
}

#[test]
fn a_link_stands_between_two_pieces() {
    let texts = Languages::built_in().of(Language::English);
    let values = [("operator", "Alice".into())];
    let pieces = texts.around("run-by-contact", "contact", &values);
    assert_eq!(pieces, ("Run by Alice: ".to_owned(), String::new()));
    assert_eq!(texts.say("no-such-message"), "{no-such-message}");
}

#[test]
fn own_words_replace_those_of_their_names_in_their_language() {
    let words = vec![(Language::German, "view-download = Holen".to_owned())];
    let own = Languages::with(words);
    let german = own.of(Language::German);
    assert_eq!(german.say("view-download"), "Holen");
    assert_eq!(german.say("view-open"), "Öffnen");
    let english = own.of(Language::English);
    assert_eq!(english.say("view-download"), "Download");
    let before = Languages::built_in().of(Language::German);
    assert_eq!(before.say("view-download"), "Herunterladen");
}
