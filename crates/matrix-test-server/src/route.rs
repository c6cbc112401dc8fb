//! From method and raw path to an endpoint.
//!
//! The path is split before it is decoded, so that a `%2F` inside an ID stays inside that ID, and
//! room IDs arrive the same whether a client wrote `!` and `:` plainly or percent-encoded.

use actix_web::http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::endpoint::{Change, Endpoint, Prefix};
use crate::errors::MatrixError;

/// Finds the endpoint, or refuses with 404 or 405 `M_UNRECOGNIZED`
/// (Client-Server API, "Standard error response").
pub(super) fn route(method: &Method, raw_path: &str) -> Result<Endpoint, MatrixError> {
    let segments = decode(raw_path)?;
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["_matrix", "client", rest @ ..] => client(method, rest),
        ["_matrix", "media", rest @ ..] => media(method, rest),
        ["_demo", rest @ ..] => demo(method, rest),
        _ => Err(MatrixError::unrecognized()),
    }
}

fn decode(raw_path: &str) -> Result<Vec<String>, MatrixError> {
    raw_path
        .strip_prefix('/')
        .unwrap_or(raw_path)
        .split('/')
        .map(|segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| MatrixError::invalid_param("the path is not UTF-8"))
        })
        .collect()
}

fn client(method: &Method, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    match parts {
        ["versions"] => only(&Method::GET, method, Endpoint::Versions),
        ["v1", "appservice", id, "ping"] => {
            let id = (*id).to_owned();
            only(&Method::POST, method, Endpoint::PingAppservice { id })
        }
        ["v1", "media", "upload" | "copy", ..] => {
            linked_media(method, Prefix::Stable, parts.get(2..).unwrap_or_default())
        }
        ["v1", "media", rest @ ..] => client_media(method, rest),
        ["unstable", "org.matrix.msc3911", "media", rest @ ..] => {
            linked_media(method, Prefix::Unstable, rest)
        }
        [
            "unstable",
            "uk.timedout.msc4322",
            "media",
            "redact",
            server,
            media,
        ] => {
            let (server, media) = ((*server).to_owned(), (*media).to_owned());
            only(
                &Method::POST,
                method,
                Endpoint::RedactMedia { server, media },
            )
        }
        ["v3" | "r0", "register"] => only(&Method::POST, method, Endpoint::Register),
        ["v3" | "r0", "account", "whoami"] => only(&Method::GET, method, Endpoint::WhoAmI),
        ["v3" | "r0", "devices", device] => {
            let device = (*device).to_owned();
            only(&Method::PUT, method, Endpoint::PutDevice { device })
        }
        ["v3" | "r0", "joined_rooms"] => only(&Method::GET, method, Endpoint::JoinedRooms),
        ["v3" | "r0", "createRoom"] => only(&Method::POST, method, Endpoint::CreateRoom),
        ["v3" | "r0", "join", room] => {
            let room = (*room).to_owned();
            only(&Method::POST, method, Endpoint::Join { room })
        }
        ["v3" | "r0", "rooms", room, rest @ ..] => rooms(method, room, rest),
        _ => Err(MatrixError::unrecognized()),
    }
}

fn rooms(method: &Method, room: &str, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    let room = room.to_owned();
    let membership = |change| {
        let room = room.clone();
        only(&Method::POST, method, Endpoint::Membership { room, change })
    };
    match parts {
        ["invite"] => membership(Change::Invite),
        ["leave"] => membership(Change::Leave),
        ["kick"] => membership(Change::Kick),
        ["ban"] => membership(Change::Ban),
        ["unban"] => membership(Change::Unban),
        ["upgrade"] => only(&Method::POST, method, Endpoint::Upgrade { room }),
        ["join"] => only(&Method::POST, method, Endpoint::Join { room }),
        ["send", kind, txn] => {
            let (kind, txn) = ((*kind).to_owned(), (*txn).to_owned());
            only(&Method::PUT, method, Endpoint::Send { room, kind, txn })
        }
        ["redact", event, txn] => {
            let (event, txn) = ((*event).to_owned(), (*txn).to_owned());
            only(&Method::PUT, method, Endpoint::Redact { room, event, txn })
        }
        ["report", event] => {
            let event = (*event).to_owned();
            only(&Method::POST, method, Endpoint::Report { room, event })
        }
        ["state"] => only(&Method::GET, method, Endpoint::AllState { room }),
        ["state", kind] => state(method, room, kind, ""),
        ["state", kind, key] => state(method, room, kind, key),
        ["joined_members"] => only(&Method::GET, method, Endpoint::JoinedMembers { room }),
        ["messages"] => only(&Method::GET, method, Endpoint::Messages { room }),
        ["event", event] => {
            let event = (*event).to_owned();
            only(&Method::GET, method, Endpoint::GetEvent { room, event })
        }
        _ => Err(MatrixError::unrecognized()),
    }
}

fn state(method: &Method, room: String, kind: &str, key: &str) -> Result<Endpoint, MatrixError> {
    let (kind, key) = (kind.to_owned(), key.to_owned());
    match *method {
        Method::GET => Ok(Endpoint::GetState { room, kind, key }),
        Method::PUT => Ok(Endpoint::PutState { room, kind, key }),
        _ => Err(wrong_method()),
    }
}

fn client_media(method: &Method, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    let endpoint = match parts {
        ["config"] => return only(&Method::GET, method, Endpoint::MediaConfig),
        ["download", server, media] => Endpoint::Download {
            server: (*server).to_owned(),
            media: (*media).to_owned(),
            name: None,
        },
        ["download", server, media, name] => Endpoint::Download {
            server: (*server).to_owned(),
            media: (*media).to_owned(),
            name: Some((*name).to_owned()),
        },
        ["thumbnail", server, media] => Endpoint::Thumbnail {
            server: (*server).to_owned(),
            media: (*media).to_owned(),
        },
        _ => return Err(MatrixError::unrecognized()),
    };
    get_or_head(method, endpoint)
}

/// MSC3911, "Detailed spec changes".
fn linked_media(method: &Method, prefix: Prefix, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    let endpoint = match parts {
        ["upload"] => Endpoint::UploadRestricted { prefix },
        ["copy", server, media] => Endpoint::CopyMedia {
            prefix,
            server: (*server).to_owned(),
            media: (*media).to_owned(),
        },
        _ => return Err(MatrixError::unrecognized()),
    };
    only(&Method::POST, method, endpoint)
}

fn media(method: &Method, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    match parts {
        ["v3" | "r0", "upload"] => only(&Method::POST, method, Endpoint::Upload),
        ["v1", "create"] => only(&Method::POST, method, Endpoint::CreateMedia),
        ["v3" | "r0", "upload", server, media] => {
            let (server, media) = ((*server).to_owned(), (*media).to_owned());
            only(&Method::PUT, method, Endpoint::UploadTo { server, media })
        }
        ["v3" | "r0" | "v1", "config"] => only(&Method::GET, method, Endpoint::MediaConfig),
        ["v3" | "r0" | "v1", "download" | "thumbnail", _, _]
        | ["v3" | "r0" | "v1", "download", _, _, _] => get_or_head(method, Endpoint::LegacyMedia),
        _ => Err(MatrixError::unrecognized()),
    }
}

fn demo(method: &Method, parts: &[&str]) -> Result<Endpoint, MatrixError> {
    match parts {
        ["cleanup"] => only(&Method::POST, method, Endpoint::Cleanup),
        ["generate"] => only(&Method::POST, method, Endpoint::Generate),
        ["media"] => only(&Method::GET, method, Endpoint::ListMedia),
        ["media", server, media] => {
            let (server, media) = ((*server).to_owned(), (*media).to_owned());
            only(
                &Method::GET,
                method,
                Endpoint::InspectMedia { server, media },
            )
        }
        ["reports"] => only(&Method::GET, method, Endpoint::Reports),
        ["requests"] => only(&Method::GET, method, Endpoint::Requests),
        ["backup"] => only(&Method::POST, method, Endpoint::Backup),
        ["restore"] => only(&Method::POST, method, Endpoint::Restore),
        ["forget_transactions"] => only(&Method::POST, method, Endpoint::ForgetTransactions),
        _ => Err(MatrixError::unrecognized()),
    }
}

fn only(allowed: &Method, method: &Method, endpoint: Endpoint) -> Result<Endpoint, MatrixError> {
    if method == allowed {
        Ok(endpoint)
    } else {
        Err(wrong_method())
    }
}

fn get_or_head(method: &Method, endpoint: Endpoint) -> Result<Endpoint, MatrixError> {
    match *method {
        Method::GET | Method::HEAD => Ok(endpoint),
        _ => Err(wrong_method()),
    }
}

fn wrong_method() -> MatrixError {
    let message = "Unrecognized request method";
    MatrixError::new(StatusCode::METHOD_NOT_ALLOWED, "M_UNRECOGNIZED", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_encoded_room_ids_are_the_same_room() {
        for path in [
            "/_matrix/client/v3/rooms/!a:b.c/messages",
            "/_matrix/client/v3/rooms/%21a%3Ab.c/messages",
            "/_matrix/client/v3/rooms/%21a%3ab.c/messages",
        ] {
            let room = "!a:b.c".to_owned();
            assert_eq!(
                route(&Method::GET, path).unwrap(),
                Endpoint::Messages { room }
            );
        }
    }

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        let found = route(
            &Method::PUT,
            "/_matrix/client/v3/rooms/!a/send/x%2Fy/t%252F",
        )
        .unwrap();
        let expected = Endpoint::Send {
            room: "!a".to_owned(),
            kind: "x/y".to_owned(),
            txn: "t%2F".to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_state_key_may_be_absent_or_empty() {
        for path in [
            "/_matrix/client/v3/rooms/!a/state/t",
            "/_matrix/client/v3/rooms/!a/state/t/",
        ] {
            let found = route(&Method::GET, path).unwrap();
            assert!(matches!(found, Endpoint::GetState { key, .. } if key.is_empty()));
        }
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        let status = |method, path| route(&method, path).unwrap_err().status.as_u16();
        assert_eq!(status(Method::GET, "/"), 404);
        assert_eq!(status(Method::GET, "/_matrix/client/v3/nothing"), 404);
        assert_eq!(status(Method::POST, "/_matrix/client/versions"), 405);
        assert_eq!(
            status(Method::DELETE, "/_matrix/client/v3/rooms/!a/state/t"),
            405
        );
        assert_eq!(
            status(Method::GET, "/_matrix/client/v3/rooms/%FF/messages"),
            400
        );
    }
}
