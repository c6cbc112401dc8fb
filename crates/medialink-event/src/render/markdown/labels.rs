//! The labels of links to users, rooms and messages, by the HTML of the same message.

use crate::html::{Piece, attribute, pieces};

use super::{leads_to_matrix, target};

/// How many labels are kept: each costs a comparison for each bracket.
const MAX_LABELS: usize = 64;
/// The longest label that is kept, in bytes.
const MAX_BYTES: usize = 512;
/// Characters that Markdown reads as its own. Clients put names with them into labels as they are.
const MARKS: [char; 4] = ['[', ']', '`', '\\'];

/// Labels that Markdown alone would read wrongly.
pub(super) struct Labels(Vec<String>);

impl Labels {
    /// The labels of the links of some HTML.
    pub(super) fn of(html: &str) -> Self {
        let mut labels = Vec::new();
        let mut open: Option<String> = None;
        for piece in pieces(html, |_| false) {
            match piece {
                Piece::Start(name, tag) if name == "a" => {
                    let address = attribute(&tag, "href").unwrap_or_default();
                    open = leads_to_matrix(address).then(String::new);
                }
                Piece::Text(words) => {
                    if let Some(label) = &mut open {
                        label.push_str(&words);
                    }
                }
                Piece::End(name) if name == "a" => {
                    labels.extend(open.take().filter(|label| is_odd(label)));
                }
                Piece::Start(..) | Piece::End(_) => {}
            }
            if labels.len() == MAX_LABELS {
                break;
            }
        }
        // The longest first, since one may begin like another.
        labels.sort_unstable_by_key(|label| std::cmp::Reverse(label.len()));
        labels.dedup();
        Self(labels)
    }

    /// The label behind an opening bracket, and the length of it with its address.
    pub(super) fn at(&self, text: &str) -> Option<(&str, usize)> {
        self.0.iter().find_map(|label| {
            let address = text.strip_prefix(label.as_str())?.strip_prefix(']')?;
            let (_, length) = target(address)?;
            Some((label.as_str(), label.len() + 1 + length))
        })
    }
}

fn is_odd(label: &str) -> bool {
    label.len() <= MAX_BYTES && label.contains(MARKS) && !label.trim().is_empty()
}
