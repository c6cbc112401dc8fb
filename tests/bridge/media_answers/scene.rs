//! A service beside a homeserver that answers as a test wants, and a link.

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{
    Service, answer, client,
    raw::{self, Plan, RawServer},
    url,
};

pub const CONTENT_TOKEN: &str = "content-token-of-the-test";

/// A service beside a homeserver that answers like this, and a link.
pub struct Scene {
    pub homeserver: RawServer,
    pub service: Service,
    pub link: Value,
    pub _folder: tempfile::TempDir,
}

impl Scene {
    pub async fn new(answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        Self::with("", answer).await
    }

    /// `networks`: `homeserver.redirect_networks`.
    pub async fn with(
        networks: &str,
        answer: impl Fn(&str) -> Plan + Send + Sync + 'static,
    ) -> Self {
        Self::configured(networks, "max_size: 100KiB", answer).await
    }

    /// `media`: what stands under that key.
    pub async fn configured(
        networks: &str,
        media: &str,
        answer: impl Fn(&str) -> Plan + Send + Sync + 'static,
    ) -> Self {
        let homeserver = RawServer::start(answer).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\nmedia: {{{media}}}");
        let edit = |text: String| {
            text.replace(
                "timeouts: {connect: 2s, first_byte: 5s, stall: 5s}",
                &format!(
                    "timeouts: {{connect: 1s, first_byte: 1s, stall: 1s}}, redirect_networks: [{networks}]"
                ),
            )
        };
        let clock = Clock::default();
        let service =
            Service::start_edited(folder.path(), &homeserver.url, "", &more, &clock, edit).await;
        let link = service
            .issue(json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org", "content_token": CONTENT_TOKEN}))
            .await;
        Self {
            homeserver,
            service,
            link,
            _folder: folder,
        }
    }

    pub async fn get(&self) -> raw::RawAnswer {
        raw::get(&url(&self.link)).await
    }

    /// The link is refused like this.
    pub async fn refuses(&self, status: u16, errcode: &str) {
        let (found, error) = answer(client().get(url(&self.link))).await;
        assert_eq!(
            (found.as_u16(), &error["errcode"]),
            (status, &json!(errcode)),
            "{error}"
        );
    }

    /// Something is sent, but it never looks whole.
    pub async fn breaks_off(self) -> raw::RawAnswer {
        let answer = self.get().await;
        let is_told = answer.status == 502;
        assert!(is_told || answer.status == 200, "{}", answer.head);
        assert!(is_told || !answer.is_complete, "{}", answer.head);
        self.service.stop().await;
        answer
    }
}
