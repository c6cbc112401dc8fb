//! The answer to a new medium.

use serde_json::json;

use crate::media_store::Medium;

/// The URI of a new medium, and its content token if it has one.
pub(crate) fn created(medium: &Medium) -> serde_json::Value {
    let mut answer = json!({"content_uri": medium.mxc});
    if let Some(token) = &medium.content_token {
        answer["content_token"] = token.as_str().into();
    }
    answer
}
