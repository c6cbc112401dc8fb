//! From a link that may be followed to the bytes of its media.

mod body;
mod decrypt;
mod error;
mod headers;
mod proxy;
mod range;

pub use body::MediaStream;
pub use error::MediaError;
pub(crate) use headers::{INLINE_TYPES, is_media_type};
pub use headers::{SafeHeaders, content_disposition, name_for_url};
pub use proxy::{Media, MediaProxy, Wanted};
pub use range::is_single_range;
