//! Finds every media reference in the content of an event.

use serde_json::Value;

use medialink_link::matrix::{EncryptedFile, FileKeys, MxcUri};

use crate::{
    describe::{self, DescribingObjects},
    html::html_sources,
};

use super::{MediaDetails, MediaKind, SharedMedia};

use self::{
    classify::Classifier,
    places::{Places, Step},
};

mod classify;
mod places;
#[cfg(test)]
pub(super) mod tests;
mod token;
mod unusable;

pub(super) use classify::EXTENSIBLE_FILES;

/// All media references below a content. Takes time and memory in proportion to it.
///
/// `root` is the path of the content; `event_type` decides the purpose of its own `url`.
pub(super) fn media_in(content: &Value, root: &str, event_type: &str) -> Vec<SharedMedia> {
    let mut search = Search {
        places: Places::new(root),
        event_type,
        found: Vec::new(),
    };
    let mut waiting = vec![(None, Step::Root, content)];
    while let Some((parent, step, value)) = waiting.pop() {
        match value {
            Value::String(text) => search.read(parent, step, text),
            // From the back, so that the first entry is taken from the stack first.
            Value::Array(list) => {
                let place = Some(search.places.push(parent, step, value));
                let entries = list.iter().enumerate().rev();
                waiting.extend(entries.map(|(index, value)| (place, Step::Index(index), value)));
            }
            Value::Object(map) => {
                let place = search.places.push(parent, step, value);
                search.read_unusable(place);
                let entries = map.iter().rev();
                waiting.extend(entries.map(|(name, value)| (Some(place), Step::Name(name), value)));
            }
            _ => {}
        }
    }
    let mut found = search.found;
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, media)| media).collect()
}

/// The subject of an event comes before its accessories, and the `url` that all clients know before
/// the same in an extensible event.
fn rank(kind: MediaKind, is_extensible: bool) -> u8 {
    match kind {
        MediaKind::File | MediaKind::Sticker => u8::from(is_extensible),
        MediaKind::Avatar => 2,
        MediaKind::InlineImage => 3,
        MediaKind::Thumbnail => 4,
        MediaKind::Other => 5,
    }
}

struct Search<'a> {
    places: Places<'a>,
    event_type: &'a str,
    found: Vec<(u8, SharedMedia)>,
}

impl<'a> Search<'a> {
    /// Reads one text of the content.
    fn read(&mut self, parent: Option<usize>, step: Step<'a>, text: &str) {
        if step.name() == "formatted_body" {
            self.read_html(parent, step, text);
        }
        if let Ok(mxc) = MxcUri::parse(text) {
            self.read_reference(parent, step, mxc);
        }
    }

    fn read_html(&mut self, parent: Option<usize>, step: Step<'a>, html: &str) {
        for (n, source) in html_sources(html).enumerate() {
            let Ok(mxc) = MxcUri::parse(&source) else {
                continue;
            };
            let media = SharedMedia {
                path: self.places.path(parent, step, &format!("[{n}]")),
                kind: MediaKind::InlineImage,
                file: None,
                content_token: self.places.token_by_hash(parent, &mxc),
                details: MediaDetails::default(),
                mxc: Ok(mxc),
            };
            self.found.push((rank(media.kind, false), media));
        }
    }

    fn read_reference(&mut self, parent: Option<usize>, step: Step<'a>, mxc: MxcUri) {
        let places = &self.places;
        let classifier = Classifier::new(places, self.event_type);
        let (kind, description) = classifier.classify(parent, step.name());
        let is_extensible = EXTENSIBLE_FILES.contains(&places.name(parent));
        let media = SharedMedia {
            path: places.path(parent, step, ""),
            kind,
            file: self.file_keys(parent, step),
            content_token: places.token(parent, step.name(), &mxc),
            details: describe::details(&description, places.root_object()),
            mxc: Ok(mxc),
        };
        self.found.push((rank(kind, is_extensible), media));
    }

    /// Reads a message that should share media, but has no address of use for it.
    fn read_unusable(&mut self, place: usize) {
        let places = &self.places;
        let Some(unusable) = unusable::unusable(places, place, self.event_type) else {
            return;
        };
        let kind = Classifier::new(places, self.event_type).main_kind(Some(place));
        let described = places.object(Some(place)).map(DescribingObjects::object);
        let media = SharedMedia {
            path: places.path(Some(place), Step::Name(unusable.field), unusable.rest),
            kind,
            file: None,
            content_token: None,
            details: describe::details(&described.unwrap_or_default(), places.root_object()),
            mxc: Err(unusable.problem),
        };
        self.found.push((rank(kind, false), media));
    }

    /// The keys beside the `url` of an `EncryptedFile`.
    fn file_keys(&self, parent: Option<usize>, step: Step<'a>) -> Option<Result<FileKeys, String>> {
        let object = self.places.object(parent)?;
        (step.name() == "url" && object.contains_key("key")).then(|| {
            EncryptedFile::from_json(&Value::Object(object.clone()))
                .map(|file| file.keys)
                .map_err(|error| error.to_string())
        })
    }
}
