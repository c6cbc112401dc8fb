//! From a link that may be followed to the bytes of its media.

mod body;
mod cache;
mod conditions;
mod decrypt;
mod encrypt;
mod error;
mod head;
mod headers;
mod identity;
mod limited;
mod presence;
mod proxy;
mod purge;
mod range;
mod serve;
mod sniff;
mod thumbnail;
mod thumbnailer;
mod upstream;

pub use body::MediaBody;
pub use cache::Cache;
pub use conditions::Wanted;
pub use decrypt::Decryption;
pub use encrypt::encrypt;
pub use error::MediaError;
pub use headers::{SafeHeaders, content_disposition};
pub use identity::Names;
pub use presence::Presence;
pub use proxy::{Given, Media, MediaProxy, Order};
pub use purge::Purger;
pub use range::ByteRange;
pub use thumbnail::{Method, thumbnail};
pub use thumbnailer::Thumbnailer;
