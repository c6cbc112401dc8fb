//! The content of meta events (MSC3910 and its review).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{random, storage::media_references::Usage};
use medialink_link::matrix::MxcUri;

/// The longest content of one event, in bytes. Homeservers refuse events of over 64 KiB, with
/// signatures and references to other events.
const MAX_CONTENT_BYTES: usize = 48 * 1024;

/// The content of a meta event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DraftedContent {
    /// Unique to each meta event, since homeservers fold equal events into one.
    pub batch: String,
    /// The JSON text, as it is sent.
    pub content: String,
    /// The usages that it counts.
    pub members: Vec<i64>,
}

/// The content of the meta events that count these usages, at most `batch_size` of them and 48 KiB
/// each, with each medium at most once in each. `names_events`: whether each reference names the event
/// that shared the media.
pub(super) fn draft(
    usages: &[Usage],
    network: &str,
    batch_size: usize,
    names_events: bool,
) -> Vec<DraftedContent> {
    let mut drafts = Vec::new();
    for layer in by_medium(usages) {
        for group in layer.chunks(batch_size.max(1)) {
            draft_group(group, network, names_events, &mut drafts);
        }
    }
    drafts
}

/// Separates usages that differ only in their content token: an event has room for one token of each
/// medium.
fn by_medium(usages: &[Usage]) -> Vec<Vec<Usage>> {
    let mut layers: Vec<Vec<Usage>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for usage in usages {
        let layer = seen.entry(&usage.mxc).or_default();
        if layers.len() == *layer {
            layers.push(Vec::new());
        }
        layers[*layer].push(usage.clone());
        *layer += 1;
    }
    layers
}

fn draft_group(
    group: &[Usage],
    network: &str,
    names_events: bool,
    drafts: &mut Vec<DraftedContent>,
) {
    let batch = random::id();
    let content = content(group, network, &batch, names_events);
    if content.len() > MAX_CONTENT_BYTES && group.len() > 1 {
        let (first, second) = group.split_at(group.len() / 2);
        draft_group(first, network, names_events, drafts);
        draft_group(second, network, names_events, drafts);
        return;
    }
    drafts.push(DraftedContent {
        batch,
        content,
        members: group.iter().map(|usage| usage.id).collect(),
    });
}

fn content(group: &[Usage], network: &str, batch: &str, names_events: bool) -> String {
    let mut tokens = Map::new();
    let mut references = Vec::with_capacity(group.len());
    for usage in group {
        let Ok(mxc) = MxcUri::parse(&usage.mxc) else {
            continue;
        };
        let hash = mxc.hash();
        if !usage.content_token.is_empty() {
            tokens.insert(hash.clone(), usage.content_token.clone().into());
        }
        let mut reference = Map::new();
        reference.insert("hash".to_owned(), hash.into());
        if let Some(event_id) = usage
            .event_id
            .as_deref()
            .filter(|id| names_events && !id.is_empty())
        {
            reference.insert("event_id".to_owned(), event_id.into());
        }
        reference.insert("network".to_owned(), network.into());
        reference.insert("links".to_owned(), usage.links.into());
        let ends = usage.last_expiry.filter(|_| usage.ending == usage.links);
        reference.insert(
            "expires_ts".to_owned(),
            ends.map_or(Value::Null, Value::from),
        );
        references.push(Value::Object(reference));
    }
    json!({"content_token": tokens, "batch": batch, "references": references}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(id: i64, token: &str) -> Usage {
        Usage {
            id,
            mxc: format!("mxc://example.org/m{id}"),
            content_token: token.to_owned(),
            links: 2,
            ending: 2,
            last_expiry: Some(1_791_209_600_000),
            event_id: Some("$source".to_owned()),
            pending_at: None,
        }
    }

    fn parsed(draft: &DraftedContent) -> Value {
        serde_json::from_str(&draft.content).expect("JSON")
    }

    #[test]
    fn the_content_is_that_of_the_contract() {
        let mut endless = usage(2, "");
        endless.ending = 1;
        let drafts = draft(&[usage(1, "hunter2"), endless], "Libera.Chat", 50, true);
        assert_eq!(drafts.len(), 1);
        let hash = |id: i64| {
            MxcUri::parse(&format!("mxc://example.org/m{id}"))
                .expect("mxc")
                .hash()
        };
        assert_eq!(
            parsed(&drafts[0]),
            json!({
                "content_token": {hash(1): "hunter2"},
                "batch": drafts[0].batch,
                "references": [
                    {"hash": hash(1), "event_id": "$source", "network": "Libera.Chat", "links": 2, "expires_ts": 1_791_209_600_000_i64},
                    {"hash": hash(2), "event_id": "$source", "network": "Libera.Chat", "links": 2, "expires_ts": null},
                ]
            })
        );
    }

    #[test]
    fn elsewhere_the_event_is_not_named() {
        let drafts = draft(&[usage(1, "t")], "IRC", 50, false);
        assert!(
            parsed(&drafts[0])["references"][0]
                .get("event_id")
                .is_none()
        );
    }

    #[test]
    fn tokens_of_one_medium_are_in_events_of_their_own() {
        let other = Usage {
            id: 3,
            ..usage(1, "swordfish")
        };
        let drafts = draft(
            &[usage(1, "hunter2"), other, usage(2, "t")],
            "IRC",
            50,
            true,
        );
        let members: Vec<_> = drafts.iter().map(|d| d.members.clone()).collect();
        assert_eq!(members, [vec![1, 2], vec![3]]);
        let hash = MxcUri::parse("mxc://example.org/m1").expect("mxc").hash();
        let tokens: Vec<_> = drafts
            .iter()
            .map(|d| parsed(d)["content_token"][&hash].clone())
            .collect();
        assert_eq!(tokens, ["hunter2", "swordfish"]);
    }

    #[test]
    fn events_are_split_by_number_and_by_size_and_lose_nothing() {
        let many: Vec<Usage> = (0..120).map(|id| usage(id, "t")).collect();
        let sizes: Vec<usize> = draft(&many, "IRC", 50, true)
            .iter()
            .map(|d| d.members.len())
            .collect();
        assert_eq!(sizes, [50, 50, 20]);
        let large: Vec<Usage> = (0..200).map(|id| usage(id, &"t".repeat(255))).collect();
        let drafts = draft(&large, "IRC", 200, true);
        assert!(drafts.len() > 1 && drafts.iter().all(|d| d.content.len() <= MAX_CONTENT_BYTES));
        let members: Vec<i64> = drafts.iter().flat_map(|d| d.members.clone()).collect();
        assert_eq!(members, (0..200).collect::<Vec<_>>());
        let batches: std::collections::HashSet<_> = drafts.iter().map(|d| &d.batch).collect();
        assert_eq!(batches.len(), drafts.len());
    }
}
