//! The description of the internal listener's API.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use super::{appservice, bridge_api, docs, health};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Medialink",
        description = "Links to Matrix media for people on the other side of a bridge. Times are `…_ts`, milliseconds since the epoch; durations `…_ms`. Errors have Matrix's shape: `errcode` and `error`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        bridge_api::issue::issue, bridge_api::issue::issue_batch, bridge_api::events::link_event,
        bridge_api::list::list,
        bridge_api::list::get, bridge_api::revoke::revoke_one, bridge_api::revoke::revoke,
        bridge_api::paste::paste,
        appservice::transaction, appservice::ping, appservice::user, appservice::room,
        health::health, health::ready, health::metrics, docs::openapi_json, docs::docs,
    ),
    tags(
        (name = "links", description = "For bridges, with their `api_token`"),
        (name = "appservice", description = "For the homeserver, with the `hs_token`"),
        (name = "operations", description = "For the operator"),
    ),
    modifiers(&Tokens)
)]
struct Description;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for (name, description) in [
            ("api_token", "`bridges[].api_token` of the configuration"),
            ("hs_token", "`bridges[].hs_token` of the configuration"),
        ] {
            let scheme = Http::builder()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
        }
    }
}

/// The description as a value.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
