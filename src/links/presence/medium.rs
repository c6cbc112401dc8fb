//! A medium as the homeserver is asked for it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::storage::missing_media::AskedMedium;
use medialink_link::matrix::{ContentToken, MxcUri};

/// A medium with all that decides about the homeserver's answer.
#[derive(Clone, Copy)]
pub struct MediumRef<'a> {
    /// The bridge as whose user the homeserver is asked.
    pub bridge: &'a str,
    /// The URI of the media.
    pub mxc: &'a MxcUri,
    /// Its content token.
    pub content_token: Option<&'a ContentToken>,
    /// The copy that is asked for first (MSC3911).
    pub copy: Option<&'a MxcUri>,
    /// Whether the database may know that the homeserver did not have it.
    pub may_be_missing: bool,
}

impl MediumRef<'_> {
    /// The name of the medium in memory.
    pub(super) fn name(self, names: &RandomState) -> u64 {
        let mut hasher = names.build_hasher();
        self.bridge.hash(&mut hasher);
        self.mxc.server_name().hash(&mut hasher);
        self.mxc.media_id().hash(&mut hasher);
        self.content_token
            .map(ContentToken::expose)
            .hash(&mut hasher);
        self.copy
            .map(|copy| (copy.server_name(), copy.media_id()))
            .hash(&mut hasher);
        hasher.finish()
    }

    /// The name of its media in memory, whoever asks for it.
    pub(super) fn media_name(self, names: &RandomState) -> u64 {
        media_name(self.mxc, names)
    }

    /// The medium as the database names it.
    pub(super) fn to_owned(self) -> AskedMedium {
        AskedMedium {
            bridge: self.bridge.to_owned(),
            mxc: self.mxc.to_string(),
            content_token: self
                .content_token
                .map(|token| token.expose().to_owned())
                .unwrap_or_default(),
            copy_mxc: self.copy.map(MxcUri::to_string).unwrap_or_default(),
        }
    }
}

/// The name of media in memory, whoever asks for it.
pub(super) fn media_name(mxc: &MxcUri, names: &RandomState) -> u64 {
    names.hash_one((mxc.server_name(), mxc.media_id()))
}
