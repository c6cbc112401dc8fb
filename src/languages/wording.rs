//! The words of texts for plain networks.

use medialink_event::{ItemKind, Wording};

use super::Texts;

impl Texts {
    fn count(&self, id: &str, count: usize) -> String {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.say_with(id, &[("count", count.into())])
    }
}

impl Wording for Texts {
    fn things(&self, kind: ItemKind, count: usize) -> String {
        let id = match kind {
            ItemKind::Image => "text-image",
            ItemKind::Gif => "text-gif",
            ItemKind::Video => "text-video",
            ItemKind::Audio => "text-audio",
            ItemKind::Voice => "text-voice",
            ItemKind::File => "text-file",
            ItemKind::Sticker => "text-sticker",
            ItemKind::UserAvatar => "text-avatar",
            ItemKind::RoomAvatar => "text-room-avatar",
        };
        self.count(id, count)
    }

    fn action(&self, kind: ItemKind, count: usize, is_edit: bool) -> String {
        let id = match (kind, count) {
            (ItemKind::UserAvatar, 1) => return self.say("text-new-avatar"),
            (ItemKind::RoomAvatar, 1) => return self.say("text-new-room-avatar"),
            _ if is_edit => "text-changed",
            _ => "text-sent",
        };
        self.say_with(id, &[("things", self.things(kind, count).into())])
    }

    fn warning(&self, is_spoiler: bool, reason: Option<&str>) -> String {
        let reason = reason.map(|reason| [("reason", reason.into())]);
        match (is_spoiler, reason) {
            (true, None) => self.say("text-spoiler"),
            (true, Some(reason)) => self.say_with("text-spoiler-reason", &reason),
            (false, None) => self.say("text-warning"),
            (false, Some(reason)) => self.say_with("text-warning-reason", &reason),
        }
    }

    fn thumbnail_only(&self) -> String {
        self.say("text-thumbnail-only")
    }

    fn more(&self, count: usize) -> String {
        self.count("text-more", count)
    }

    fn edited(&self) -> String {
        self.say("text-edited")
    }

    fn poll(&self, sender: Option<&str>, is_edit: bool) -> String {
        let Some(sender) = sender else {
            return self.say("text-poll");
        };
        let sender = [("sender", sender.into())];
        match is_edit {
            true => self.say_with("text-poll-edited", &sender),
            false => self.say_with("text-poll-started", &sender),
        }
    }

    fn size(&self, bytes: u64) -> String {
        Self::size(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use medialink_event::{English, human};

    use super::*;
    use crate::languages::{Language, Languages};

    const KINDS: [ItemKind; 9] = [
        ItemKind::Image,
        ItemKind::Gif,
        ItemKind::Video,
        ItemKind::Audio,
        ItemKind::Voice,
        ItemKind::File,
        ItemKind::Sticker,
        ItemKind::UserAvatar,
        ItemKind::RoomAvatar,
    ];

    #[test]
    fn english_texts_are_those_of_the_library() {
        let texts = Languages::built_in().of(Language::English);
        let (ours, theirs): (&dyn Wording, &dyn Wording) = (&*texts, &English);
        for kind in KINDS {
            for (count, is_edit) in [(1, false), (1, true), (2, false), (50, true)] {
                assert_eq!(ours.things(kind, count), theirs.things(kind, count));
                let actions = [ours, theirs].map(|words| words.action(kind, count, is_edit));
                assert_eq!(actions[0], actions[1]);
            }
        }
        for (flag, words) in [
            (false, None),
            (true, None),
            (false, Some("x")),
            (true, Some("x")),
        ] {
            assert_eq!(ours.warning(flag, words), theirs.warning(flag, words));
            assert_eq!(ours.poll(words, flag), theirs.poll(words, flag));
        }
        assert_eq!(ours.thumbnail_only(), theirs.thumbnail_only());
        assert_eq!(ours.edited(), theirs.edited());
        assert_eq!(ours.more(3), theirs.more(3));
        for bytes in [0, 1, 1023, 1024, 10_239, 1_234_567, 20 << 20, u64::MAX] {
            assert_eq!(ours.size(bytes), human::size(bytes));
        }
    }
}
