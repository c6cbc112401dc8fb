//! The content tokens that an event has for a reference (MSC3910).

use medialink_link::matrix::{ContentToken, MxcUri};
use serde_json::Value;

use super::places::Places;

impl Places<'_> {
    /// The content token of a reference: a text beside the `url`,
    /// the `file` or the `avatar_url`, or an entry of a map in one of the objects around it.
    pub(super) fn token(
        &self,
        parent: Option<usize>,
        name: &str,
        mxc: &MxcUri,
    ) -> Option<ContentToken> {
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

    pub(super) fn token_by_hash(
        &self,
        mut place: Option<usize>,
        mxc: &MxcUri,
    ) -> Option<ContentToken> {
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
}
