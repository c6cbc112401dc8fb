//! One field for whatever an operator has: it is sent by `POST`, since what is pasted may be a whole link, and leads to
//! a page whose address holds no secret.

use actix_web::{HttpResponse, http::StatusCode};

use crate::operations::PastedLink;

use super::{
    entry::{link_page, links_with},
    error::ConsoleError,
    form::Form,
    page::see_other,
};

/// How each kind of identifier begins, and the criterion that it is.
const KINDS: [(&str, &str); 4] = [
    ("!", "room_id"),
    ("$", "event_id"),
    ("@", "sender"),
    ("mxc://", "mxc"),
];

/// `POST /console/search`.
pub(super) async fn search(form: Form) -> Result<HttpResponse, ConsoleError> {
    let state = &form.visitor.state;
    let Some(text) = form.fields.get("q") else {
        return Ok(see_other("/console/links"));
    };
    let kind = KINDS.iter().find(|(begin, _)| text.starts_with(begin));
    if let Some((_, name)) = kind {
        return Ok(see_other(&links_with(name, text)));
    }
    // What was pasted may be a secret, and is not repeated.
    let pasted = PastedLink::read(text, &state.keys, state.config());
    let pasted = pasted.ok_or_else(|| {
        ConsoleError::refused(
            StatusCode::NOT_FOUND,
            "This is no link of this service, nor the ID of one. Allowed are a link pasted whole, its token or its ID, \
             a room (!…), an event ($…), an mxc URI (mxc://…) and a user (@…).",
        )
    })?;
    Ok(see_other(&link_page(&pasted.link_id())))
}
