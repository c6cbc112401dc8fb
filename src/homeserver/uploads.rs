//! Uploads (Client-Server API, `POST /_matrix/media/v3/upload`; MSC3910; MSC3911, "Restricted
//! media").

use bytes::Bytes;
use reqwest::{Method, header};
use serde_json::Value;

use crate::config::BridgeConfig;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{Homeserver, HomeserverError};

/// Where to upload media that only its uploader may see until it is attached to an event.
const RESTRICTED: [&[&str]; 2] = [
    &[
        "_matrix",
        "client",
        "unstable",
        "org.matrix.msc3911",
        "media",
        "upload",
    ],
    &["_matrix", "client", "v1", "media", "upload"],
];
/// Where to upload media for everybody.
const ORDINARY: &[&str] = &["_matrix", "media", "v3", "upload"];

/// A file to upload.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// The content of the file.
    pub bytes: Bytes,
    /// The media type that the homeserver is to serve it with.
    pub content_type: &'static str,
    /// The file name that the homeserver is to serve it with.
    pub filename: Option<&'a str>,
    /// Whether it is to be attached to an event. The homeserver deletes it within minutes if it is not
    /// attached.
    pub to_be_attached: bool,
    /// Whether the homeserver refuses media that is not to be attached (MSC3911).
    pub only_restricted: bool,
}

/// Media that the homeserver has accepted.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// Its mxc URI.
    pub mxc: MxcUri,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// Whether it has to be attached to an event. Where the homeserver cannot attach media, it was
    /// uploaded as ordinary media.
    pub to_be_attached: bool,
}

impl Homeserver {
    /// Uploads media; it belongs to the bridge's user.
    ///
    /// # Errors
    /// If the homeserver refuses or fails: 413 `M_TOO_LARGE`, 429 `M_LIMIT_EXCEEDED`, 403
    /// `M_FORBIDDEN`. If the outcome is unknown, there may be media that nothing refers to.
    pub async fn upload(
        &self,
        bridge: &BridgeConfig,
        upload: &Upload<'_>,
    ) -> Result<Uploaded, HomeserverError> {
        if upload.to_be_attached {
            for endpoint in RESTRICTED {
                match self.upload_at(endpoint, bridge, upload).await {
                    Err(error) if error.is_unknown_endpoint() => {}
                    outcome => return outcome,
                }
            }
        }
        if upload.only_restricted {
            return Err(HomeserverError::InvalidResponse(
                "it takes restricted uploads only, and has no endpoint for them",
            ));
        }
        let uploaded = self.upload_at(ORDINARY, bridge, upload).await?;
        Ok(Uploaded {
            to_be_attached: false,
            ..uploaded
        })
    }

    async fn upload_at(
        &self,
        endpoint: &[&str],
        bridge: &BridgeConfig,
        upload: &Upload<'_>,
    ) -> Result<Uploaded, HomeserverError> {
        let mut request = self
            .request_as(bridge, Method::POST, endpoint)
            .header(header::CONTENT_TYPE, upload.content_type)
            .body(upload.bytes.clone());
        if let Some(filename) = upload.filename {
            request = request.query(&[("filename", filename)]);
        }
        let answer = self.answer(request).await?;
        let mxc = answer
            .get("content_uri")
            .and_then(Value::as_str)
            .and_then(|uri| MxcUri::parse(uri).ok())
            .ok_or(HomeserverError::InvalidResponse(
                "content_uri of the upload is not an mxc URI",
            ))?;
        let content_token = match answer.get("content_token") {
            None | Some(Value::Null) => None,
            Some(token) => Some(
                token
                    .as_str()
                    .and_then(|token| ContentToken::parse(token).ok())
                    .ok_or(HomeserverError::InvalidResponse(
                        "content_token is not a content token",
                    ))?,
            ),
        };
        Ok(Uploaded {
            mxc,
            content_token,
            to_be_attached: upload.to_be_attached,
        })
    }
}
