//! Media of the homeserver, and what it is asked for.

use serde_json::Value;

use super::start::World;
use crate::client::answer;

impl World {
    /// Uploads media; URI and content token (empty if the homeserver has none).
    pub async fn upload(&self, bytes: impl Into<Vec<u8>>, content_type: &str) -> (String, String) {
        let bytes: Vec<u8> = bytes.into();
        let request = self
            .client
            .post(format!("{}/_matrix/media/v3/upload", self.url))
            .bearer_auth(&self.alice)
            .header("Content-Type", content_type)
            // The client leaves it out of an empty upload.
            .header("Content-Length", bytes.len())
            .body(bytes);
        let (status, answer) = answer(request).await;
        assert_eq!(status, 200, "{answer}");
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("content_uri"), text("content_token"))
    }

    /// What the homeserver says of media.
    pub async fn media(&self, mxc: &str) -> Value {
        let path = mxc.strip_prefix("mxc://").expect("an mxc URI");
        answer(self.client.get(format!("{}/_demo/media/{path}", self.url)))
            .await
            .1
    }

    pub async fn references(&self, mxc: &str) -> i64 {
        self.media(mxc).await["references"]
            .as_i64()
            .expect("a number")
    }

    /// Has the homeserver delete what nobody refers to; the URIs that it deleted.
    pub async fn clean_up(&self) -> Vec<String> {
        let (_, answer) = answer(self.client.post(format!("{}/_demo/cleanup", self.url))).await;
        serde_json::from_value(answer["deleted"].clone()).expect("a list")
    }

    /// How often endpoints of the homeserver were called.
    pub async fn requests(&self, endpoint: &str) -> i64 {
        let (_, counts) = answer(self.client.get(format!("{}/_demo/requests", self.url))).await;
        counts[endpoint].as_i64().unwrap_or(0)
    }
}
