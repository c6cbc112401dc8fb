//! Uploads (Client-Server API, `POST /_matrix/media/v3/upload`; MSC3910; MSC3911, "Restricted
//! media").

use bytes::Bytes;
use reqwest::{Method, header};
use serde_json::Value;

use crate::config::BridgeConfig;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{Homeserver, HomeserverError, client::answer, media::is_unknown_endpoint};

/// Where media is uploaded that is for its uploader alone, until it is attached to an event.
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
/// Where media is uploaded that is for everybody.
const ORDINARY: &[&str] = &["_matrix", "media", "v3", "upload"];

/// What to upload.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// The bytes.
    pub bytes: Bytes,
    /// Their type, as others will be told.
    pub content_type: &'static str,
    /// Their name, as others will be told.
    pub filename: Option<&'a str>,
    /// Whether they are to be attached to an event. The homeserver deletes them if they are not,
    /// within minutes.
    pub to_be_attached: bool,
}

/// What was uploaded.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// The media.
    pub mxc: MxcUri,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// Whether it has to be attached to an event. A homeserver that does not know how is given it
    /// as ordinary media.
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
                    Err(error) if is_unknown_endpoint(&error) => {}
                    outcome => return outcome,
                }
            }
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
        let told = answer(request).await?;
        let mxc = told
            .get("content_uri")
            .and_then(Value::as_str)
            .and_then(|uri| MxcUri::parse(uri).ok())
            .ok_or(HomeserverError::Nonsense("it has no URI of the upload"))?;
        let content_token = match told.get("content_token") {
            None | Some(Value::Null) => None,
            Some(token) => Some(
                token
                    .as_str()
                    .and_then(|token| ContentToken::parse(token).ok())
                    .ok_or(HomeserverError::Nonsense("its content token is none"))?,
            ),
        };
        Ok(Uploaded {
            mxc,
            content_token,
            to_be_attached: upload.to_be_attached,
        })
    }
}
