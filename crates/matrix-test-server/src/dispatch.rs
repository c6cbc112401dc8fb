//! One request: endpoint, requester, body, answer.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, json};

use crate::auth::authenticate;
use crate::body::read_object;
use crate::endpoint::Endpoint;
use crate::errors::MatrixError;
use crate::media::MediaRequest;
use crate::query::Query;
use crate::route::route;
use crate::server::Server;
use crate::{accounts, demo_api, linked_media, media, ping, room_api};

/// Answers every request. Routes are found here rather than by the framework, which would decode
/// the path before it is split.
pub(super) async fn dispatch(
    req: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
) -> HttpResponse {
    let answer = handle(&req, payload, &server).await;
    answer.unwrap_or_else(MatrixError::response)
}

async fn handle(
    req: &HttpRequest,
    payload: web::Payload,
    server: &Server,
) -> Result<HttpResponse, MatrixError> {
    let endpoint = route(req.method(), req.uri().path())
        .and_then(|endpoint| {
            linked_media::require_offered(&server.options, &endpoint)?;
            Ok(endpoint)
        })
        .inspect_err(|_| server.count_request("unrecognized"))?;
    server.count_request(endpoint.name());
    let query = Query::parse(req.uri().query().unwrap_or_default());
    match endpoint {
        Endpoint::Versions => Ok(versions(server)),
        Endpoint::Register => accounts::register(server, req, &read_object(req, payload).await?),
        Endpoint::Download {
            server: name,
            media,
            name: file,
        } => {
            let wanted = MediaRequest {
                server_name: &name,
                media_id: &media,
                file_name: file.as_deref(),
            };
            media::download(server, req, &query, wanted).await
        }
        Endpoint::Thumbnail {
            server: name,
            media,
        } => {
            let wanted = MediaRequest {
                server_name: &name,
                media_id: &media,
                file_name: None,
            };
            media::thumbnail(server, req, &query, wanted).await
        }
        Endpoint::LegacyMedia => Err(MatrixError::not_found("Not found")),
        Endpoint::Cleanup => Ok(demo_api::clean_up(server)),
        Endpoint::Generate => media::generate(server, &query),
        Endpoint::ListMedia => Ok(demo_api::list(server)),
        Endpoint::InspectMedia {
            server: name,
            media,
        } => demo_api::one(server, &name, &media),
        Endpoint::Requests => Ok(demo_api::requests(server)),
        Endpoint::Reports => Ok(demo_api::reports(server)),
        Endpoint::Backup => Ok(demo_api::back_up(server)),
        Endpoint::Restore => demo_api::restore(server),
        Endpoint::ForgetTransactions => Ok(demo_api::forget_transactions(server)),
        endpoint => authenticated(req, payload, server, &query, endpoint).await,
    }
}

async fn authenticated(
    req: &HttpRequest,
    payload: web::Payload,
    server: &Server,
    query: &Query,
    endpoint: Endpoint,
) -> Result<HttpResponse, MatrixError> {
    let who = authenticate(server, req, query)?;
    match endpoint {
        Endpoint::WhoAmI => return Ok(accounts::whoami(&who)),
        Endpoint::MediaConfig => return Ok(media::config(server)),
        Endpoint::Upload => return media::upload(server, req, &who, query, payload).await,
        Endpoint::UploadRestricted { .. } => {
            return media::upload_restricted(server, req, &who, query, payload).await;
        }
        Endpoint::CreateMedia => return Ok(media::create(server, &who)),
        Endpoint::UploadTo {
            server: name,
            media: id,
        } => {
            return media::upload_to(server, req, &who, query, (&name, &id), payload).await;
        }
        _ => {}
    }
    let body = if req.method() == Method::GET {
        Map::new()
    } else {
        read_object(req, payload).await?
    };
    match endpoint {
        Endpoint::PutDevice { device } => accounts::put_device(server, &who, device),
        Endpoint::CopyMedia {
            server: name,
            media: id,
            ..
        } => media::copy(server, req.headers(), &who, (&name, &id)),
        Endpoint::RedactMedia {
            server: name,
            media: id,
        } => media::redact(server, &who, (&name, &id)),
        Endpoint::PingAppservice { id } => ping::ping(server, &who, &id, &body).await,
        endpoint => room_api::handle(server, &who, endpoint, query, body, req.uri().path()),
    }
}

/// `GET /_matrix/client/versions`
fn versions(server: &Server) -> HttpResponse {
    let mut unstable = Map::new();
    if server.options.content_tokens {
        unstable.insert("org.matrix.msc3910".to_owned(), true.into());
    }
    if server.options.linked_media {
        unstable.insert("org.matrix.msc3911".to_owned(), true.into());
    }
    if server.options.refuses_unrestricted {
        let name = "org.matrix.msc3911.block_unrestricted_media_upload";
        unstable.insert(name.to_owned(), true.into());
    }
    if server.options.media_redaction {
        unstable.insert("uk.timedout.msc4322".to_owned(), true.into());
    }
    let versions: Vec<String> = (1..=16).map(|minor| format!("v1.{minor}")).collect();
    HttpResponse::Ok().json(json!({"versions": versions, "unstable_features": unstable}))
}
