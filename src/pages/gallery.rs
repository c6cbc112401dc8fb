//! Other media that was shared together with that of a page.

use super::{display_name::display_name, frame::Frame, view_kind::ViewKind};

/// The most characters of a name under a small picture.
const MAX_NAME: usize = 40;

/// A medium that was shared together with that of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GalleryItem {
    /// The absolute URL of its page.
    pub page_url: String,
    /// The file's name.
    pub title: Option<String>,
    /// How it is shown.
    pub kind: ViewKind,
    /// The absolute URL of a small picture of it.
    pub picture_url: Option<String>,
}

impl GalleryItem {
    /// Its name, as far as there is room for it.
    pub(super) fn name(&self, frame: &Frame) -> String {
        let name = self.title.as_deref().and_then(display_name);
        let name = name.unwrap_or_else(|| frame.say(self.kind.without_name()));
        match name.char_indices().nth(MAX_NAME) {
            None => name,
            Some((end, _)) => format!("{}…", &name[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{languages::Language, pages::tests::frame};

    #[test]
    fn a_long_name_is_cut() {
        let frame = frame(Language::English);
        let item = |title: &str| GalleryItem {
            page_url: String::new(),
            title: Some(title.to_owned()),
            kind: ViewKind::Image,
            picture_url: None,
        };
        assert_eq!(item("cat.png").name(&frame), "cat.png");
        assert_eq!(item(" ").name(&frame), "Shared image");
        assert_eq!(
            item(&"é".repeat(41)).name(&frame),
            format!("{}…", "é".repeat(40))
        );
        assert_eq!(item("a\u{202e}b").name(&frame), "a\u{fffd}b");
    }
}
