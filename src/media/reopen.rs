//! Opens media once more while an answer is being made. The thumbnailer and bodies out of the cache
//! need this of the proxy, and know only this trait.

use futures_util::future::LocalBoxFuture;

use super::{MediaBody, MediaError, object_key::ObjectKey, order::Order};

/// Opens media once more. The futures are boxed, since opening a thumbnail opens its original.
pub(super) trait Reopen {
    /// The whole original of a thumbnail, decrypted and verified as it is read.
    fn original<'a>(
        &'a self,
        thumbnail: &'a Order,
    ) -> LocalBoxFuture<'a, Result<MediaBody, MediaError>>;

    /// The rest of media whose cached bytes cannot be read any more: decrypted, from `from` on.
    /// `length`: the announced length of the whole, if there was one.
    fn rest<'a>(
        &'a self,
        key: &'a ObjectKey,
        order: &'a Order,
        length: Option<u64>,
        from: u64,
    ) -> LocalBoxFuture<'a, Result<MediaBody, MediaError>>;
}
