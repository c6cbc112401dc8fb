//! The bridge's answers come back as they are, also those without content.

use serde_json::json;
use support::{HS_TOKEN, World, answer};

use super::scene::{BridgeBehind, OK, in_front_of, raw_request};

const ASKED: &str = "/_matrix/app/v1/users/%40irc_a%3Aexample.org";

/// Status line and headers, in lower case and without those of the connection, and the rest.
fn parts(answer: &str) -> (String, Vec<String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let headers = headers.split("\r\n").map(str::to_lowercase);
    let mut headers: Vec<String> = headers
        .filter(|line| !line.is_empty() && !line.starts_with("connection:"))
        .collect();
    headers.sort();
    (status.to_owned(), headers, body.to_owned())
}

/// Method, the status and the headers that the bridge gives, its body, and the body that comes back.
const ANSWERS: [(&str, &str, &[&str], &str, &str); 16] = [
    ("GET", "204 No Content", &["x-of: the bridge"], "", ""),
    (
        "GET",
        "204 No Content",
        &["content-type: text/x-tea"],
        "",
        "",
    ),
    ("PUT", "204 No Content", &[], "", ""),
    (
        "GET",
        "304 Not Modified",
        &["content-length: 1234", "etag: \"a\""],
        "",
        "",
    ),
    ("GET", "304 Not Modified", &["etag: \"a\""], "", ""),
    ("GET", "205 Reset Content", &["content-length: 0"], "", ""),
    (
        "HEAD",
        "200 OK",
        &["content-length: 99", "content-type: text/x-tea"],
        "",
        "",
    ),
    ("HEAD", "200 OK", &["etag: \"a\""], "", ""),
    // Headers that are repeated, packed bodies, and a body that may not be there.
    (
        "GET",
        "200 OK",
        &["set-cookie: a=1", "set-cookie: b=2", "content-length: 0"],
        "",
        "",
    ),
    (
        "GET",
        "404 Not Found",
        &[
            "link: <a>",
            "link: <b>",
            "content-encoding: gzip",
            "content-length: 2",
        ],
        "ab",
        "ab",
    ),
    ("DELETE", "204 No Content", &["x-of: a", "x-of: a"], "", ""),
    (
        "HEAD",
        "304 Not Modified",
        &["content-length: 5", "vary: a", "vary: b"],
        "",
        "",
    ),
    ("HEAD", "404 Not Found", &["content-length: 7"], "", ""),
    ("GET", "200 OK", &["content-length: 0"], "", ""),
    ("GET", "200 OK", &["content-length: 4"], "text", "text"),
    (
        "GET",
        "200 OK",
        &["x-length: none"],
        "text",
        "4\r\ntext\r\n0\r\n\r\n",
    ),
];

#[tokio::test]
async fn answers_without_content_have_none_and_no_header_is_invented() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(OK).await;
    let service = in_front_of(&world, bridge.address, "").await;
    let token = format!("Authorization: Bearer {HS_TOKEN}\r\n");
    for (method, status, headers, body, expected) in ANSWERS {
        let date = "date: Thu, 01 Jan 1970 00:00:00 GMT";
        let mut said = format!("HTTP/1.1 {status}\r\n{date}\r\n");
        for header in headers {
            said += &format!("{header}\r\n");
        }
        bridge.says(Some(&format!("{said}Connection: close\r\n\r\n{body}")));
        let told = raw_request(&service, method, ASKED, "", &token).await;
        let (line, mut found, rest) = parts(&told);
        assert_eq!(line, format!("HTTP/1.1 {status}"), "{method}");
        assert_eq!(rest, expected, "{method} {status} {headers:?}");
        // A body without a length is given one piece by piece.
        found.retain(|line| line != "transfer-encoding: chunked" || expected.is_empty());
        let mut given: Vec<String> = headers.iter().map(ToString::to_string).collect();
        given.push(date.to_lowercase());
        given.sort();
        assert_eq!(found, given, "{method} {status}");
    }
    service.stop().await;
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(&format!("HTTP/1.1 103 Early Hints\r\n\r\n{OK}")).await;
    let service = in_front_of(&world, bridge.address, "").await;
    let asked = service.client.get(format!("{}{ASKED}", service.internal));
    let told = answer(asked.bearer_auth(HS_TOKEN)).await;
    assert_eq!(told, (reqwest::StatusCode::OK, json!({})));
    service.stop().await;
}
