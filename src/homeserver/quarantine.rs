//! What an administrator has quarantined (Synapse's Admin API, `GET /_synapse/admin/v1/media/quarantine_changes`).

use medialink_event::whole_number;
use medialink_link::matrix::MxcUri;
use reqwest::{Method, header};
use serde_json::Value;

use crate::config::Secret;

use super::{Homeserver, HomeserverError, client::bearer};

/// A part of the list of changes, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineChanges {
    /// From where the list goes on.
    pub next: i64,
    /// Media and whether it is quarantined. Those whose names are none of Matrix are left out.
    pub changes: Vec<(MxcUri, bool)>,
}

impl Homeserver {
    /// The changes from a place in the list on, up to a hundred. 0 is its beginning.
    ///
    /// # Errors
    /// If the homeserver refuses or fails: 401 and 403 if the token is none of an administrator, an unknown endpoint
    /// if it has no such list, 400 if the list ends before that place.
    pub async fn quarantine_changes(
        &self,
        admin_token: &Secret,
        from: i64,
    ) -> Result<QuarantineChanges, HomeserverError> {
        let mut url = self.url(&["_synapse", "admin", "v1", "media", "quarantine_changes"]);
        url.query_pairs_mut().append_pair("from", &from.to_string());
        let request = self.request_to(Method::GET, url);
        let request = request.header(header::AUTHORIZATION, bearer(admin_token.expose()));
        let answer = self.optional(self.answer(request)).await?;
        parse(&answer).ok_or(HomeserverError::InvalidResponse("no list of changes"))
    }
}

fn parse(answer: &Value) -> Option<QuarantineChanges> {
    let next = i64::try_from(answer.get("next_batch").and_then(whole_number)?).ok()?;
    let changes = answer.get("changes")?.as_array()?.iter();
    let change = |change: &Value| {
        let text = |name: &str| change.get(name)?.as_str();
        let mxc = format!("mxc://{}/{}", text("origin")?, text("media_id")?);
        // Synapse on SQLite says 1 and 0.
        let is_quarantined = match change.get("quarantined")? {
            Value::Bool(is_quarantined) => *is_quarantined,
            Value::Number(number) => number.as_i64() != Some(0),
            _ => return None,
        };
        Some((MxcUri::parse(&mxc).ok()?, is_quarantined))
    };
    Some(QuarantineChanges {
        next,
        changes: changes.filter_map(change).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_and_what_is_no_media_is_left_out() {
        let list = parse(&json!({"next_batch": 7, "changes": [
            {"origin": "example.org", "media_id": "abc", "quarantined": true},
            {"origin": "example.org", "media_id": "a/b", "quarantined": true},
            {"origin": "example.org", "quarantined": true},
            {"origin": "example.org", "media_id": "abc", "quarantined": "no"},
            {"origin": "b.example", "media_id": "def", "quarantined": false},
            {"origin": "b.example", "media_id": "ghi", "quarantined": 1},
            {"origin": "b.example", "media_id": "ghi", "quarantined": 0},
            7,
        ]}));
        let mxc = |text: &str| MxcUri::parse(text).expect("valid");
        let changes = vec![
            (mxc("mxc://example.org/abc"), true),
            (mxc("mxc://b.example/def"), false),
            (mxc("mxc://b.example/ghi"), true),
            (mxc("mxc://b.example/ghi"), false),
        ];
        assert_eq!(list, Some(QuarantineChanges { next: 7, changes }));
        for bad in [
            json!({}),
            json!({"next_batch": -1, "changes": []}),
            json!({"next_batch": 1, "changes": {}}),
            json!([]),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
