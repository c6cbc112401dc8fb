//! The configuration that a Synapse is started with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

pub fn write_registrations(directory: &Path, texts: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let path = directory.join(format!("registration-{number}.yaml"));
        fs::write(&path, text)?;
        paths.push(path);
    }
    Ok(paths)
}

/// What is in `homeserver.yaml`: nothing that waits, nothing that asks another host.
pub fn configuration(
    directory: &Path,
    server_name: &str,
    port: u16,
    registrations: &[PathBuf],
) -> Value {
    let generous = json!({"per_second": 10_000, "burst_count": 10_000});
    json!({
        "server_name": server_name,
        "listeners": [{
            "type": "http",
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            // The media repository is part of it.
            "resources": [{"names": ["client"], "compress": false}],
        }],
        "database": {"name": "sqlite3", "args": {"database": directory.join("homeserver.db")}},
        "media_store_path": directory.join("media"),
        "pid_file": directory.join("synapse.pid"),
        "app_service_config_files": registrations,

        // Of this server and no other: it lives for one test.
        "signing_key": "ed25519 a_test TWVkaWFsaW5rIHRlc3RzOiBub3QgYSBzZWNyZXQuLi4",
        "macaroon_secret_key": "not a secret",
        "form_secret": "not a secret",

        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "report_stats": false,
        "enable_authenticated_media": true,

        "enable_registration": true,
        "enable_registration_without_verification": true,
        "bcrypt_rounds": 4,
        // Asked again, it looks again.
        "caches": {"sync_response_cache_duration": 0},
        "presence": {"enabled": false},
        "push": {"enabled": false},
        "url_preview_enabled": false,

        "rc_message": generous,
        "rc_registration": generous,
        "rc_login": {"address": generous, "account": generous, "failed_attempts": generous},
        "rc_admin_redaction": generous,
        "rc_joins": {"local": generous, "remote": generous},
        "rc_joins_per_room": generous,
        "rc_invites": {"per_room": generous, "per_user": generous, "per_issuer": generous},
        "rc_media_create": generous,
        "rc_profile": generous,
        "rc_room_creation": generous,
    })
}
