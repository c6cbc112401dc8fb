//! The answer of the bridge behind us, given back as it comes: its headers, and its body if it has one
//! (RFC 9110, section 6.4.1).

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodyStream, None as NoBody, SizedStream},
    http::{StatusCode, header},
};
use futures_util::{TryStreamExt, stream};
use http_body_util::BodyDataStream;

use crate::appservice::BridgeAnswer;

/// The bridge's answer to a request; `is_head`: to a HEAD request.
pub(super) fn given_back(answer: BridgeAnswer, is_head: bool) -> HttpResponse {
    let (head, body) = answer.into_parts();
    // An interim answer is none to the request.
    let status = StatusCode::from_u16(head.status.as_u16())
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponseBuilder::new(status);
    let mut length = None;
    for (name, value) in &head.headers {
        if name == hyper::header::CONTENT_LENGTH {
            length = value.to_str().ok().and_then(|text| text.parse().ok());
            continue;
        }
        if let (Ok(name), Ok(value)) = (
            header::HeaderName::from_bytes(name.as_str().as_bytes()),
            header::HeaderValue::from_bytes(value.as_bytes()),
        ) {
            response.append_header((name, value));
        }
    }
    let nothing = stream::empty::<Result<_, std::io::Error>>;
    match (status, length) {
        (StatusCode::NO_CONTENT, _) => response.body(NoBody::new()),
        // The length is that of the representation, which is not sent.
        (StatusCode::NOT_MODIFIED, length) => {
            if let Some(length) = length {
                response.insert_header((header::CONTENT_LENGTH, length));
            }
            response.body(NoBody::new())
        }
        (_, None) if is_head => response.body(NoBody::new()),
        (_, Some(length)) if is_head => response.body(SizedStream::new(length, nothing())),
        (StatusCode::RESET_CONTENT, _) => response.body(SizedStream::new(0, nothing())),
        (_, length) => {
            let pieces = BodyDataStream::new(body).map_err(std::io::Error::other);
            match length {
                Some(length) => response.body(SizedStream::new(length, pieces)),
                None => response.body(BodyStream::new(pieces)),
            }
        }
    }
}
