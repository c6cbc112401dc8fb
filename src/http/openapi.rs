//! The description of the internal listener's API.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, ResponseBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
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
    modifiers(&Tokens, &OtherErrors)
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

/// Any call may fail in ways that are not its own: generated clients read those answers as well.
struct OtherErrors;

impl Modify for OtherErrors {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            if !path.starts_with("/v1/") {
                continue;
            }
            let operations = [&mut item.get, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error")));
                let response = ResponseBuilder::new()
                    .description("Another error")
                    .content("application/json", error.build());
                let responses = &mut operation.responses.responses;
                responses.insert("default".to_owned(), RefOr::T(response.build()));
            }
        }
    }
}

/// The description as a value.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
