//! A medium and a link to it, which are made for the follow and taken away again.

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    clock::millis,
    config::{BridgeConfig, Config, Lifetime, Provenance},
    homeserver::{Features, Homeserver, Upload, Uploaded},
};

use medialink_link::matrix::ContentToken;

use super::{finding::Findings, homeserver::hint, probe::Probe};

/// The size of the medium, in bytes.
pub(super) const SIZE: usize = 2048;
/// The name of the medium.
const NAME: &str = "medialink-doctor.txt";
/// How long the link lives if it cannot be revoked, in seconds.
pub(super) const LIFETIME_S: i64 = 600;

/// A link, which [`revoke`](Self::revoke) ends.
pub(super) struct Link {
    pub(super) id: String,
    /// Where it leads through the public URL. It holds the token, and is shown to nobody.
    pub(super) url: Zeroizing<String>,
    /// Its path below the public URL.
    pub(super) path: Zeroizing<String>,
}

/// The bytes of the medium: each part of it differs from each other part of the same length.
pub(super) fn bytes() -> Vec<u8> {
    let lines = (0..SIZE / 32).map(|number| format!("{number:<5}a line of medialink doctor\n"));
    lines.collect::<String>().into_bytes()
}

/// Uploads the medium as the bridge's user.
pub(super) async fn upload(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    features: &Features,
    findings: &mut Findings,
) -> Option<Uploaded> {
    let trial = findings.of(
        "upload",
        format_args!("an upload of {} ({SIZE} bytes)", bridge.user_id),
    );
    let upload = Upload {
        bytes: Bytes::from(bytes()),
        content_type: "text/plain",
        filename: Some(NAME),
        to_be_attached: features.links_media(),
        only_restricted: features.takes_restricted_uploads_only(),
    };
    match homeserver.upload(bridge, &upload).await {
        Ok(uploaded) => {
            trial.ok(match uploaded.content_token {
                Some(_) => "accepted, with a content token",
                None => "accepted, without a content token",
            });
            Some(uploaded)
        }
        Err(error) => {
            let todo = if error.is_over_quota() || error.status() == 413 || error.status() == 429 {
                "raise the limits of the homeserver for this user: long messages are uploaded as well"
            } else {
                hint(&error)
            };
            trial.fault(&error, todo);
            None
        }
    }
}

/// Deletes the medium, where the homeserver lets users do so.
pub(super) async fn delete(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    features: &Features,
    uploaded: &Uploaded,
    findings: &mut Findings,
) {
    let trial = findings.of("clean_up", "what the upload leaves on the homeserver");
    if uploaded.to_be_attached {
        return trial.ok(
            "nothing: it was attached to no event, so the homeserver deletes it within minutes",
        );
    }
    if !features.deletes_media() {
        return trial.ok(format_args!(
            "{SIZE} bytes: this homeserver lets users delete no media"
        ));
    }
    match homeserver.delete_media(bridge, &uploaded.mxc).await {
        Ok(()) => trial.ok("nothing: it is deleted"),
        Err(error) => trial.warning(
            format_args!("{SIZE} bytes: {error}"),
            "the homeserver announces MSC4322; look into its log",
        ),
    }
}

/// Asks the running service for a link to the medium.
pub(super) async fn issue(
    probe: &Probe,
    internal: &str,
    bridge: &BridgeConfig,
    uploaded: &Uploaded,
    config: &Config,
    findings: &mut Findings,
) -> Option<Link> {
    let tried = format!("a link of bridge {} from the service", bridge.id);
    let trial = findings.of("issue", tried);
    if config.links.provenance == Provenance::Check {
        trial.warning(
            "not asked for: links.provenance asks for an event, and none is sent for this",
            "follow a link from a real room through the public URL",
        );
        return None;
    }
    let url = format!("{internal}/v1/links");
    let body = body(uploaded, config);
    let answered = probe
        .call(Method::POST, &url, bridge.api_token.expose(), &body)
        .await;
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => {
            trial.fault(error, "look into the log of the service");
            return None;
        }
    };
    let made = answer.json().filter(|_| matches!(answer.status, 200 | 201));
    let made = made.as_ref().and_then(|link| made_of(link, config));
    if made.is_some() {
        trial.ok("made");
        return made;
    }
    let todo = match answer.status {
        401 => {
            "the service runs by another api_token: restart it, or have it reload its configuration"
        }
        429 => "a limit is reached; wait, or raise limits.per_bridge",
        200 | 201 => "the service runs by another public_url: restart it",
        _ => "look into the log of the service",
    };
    trial.fault(answer.told(), todo);
    None
}

fn body(uploaded: &Uploaded, config: &Config) -> Value {
    let lifetime = match config.links.max_lifetime {
        Lifetime::Never => LIFETIME_S * 1000,
        Lifetime::For(most) => millis(most).min(LIFETIME_S * 1000),
    };
    let token = uploaded.content_token.as_ref();
    // No room has this ID, so nothing can be sent about the link.
    let room_id = format!("!medialink-doctor:{}", config.homeserver.server_name);
    json!({
        "mxc": uploaded.mxc.to_string(), "room_id": room_id, "form": "short",
        "content_token": token.map(ContentToken::expose), "filename": NAME,
        "mimetype": "text/plain", "size": SIZE, "lifetime_ms": lifetime,
    })
}

/// The link in an answer of the service, if it begins with the public URL of the configuration.
fn made_of(link: &Value, config: &Config) -> Option<Link> {
    let text = |name| link.get(name).and_then(Value::as_str);
    let url = text("url")?;
    let base = config.public_url.as_str().trim_end_matches('/');
    let path = url.strip_prefix(base)?;
    Some(Link {
        id: text("link_id")?.to_owned(),
        path: Zeroizing::new(path.to_owned()),
        url: Zeroizing::new(url.to_owned()),
    })
}

impl Link {
    /// Revokes it.
    pub(super) async fn revoke(
        &self,
        probe: &Probe,
        internal: &str,
        bridge: &BridgeConfig,
        findings: &mut Findings,
    ) {
        let url = format!("{internal}/v1/links/{}", self.id);
        let trial = findings.of("revoke", format_args!("revoking the link {}", self.id));
        let api_token = bridge.api_token.expose();
        let todo = format!("medialink links revoke {}", self.id);
        match probe
            .call(Method::DELETE, &url, api_token, &json!({}))
            .await
        {
            Ok(answer) if answer.status == 200 => trial.ok("revoked"),
            Ok(answer) => trial.fault(answer.told(), todo),
            Err(error) => trial.fault(error, todo),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_medium_can_be_told_apart() {
        let bytes = bytes();
        assert_eq!(bytes.len(), SIZE);
        let lines: std::collections::HashSet<&[u8]> = bytes.chunks(32).collect();
        assert_eq!(lines.len(), SIZE / 32);
    }
}
