//! The names and secrets of the bridge that tests are, and the configuration that they run by.

use std::path::Path;

pub const API_TOKEN: &str = "harness-api-token-0123456789";
pub const AS_TOKEN: &str = "harness-as-token-0123456789";
pub const HS_TOKEN: &str = "harness-hs-token-0123456789";
pub const BOT: &str = "@medialink:example.org";

/// A configuration for files in this folder and a homeserver at this URL, as an operator would write it.
pub fn config_text(folder: &Path, homeserver: &str, public_url: &str, more: &str) -> String {
    let database = crate::database::database_url(folder);
    let root_secret = if crate::database::is_postgres() {
        crate::database::root_secret_file(folder);
        "root_secret_file: root-secret\n"
    } else {
        ""
    };
    format!(
        "listen: {{public: 127.0.0.1:0, internal: 127.0.0.1:0}}\n\
         public_url: {public_url}\n\
         database: {database}\n\
         {root_secret}\
         key_file: data/link-keys.yaml\n\
         homeserver: {{url: '{homeserver}', server_name: example.org, timeouts: {{connect: 2s, first_byte: 5s, stall: 5s}}}}\n\
         bridges:\n\
         \x20 - {{id: irc, network: Libera.Chat, api_token: {API_TOKEN}, as_token: {AS_TOKEN}, hs_token: {HS_TOKEN}, user_id: '{BOT}'}}\n\
         {more}"
    )
}
