//! The content of policy events. Pure.

use medialink_event::whole_number;
use serde_json::Value;

use crate::storage::room_policies::RoomPolicy;

use super::super::request::IssueError;

/// The type of the state event; its state key is empty.
pub const POLICY_EVENT_TYPE: &str = "org.matrix.msc3910.link_policy";

/// Reads the content of a policy event. Fields of the wrong type, or negative ones, are left out;
/// their names come along.
#[must_use]
pub fn read(content: &Value) -> (RoomPolicy, Vec<&'static str>) {
    let mut ignored = Vec::new();
    let field = |name: &'static str| {
        let value = content.get(name).filter(|value| !value.is_null())?;
        Some((value, name))
    };
    let flag = |found: Option<(&Value, &'static str)>, ignored: &mut Vec<_>| {
        let (value, name) = found?;
        let flag = value.as_bool();
        if flag.is_none() {
            ignored.push(name);
        }
        flag
    };
    let number = |found: Option<(&Value, &'static str)>, ignored: &mut Vec<_>| {
        let (value, name) = found?;
        let number = whole_number(value).and_then(|number| i64::try_from(number).ok());
        if number.is_none() {
            ignored.push(name);
        }
        number
    };
    let policy = RoomPolicy {
        enabled: flag(field("enabled"), &mut ignored).unwrap_or(true),
        max_lifetime_ms: number(field("max_lifetime_ms"), &mut ignored),
        max_size: number(field("max_size"), &mut ignored),
        pages_only: flag(field("pages_only"), &mut ignored).unwrap_or(false),
    };
    (policy, ignored)
}

/// Whether the policy of a room allows a link to media of this size, in bytes.
pub(in crate::links) fn permitted(
    policy: &RoomPolicy,
    size: Option<i64>,
) -> Result<(), IssueError> {
    if !policy.enabled {
        return Err(IssueError::RoomForbids);
    }
    match (size, policy.max_size) {
        (Some(size), Some(max)) if size > max => Err(IssueError::TooLargeForRoom(max)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn fields_that_make_no_sense_are_left_out_one_by_one() {
        let (policy, ignored) = read(&json!({
            "enabled": false, "max_lifetime_ms": 5000, "max_size": 7, "pages_only": true, "more": 1,
        }));
        let told = RoomPolicy {
            enabled: false,
            max_lifetime_ms: Some(5000),
            max_size: Some(7),
            pages_only: true,
        };
        assert_eq!((policy, ignored.len()), (told.clone(), 0));
        // Rooms of old versions have floats.
        let floats = json!({
            "enabled": false, "max_lifetime_ms": 5000.0, "max_size": 0.7e1, "pages_only": true,
        });
        let (policy, ignored) = read(&floats);
        assert_eq!((policy, ignored.len()), (told, 0));
        for (content, names) in [
            (json!({"enabled": "no"}), &["enabled"][..]),
            (
                json!({"max_lifetime_ms": -1, "max_size": 1.5}),
                &["max_lifetime_ms", "max_size"],
            ),
            (
                json!({"max_lifetime_ms": u64::MAX, "pages_only": 1}),
                &["max_lifetime_ms", "pages_only"],
            ),
            (
                json!({"enabled": {}, "max_size": "5"}),
                &["enabled", "max_size"],
            ),
            (json!({"max_lifetime_ms": -5000.0}), &["max_lifetime_ms"]),
            (json!({"enabled": null}), &[]),
            (json!([]), &[]),
            (json!("off"), &[]),
        ] {
            let (policy, ignored) = read(&content);
            assert_eq!(
                (policy, &ignored[..]),
                (RoomPolicy::default(), names),
                "{content}"
            );
        }
    }

    #[test]
    fn lifetimes_are_cut_to_whole_seconds_that_a_token_can_tell() {
        let cut = |ms| {
            let policy = RoomPolicy {
                max_lifetime_ms: ms,
                ..RoomPolicy::default()
            };
            policy.max_lifetime_s()
        };
        assert_eq!(cut(None), None);
        assert_eq!(cut(Some(0)), Some(1));
        assert_eq!(cut(Some(1999)), Some(1));
        assert_eq!(cut(Some(2000)), Some(2));
        assert_eq!(cut(Some(i64::MAX)), None);
    }

    proptest! {
        #[test]
        fn no_content_breaks_the_reading(text in "[\\[\\]{}:,\"a-z_0-9.-]{0,60}", key in "enabled|max_size|max_lifetime_ms|pages_only") {
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let (policy, _) = read(&json!({ key: value }));
            prop_assert!(policy.max_size.is_none_or(|size| size >= 0));
            prop_assert!(policy.max_lifetime_s().is_none_or(|seconds| seconds >= 1));
        }
    }
}
