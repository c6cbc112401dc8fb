//! The placeholders of a template.

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Field {
    /// The name of the sender.
    Sender,
    /// The action of the sender: `sent an image`.
    Action,
    /// The kind of thing: `an image`.
    What,
    /// The file's name.
    Name,
    /// Its length: `332 KiB`.
    Size,
    /// Width and height: `640x480`.
    Dimensions,
    /// Its playing time: `1:02`.
    Duration,
    /// Its media type.
    Type,
    /// Its caption.
    Caption,
    /// The link.
    Url,
    /// The network on the other side.
    Network,
}

/// The placeholders and their names.
pub(super) const FIELDS: [(&str, Field); 11] = [
    ("sender", Field::Sender),
    ("action", Field::Action),
    ("what", Field::What),
    ("name", Field::Name),
    ("size", Field::Size),
    ("dimensions", Field::Dimensions),
    ("duration", Field::Duration),
    ("type", Field::Type),
    ("caption", Field::Caption),
    ("url", Field::Url),
    ("network", Field::Network),
];
