//! The digest by which a repeated request is known, since its text is not stored.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::text::PasteText;

/// Makes digests of requests, under a secret of this service.
#[derive(Clone)]
pub(super) struct Digests(Hmac<Sha256>);

impl Digests {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// A digest of the bridge, the room, the event, and the text with its name and its language.
    pub(super) fn of(&self, bridge: &str, paste: &PasteText) -> [u8; 32] {
        let mut mac = self.0.clone();
        let event_id = paste.event_id.as_ref().map(|id| id.as_str());
        for field in [
            bridge,
            paste.room_id.as_str(),
            event_id.unwrap_or_default(),
            paste.filename.as_deref().unwrap_or_default(),
            paste.language.as_deref().unwrap_or_default(),
            &paste.text,
        ] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medialink_link::matrix::{EventId, RoomId};

    #[test]
    fn whatever_is_different_has_another_digest() {
        let digests = Digests::new(&[1; 32]);
        let first = PasteText::new(RoomId::parse("!r:s").expect("valid"), "text".to_owned());
        let of = |change: &dyn Fn(&mut PasteText)| {
            let mut paste = first.clone();
            change(&mut paste);
            digests.of("irc", &paste)
        };
        let same = of(&|_| {});
        assert_eq!(
            same,
            of(&|paste| paste.lifetime = Some(crate::config::Lifetime::Never))
        );
        let others = [
            digests.of("xmpp", &first),
            Digests::new(&[2; 32]).of("irc", &first),
            of(&|paste| paste.room_id = RoomId::parse("!s:s").expect("valid")),
            of(&|paste| paste.event_id = Some(EventId::parse("$e").expect("valid"))),
            of(&|paste| paste.filename = Some("text".to_owned())),
            of(&|paste| paste.language = Some("text".to_owned())),
            of(&|paste| paste.text.push(' ')),
        ];
        for (number, other) in others.iter().enumerate() {
            assert_ne!(*other, same, "{number}");
            assert!(!others[..number].contains(other), "{number}");
        }
    }
}
