//! Who asks: by a session that a token has begun, or by the header of a reverse proxy.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web::Data};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    config::{ConsoleConfig, Secret},
    pages::{Block, ConsoleFrame, ConsolePage},
    random,
    storage::console_sessions,
};

use super::{super::state::AppState, error::ConsoleError, page::page};

/// The name of the cookie where the console is reached by https (RFC 6265bis, section 4.1.3.1), and elsewhere. No name
/// with `__Host-`, which would have it sent to every path of the listener.
pub(super) const SECURE_COOKIE: &str = "__Secure-medialink_console";
pub(super) const COOKIE: &str = "medialink_console";
/// The longest name of a user, in bytes.
const MAX_USER: usize = 255;

/// The ID of a session, which only its browser has.
pub(super) struct SessionId([u8; 32]);

/// Somebody who may use the console.
pub(super) struct Visitor {
    /// What the proxy calls them; `None`: they have shown the token.
    user: Option<String>,
    /// What their forms are signed with; the first one signs.
    form_keys: Vec<[u8; 32]>,
    pub(super) state: Data<AppState>,
}

impl SessionId {
    pub(super) fn new() -> Self {
        Self(random::bytes())
    }

    /// As the cookie has it.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads it from the cookies of a request.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let lines = request.headers().get_all(header::COOKIE);
        let cookies: Vec<(&str, &str)> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .collect();
        [SECURE_COOKIE, COOKIE].iter().find_map(|name| {
            let (_, value) = cookies.iter().find(|(found, _)| found == name)?;
            let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
            Some(Self(bytes.try_into().ok()?))
        })
    }

    /// What the database knows of it: with another token, it is another one.
    pub(super) fn digest(&self, token: &Secret) -> [u8; 32] {
        let token = Sha256::digest(token.expose());
        Sha256::new()
            .chain_update(self.0)
            .chain_update(token)
            .finalize()
            .into()
    }
}

impl Visitor {
    /// Whether a text is what the forms of this visitor hold.
    pub(super) fn has_signed(&self, text: &str) -> bool {
        let is_of = |key: &[u8; 32]| bool::from(form_text(key).as_bytes().ct_eq(text.as_bytes()));
        // All are compared, also after a match.
        self.form_keys.iter().filter(|key| is_of(key)).count() > 0
    }

    /// A page for this visitor, in the part of the console with this path.
    pub(super) fn page(
        &self,
        section: &'static str,
        title: impl Into<String>,
        blocks: Vec<Block>,
    ) -> HttpResponse {
        let frame = ConsoleFrame {
            who: self.user.clone(),
            csrf: self.form_keys.first().map(form_text).unwrap_or_default(),
            section,
        };
        let title = title.into();
        page(
            ConsolePage {
                frame,
                title,
                blocks,
            }
            .render(),
        )
    }

    /// What the proxy calls them; `None`: they have shown the token.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

fn form_text(key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(key))
}

fn derived(secret: &[u8; 32], about: &str) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(about));
    mac.map(|mac| mac.finalize().into_bytes().into())
        .unwrap_or_else(|_| random::bytes())
}

/// The console's settings and what handlers share.
pub(super) fn console(
    request: &HttpRequest,
) -> Result<(Data<AppState>, ConsoleConfig), ConsoleError> {
    let state = request.app_data::<Data<AppState>>();
    let state = state.ok_or(ConsoleError::NotThere)?;
    let console = state.config().console.clone();
    Ok((state.clone(), console.ok_or(ConsoleError::NotThere)?))
}

/// Whom a proxy names that is trusted to.
pub(super) fn named_user(request: &HttpRequest, console: &ConsoleConfig) -> Option<String> {
    let name = console.user_header.as_deref()?;
    let peer = request.peer_addr()?.ip().to_canonical();
    if !console
        .trusted_proxies
        .iter()
        .any(|network| network.contains(&peer))
    {
        return None;
    }
    let mut values = request.headers().get_all(name);
    // With two of them, one is not the proxy's.
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let user = std::str::from_utf8(value.as_bytes()).ok()?.trim();
    let is_name = (1..=MAX_USER).contains(&user.len()) && !user.chars().any(char::is_control);
    is_name.then(|| user.to_owned())
}

/// What the forms of a user are signed with now, and were just before.
fn keys_of_user(state: &AppState, user: &str, session: Duration) -> Vec<[u8; 32]> {
    let length = i64::try_from(session.as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    let period = state.clock.now_ms() / length;
    let key = |period| derived(&state.console_secret.0, &format!("{period} {user}"));
    vec![key(period), key(period - 1)]
}

async fn find(request: HttpRequest) -> Result<Visitor, ConsoleError> {
    let (state, console) = console(&request)?;
    if let Some(user) = named_user(&request, &console) {
        return Ok(Visitor {
            form_keys: keys_of_user(&state, &user, console.session),
            user: Some(user),
            state,
        });
    }
    let token = console.token.as_ref().ok_or(ConsoleError::LogInFirst)?;
    let session = SessionId::of(&request).ok_or(ConsoleError::LogInFirst)?;
    let (reader, now) = (state.database.reader(), state.clock.now_ms());
    if !console_sessions::goes_on(reader, &session.digest(token), now).await? {
        return Err(ConsoleError::LogInFirst);
    }
    Ok(Visitor {
        user: None,
        form_keys: vec![derived(&session.0, "forms of the console")],
        state,
    })
}

impl FromRequest for Visitor {
    type Error = ConsoleError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ConsoleError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(find(request.clone()))
    }
}
