//! Forms that change something: from a page of the console itself, in the visitor's own session.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web,
};
use url::{Url, form_urlencoded};

use super::{super::bridge_api::read_body, error::ConsoleError, session::Visitor};

/// The longest form, in bytes.
const MAX_FORM: usize = 32 << 10;

/// What was typed.
pub(super) struct Fields(Vec<(String, String)>);

/// A form of a visitor.
pub(super) struct Form {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl Fields {
    /// Reads a query, or the body of a form (WHATWG URL, "application/x-www-form-urlencoded").
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// What was typed into a field, without space around it; `None`: nothing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}

/// Refuses what another site has a browser send (Fetch Metadata; Fetch, "Origin header").
pub(super) fn refuse_other_sites(request: &HttpRequest) -> Result<(), ConsoleError> {
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or(""))
    };
    let is_own = match (
        text(header::HeaderName::from_static("sec-fetch-site")),
        text(header::ORIGIN),
    ) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_origin(origin, request.connection_info().host()),
        // No browser leaves both out.
        (None, None) => true,
    };
    match is_own {
        true => Ok(()),
        false => Err(ConsoleError::refused(
            StatusCode::FORBIDDEN,
            "Nothing is done: the form was sent by another site. Behind a reverse proxy, it has to hand the Host header on.",
        )),
    }
}

/// Whether an origin is that of a host.
fn is_origin(origin: &str, host: &str) -> bool {
    let of_host = |scheme: &str| Url::parse(&format!("{scheme}://{host}/")).ok();
    Url::parse(origin).is_ok_and(|url| {
        let expected = of_host(url.scheme());
        expected.is_some_and(|expected| expected.origin() == url.origin() && url.host().is_some())
    })
}

/// Reads the fields of a form.
pub(super) async fn read(payload: web::Payload) -> Result<Fields, ConsoleError> {
    match read_body(payload, MAX_FORM).await {
        Ok(body) => Ok(Fields::parse(&body)),
        Err(_) => Err(ConsoleError::bad(format!(
            "The form did not arrive whole, or is longer than {MAX_FORM} bytes."
        ))),
    }
}

async fn find(
    request: HttpRequest,
    visitor: impl Future<Output = Result<Visitor, ConsoleError>>,
    payload: web::Payload,
) -> Result<Form, ConsoleError> {
    let visitor = visitor.await?;
    refuse_other_sites(&request)?;
    let fields = read(payload).await?;
    if !visitor.has_signed(fields.get("csrf").unwrap_or_default()) {
        return Err(ConsoleError::refused(
            StatusCode::FORBIDDEN,
            "Nothing is done: the form is not one of this session. Go back, load the page anew, and send it again.",
        ));
    }
    Ok(Form { visitor, fields })
}

impl FromRequest for Form {
    type Error = ConsoleError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ConsoleError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = Visitor::from_request(request, payload);
        let payload = web::Payload::from_request(request, payload).into_inner();
        let request = request.clone();
        Box::pin(async move {
            let payload = payload.map_err(|_| ConsoleError::bad("The form did not arrive."))?;
            find(request, visitor, payload).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_that_of_its_host_alone() {
        for (origin, host) in [
            ("http://127.0.0.1:8481", "127.0.0.1:8481"),
            ("https://ops.example.org", "ops.example.org"),
            ("https://ops.example.org", "ops.example.org:443"),
            ("https://OPS.example.org", "ops.example.org"),
            ("http://[::1]:8481", "[::1]:8481"),
        ] {
            assert!(is_origin(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "127.0.0.1:8481"),
            ("", ""),
            ("http://127.0.0.1:8482", "127.0.0.1:8481"),
            ("https://evil.example", "ops.example.org"),
            ("https://ops.example.org.evil.example", "ops.example.org"),
            ("file://", ""),
        ] {
            assert!(!is_origin(origin, host), "{origin} {host}");
        }
    }
}
