//! Copies of media (MSC3911, "Copying media"): each event has media of its own.

use reqwest::Method;
use serde_json::{Value, json};

use crate::config::BridgeConfig;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{
    Homeserver, HomeserverError,
    media_request::{CONTENT_TOKEN_HEADER, content_token_header},
};

/// The prefixes of the endpoint: of the proposal, and of the specification once it has accepted it.
const APIS: [&[&str]; 2] = [
    &["_matrix", "client", "unstable", "org.matrix.msc3911"],
    &["_matrix", "client", "v1"],
];

impl Homeserver {
    /// Copies media; the copy belongs to the bridge's user and is attached to no event yet.
    ///
    /// # Errors
    /// If the homeserver refuses or fails; `M_UNRECOGNIZED` if it makes no copies.
    pub async fn copy_media(
        &self,
        bridge: &BridgeConfig,
        mxc: &MxcUri,
        content_token: Option<&ContentToken>,
    ) -> Result<MxcUri, HomeserverError> {
        let [unstable, stable] = APIS;
        match self.copy_at(unstable, bridge, mxc, content_token).await {
            Err(error) if error.is_unknown_endpoint() => {
                self.copy_at(stable, bridge, mxc, content_token).await
            }
            outcome => outcome,
        }
    }

    async fn copy_at(
        &self,
        api: &[&str],
        bridge: &BridgeConfig,
        mxc: &MxcUri,
        content_token: Option<&ContentToken>,
    ) -> Result<MxcUri, HomeserverError> {
        let path = ["media", "copy", mxc.server_name(), mxc.media_id()];
        let mut request = self
            .request_as(bridge, Method::POST, &[api, &path].concat())
            .json(&json!({}));
        if let Some(token) = content_token {
            request = request.header(CONTENT_TOKEN_HEADER, content_token_header(token)?);
        }
        let value = self.answer(request).await?;
        value
            .get("content_uri")
            .and_then(Value::as_str)
            .and_then(|uri| MxcUri::parse(uri).ok())
            .ok_or(HomeserverError::InvalidResponse(
                "content_uri of the copy is not an mxc URI",
            ))
    }
}
