//! One request: endpoint, requester, body, answer.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::auth::authenticate;
use super::errors::MatrixError;
use super::media::Wanted;
use super::route::{Endpoint, route};
use super::state::Server;
use super::{auth, backup, inspect, linked_media, media, push, room_api};

/// The longest JSON body that is read at all; events are measured again.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// The parameters of a query string, decoded.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, MatrixError> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| MatrixError::invalid_param(format!("{name} is no number")))
    }
}

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
        Endpoint::Register => auth::register(server, req, &read_object(req, payload).await?),
        Endpoint::Download {
            server: name,
            media,
            name: file,
        } => {
            let wanted = Wanted {
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
            let wanted = Wanted {
                server_name: &name,
                media_id: &media,
                file_name: None,
            };
            media::thumbnail(server, req, &query, wanted).await
        }
        Endpoint::LegacyMedia => Err(MatrixError::not_found("Not found")),
        Endpoint::Cleanup => Ok(inspect::clean_up(server)),
        Endpoint::Generate => media::generate(server, &query),
        Endpoint::ListMedia => Ok(inspect::list(server)),
        Endpoint::InspectMedia {
            server: name,
            media,
        } => inspect::one(server, &name, &media),
        Endpoint::Requests => Ok(inspect::requests(server)),
        Endpoint::Backup => Ok(backup::back_up(server)),
        Endpoint::Restore => backup::restore(server),
        Endpoint::ForgetTransactions => Ok(backup::forget_transactions(server)),
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
        Endpoint::WhoAmI => return Ok(auth::whoami(&who)),
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
        Endpoint::PutDevice { device } => auth::put_device(server, &who, device),
        Endpoint::CopyMedia {
            server: name,
            media: id,
            ..
        } => linked_media::copy(server, req.headers(), &who, (&name, &id)),
        Endpoint::PingAppservice { id } => push::ping(server, &who, &id, &body).await,
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
    let versions: Vec<String> = (1..=16).map(|minor| format!("v1.{minor}")).collect();
    HttpResponse::Ok().json(json!({"versions": versions, "unstable_features": unstable}))
}

/// The JSON object of a body. No body is an empty object where the method is POST: some clients
/// send none to join.
async fn read_object(
    req: &HttpRequest,
    mut payload: web::Payload,
) -> Result<Map<String, Value>, MatrixError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken =
            |_| MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", "The body broke off");
        let chunk = chunk.map_err(broken)?;
        if body.len().saturating_add(chunk.len()) > MAX_JSON_BYTES {
            return Err(MatrixError::too_large("The body is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() && req.method() == Method::POST {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(MatrixError::bad_json("Content must be a JSON object.")),
        Err(_) => {
            let message = "Content not JSON.";
            Err(MatrixError::new(
                StatusCode::BAD_REQUEST,
                "M_NOT_JSON",
                message,
            ))
        }
    }
}
