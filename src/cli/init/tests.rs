use std::{
    io::Cursor,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use zeroize::Zeroizing;

use super::{
    Arguments,
    answers::Answers,
    foreign::{Found, with_url},
    place::{NewFile, Placed},
};

fn asked(arguments: &Arguments, lines: &str) -> (anyhow::Result<Answers>, String) {
    let mut output = Vec::new();
    let mut input = Cursor::new(lines.as_bytes());
    let answers = Answers::ask(arguments, &Found::default(), &mut input, &mut output);
    (answers, String::from_utf8(output).expect("UTF-8"))
}

#[test]
fn questions_are_asked_until_the_answers_can_be_used() {
    let lines = "not a name\nexample.org:8448\n\nftp://x\nhttps://links.example.org\nir c\nirc\n\n";
    let (answers, output) = asked(&Arguments::default(), lines);
    let answers = answers.expect("answers");
    assert_eq!(answers.server_name, "example.org:8448");
    assert_eq!(answers.homeserver_url, "http://127.0.0.1:8008");
    assert_eq!(answers.public_url, "https://links.example.org");
    assert_eq!(
        (answers.bridge.as_str(), answers.network.as_str()),
        ("irc", "irc")
    );
    assert_eq!(answers.user_id, "@medialink:example.org:8448");
    assert_eq!(answers.forward_to, None);
    assert!(output.contains("[https://media.example.org]"), "{output}");
    assert_eq!(output.matches("  found").count(), 3, "{output}");
}

#[test]
fn what_an_option_gives_is_not_asked() {
    let text = |text: &str| Some(text.to_owned());
    let arguments = Arguments {
        server_name: text("example.org"),
        homeserver_url: text("http://127.0.0.1:1"),
        public_url: text("https://x.example.org"),
        bridge: text("sms"),
        ..Arguments::default()
    };
    let (answers, output) = asked(&arguments, "SMS\n");
    assert_eq!(answers.expect("answers").network, "SMS");
    assert_eq!(output.matches(": ").count(), 1, "{output}");
    let (answers, _) = asked(&arguments, "");
    let told = answers.expect_err("no answer").to_string();
    assert!(told.contains("has ended"), "{told}");
}

#[test]
fn a_registration_keeps_everything_but_its_url() {
    let text = "id: irc\nurl: http://old\n# url: stays\nde.sorunome.msc2409.push_ephemeral: true\nnamespaces:\n  users:\n  - regex: '@irc_.*'\n    url: stays\n";
    let changed = with_url(text, "http://new").expect("changed");
    assert_eq!(
        *changed,
        text.replace("url: http://old", "url: \"http://new\"")
    );
    for text in ["{id: irc, url: x}", "id: irc\nurl:\n  x\n", "id: irc\n"] {
        assert!(with_url(text, "http://new").is_err(), "{text}");
    }
}

#[test]
fn files_come_together_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let new = |name: &str, text: &str| NewFile {
        path: path(name),
        text: Zeroizing::new(text.to_owned()),
    };
    let read = |name: &str| std::fs::read_to_string(path(name)).ok();
    std::fs::write(path("b"), "old").expect("written");
    let files = [new("x/y/a", "1"), new("b", "2")];
    assert!(Placed::place(&files, false).is_err());
    assert!(!path("x").exists());
    // Dropped: as if nothing had been.
    drop(Placed::place(&files, true).expect("placed"));
    assert!(!path("x").exists());
    assert_eq!(read("b").as_deref(), Some("old"));
    assert_eq!(read("b.old"), None);
    // A file in the place of a folder: those before it go again.
    std::fs::create_dir(path("c")).expect("made");
    assert!(Placed::place(&[new("a", "1"), new("c", "2")], true).is_err());
    assert_eq!(read("a"), None);

    let readable = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(path("b"), readable).expect("changed");
    let written = Placed::place(&files, true).expect("placed").keep();
    assert_eq!(written, [path("x/y/a"), path("b")]);
    assert_eq!(
        (read("b").as_deref(), read("b.old").as_deref()),
        (Some("2"), Some("old"))
    );
    let modes = ["x/y/a", "b"].map(|name| path(name).metadata().expect("a file").mode() & 0o777);
    assert_eq!(modes, [0o600, 0o640]);
    // The same content is no change.
    assert!(
        Placed::place(&files, false)
            .expect("placed")
            .keep()
            .is_empty()
    );
}
