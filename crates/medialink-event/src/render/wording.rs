//! The words that texts put between those of the event, for those who write them in another language.

use std::fmt;

use crate::human;

use super::item::ItemKind;

/// The words of texts in one language. What they answer becomes a part of one line: line ends and characters that
/// turn the direction of the text are taken out.
pub trait Wording: fmt::Debug {
    /// So many things of one kind: `an image`, `3 images`.
    fn things(&self, kind: ItemKind, count: usize) -> String;

    /// What the sender did with them: `sent an image`, `edited 3 files`, `changed their avatar`.
    fn action(&self, kind: ItemKind, count: usize, is_edit: bool) -> String;

    /// A spoiler or a content warning, with its reason: `spoiler: the end`.
    fn warning(&self, is_spoiler: bool, reason: Option<&str>) -> String;

    /// The link leads to no more than a thumbnail: `thumbnail only`.
    fn thumbnail_only(&self) -> String;

    /// So many links are left out: `and 3 more`.
    fn more(&self, count: usize) -> String;

    /// The message has been changed: `edited`.
    fn edited(&self) -> String;

    /// What comes before the question of a poll: `alice started a poll`, and `poll` without a sender.
    fn poll(&self, sender: Option<&str>, is_edit: bool) -> String;

    /// A length in bytes: `1.2 MiB`.
    fn size(&self, bytes: u64) -> String;
}

/// English words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct English;

impl Wording for English {
    fn things(&self, kind: ItemKind, count: usize) -> String {
        match count {
            1 => kind.noun().to_owned(),
            count => format!("{count} {}", kind.plural()),
        }
    }

    fn action(&self, kind: ItemKind, count: usize, is_edit: bool) -> String {
        match count {
            1 => kind.action(is_edit),
            _ if is_edit => format!("edited {}", self.things(kind, count)),
            _ => format!("sent {}", self.things(kind, count)),
        }
    }

    fn warning(&self, is_spoiler: bool, reason: Option<&str>) -> String {
        let kind = if is_spoiler {
            "spoiler"
        } else {
            "content warning"
        };
        match reason {
            Some(reason) => format!("{kind}: {reason}"),
            None => kind.to_owned(),
        }
    }

    fn thumbnail_only(&self) -> String {
        "thumbnail only".to_owned()
    }

    fn more(&self, count: usize) -> String {
        format!("and {count} more")
    }

    fn edited(&self) -> String {
        "edited".to_owned()
    }

    fn poll(&self, sender: Option<&str>, is_edit: bool) -> String {
        match sender {
            None => "poll".to_owned(),
            Some(sender) if is_edit => format!("{sender} edited a poll"),
            Some(sender) => format!("{sender} started a poll"),
        }
    }

    fn size(&self, bytes: u64) -> String {
        human::size(bytes)
    }
}
