//! The type that media is told with: by its listed name, with the charset of text, and the same for
//! each request.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{Service, url};

use super::scene::{link_to, scene};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const M4A: &[u8] = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42";
const M4B: &[u8] = b"\0\0\0\x18ftypM4B \0\0\0\0M4B mp42";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\0";
const WAVE: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
const FLAC: &[u8] = b"fLaC\0\0\0\x22";
const HTML: &[u8] = b"<script>alert(1)</script>";
const UNKNOWN: &str = "application/octet-stream";

fn opus() -> Vec<u8> {
    [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead", &[0; 20]].concat()
}

async fn ask(service: &Service, method: Method, link: &Value) -> Response {
    let request = service.client.request(method, url(link));
    request.send().await.expect("an answer")
}

fn told(response: &Response) -> (String, String) {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .map_or("", |value| value.to_str().expect("text"))
            .to_owned()
    };
    (header("content-type"), header("content-disposition"))
}

#[tokio::test]
async fn other_names_of_listed_types_are_told_as_the_listed_ones() {
    let opus = opus();
    let theora = [&b"OggS\0\x02"[..], &[0; 22], b"\x80theora", &[0; 20]].concat();
    for more in ["", "media: {cache: null}"] {
        let (world, service) = scene(more).await;
        for (declared, bytes, name, disposition) in [
            ("image/jpg", JPEG, "image/jpeg", "inline"),
            ("image/pjpeg", JPEG, "image/jpeg", "inline"),
            ("IMAGE/JPG; q=1", JPEG, "image/jpeg", "inline"),
            ("IMAGE/PNG", PNG, "image/png", "inline"),
            ("image/x-png", PNG, "image/png", "inline"),
            ("audio/x-m4a", M4A, "audio/mp4", "inline"),
            ("audio/m4a", M4A, "audio/mp4", "inline"),
            ("Audio/X-M4A", MP4, "audio/mp4", "inline"),
            ("audio/mp3", MP3, "audio/mpeg", "inline"),
            ("audio/x-mp3", MP3, "audio/mpeg", "inline"),
            ("audio/opus", &opus, "audio/ogg", "inline"),
            ("audio/vnd.wave", WAVE, "audio/wav", "inline"),
            ("audio/x-wav", WAVE, "audio/x-wav", "inline"),
            ("audio/x-flac", FLAC, "audio/x-flac", "inline"),
            ("video/x-m4v", MP4, "video/mp4", "inline"),
            // The brand says sound.
            (UNKNOWN, M4A, "audio/mp4", "inline"),
            ("Binary/Octet-Stream", M4B, "audio/mp4", "inline"),
            (UNKNOWN, MP4, "video/mp4", "inline"),
            (UNKNOWN, &opus, "audio/ogg", "inline"),
            (UNKNOWN, &theora, "video/ogg", "inline"),
            // Names do not vouch for bytes.
            ("image/jpg", HTML, UNKNOWN, "attachment"),
            ("audio/x-m4a", HTML, UNKNOWN, "attachment"),
            ("image/x-svg+xml", HTML, "image/x-svg+xml", "attachment"),
        ] {
            let link = link_to(&world, &service, (bytes, declared), json!({})).await;
            let response = ask(&service, Method::GET, &link).await;
            let expected = (name.to_owned(), disposition.to_owned());
            assert_eq!(told(&response), expected, "{declared}");
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn text_is_told_with_its_charset() {
    for more in ["", "media: {cache: null}"] {
        let (world, service) = scene(more).await;
        for (declared, name) in [
            ("text/plain", "text/plain; charset=utf-8"),
            (
                "text/plain; charset=ISO-8859-1",
                "text/plain; charset=iso-8859-1",
            ),
            (
                "TEXT/PLAIN;CHARSET=\"koi8-r\"",
                "text/plain; charset=koi8-r",
            ),
            (
                "text/csv; charset=windows-1252",
                "text/csv; charset=windows-1252",
            ),
            ("text/css; charset=Shift_JIS", "text/css; charset=shift_jis"),
            (
                "application/json; charset=latin1",
                "application/json; charset=latin1",
            ),
            (
                "text/plain; charset=ISO-2022-JP",
                "text/plain; charset=iso-2022-jp",
            ),
            (
                "text/csv; charset=\"UTF-16\"; charset=utf-8",
                "text/csv; charset=utf-16",
            ),
            ("text/css; charset=utf-16be", "text/css; charset=utf-16be"),
            // These let browsers guess.
            ("text/plain; charset=utf-7", "text/plain; charset=utf-8"),
            ("text/plain; charset=utf-32", "text/plain; charset=utf-8"),
            (
                "text/plain; charset=x-unheard-of",
                "text/plain; charset=utf-8",
            ),
            (
                "text/plain; x=\"; charset=utf-7\"",
                "text/plain; charset=utf-8",
            ),
        ] {
            let link = link_to(&world, &service, (b"caf\xe9\n", declared), json!({})).await;
            let response = ask(&service, Method::GET, &link).await;
            assert_eq!(told(&response), (name.to_owned(), "inline".to_owned()));
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let bytes = response.bytes().await.expect("whole");
            assert_eq!(&bytes[..], b"caf\xe9\n", "the bytes stay as they are");
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn the_head_of_media_tells_what_the_media_tells() {
    for more in ["", "media: {cache: null}"] {
        let (world, service) = scene(more).await;
        let long = [PNG, &vec![7; 3 << 20]].concat();
        for (declared, bytes) in [
            (UNKNOWN, M4A),
            (UNKNOWN, HTML),
            ("image/png", JPEG),
            ("image/png", HTML),
            ("image/jpeg", &long),
            ("text/plain; charset=latin1", HTML),
            ("video/mp4", b""),
        ] {
            let link = link_to(&world, &service, (bytes, declared), json!({})).await;
            let head = ask(&service, Method::HEAD, &link).await;
            let media = ask(&service, Method::GET, &link).await;
            assert_eq!(told(&head), told(&media), "{declared} {}", bytes.len());
            for name in ["content-length", "etag", "accept-ranges", "cache-control"] {
                assert_eq!(
                    head.headers().get(name),
                    media.headers().get(name),
                    "{name}"
                );
            }
        }
        service.stop().await;
    }
}
