//! Deleting media that a bridge's user has uploaded (MSC4322, "Simple Media Self-Redaction").

use reqwest::Method;
use serde_json::json;

use crate::config::BridgeConfig;
use medialink_link::matrix::MxcUri;

use super::{Homeserver, HomeserverError};

/// The prefixes of the endpoint: of the proposal, and of the specification once it has accepted it.
const APIS: [&[&str]; 2] = [
    &["_matrix", "client", "unstable", "uk.timedout.msc4322"],
    &["_matrix", "client", "v1"],
];

impl Homeserver {
    /// Deletes media for ever; doing it again has no effect.
    ///
    /// # Errors
    /// If the homeserver refuses or fails: 403 `M_FORBIDDEN` for media of others, `M_UNRECOGNIZED` if it
    /// lets nobody delete media, `M_NOT_FOUND` if it has no such media.
    pub async fn delete_media(
        &self,
        bridge: &BridgeConfig,
        mxc: &MxcUri,
    ) -> Result<(), HomeserverError> {
        let [unstable, stable] = APIS;
        match self.delete_at(unstable, bridge, mxc).await {
            Err(error) if error.is_unknown_endpoint() => self.delete_at(stable, bridge, mxc).await,
            outcome => outcome,
        }
    }

    async fn delete_at(
        &self,
        api: &[&str],
        bridge: &BridgeConfig,
        mxc: &MxcUri,
    ) -> Result<(), HomeserverError> {
        let path = ["media", "redact", mxc.server_name(), mxc.media_id()];
        let request = self
            .request_as(bridge, Method::POST, &[api, &path].concat())
            .json(&json!({}));
        self.answer(request).await.map(drop)
    }
}
