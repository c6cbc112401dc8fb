//! The secrets in a file that was read: no error may repeat them.

use serde_json::Value;

/// The ends of the names of keys whose values are secret.
const NAMES: [&str; 5] = ["token", "key", "secret", "password", "value"];

/// All values under such keys, and the names and passwords in URLs.
pub(super) fn secrets_of(file: &Value) -> Vec<&str> {
    let mut secrets = Vec::new();
    collect(file, false, &mut secrets);
    secrets
}

fn collect<'a>(value: &'a Value, is_secret: bool, secrets: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if is_secret => secrets.push(text),
        Value::String(text) => secrets.extend(credentials(text)),
        Value::Array(list) => {
            for item in list {
                collect(item, is_secret, secrets);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                let name = name.to_ascii_lowercase();
                let is_secret = is_secret || NAMES.iter().any(|end| name.ends_with(end));
                collect(item, is_secret, secrets);
            }
        }
        _ => {}
    }
}

/// User and password, and the password alone.
fn credentials(text: &str) -> impl Iterator<Item = &str> {
    let before = text.rsplit_once('@').map(|(before, _)| before);
    let both = before.map(|text| text.split_once("://").map_or(text, |(_, both)| both));
    let password = both.and_then(|both| both.split_once(':')).map(|(_, it)| it);
    // A user's ID has an @ at its beginning.
    both.into_iter().chain(password).filter(|it| !it.is_empty())
}
