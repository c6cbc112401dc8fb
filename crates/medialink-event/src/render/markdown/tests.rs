use proptest::prelude::*;

use super::*;

const BOB: &str = "https://matrix.to/#/@bob:example.org";

#[test]
fn a_mention_is_its_label() {
    for (plain, text) in [
        ("[bob](<B>) ah yes", "bob ah yes"),
        ("[bob](B) ah yes", "bob ah yes"),
        ("[bob](B): [al](<B>), [x](B)!", "bob: al, x!"),
        ("( [bob]( <B> \"the bob\" ) )", "( bob )"),
        ("[bob](B 'the bob')", "bob"),
        (r"[b\[o\]b\_1](<B>)", "b[o]b_1"),
        ("[b[o]b](<B>)", "b[o]b"),
        (
            "[](<B>) and [ ](https://matrix.to/#/%40al:example.org?via=x)",
            "@bob:example.org and @al:example.org",
        ),
        ("[room](https://matrix.to/#/#room:example.org)", "room"),
        (
            "[this](https://matrix.to/#/!r:example.org/$event?via=example.org)",
            "this",
        ),
        ("[bob](matrix:u/bob:example.org?action=chat)", "bob"),
        ("[](MATRIX:r/room:example.org)", "#room:example.org"),
        ("[bob](HTTPS://Matrix.To/#/@bob_(x):example.org)", "bob"),
        (r"\\[bob](B)", r"\\bob"),
        (
            "[a [bob](B) c](https://example.org)",
            "[a bob c](https://example.org)",
        ),
        ("[ü🐈](B)🐈", "ü🐈🐈"),
        ("[b\nob](B)", "b\nob"),
        ("> [bob](B)\n\n* [al](B)", "> bob\n\n* al"),
        ("a ` [bob](B)\n\n` b", "a ` bob\n\n` b"),
        ("`` ` [bob](B)", "`` ` bob"),
    ] {
        let plain = plain
            .replace("B)", &format!("{BOB})"))
            .replace("B>", &format!("{BOB}>"));
        let plain = plain.replace("B '", &format!("{BOB} '"));
        for html in [None, Some("<b>x</b>")] {
            assert_eq!(readable(&plain, html), text, "{plain}");
        }
    }
}

#[test]
fn the_html_tells_labels_that_markdown_would_read_otherwise() {
    let html = |label: &str| {
        let label = label.replace('<', "&lt;");
        format!("<p>hi <a href=\"{BOB}\"><b>{label}</b></a></p>")
    };
    for label in [
        "bob ] x",
        "bob [ x",
        "]][[",
        "bob `x",
        "``",
        r"b\_b",
        r"bob\",
        "[bob](x",
        "bob](<https://matrix.to/#/@al:example.org>)",
    ] {
        let plain = format!("[{label}](<{BOB}>), [{label}]({BOB}) and `[{label}` [al]({BOB})");
        let text = format!("{label}, {label} and `[{label}` al");
        let read = readable(&plain, Some(&html(label))).into_owned();
        match label.contains('`') {
            // What is code then is another question.
            true => assert!(
                read.starts_with(&format!("{label}, {label} and ")),
                "{read}"
            ),
            false => assert_eq!(read, text),
        }
    }
    // The longer of two, references of HTML, and labels of other links.
    let two = format!("<a href=\"{BOB}\">a]</a><a href=\"{BOB}\">a](&lt;b</a>");
    let plain = format!("[a](<b]({BOB}) [a]]({BOB})");
    assert_eq!(readable(&plain, Some(&two)), "a](<b a]");
    let other = format!("<a href=\"https://example.org\">a]</a><a href=\"{BOB}\">b");
    for plain in [
        format!("[a]]({BOB})"),
        "[a]](https://example.org)".to_owned(),
    ] {
        assert_eq!(readable(&plain, Some(&other)), plain);
    }
    let many = html("[").repeat(5000);
    let plain = "[[](<matrix:u/a:e.org>".repeat(3000);
    assert!(readable(&plain, Some(&many)).len() <= plain.len());
}

#[test]
fn everything_else_stays() {
    for plain in [
        "[docs](https://example.org)",
        "[docs](https://matrix.to/)",
        "[docs](https://matrix.to/#/docs)",
        "[x](https://matrix.to.example.org/#/@bob:example.org)",
        "[x](matrix:e/event)",
        "[bob] (https://matrix.to/#/@bob:example.org)",
        "[bob](https://matrix.to/#/@bob:example.org",
        "[bob](<https://matrix.to/#/@bob:example.org)",
        "[bob](https://matrix.to/#/@bob:example.org x)",
        r"\[bob](https://matrix.to/#/@bob:example.org)",
        r"[bob\](https://matrix.to/#/@bob:example.org)",
        "bob](https://matrix.to/#/@bob:example.org)",
        "`[bob](https://matrix.to/#/@bob:example.org)`",
        "``a ` [bob](https://matrix.to/#/@bob:example.org)``",
        "```\n[bob](https://matrix.to/#/@bob:example.org)\n```",
        "~~~ md\n\n[bob](https://matrix.to/#/@bob:example.org)",
        "https://matrix.to/#/@bob:example.org <https://matrix.to/#/@bob:example.org>",
        "[1] [2] ](",
        "",
    ] {
        assert_eq!(readable(plain, Some("<b>x</b>")), plain);
    }
}

#[test]
fn the_fences_of_code_go_where_the_html_has_code() {
    let html = Some("a<PRE><code class=\"language-rust\">fn main() {}</code></pre>b");
    for (plain, text) in [
        ("a\n```rust\nfn main() {}\n```\nb", "a\nfn main() {}\nb"),
        (
            "```\na\n```\n\n~~~~ x\nb ```\n~~~\n~~~~\n",
            "a\n\nb ```\n~~~\n",
        ),
        ("````md\n```\na\n```\n````", "```\na\n```\n"),
        ("> ```\n> a\n> ```\nb", "> a\nb"),
        ("* x\n  ```\n  a\n  ```", "* x\n  a\n"),
        ("a\r\n```\r\nb\r\n```\r\n", "a\r\nb\r\n"),
        ("```\nnever ended", "never ended"),
        // Nothing else is there.
        ("```rust", "```rust"),
        ("~~~\n\n~~~", "~~~\n\n~~~"),
        ("```a``` `` b ``", "```a``` `` b ``"),
        (
            "```\n[bob](https://matrix.to/#/@b:e.org)\n```\n[bob](https://matrix.to/#/@b:e.org)",
            "[bob](https://matrix.to/#/@b:e.org)\nbob",
        ),
    ] {
        assert_eq!(readable(plain, html), text, "{plain}");
        assert_eq!(
            readable(plain, None).contains("fn main"),
            plain.contains("fn main")
        );
    }
    let plain = "a\n```rust\nfn main() {}\n```\nb";
    assert_eq!(readable(plain, None), plain);
    assert_eq!(readable(plain, Some("<code>x</code>")), plain);
}

#[test]
fn long_texts_cost_no_more_than_their_bytes() {
    for piece in [
        "[",
        "]",
        "](",
        "[](",
        "`",
        "``a`",
        "](<",
        "[](matrix:",
        "](matrix:u/a",
        "\\",
        "```\n",
        "[a](matrix:u/a)",
        "`\n\n",
    ] {
        let text = piece.repeat((1 << 16) / piece.len());
        assert!(
            readable(&text, Some("<pre>")).len() <= text.len(),
            "{piece}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(plain in "(\\[|\\]|\\(|\\)|`|```|~~~|\n|>| |<|\\\\|é|a|https://matrix.to/#/@|matrix:u/|%4|\"){0,40}") {
        prop_assert!(readable(&plain, Some("<pre>")).len() <= plain.len() + 1);
        let without = plain.replace("](", "] (");
        prop_assert_eq!(readable(&without, None), without.as_str());
    }
}
