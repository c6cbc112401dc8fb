//! The formats of links that bridges make by themselves.

use super::{
    heisenbridge,
    key::LegacyKey,
    path::{PathError, Pattern},
};

/// How links are written and signed.
#[derive(Debug, Clone)]
pub enum Format {
    /// The `MediaProxy` of matrix-appservice-bridge.
    AppserviceBridge {
        /// The key of its JWK file.
        key: LegacyKey,
    },
    /// heisenbridge.
    Heisenbridge {
        /// Its `media_key`, or else the `hs_token` of its registration.
        key: LegacyKey,
    },
    /// `public_media` of mautrix bridges, without its database.
    Mautrix {
        /// Its `signing_key`.
        key: LegacyKey,
        /// How many bytes of the HMAC its links carry: see [`HASH_LENGTHS`].
        hash_length: usize,
        /// Whether its links carry the time at which they end.
        expiry: bool,
    },
    /// Nothing is signed: media is served that was seen in an event.
    Unsigned {
        /// For how long after that, in milliseconds; `None`: for ever.
        lifetime_ms: Option<i64>,
    },
}

impl Format {
    /// The word for it in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } => "appservice-bridge",
            Self::Heisenbridge { .. } => "heisenbridge",
            Self::Mautrix { .. } => "mautrix",
            Self::Unsigned { .. } => UNSIGNED,
        }
    }

    /// The path that its package uses if nothing else is configured there.
    #[must_use]
    pub fn default_path(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } | Self::Unsigned { .. } => "/",
            Self::Heisenbridge { .. } => heisenbridge::DEFAULT_PATH,
            Self::Mautrix { .. } => "/_mautrix/publicmedia",
        }
    }

    /// The route that log lines and metrics name, since paths hold secrets.
    pub(super) fn route(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } => "legacy_links/appservice-bridge",
            Self::Heisenbridge { .. } => "legacy_links/heisenbridge",
            Self::Mautrix { .. } => "legacy_links/mautrix",
            Self::Unsigned { .. } => "legacy_links/unsigned",
        }
    }

    pub(super) fn patterns(&self, path: &str) -> Result<Vec<Pattern>, PathError> {
        match self {
            Self::AppserviceBridge { .. } => {
                Pattern::below(path, "/v1/media/download/{checksum}").map(|pattern| vec![pattern])
            }
            Self::Heisenbridge { .. } => Pattern::template(path).map(|pattern| vec![pattern]),
            Self::Mautrix { .. } => {
                Pattern::below(path, "/{server}/{media_id}/{checksum}{filename}")
                    .map(|pattern| vec![pattern])
            }
            Self::Unsigned { .. } => ["v1", "r0", "v3"]
                .into_iter()
                .map(|version| {
                    let rest = format!(
                        "/_matrix/media/{version}/download/{{server}}/{{media_id}}{{filename}}"
                    );
                    Pattern::below(path, &rest)
                })
                .collect(),
        }
    }
}

/// The word for links that nobody signed.
pub(super) const UNSIGNED: &str = "unsigned";
