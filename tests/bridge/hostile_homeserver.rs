//! A homeserver that answers nonsense: nothing of it gets through, and nothing looks complete that
//! is not.

use std::sync::{Arc, Mutex};

use aes::cipher::{KeyIvInit, StreamCipher};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use support::{Service, raw::asks_for_policy, url};

type Script = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// Answers each request with the bytes that a script makes of its head.
struct Upstream {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// `hold`: the connection is kept open after the answer.
    async fn start(hold: bool, script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&heads));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&script), Arc::clone(&seen), hold));
            }
        });
        Self { url, heads, task }
    }

    /// The heads of the requests for media.
    fn downloads(&self) -> Vec<String> {
        self.heads
            .lock()
            .expect("heads")
            .iter()
            .filter(|head| head.contains("download"))
            .cloned()
            .collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: TcpStream,
    script: Arc<Script>,
    heads: Arc<Mutex<Vec<String>>>,
    hold: bool,
) {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if asks_for_policy(&head) {
        let none = response(404, "", "{\"errcode\": \"M_NOT_FOUND\"}");
        // Whoever has asked may have gone.
        drop(stream.write_all(&none).await);
        return;
    }
    heads.lock().expect("heads").push(head.clone());
    if stream.write_all(&script(&head)).await.is_ok() && hold {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    }
}

fn ok(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{headers}\r\n{body}").into_bytes()
}

fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Play {
    service: Service,
    link: Value,
    upstream: Upstream,
    _folder: tempfile::TempDir,
}

impl Play {
    async fn new(upstream: Upstream, more: &str, extra: Value) -> Self {
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

    async fn of(upstream: Upstream) -> Self {
        Self::new(
            upstream,
            "media: {max_size: 1KiB}",
            json!({"content_token": "secret-content-token"}),
        )
        .await
    }

    async fn status(&self) -> (u16, Value) {
        let response = self.service.follow(&self.link).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// What arrives on the wire, until the connection ends.
    async fn raw(&self) -> String {
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
    async fn is_visibly_cut(&self, expected_at_most: &str) {
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

#[tokio::test]
async fn a_cut_body_never_looks_complete() {
    let play =
        Play::of(Upstream::start(false, |_| ok("Content-Length: 100\r\n", "only this")).await)
            .await;
    play.is_visibly_cut("nothing else").await;
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n5\r\nwo")
        })
        .await,
    )
    .await;
    play.is_visibly_cut("world").await;
    // Standing still: the harness gives it five seconds.
    play.service.stop().await;
    let play =
        Play::of(Upstream::start(true, |_| ok("Content-Length: 100\r\n", "only this")).await).await;
    play.is_visibly_cut("nothing else").await;
    play.service.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_its_announced_and_by_its_true_length() {
    let play = Play::of(Upstream::start(true, |_| ok("Content-Length: 1025\r\n", "x")).await).await;
    let (status, told) = play.status().await;
    assert_eq!((status, &told["errcode"]), (502, &json!("M_TOO_LARGE")));
    let endless = || {
        Upstream::start(false, |_| {
            let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
            ok("Transfer-Encoding: chunked\r\n", &chunk.repeat(8))
        })
    };
    play.service.stop().await;
    let play = Play::of(endless().await).await;
    play.is_visibly_cut(&"x".repeat(1025)).await;
    play.service.stop().await;
    let play =
        Play::of(Upstream::start(false, |_| ok("Content-Length: 5\r\n", "hello and more")).await)
            .await;
    assert_eq!(
        play.service
            .follow(&play.link)
            .await
            .text()
            .await
            .expect("a body"),
        "hello"
    );
    play.service.stop().await;
}

#[tokio::test]
async fn silence_and_nonsense_are_told_as_the_homeservers_failure() {
    let play = Play::of(Upstream::start(true, |_| Vec::new()).await).await;
    assert_eq!(play.status().await.0, 504);
    for nonsense in [
        ok("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "hi"),
        response(206, "Content-Range: bytes 0-1/9\r\n", "hi"),
        response(204, "", ""),
        response(302, "Location: /x\r\n", ""),
        response(307, "", ""),
        response(403, "", "<html>no</html>"),
        response(500, "", "{\"errcode\": 5}"),
        b"nonsense\r\n\r\n".to_vec(),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5000)).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&nonsense[..nonsense.len().min(60)]).into_owned();
        let play = Play::of(Upstream::start(false, move |_| nonsense.clone()).await).await;
        let (status, told) = play.status().await;
        assert_eq!(
            (status, &told["errcode"]),
            (502, &json!("M_UNKNOWN")),
            "{shown}"
        );
        play.service.stop().await;
    }
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(206, "Content-Range: bytes 0-5/9\r\n", "hi")
        })
        .await,
    )
    .await;
    let ranged = play
        .service
        .client
        .get(url(&play.link))
        .header("Range", "bytes=0-1")
        .send()
        .await
        .expect("an answer");
    assert_eq!(ranged.status(), 502);
    play.service.stop().await;
}

#[tokio::test]
async fn redirects_carry_no_credentials_and_lead_nowhere_private() {
    let own = Upstream::start(false, |head| {
        if head.starts_with("GET /stored") {
            response(200, "Content-Type: text/plain\r\n", "stored")
        } else {
            response(307, "Location: /stored?x=1\r\n", "")
        }
    })
    .await;
    let play = Play::of(own).await;
    assert_eq!(
        play.service
            .follow(&play.link)
            .await
            .text()
            .await
            .expect("a body"),
        "stored"
    );
    let heads = play.upstream.heads.lock().expect("heads").clone();
    let (first, second) = (
        heads[heads.len() - 2].to_lowercase(),
        heads[heads.len() - 1].to_lowercase(),
    );
    assert!(
        first.contains("authorization: bearer")
            && first.contains("x-matrix-content-token: secret-content-token")
            && first.contains("user_id=")
    );
    for secret in [
        "authorization",
        "x-matrix-content-token",
        "user_id",
        "secret",
    ] {
        assert!(!second.contains(secret), "{second}");
    }

    let elsewhere = Upstream::start(false, |_| {
        response(200, "Content-Type: text/plain\r\n", "private")
    })
    .await;
    let target = elsewhere.url.clone();
    let to = |target: String| {
        Upstream::start(false, move |_| {
            response(308, &format!("Location: {target}/x\r\n"), "")
        })
    };
    play.service.stop().await;
    let play = Play::of(to(target.clone()).await).await;
    assert_eq!(play.status().await.0, 502);
    let named = target.replace("127.0.0.1", "localhost");
    play.service.stop().await;
    let play = Play::of(to(named).await).await;
    assert_eq!(
        play.status().await.0,
        502,
        "a name is judged by its address"
    );
    assert!(elsewhere.heads.lock().expect("heads").is_empty());
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(307, "Location: /again/download\r\n", "")
        })
        .await,
    )
    .await;
    assert_eq!(play.status().await.0, 502);
    assert_eq!(
        play.upstream.downloads().len(),
        4,
        "the first request and three redirects"
    );
    play.service.stop().await;
}

#[tokio::test]
async fn the_old_endpoint_is_asked_without_tokens_where_the_new_one_is_unknown() {
    for unknown in [
        response(404, "", "<html>"),
        response(404, "", "{\"errcode\": \"M_UNRECOGNIZED\"}"),
        response(405, "", "{\"errcode\": \"M_UNRECOGNIZED\"}"),
    ] {
        let upstream = Upstream::start(false, move |head| {
            if head.contains("/media/v3/download/") {
                response(200, "Content-Type: text/plain\r\n", "old")
            } else {
                unknown.clone()
            }
        })
        .await;
        let play = Play::of(upstream).await;
        assert_eq!(
            play.service
                .follow(&play.link)
                .await
                .text()
                .await
                .expect("a body"),
            "old"
        );
        let legacy = play
            .upstream
            .downloads()
            .pop()
            .expect("a request")
            .to_lowercase();
        assert!(
            !legacy.contains("authorization")
                && !legacy.contains("secret")
                && !legacy.contains("user_id"),
            "{legacy}"
        );
        play.service.stop().await;
    }
    let play = Play::of(
        Upstream::start(false, |_| {
            response(404, "", "{\"errcode\": \"M_NOT_FOUND\"}")
        })
        .await,
    )
    .await;
    assert_eq!(play.status().await.0, 404);
    assert_eq!(play.upstream.downloads().len(), 1);
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(504, "", "{\"errcode\": \"M_NOT_YET_UPLOADED\"}")
        })
        .await,
    )
    .await;
    let early = play.service.follow(&play.link).await;
    assert_eq!(
        (
            early.status().as_u16(),
            early.headers().contains_key("retry-after")
        ),
        (503, true)
    );
    play.service.stop().await;
}

#[tokio::test]
async fn a_body_that_contradicts_its_length_is_not_complete() {
    let longer = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    let shorter = "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n";
    for headers in [longer, shorter] {
        for body in [
            "b\r\nhello world\r\n0\r\n\r\n",
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        ] {
            let play = Play::of(Upstream::start(false, move |_| ok(headers, body)).await).await;
            let response = play.service.follow(&play.link).await;
            let arrived = response.text().await.expect("a body");
            assert_eq!(arrived, "hello world", "the chunks tell the length");
            play.service.stop().await;
        }
    }
    let part =
        "HTTP/1.1 206 X\r\nContent-Range: bytes 0-4/20\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ["b\r\nhello world\r\n0\r\n\r\n", "3\r\nhel\r\n0\r\n\r\n"] {
        let bytes = format!("{part}{body}").into_bytes();
        let upstream = Upstream::start(false, move |_| bytes.clone()).await;
        let play = Play::new(upstream, "media: {cache: null}", json!({})).await;
        let request = play.service.client.get(url(&play.link));
        if let Ok(response) = request.header("Range", "bytes=0-4").send().await {
            assert!(
                response.status() == 502 || response.bytes().await.is_err(),
                "{body}"
            );
        }
        play.service.stop().await;
    }
}

#[tokio::test]
async fn every_coding_that_a_body_has_is_looked_at() {
    for headers in [
        "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
        "Content-Encoding: identity, gzip\r\n",
        "Content-Encoding: \u{e9}\r\n",
    ] {
        let headers = format!("{headers}Content-Length: 2\r\n");
        let play = Play::of(Upstream::start(false, move |_| ok(&headers, "hi")).await).await;
        assert_eq!(play.status().await.0, 502);
        play.service.stop().await;
    }
}

fn encrypted(plaintext: &[u8]) -> (Vec<u8>, Value) {
    let (key, iv) = ([3_u8; 32], [5_u8; 16]);
    let mut ciphertext = plaintext.to_vec();
    ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let sha256 = STANDARD_NO_PAD.encode(Sha256::digest(&ciphertext));
    let file = json!({
        "url": "mxc://example.org/abc", "v": "v2", "iv": STANDARD_NO_PAD.encode(iv), "hashes": {"sha256": sha256},
        "key": {"kty": "oct", "alg": "A256CTR", "k": URL_SAFE_NO_PAD.encode(key)},
    });
    (ciphertext, file)
}

#[tokio::test]
async fn encrypted_media_arrives_whole_and_right_or_not_whole() {
    for length in [0, 1, 70_000] {
        let plaintext: Vec<u8> = (0..=255).cycle().take(length).collect();
        let (ciphertext, file) = encrypted(&plaintext);
        let whole = ciphertext.clone();
        let serve = move |bytes: Vec<u8>| {
            Upstream::start(false, move |_| {
                let mut answer = response(200, "", "");
                let head = String::from_utf8(answer.clone()).expect("text").replacen(
                    "Content-Length: 0",
                    &format!("Content-Length: {}", bytes.len()),
                    1,
                );
                answer = head.into_bytes();
                answer.extend_from_slice(&bytes);
                answer
            })
        };
        let play = Play::new(
            serve(whole).await,
            "",
            json!({"file": file, "mimetype": "image/png"}),
        )
        .await;
        let response = play.service.follow(&play.link).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.bytes().await.expect("a body"), plaintext);

        let mut tampered = ciphertext;
        match tampered.last_mut() {
            Some(last) => *last ^= 1,
            None => tampered.push(1),
        }
        play.service.stop().await;
        let play = Play::new(serve(tampered).await, "", json!({"file": file})).await;
        // A piece that is held back whole leaves nothing to send: the connection ends at once.
        if let Ok(response) = play.service.client.get(url(&play.link)).send().await {
            assert!(
                response.status() == 502 || response.bytes().await.is_err(),
                "{length} bytes"
            );
        }
        play.service.stop().await;
    }
    let (_, file) = encrypted(b"something");
    let play = Play::new(
        Upstream::start(false, |_| ok("Content-Length: 0\r\n", "")).await,
        "",
        json!({"file": file}),
    )
    .await;
    assert_eq!(
        play.status().await.0,
        502,
        "nothing is not what was encrypted"
    );
    play.service.stop().await;
}

#[tokio::test]
async fn a_head_is_told_the_same_as_a_get() {
    for (told, status) in [("504 M_NOT_YET_UPLOADED", 503), ("404 M_NOT_FOUND", 404)] {
        let upstream = Upstream::start(false, move |head| {
            let (code, errcode) = told.split_once(' ').expect("two words");
            let body = format!("{{\"errcode\": \"{errcode}\"}}");
            let answer = response(code.parse().expect("a number"), "", &body);
            let length = answer.len()
                - if head.starts_with("HEAD") {
                    body.len()
                } else {
                    0
                };
            answer[..length].to_vec()
        })
        .await;
        let play = Play::of(upstream).await;
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let request = play.service.client.request(method, url(&play.link));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), status, "{told}");
        }
        let legacy = play.upstream.downloads();
        assert!(!legacy.iter().any(|head| head.contains("/v3/")), "{told}");
        play.service.stop().await;
    }
}

#[tokio::test]
async fn a_part_of_what_is_too_large_is_too_large() {
    let part = || response(206, "Content-Range: bytes 0-1/9999\r\n", "hi");
    let upstream = Upstream::start(false, move |_| part()).await;
    let more = "media: {max_size: 1KiB, cache: null}";
    let play = Play::new(upstream, more, json!({})).await;
    let request = play.service.client.get(url(&play.link));
    let ranged = request.header("Range", "bytes=0-1").send().await;
    let ranged = ranged.expect("an answer");
    assert_eq!(ranged.status(), 502);
    let told: Value = ranged.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_TOO_LARGE");
    play.service.stop().await;
}
