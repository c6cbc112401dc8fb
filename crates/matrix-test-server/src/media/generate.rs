//! Media that is made while it is read.

use actix_web::HttpResponse;
use actix_web::http::header::HeaderValue;

use crate::errors::MatrixError;
use crate::media_store::{Description, Source};
use crate::query::Query;
use crate::server::Server;

use super::created::created;

/// Makes media without storing it; for tests with long bodies.
pub(crate) fn generate(server: &Server, query: &Query) -> Result<HttpResponse, MatrixError> {
    let size = query
        .number("size")?
        .ok_or_else(|| MatrixError::missing_param("size"))?;
    let content_type = query
        .get("content_type")
        .unwrap_or("application/octet-stream");
    if HeaderValue::from_str(content_type).is_err() {
        return Err(MatrixError::invalid_param(
            "content_type is no header value",
        ));
    }
    let with_token = server.options.content_tokens && query.get("content_token") != Some("false");
    let mut data = server.data();
    let (id, medium) = data.media.create("", with_token);
    let mut answer = created(medium);
    answer["size"] = size.into();
    let description = Description {
        content_type: content_type.to_owned(),
        file_name: query.get("filename").map(str::to_owned),
    };
    data.media.fill(&id, description, size, Source::Generated);
    Ok(HttpResponse::Ok().json(answer))
}

/// The byte at `offset` of every medium made by `POST /_demo/generate`: cheap, and different
/// enough that a stream shifted, doubled or cut is noticed.
#[must_use]
pub fn generated_byte(offset: u64) -> u8 {
    let mixed = offset ^ (offset >> 8).wrapping_mul(31) ^ (offset >> 16).wrapping_mul(131);
    mixed.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_bytes_differ_between_chunks() {
        let chunk = |at: u64| (at..at + 4096).map(generated_byte).collect::<Vec<_>>();
        assert_ne!(chunk(0), chunk(64 * 1024));
        assert_ne!(chunk(0), chunk(4096));
    }
}
