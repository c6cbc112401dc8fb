//! XML elements for XMPP: out-of-band data (XEP-0066) and stateless file sharing (XEP-0447).

use std::io;

use quick_xml::{Writer, events::BytesText};

use crate::{usual_name, with_usual_extension};

use super::{
    item::{Item, linked},
    media_link::MediaLink,
    names,
};

/// The elements of the message beside its body; `None` without media, and if only pages are linked.
///
/// Media behind a warning has a `spoiler` (XEP-0382) and is an attachment, so that nobody loads it
/// unasked. For the same reason it has no thumbnail and no out-of-band data, which clients show at
/// once.
pub(super) fn xmpp(items: &[Item<'_>]) -> Option<String> {
    let mut shared = linked(items);
    shared.retain(|(_, link)| link.is_media());
    let (first, _) = shared.first()?;
    let mut writer = Writer::new(Vec::new());
    // Writing into memory does not fail.
    elements(&mut writer, &shared, first).ok()?;
    String::from_utf8(writer.into_inner()).ok()
}

fn elements(
    writer: &mut Writer<Vec<u8>>,
    shared: &[(Item<'_>, &MediaLink<'_>)],
    first: &Item<'_>,
) -> io::Result<()> {
    let warned = shared
        .iter()
        .find_map(|(item, _)| item.media.details.warning.as_ref());
    match warned {
        Some(warning) => {
            let spoiler = writer
                .create_element("spoiler")
                .with_attribute(("xmlns", "urn:xmpp:spoiler:0"));
            match warning.reason.as_deref().map(xml_text) {
                Some(reason) => spoiler.write_text_content(BytesText::new(&reason))?,
                None => spoiler.write_empty()?,
            };
        }
        None => {
            let url = first.link.map_or("", |link| link.url);
            writer
                .create_element("x")
                .with_attribute(("xmlns", "jabber:x:oob"))
                .write_inner_content(|x| element(x, "url", url))?;
        }
    }
    for (index, (item, link)) in shared.iter().enumerate() {
        // Several in one message are told apart by their IDs.
        let id = (shared.len() > 1).then(|| format!("file-{}", index + 1));
        file_sharing(writer, item, link, id.as_deref())?;
    }
    Ok(())
}

fn file_sharing(
    writer: &mut Writer<Vec<u8>>,
    item: &Item<'_>,
    link: &MediaLink<'_>,
    id: Option<&str>,
) -> io::Result<()> {
    let details = &link.media.details;
    let is_warned = item.media.details.warning.is_some();
    let is_shown = !is_warned && item.is_shown_in_place();
    let disposition = if is_shown { "inline" } else { "attachment" };
    let mut sharing = writer
        .create_element("file-sharing")
        .with_attribute(("xmlns", "urn:xmpp:sfs:0"))
        .with_attribute(("disposition", disposition));
    if let Some(id) = id {
        sharing = sharing.with_attribute(("id", id));
    }
    let facts = [
        ("media-type", details.mimetype.clone()),
        ("name", file_name(item)),
        ("size", details.size.map(|size| size.to_string())),
        ("width", details.width.map(|width| width.to_string())),
        ("height", details.height.map(|height| height.to_string())),
        (
            "length",
            details.duration_ms.map(|length| length.to_string()),
        ),
        ("desc", description(item)),
    ];
    let thumbnail = item
        .thumbnail
        .filter(|link| !is_warned && !item.is_only_thumbnail() && link.is_media());
    sharing.write_inner_content(|sharing| {
        sharing
            .create_element("file")
            .with_attribute(("xmlns", "urn:xmpp:file:metadata:0"))
            .write_inner_content(|file| {
                for (name, fact) in &facts {
                    if let Some(fact) = fact {
                        element(file, name, fact)?;
                    }
                }
                thumbnail.map_or(Ok(()), |thumbnail| thumbnail_of(file, thumbnail))
            })?;
        sharing
            .create_element("sources")
            .write_inner_content(|sources| {
                sources
                    .create_element("url-data")
                    .with_attribute(("xmlns", "http://jabber.org/protocol/url-data"))
                    .with_attribute(("target", link.url))
                    .write_empty()
                    .map(|_| ())
            })
            .map(|_| ())
    })?;
    Ok(())
}

/// A smaller picture of it (XEP-0264).
fn thumbnail_of(file: &mut Writer<Vec<u8>>, thumbnail: &MediaLink<'_>) -> io::Result<()> {
    let details = &thumbnail.media.details;
    let facts = [
        ("media-type", details.mimetype.as_deref().map(xml_text)),
        ("width", details.width.and_then(side)),
        ("height", details.height.and_then(side)),
    ];
    let mut element = file
        .create_element("thumbnail")
        .with_attribute(("xmlns", "urn:xmpp:thumbs:1"))
        .with_attribute(("uri", thumbnail.url));
    for (name, fact) in &facts {
        if let Some(fact) = fact {
            element = element.with_attribute((*name, fact.as_str()));
        }
    }
    element.write_empty()?;
    Ok(())
}

/// A width or a height that a thumbnail can have: an `unsignedShort` (XEP-0264, "XML Schema").
/// Parsers refuse the whole message for another one.
fn side(pixels: u32) -> Option<String> {
    u16::try_from(pixels).ok().map(|pixels| pixels.to_string())
}

/// A name by which a file can be saved and opened: with an extension, and leading into no other
/// folder (XEP-0446, "Security Considerations").
fn file_name(item: &Item<'_>) -> Option<String> {
    let name = names::name(item)?.replace(['/', '\\'], "_");
    let mimetype = item.media.details.mimetype.as_deref();
    if name.bytes().all(|byte| matches!(byte, b'.' | b' ')) {
        return mimetype.and_then(usual_name);
    }
    Some(match mimetype {
        Some(mimetype) => with_usual_extension(&name, mimetype).into_owned(),
        None => name,
    })
}

/// Its caption.
fn description(item: &Item<'_>) -> Option<String> {
    let words = item.caption()?.into_owned();
    Some(words).filter(|words| !words.is_empty())
}

fn element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> io::Result<()> {
    writer
        .create_element(name)
        .write_text_content(BytesText::new(&xml_text(text)))?;
    Ok(())
}

/// The text without what XML cannot hold (XML 1.0, "Characters"), without other control characters,
/// and without those that reverse the text around them.
fn xml_text(text: &str) -> String {
    let is_allowed = |c: &char| match c {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        other => !other.is_control(),
    };
    text.chars().filter(is_allowed).collect()
}
