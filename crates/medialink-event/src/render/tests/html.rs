use super::*;

/// A text of this HTML with one picture in it, `mxc://example.org/emoji`.
fn formatted(html: &str) -> String {
    let content = json!({"msgtype": "m.text", "body": "plain", "formatted_body": html});
    let mut event = event("m.room.message", content);
    let path = "content.formatted_body[0]";
    event.media = vec![media(
        path,
        MediaKind::InlineImage,
        "emoji",
        MediaDetails::default(),
    )];
    rendered(&event).html
}

#[test]
fn what_the_specification_allows_stays() {
    for html in [
        "a <b>b</b> <em>c</em> <s>d</s>",
        "<h1>a</h1><p>b</p><blockquote>c</blockquote><hr>",
        "<ol start=\"3\"><li>a</li><li>b<ul><li>c</li></ul></li></ol>",
        "<pre><code class=\"language-rust\">a &lt; b\n  c</code></pre>",
        "<span data-mx-bg-color=\"#00ff00\" data-mx-color=\"#ff0000\">a</span>",
        "<span data-mx-spoiler=\"why\">a</span><span data-mx-spoiler=\"\">b</span>",
        "<div data-mx-maths=\"x^2\"><code>x^2</code></div>",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
        "<details><summary>a</summary>b</details>",
        "<a href=\"https://example.org/?a=b&amp;c\" rel=\"noopener noreferrer\">a</a>",
        "<a href=\"mailto:a@example.org\" rel=\"noopener noreferrer\">a</a>",
    ] {
        assert_eq!(formatted(html), html);
    }
}

#[test]
fn everything_else_goes() {
    for (html, clean) in [
        ("<script>alert(1)</script>a<style>b{}</style>", "a"),
        (
            "<mx-reply><blockquote>q</blockquote><mx-reply>r</mx-reply>s</mx-reply>a",
            "a",
        ),
        (
            "<a href=\"javascript:alert(1)\" onclick=x>a</a>",
            "<a rel=\"noopener noreferrer\">a</a>",
        ),
        (
            "<a href=\"/relative\" target=\"_top\">a</a>",
            "<a rel=\"noopener noreferrer\">a</a>",
        ),
        ("<p style=\"x\" id=y class=z onload=1>a", "<p>a</p>"),
        ("<code class=\"evil language-x\">a</code>", "<code>a</code>"),
        ("<span data-mx-color=\"red;x\">a</span>", "<span>a</span>"),
        ("<form><input><button>a</button></form>", "a"),
        (
            "<svg><a xlink:href='javascript:1'>a</a></svg><math>b</math>",
            "<a rel=\"noopener noreferrer\">a</a>b",
        ),
        ("<!-- c -->a<!doctype html><?x?>", "a"),
        (
            "<font color=\"#ff0000\">a</font><strike>b</strike>",
            "<span data-mx-color=\"#ff0000\">a</span><s>b</s>",
        ),
        ("a\u{202e}b\u{0}\u{9b}", "ab"),
        (
            "&lt;script&gt; &amp; \u{2028}",
            "&lt;script&gt; &amp; \u{2028}",
        ),
    ] {
        assert_eq!(formatted(html), clean, "{html}");
    }
}

#[test]
fn broken_nesting_is_mended() {
    for (html, mended) in [
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"),
        ("<b>a<b>b</b></b></i></p>", "<b>ab</b>"),
        (
            "<a href=\"https://a\">a<a href=\"https://b\">b</a>",
            "<a href=\"https://a\" rel=\"noopener noreferrer\">ab</a>",
        ),
        ("a<td>b</td><br></br>", "ab<br>"),
    ] {
        assert_eq!(formatted(html), mended, "{html}");
    }
}

#[test]
fn pictures_become_links_or_words() {
    for (html, shown) in [
        (
            "<img data-mx-emoticon src=\"mxc://example.org/emoji\" alt=\":wave:\" title=\"w\" height=\"32\" width=\"9999\">",
            "<img src=\"https://m.example/m/emoji\" height=\"32\" alt=\":wave:\" title=\"w\">",
        ),
        ("<img src=\"mxc://example.org/other\" alt=\":o:\">", ":o:"),
        (
            "<img src=\"https://tracker.example/x.png\" title=\"t\">",
            "t",
        ),
        ("<img src=\"data:image/png;base64,x\">", ""),
        (
            "<a href=\"mxc://example.org/emoji\">a</a>",
            "<a href=\"https://m.example/m/emoji\" rel=\"noopener noreferrer\">a</a>",
        ),
        (
            "<a href=\"mxc://example.org/other\">a</a>",
            "<a rel=\"noopener noreferrer\">a</a>",
        ),
    ] {
        assert_eq!(formatted(html), shown, "{html}");
    }
}

#[test]
fn plain_words_are_escaped() {
    let event = event(
        "m.room.message",
        json!({"msgtype": "m.text", "body": "<b>&\nb"}),
    );
    assert_eq!(rendered(&event).html, "&lt;b&gt;&amp;<br>b");
    let emote = json!({"msgtype": "m.emote", "body": "waves"});
    let emote = super::event("m.room.message", emote);
    assert_eq!(rendered(&emote).html, "* alice waves");
    let poll = json!({"m.poll": {"question": {"body": "Q<"}, "answers": [{"body": "A"}]}});
    let poll = super::event("m.poll.start", poll);
    assert_eq!(rendered(&poll).html, "<p>Q&lt;</p><ol><li>A</li></ol>");
}

#[test]
fn media_is_shown_or_linked() {
    let name = Some("<x>.png".to_owned());
    let picture = MediaDetails {
        filename: name.clone(),
        width: Some(4000),
        size: Some(5),
        ..MediaDetails::default()
    };
    let film = MediaDetails {
        filename: name,
        size: Some(5),
        duration_ms: Some(1000),
        ..MediaDetails::default()
    };
    let warned = MediaDetails {
        warning: warning(Some("a<b")),
        ..picture.clone()
    };
    let captioned = MediaDetails {
        caption: Some("c<".to_owned()),
        ..MediaDetails::default()
    };
    let spoiler = MediaDetails {
        warning: warning(None),
        ..MediaDetails::default()
    };
    let open = "<a href=\"https://m.example/m/main\" rel=\"noopener noreferrer\">";
    for (event, html) in [
        (
            message("m.image", picture),
            format!(
                "{open}<img width=\"800\" alt=\"&lt;x&gt;.png\" src=\"https://m.example/m/main\"></a>"
            ),
        ),
        (
            message("m.image", captioned),
            format!(
                "<div>{open}<img alt=\"image\" src=\"https://m.example/m/main\"></a></div><div>c&lt;</div>"
            ),
        ),
        (
            message("m.video", film),
            format!("{open}&lt;x&gt;.png</a> (5 B, 0:01)"),
        ),
        (
            message("m.image", warned),
            format!(
                "<details><summary>Content warning: a&lt;b</summary>{open}&lt;x&gt;.png</a> (5 B)</details>"
            ),
        ),
        (
            message("m.image", spoiler),
            format!("<details><summary>Spoiler</summary>{open}image</a></details>"),
        ),
    ] {
        assert_eq!(rendered(&event).html, html);
    }
}

#[test]
fn media_without_a_link_is_named() {
    let picture = MediaDetails {
        filename: Some("<x>.png".to_owned()),
        size: Some(5),
        ..MediaDetails::default()
    };
    let mut refused = message("m.image", picture);
    refused.media[0].mxc = Ok(MxcUri::from_parts("example.org", "refused").expect("valid"));
    assert_eq!(rendered(&refused).html, "&lt;x&gt;.png (5 B)");
}

#[test]
fn a_gallery_links_each_of_its_things() {
    let html = rendered(&gallery(&[("m.image", "a"), ("m.file", "b")])).html;
    assert!(html.ends_with("<div>our<br>holiday</div>"), "{html}");
    assert_eq!(html.matches("href=").count(), 2, "{html}");
}

#[test]
fn pages_are_linked_and_never_embedded() {
    let event = {
        let mut event = message("m.image", cat());
        let path = "content.formatted_body[0]";
        event.media.push(media(
            path,
            MediaKind::InlineImage,
            "emoji",
            MediaDetails::default(),
        ));
        let html = "<img src='mxc://example.org/emoji' alt=':e:'>";
        event.media[0].details.caption = Some("c".to_owned());
        event.media[0].details.caption_html = Some(html.to_owned());
        event
    };
    let page = "https://m.example/v/x";
    let links: Vec<MediaLink<'_>> = event
        .media
        .iter()
        .map(|media| MediaLink {
            media,
            url: page,
            page_url: page,
        })
        .collect();
    let template = TextTemplate::default();
    let style = RenderStyle {
        template: &template,
        max_bytes: None,
        sender_name: "",
        network: "",
    };
    let rendering = render(&event, &links, &style);
    assert!(!rendering.html.contains("<img"), "{}", rendering.html);
    assert!(rendering.html.contains(":e:</a>"), "{}", rendering.html);
    assert_eq!(rendering.xmpp, None);
}

/// HTML for which browsers' parsers take quadratic time or memory.
#[test]
fn hostile_nesting_stays_small() {
    let many = |piece: &str| piece.repeat(60_000 / piece.len());
    let numbered = |piece: &str| -> String {
        (0..60_000 / (piece.len() + 5))
            .map(|n| piece.replace('#', &n.to_string()))
            .collect()
    };
    for html in [
        "<div>".repeat(10_000),
        many("<b><i><u>"),
        many("<b><p>"),
        many("<b><table>"),
        numbered("<font color='#'>"),
        numbered("<a href='https://a/#'><p>x"),
        numbered("<code class='language-#'><p>"),
        format!(
            "{}{}",
            numbered("<code class='language-#'>"),
            many("<p>x</p>")
        ),
        format!("<a {}>", numbered(" a#=1")),
        many("<table><tr><td>"),
        many("<table>x"),
        many("</p>"),
        many("<img src=mxc://example.org/emoji>"),
        many("<a><b></a>"),
        many("&lt"),
        many("<!--"),
        many("<"),
    ] {
        let clean = formatted(&html);
        let start = &html[..20];
        assert!(clean.len() <= 6 * html.len(), "{start}: {}", clean.len());
        let mut depth = 0_usize;
        for tag in clean.split('<').skip(1) {
            match tag.strip_prefix('/') {
                Some(_) => depth -= 1,
                None if ["img", "br", "hr"].iter().any(|void| tag.starts_with(void)) => {}
                None => depth += 1,
            }
            assert!(depth <= 100, "{start}");
        }
    }
}
