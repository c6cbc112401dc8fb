use super::*;

fn text(text_is: &'static str) -> Expected {
    Expected {
        text_is: Some(text_is),
        ..Expected::default()
    }
}

fn both(text_is: &'static str, html: &'static [&'static str]) -> Expected {
    Expected {
        html,
        ..text(text_is)
    }
}

fn formatted(body: String, html: &str) -> Value {
    message(json!({"body": body, "format": "org.matrix.custom.html", "formatted_body": html}))
}

#[tokio::test]
async fn a_reply_loses_nothing_but_a_real_fallback() {
    let fallback = "<mx-reply><blockquote>foo</blockquote></mx-reply>";
    let reports = vec![
        (
            reply("> all of this is mine", None),
            both("alice: > all of this is mine", &["all of this is mine"]),
        ),
        (
            reply(
                "> the docs say so\n\nI disagree",
                Some("<blockquote><p>the docs say so</p></blockquote><p>I disagree</p>"),
            ),
            both(
                "alice: > the docs say so / I disagree",
                &["the docs say so", "I disagree"],
            ),
        ),
        (
            reply("> <@bob:example.org> foo\n> bar\nbaz", None),
            both("alice: baz", &["baz", "!foo"]),
        ),
        (
            reply("> * <@bob:example.org> waves\r\n\r\n> mine\r\nbaz", None),
            both("alice: > mine / baz", &["mine<br>baz", "!waves"]),
        ),
        (
            reply("> <@bob:example.org> sent an image.\n\nnice", None),
            text("alice: nice"),
        ),
        (
            reply("> <bob> foo\n\nbaz", Some(&format!("{fallback}baz"))),
            both("alice: baz", &["baz", "!foo"]),
        ),
        (
            reply("> foo\n\nbaz", Some(&format!("<!-- x --> {fallback}baz"))),
            both("alice: baz", &["baz", "!foo"]),
        ),
        // Nothing but a fallback, and one that never ends.
        (
            reply("> <@bob:example.org> foo", Some(fallback)),
            both("alice: > <@bob:example.org> foo", &["foo"]),
        ),
        (
            reply("> <@bob:example.org> foo\n\nbaz", Some("<mx-reply>foo baz")),
            both("alice: baz", &["baz"]),
        ),
        (
            reply(
                "> <@bob:example.org> foo",
                Some(&format!("{fallback}<b>baz</b>")),
            ),
            both("alice: baz", &["<b>baz</b>"]),
        ),
    ];
    all_are_answered("m.room.message", reports).await;
}

#[tokio::test]
async fn the_caption_of_a_reply_loses_its_fallback_too() {
    let mut content = reply("> <@bob:example.org> foo\n\nlook", None);
    content["msgtype"] = json!("m.image");
    content["filename"] = json!("a.png");
    content["url"] = json!("mxc://example.org/pic1");
    let mut named = content.clone();
    named["body"] = json!("> <@bob:example.org> foo\n\na.png");
    named.as_object_mut().expect("an object").remove("filename");
    let mut quote = content.clone();
    quote["body"] = json!("> mine");
    let expected = |text, html, xmpp| Expected {
        text,
        html,
        xmpp,
        ..Expected::default()
    };
    let reports = vec![
        (
            content,
            expected(
                &["a.png - look "],
                &["look", "!foo"],
                &["<desc>look</desc>"],
            ),
        ),
        (
            named,
            expected(
                &["sent an image: a.png http"],
                &["alt=\"a.png\""],
                &["<name>a.png</name>"],
            ),
        ),
        (
            quote,
            expected(&["a.png - > mine "], &["&gt; mine"], &["mine</desc>"]),
        ),
    ];
    all_are_answered("m.room.message", reports).await;
}

#[tokio::test]
async fn numbers_are_the_same_however_they_are_written() {
    let sized = |size: Value, w: Value| {
        let mut content = medium("m.image", "p.jpg", "image/jpeg");
        content["info"]["size"] = size;
        content["info"]["w"] = w;
        content["info"]["h"] = json!(480.0);
        content
    };
    let expected = Expected {
        text: &["(332 KiB)"],
        xmpp: &[
            "<size>340112</size>",
            "<width>640</width>",
            "<height>480</height>",
        ],
        ..Expected::default()
    };
    let cut = Expected {
        text: &["(332 KiB)"],
        xmpp: &["<size>340112</size>", "<width>640</width>"],
        ..Expected::default()
    };
    let none = Expected {
        text: &["!KiB", "!iB)"],
        xmpp: &["!<size>", "!<width>"],
        ..Expected::default()
    };
    let reports = vec![
        (sized(json!(340_112.0), json!(640.0)), expected),
        (sized(json!(340_112.9), json!(6.405e2)), cut),
        (sized(json!(-340_112.0), json!(1e300)), none),
    ];
    all_are_answered("m.room.message", reports).await;
}

const BOB: &str = "<https://matrix.to/#/@libera_wq:cat.example>";

#[tokio::test]
async fn the_html_tells_what_markdown_reads_otherwise() {
    let reports = vec![
        // Names as they are, brackets and all.
        (
            formatted(
                format!("[bob [x]({BOB}) and [b`]o]({BOB}): `x`"),
                "<a href=\"https://matrix.to/#/@b:e.org\">bob [x</a> and <a href='matrix:u/b:e.org'>b`]o</a>: <code>x</code>",
            ),
            text("alice: bob [x and b`]o: `x`"),
        ),
        // Nothing but a fence.
        (
            formatted(
                "```rust".to_owned(),
                "<pre><code class=\"language-rust\"></code></pre>",
            ),
            text("alice: ```rust"),
        ),
    ];
    all_are_answered("m.room.message", reports).await;
}

#[tokio::test]
async fn markdown_reads_as_people_mean_it() {
    let reports = vec![
        (
            formatted(
                format!("[whitequark]({BOB}) ah yes"),
                "<a href=\"https://matrix.to/#/@libera_wq:cat.example\">whitequark</a> ah yes",
            ),
            Expected {
                html: &[
                    "<a href=\"https://matrix.to/#/@libera_wq:cat.example\"",
                    ">whitequark</a> ah yes",
                ],
                ..text("alice: whitequark ah yes")
            },
        ),
        (
            formatted(
                format!(
                    "[w\\[q\\]]({BOB}): see [#room:x](https://matrix.to/#/#room:x), `[a]({BOB})`"
                ),
                "<p>x</p>",
            ),
            text("alice: w[q]: see #room:x, `[a](<https://matrix.to/#/@libera_wq:cat.example>)`"),
        ),
        (
            message(json!({"body": format!("[wq]({BOB}) and [docs](https://example.org)")})),
            Expected {
                html: &["wq and [docs](https://example.org)"],
                ..text("alice: wq and [docs](https://example.org)")
            },
        ),
        (
            formatted(
                "try\n```rust\nfn main() {}\n```\nnow".to_owned(),
                "<p>try</p><pre><code class=\"language-rust\">fn main() {}\n</code></pre><p>now</p>",
            ),
            text("alice: try / fn main() {} / now"),
        ),
        (
            message(json!({"body": "```\nx\n```"})),
            text("alice: ``` / x / ```"),
        ),
        (
            json!({"msgtype": "m.image", "filename": "a.png", "body": format!("for [wq]({BOB})"), "url": "mxc://example.org/a"}),
            Expected {
                text: &["a.png - for wq http"],
                xmpp: &["<desc>for wq</desc>"],
                ..Expected::default()
            },
        ),
    ];
    all_are_answered("m.room.message", reports).await;
}
