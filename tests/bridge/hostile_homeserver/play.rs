//! A service beside such a homeserver, and a link.

use serde_json::{Value, json};
use support::{Service, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::upstream::Upstream;

pub struct Play {
    pub service: Service,
    pub link: Value,
    pub upstream: Upstream,
    pub _folder: tempfile::TempDir,
}

impl Play {
    pub async fn new(upstream: Upstream, more: &str, extra: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\n{more}");
        let service = Service::start(folder.path(), &upstream.url, &more).await;
        let mut body = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        for (name, value) in extra.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let link = service.issue(body).await;
        Self {
            service,
            link,
            upstream,
            _folder: folder,
        }
    }

    pub async fn of(upstream: Upstream) -> Self {
        Self::new(
            upstream,
            "media: {max_size: 1KiB}",
            json!({"content_token": "secret-content-token"}),
        )
        .await
    }

    pub async fn status(&self) -> (u16, Value) {
        let response = self.service.follow(&self.link).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// What arrives on the wire, until the connection ends.
    pub async fn raw(&self) -> String {
        let link = url(&self.link);
        let rest = link.trim_start_matches("http://");
        let (host, path) = rest.split_once('/').expect("a path");
        let mut stream = TcpStream::connect(host).await.expect("connects");
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("asks");
        let mut arrived = Vec::new();
        // A reset is an end as well.
        let _ = tokio::time::timeout(
            std::time::Duration::from_secs(15),
            stream.read_to_end(&mut arrived),
        )
        .await
        .expect("the connection ends");
        String::from_utf8_lossy(&arrived).into_owned()
    }

    /// The answer begins like a good one, and shows that it is not whole.
    pub async fn is_visibly_cut(&self, expected_at_most: &str) {
        let arrived = self.raw().await;
        if arrived.starts_with("HTTP/1.1 50") {
            // It broke so early that it could be told.
            return;
        }
        let (head, body) = arrived.split_once("\r\n\r\n").unwrap_or((&arrived, ""));
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        match head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
        {
            Some(length) => assert!(
                body.len() < length.parse::<usize>().expect("a number"),
                "{arrived}"
            ),
            None => {
                assert!(head.contains("transfer-encoding: chunked"), "{head}");
                assert!(!body.ends_with("0\r\n\r\n"), "{arrived}");
            }
        }
        assert!(!body.contains(expected_at_most), "{arrived}");
        let followed = self.service.follow(&self.link).await;
        assert!(
            followed.status().is_server_error() || followed.bytes().await.is_err(),
            "a client notices"
        );
    }
}
