//! The list, and whether a link or a reader is on it. Pure.

use std::collections::HashSet;

use ipnet::IpNet;
use medialink_link::{LinkClaims, matrix::MxcUri};

use crate::{
    config::{Denial, DenyKind},
    glob,
};

/// Values of a kind: most are whole ones, which are found at once.
#[derive(Debug, Default)]
struct Values {
    whole: HashSet<String>,
    patterns: Vec<String>,
}

impl Values {
    fn add(&mut self, value: &str) {
        match value.contains('*') {
            true => self.patterns.push(value.to_owned()),
            false => {
                self.whole.insert(value.to_owned());
            }
        }
    }

    fn are_none(&self) -> bool {
        self.whole.is_empty() && self.patterns.is_empty()
    }

    fn hold(&self, text: &str) -> bool {
        self.whole.contains(text) || {
            let mut patterns = self.patterns.iter();
            patterns.any(|pattern| glob::matches(pattern, text))
        }
    }
}

/// What is denied.
#[derive(Debug, Default)]
pub struct DenyList {
    servers: Values,
    rooms: Values,
    senders: Values,
    media: Values,
    media_types: Values,
    clients: Vec<IpNet>,
    digests: HashSet<[u8; 32]>,
}

/// What a link is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its room.
    pub room_id: &'a str,
    /// Who shared the media, if that is known.
    pub sender: Option<&'a str>,
    /// The media, if there is any yet.
    pub mxc: Option<&'a MxcUri>,
    /// The type that its event tells, if it tells one.
    pub mimetype: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// What claims are about, shared by this user.
    #[must_use]
    pub fn of(claims: &'a LinkClaims, sender: Option<&'a str>) -> Self {
        Self {
            room_id: claims.room_id.as_str(),
            sender,
            mxc: Some(&claims.mxc),
            mimetype: claims.mimetype.as_deref(),
        }
    }
}

impl DenyList {
    /// The list of these entries.
    #[must_use]
    pub fn of<'a>(denials: impl IntoIterator<Item = &'a Denial>) -> Self {
        let mut list = Self::default();
        for Denial { kind, value } in denials {
            match kind {
                DenyKind::Server => list.servers.add(value),
                DenyKind::Room => list.rooms.add(value),
                DenyKind::Sender => list.senders.add(value),
                DenyKind::Media => list.media.add(value),
                DenyKind::MediaType => list.media_types.add(value),
                DenyKind::Client => list.clients.extend(value.parse::<IpNet>()),
                DenyKind::Sha256 => list.digests.extend(digest(value)),
            }
        }
        list
    }

    /// Whether nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let values = [
            &self.servers,
            &self.rooms,
            &self.senders,
            &self.media,
            &self.media_types,
        ];
        values.iter().all(|values| values.are_none())
            && self.clients.is_empty()
            && self.digests.is_empty()
    }

    /// Why a link is denied, if it is.
    #[must_use]
    pub fn denies(&self, subject: Subject<'_>) -> Option<DenyKind> {
        let server_of = |id: &str| id.split_once(':').map(|(_, server)| server.to_owned());
        let sender_server = subject.sender.and_then(server_of);
        let servers = subject.mxc.map(|mxc| mxc.server_name().to_owned());
        let mut servers = servers.into_iter().chain(sender_server);
        if !self.servers.are_none()
            && servers.any(|server| self.servers.hold(&server.to_ascii_lowercase()))
        {
            return Some(DenyKind::Server);
        }
        if self.rooms.hold(subject.room_id) {
            return Some(DenyKind::Room);
        }
        if subject.sender.is_some_and(|id| self.senders.hold(id)) {
            return Some(DenyKind::Sender);
        }
        let is_denied = |mxc: &MxcUri| {
            let server = mxc.server_name().to_ascii_lowercase();
            self.media
                .hold(&format!("mxc://{server}/{}", mxc.media_id()))
        };
        if !self.media.are_none() && subject.mxc.is_some_and(is_denied) {
            return Some(DenyKind::Media);
        }
        let is_type = subject.mimetype.is_some_and(|kind| self.denies_type(kind));
        is_type.then_some(DenyKind::MediaType)
    }

    /// Whether a media type is denied, whatever its parameters.
    #[must_use]
    pub fn denies_type(&self, kind: &str) -> bool {
        let kind = kind.split(';').next().unwrap_or_default();
        !self.media_types.are_none() && self.media_types.hold(&kind.trim().to_ascii_lowercase())
    }

    /// Whether bytes with this SHA-256 are denied.
    #[must_use]
    pub fn denies_bytes(&self, sha256: &[u8; 32]) -> bool {
        self.digests.contains(sha256)
    }

    /// Whether any bytes are denied.
    #[must_use]
    pub fn has_digests(&self) -> bool {
        !self.digests.is_empty()
    }

    /// The networks of readers that are denied.
    #[must_use]
    pub fn clients(&self) -> &[IpNet] {
        &self.clients
    }
}

/// A SHA-256 from its digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(DenyKind, &str)]) -> DenyList {
        let denials: Vec<Denial> = entries
            .iter()
            .map(|(kind, text)| Denial::parse(*kind, text).expect("an entry"))
            .collect();
        DenyList::of(&denials)
    }

    fn subject(mxc: &MxcUri) -> Subject<'_> {
        Subject {
            room_id: "!r:example.org",
            sender: Some("@alice:example.org"),
            mxc: Some(mxc),
            mimetype: Some("image/png"),
        }
    }

    #[test]
    fn each_kind_denies_what_it_names() {
        let mxc = MxcUri::parse("mxc://Media.example/abc").expect("an mxc URI");
        for (kind, text) in [
            (DenyKind::Server, "media.example"),
            (DenyKind::Server, "*.example"),
            (DenyKind::Server, "example.org"),
            (DenyKind::Room, "!r:example.org"),
            (DenyKind::Room, "!*:example.org"),
            (DenyKind::Sender, "@alice:example.org"),
            (DenyKind::Sender, "@*:example.org"),
            (DenyKind::Media, "mxc://media.example/abc"),
            (DenyKind::Media, "mxc://media.example/*"),
            (DenyKind::MediaType, "image/png"),
            (DenyKind::MediaType, "image/*"),
        ] {
            let list = list(&[(kind, text)]);
            assert_eq!(list.denies(subject(&mxc)), Some(kind), "{text}");
            assert!(!list.is_empty());
        }
    }

    #[test]
    fn others_are_not_denied() {
        let mxc = MxcUri::parse("mxc://media.example/abc").expect("an mxc URI");
        for (kind, text) in [
            (DenyKind::Server, "edia.example"),
            (DenyKind::Room, "!R:example.org"),
            (DenyKind::Sender, "@alic:example.org"),
            (DenyKind::Media, "mxc://media.example/ABC"),
            (DenyKind::MediaType, "video/*"),
            (DenyKind::Client, "0.0.0.0/0"),
            (DenyKind::Sha256, &"00".repeat(32)),
        ] {
            assert_eq!(list(&[(kind, text)]).denies(subject(&mxc)), None, "{text}");
        }
        assert!(DenyList::default().is_empty());
    }

    #[test]
    fn types_are_compared_without_parameters_and_bytes_by_their_digest() {
        let list = list(&[
            (DenyKind::MediaType, "text/html"),
            (DenyKind::Sha256, &format!("{}ff", "00".repeat(31))),
        ]);
        assert!(list.denies_type("Text/HTML; charset=utf-8"));
        assert!(!list.denies_type("text/plain"));
        let mut digest = [0; 32];
        assert!(!list.denies_bytes(&digest));
        digest[31] = 0xff;
        assert!(list.denies_bytes(&digest) && list.has_digests());
    }
}
