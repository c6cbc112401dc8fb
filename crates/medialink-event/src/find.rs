//! Finds every media reference in the content of an event.

use serde_json::{Map, Value};

use crate::media::html_sources;
use medialink_link::matrix::{ContentToken, EncryptedFile, MxcUri};

use super::{
    MediaDetails, MediaKind, SharedMedia,
    describe::{self, Described},
};

/// The longest path that is told whole, in bytes: names of fields may be as long as an event.
const MAX_PATH_BYTES: usize = 512;
/// Names of the field that holds a file in extensible events (MSC1767, MSC3551).
pub(super) const EXTENSIBLE_FILES: [&str; 3] = [
    "m.file",
    "org.matrix.msc1767.file",
    "org.matrix.msc3551.file",
];
/// Names of the field that holds an encrypted picture of a preview (MSC4095).
const PREVIEW_FILES: [&str; 2] = ["matrix:image:encryption", "beeper:image:encryption"];

/// All media references below a content. Takes time and memory in proportion to it.
///
/// `root` is the path of the content, `event_type` tells what its own `url` is for.
pub(super) fn media_in(content: &Value, root: &str, event_type: &str) -> Vec<SharedMedia> {
    let mut search = Search {
        places: Vec::new(),
        root,
        event_type,
        found: Vec::new(),
    };
    let mut waiting = vec![(None, Step::Root, content)];
    while let Some((parent, step, value)) = waiting.pop() {
        if let Value::String(text) = value {
            search.read(parent, step, text);
            continue;
        }
        let place = search.places.len();
        match value {
            // From the back, so that what stands first is taken from the stack first.
            Value::Array(list) => waiting.extend(
                list.iter()
                    .enumerate()
                    .rev()
                    .map(|(index, value)| (Some(place), Step::Index(index), value)),
            ),
            Value::Object(map) => waiting.extend(
                map.iter()
                    .rev()
                    .map(|(name, value)| (Some(place), Step::Name(name), value)),
            ),
            _ => continue,
        }
        search.places.push(Place {
            parent,
            step,
            object: value.as_object(),
        });
    }
    let mut found = search.found;
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, media)| media).collect()
}

/// What an event is about comes before what only goes with it, and the `url` that all clients know
/// before the same in an extensible event.
fn rank(kind: MediaKind, is_extensible: bool) -> u8 {
    match kind {
        MediaKind::File | MediaKind::Sticker => u8::from(is_extensible),
        MediaKind::Avatar => 2,
        MediaKind::InlineImage => 3,
        MediaKind::Thumbnail => 4,
        MediaKind::Other => 5,
    }
}

/// One step from the content to a value in it.
#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> Step<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Name(name) => name,
            Self::Root | Self::Index(_) => "",
        }
    }

    /// How much it adds to a path, or a little less.
    fn bytes(self) -> usize {
        match self {
            Self::Root => 0,
            Self::Name(name) => name.len() + 1,
            Self::Index(_) => 3,
        }
    }

    fn write(self, path: &mut String) {
        match self {
            Self::Root => {}
            Self::Name(name) => {
                path.push('.');
                path.push_str(name);
            }
            Self::Index(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
        }
    }
}

/// An object or an array of the content.
struct Place<'a> {
    parent: Option<usize>,
    step: Step<'a>,
    object: Option<&'a Map<String, Value>>,
}

struct Search<'a> {
    places: Vec<Place<'a>>,
    root: &'a str,
    event_type: &'a str,
    found: Vec<(u8, SharedMedia)>,
}

impl<'a> Search<'a> {
    /// Reads one text of the content.
    fn read(&mut self, parent: Option<usize>, step: Step<'a>, text: &str) {
        if step.name() == "formatted_body" {
            for (n, source) in html_sources(text).enumerate() {
                if let Ok(mxc) = MxcUri::parse(source) {
                    let path = self.path(parent, step, &format!("[{n}]"));
                    let content_token = self.token_by_hash(parent, &mxc);
                    let media = SharedMedia {
                        path,
                        kind: MediaKind::InlineImage,
                        mxc,
                        file: None,
                        content_token,
                        details: MediaDetails::default(),
                    };
                    self.found.push((rank(media.kind, false), media));
                }
            }
        }
        let Ok(mxc) = MxcUri::parse(text) else {
            return;
        };
        let (kind, described) = self.classify(parent, step.name());
        let file = self
            .object(parent)
            .filter(|object| step.name() == "url" && object.contains_key("key"))
            .map(|object| {
                EncryptedFile::from_json(&Value::Object(object.clone()))
                    .map(|file| file.keys)
                    .map_err(|error| error.to_string())
            });
        let is_extensible = EXTENSIBLE_FILES.contains(&self.name(parent));
        let media = SharedMedia {
            path: self.path(parent, step, ""),
            kind,
            file,
            content_token: self.token(parent, step.name(), &mxc),
            details: describe::details(&described, self.root_object()),
            mxc,
        };
        self.found.push((rank(kind, is_extensible), media));
    }

    /// What a reference by this name in this object is for, and what describes it.
    fn classify(&self, parent: Option<usize>, name: &str) -> (MediaKind, Described<'a>) {
        let Some(own) = self.object(parent) else {
            return (MediaKind::Other, Described::default());
        };
        let owner_name = self.name(parent);
        let owner = self.owner(parent);
        let described = |object| Described::object(object);
        match (name, owner_name) {
            ("avatar_url", _) => (MediaKind::Avatar, Described::default()),
            ("url", "avatar_file") => (MediaKind::Avatar, Described::default()),
            ("thumbnail_url", _) => (MediaKind::Thumbnail, Described::thumbnail(own, owner)),
            ("url", "thumbnail_file") => {
                let message = self.owner(self.parent(parent));
                let described = owner.map(|info| Described::thumbnail(info, message));
                (MediaKind::Thumbnail, described.unwrap_or_default())
            }
            ("og:image", _) => (MediaKind::Thumbnail, Described::preview(own)),
            ("url", field) if PREVIEW_FILES.contains(&field) => (
                MediaKind::Thumbnail,
                owner.map_or_else(Described::default, Described::preview),
            ),
            ("url", "file") => {
                let described = owner.map_or_else(Described::default, described);
                (self.main_kind(self.parent(parent)), described)
            }
            ("url", field) if EXTENSIBLE_FILES.contains(&field) => {
                let described = Described::extensible(own, owner);
                let list = self.parent(self.parent(parent));
                let is_thumbnail = self.name(list).ends_with("thumbnail");
                let kind = match self.is_shown_content(self.parent(parent)) {
                    _ if is_thumbnail => MediaKind::Thumbnail,
                    true => MediaKind::File,
                    // Such as the picture of an answer of a poll.
                    false => MediaKind::Other,
                };
                (kind, described)
            }
            ("url", _) if self.is_message(parent) => (self.main_kind(parent), described(own)),
            ("url", _) => (MediaKind::Other, Described::info(own, "info")),
            _ => (MediaKind::Other, Described::default()),
        }
    }

    /// What the `url` or `file` of a message is for.
    fn main_kind(&self, message: Option<usize>) -> MediaKind {
        match (self.event_type, self.is_shown_content(message)) {
            ("m.sticker", true) => MediaKind::Sticker,
            ("m.room.avatar", true) => MediaKind::Avatar,
            _ if self.is_message(message) => MediaKind::File,
            _ => MediaKind::Other,
        }
    }

    /// Whether an object is a message, or one of a gallery (MSC4274).
    fn is_message(&self, place: Option<usize>) -> bool {
        let Some(object) = self.object(place) else {
            return false;
        };
        let says = |name: &str| object.get(name).is_some_and(Value::is_string);
        says("msgtype")
            || says("itemtype")
            || (self.is_shown_content(place)
                && (says("body") || matches!(self.event_type, "m.sticker" | "m.room.avatar")))
    }

    fn is_shown_content(&self, place: Option<usize>) -> bool {
        place == Some(0)
    }

    fn object(&self, place: Option<usize>) -> Option<&'a Map<String, Value>> {
        self.places.get(place?)?.object
    }

    fn root_object(&self) -> Option<&'a Map<String, Value>> {
        self.object(Some(0))
    }

    fn parent(&self, place: Option<usize>) -> Option<usize> {
        self.places.get(place?)?.parent
    }

    fn owner(&self, place: Option<usize>) -> Option<&'a Map<String, Value>> {
        self.object(self.parent(place))
    }

    fn name(&self, place: Option<usize>) -> &'a str {
        place
            .and_then(|place| self.places.get(place))
            .map_or("", |place| place.step.name())
    }

    /// The content token that the event tells for a reference (MSC3910): a text beside the `url`,
    /// the `file` or the `avatar_url`, or an entry of a map in one of the objects around it.
    fn token(&self, parent: Option<usize>, name: &str, mxc: &MxcUri) -> Option<ContentToken> {
        let (object, field) = match (name, self.name(parent)) {
            ("avatar_url", _) => (self.object(parent), "avatar_content_token"),
            ("url", "avatar_file") => (self.owner(parent), "avatar_content_token"),
            ("url", "thumbnail_file") => (None, ""),
            ("url", "file") => (self.owner(parent), "content_token"),
            ("url", _) => (self.object(parent), "content_token"),
            _ => (None, ""),
        };
        let text = object.and_then(|object| object.get(field)?.as_str());
        text.and_then(|text| ContentToken::parse(text).ok())
            .or_else(|| self.token_by_hash(parent, mxc))
    }

    fn token_by_hash(&self, mut place: Option<usize>, mxc: &MxcUri) -> Option<ContentToken> {
        let mut hash = None;
        while place.is_some() {
            if let Some(tokens) = self
                .object(place)
                .and_then(|object| object.get("content_token")?.as_object())
            {
                let hash = hash.get_or_insert_with(|| mxc.hash());
                let token = tokens.get(hash).and_then(Value::as_str);
                if let Some(token) = token.and_then(|token| ContentToken::parse(token).ok()) {
                    return Some(token);
                }
            }
            place = self.parent(place);
        }
        None
    }

    /// Where a value stands. What is left out of a long path is its middle, so that each costs no
    /// more than it is long.
    fn path(&self, parent: Option<usize>, step: Step<'a>, end: &str) -> String {
        let mut steps = vec![step];
        let mut place = parent;
        while let Some(at) = place.and_then(|place| self.places.get(place)) {
            steps.push(at.step);
            place = at.parent;
        }
        let length: usize = steps.iter().map(|step| step.bytes()).sum();
        let mut path = self.root.to_owned();
        if length <= MAX_PATH_BYTES {
            steps.iter().rev().for_each(|step| step.write(&mut path));
        } else {
            for step in steps
                .iter()
                .rev()
                .take_while(|step| step.bytes() < 64)
                .take(4)
            {
                step.write(&mut path);
            }
            path.push('…');
            if step.bytes() < 64 {
                step.write(&mut path);
            }
        }
        path.push_str(end);
        path
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::media_of;

    fn found(content: &Value) -> Vec<(String, MediaKind)> {
        media_in(content, "content", "m.room.message")
            .into_iter()
            .map(|media| (media.path, media.kind))
            .collect()
    }

    /// JSON with mxc URIs in all places, under names that mean something and names that do not.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i64>().prop_map(Value::from),
            "[a-z <>='\"]{0,20}".prop_map(Value::from),
            "mxc://example.org/[a-c]{1,2}".prop_map(Value::from),
            "<img src=\"mxc://example.org/[a-c]\">{0,3}".prop_map(Value::from),
        ];
        let name = prop_oneof![
            "url|file|info|body|filename|msgtype|itemtype|key|m\\.file|content_token",
            "thumbnail_(url|file|info)|avatar_(url|file|content_token)|formatted_body|og:image",
            "[a-z.\\[\\]]{0,4}",
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(name.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn the_path_of_a_long_way_is_told_in_part() {
        let name = "n".repeat(2000);
        let content = json!({"a": {"b": [{ (name.clone()): {"url": "mxc://example.org/x"}}]}});
        let (path, _) = found(&content).pop().expect("found");
        assert_eq!(path, "content.a.b[0]….url");
        let content = json!({ (name): "mxc://example.org/x" });
        assert_eq!(
            found(&content),
            [("content.…".replace(".…", "…"), MediaKind::Other)]
        );
    }

    #[test]
    fn many_media_far_inside_cost_no_more_than_their_bytes() {
        let list: Vec<Value> = (0..2000)
            .map(|n| json!(format!("mxc://e.org/{n}")))
            .collect();
        let mut deep = json!(list);
        for _ in 0..100 {
            deep = json!({ ("n".repeat(300)): deep, "content_token": {} });
        }
        let all = media_in(&deep, "content", "m.room.message");
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|media| media.path.len() < 600));
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_the_event_names(content in any_json()) {
            let all = media_in(&content, "content", "m.room.message");
            let named: std::collections::BTreeSet<_> = all.iter().map(|media| media.mxc.clone()).collect();
            prop_assert_eq!(named, media_of(&content));
        }

        #[test]
        fn the_own_url_of_a_message_comes_first(mut content in any_json()) {
            if let Some(object) = content.as_object_mut() {
                object.insert("msgtype".to_owned(), json!("m.image"));
                object.insert("url".to_owned(), json!("mxc://example.org/main"));
                let all = media_in(&content, "content", "m.room.message");
                prop_assert!(all.iter().any(|media| media.path == "content.url" && media.kind == MediaKind::File));
                prop_assert_eq!(all[0].kind, MediaKind::File);
            }
        }
    }
}
