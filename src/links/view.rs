//! A link as the API shows it. It holds no content token and no file key; the URL holds the token,
//! which is what was asked for.

use serde::Serialize;
use url::{Url, form_urlencoded::byte_serialize};
use utoipa::ToSchema;

use crate::{
    clock::Clock,
    config::{Config, ThumbnailSize},
    file_name::name_for_url,
    key_store::KeyStore,
    storage::{links::LinkRow, tombstones::Tombstone},
};
use medialink_link::{LinkForm, LinkId, LinkToken, sign_self_contained, sign_short};

use super::found::FoundLink;

/// A link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Link)]
pub struct LinkView {
    /// Names the link in the API and in logs; it does not open it.
    #[schema(example = "AAECAwQF")]
    pub link_id: String,
    /// `short`, `self_contained`, or `legacy`: the bridge has made it by itself, with a key of its
    /// own.
    #[schema(example = "short")]
    pub form: &'static str,
    /// The link to send: to the media, or where the room's policy says `pages_only`, to the page
    /// around it. Null for `legacy` links, once the key that signed it was taken out of the key
    /// ring, and of a `self_contained` link once it is over and its secrets are wiped.
    #[schema(
        required = true,
        example = "https://media.example.org/m/EQFqsTuA…/cat.png"
    )]
    pub url: Option<String>,
    /// A page that shows the media; null like `url`.
    #[schema(
        required = true,
        example = "https://media.example.org/v/EQFqsTuA…/cat.png"
    )]
    pub page_url: Option<String>,
    /// `live`, `expired`, `revoked`, `redacted`, `gone` or `spent`.
    #[schema(example = "live")]
    pub state: &'static str,
    /// The media.
    #[schema(example = "mxc://example.org/abc")]
    pub mxc: String,
    /// The room in which it was shared; null for `legacy` links, which tell none.
    #[schema(required = true, example = "!r:example.org")]
    pub room_id: Option<String>,
    /// The event that shared it.
    #[schema(required = true, example = "$e")]
    pub event_id: Option<String>,
    /// When it was issued, in milliseconds since the epoch; of a `legacy` link: when it was followed
    /// first.
    pub issued_ts: i64,
    /// When it ends, in milliseconds since the epoch; null: never.
    #[schema(required = true)]
    pub expires_ts: Option<i64>,
    /// How often it was followed. Counted in memory and written about once a second.
    pub follows: i64,
    /// How many bytes it has served.
    pub bytes_served: i64,
    /// When it was last followed, in milliseconds since the epoch.
    #[schema(required = true)]
    pub last_followed_ts: Option<i64>,
    /// How its media is counted as used.
    pub usage: UsageView,
}

/// How media is counted as used.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// `disabled`, `pending`, `counted`, `failed` or `released`.
    #[schema(example = "pending")]
    pub state: &'static str,
    /// The meta event that counts it.
    #[schema(required = true)]
    pub event_id: Option<String>,
}

/// A link that ended longer ago than `retention`: everything else about it is forgotten.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EndedLink)]
pub struct EndedLinkView {
    /// Names the link in the API and in logs.
    #[schema(example = "AAECAwQF")]
    pub link_id: String,
    /// `expired`, `revoked`, `redacted`, `gone` or `spent`.
    #[schema(example = "expired")]
    pub state: &'static str,
    /// When it ended, in milliseconds since the epoch, to the second.
    pub ended_ts: i64,
}

impl EndedLinkView {
    /// What is left of the link with this ID.
    #[must_use]
    pub fn new(link_id: &str, tombstone: &Tombstone) -> Self {
        Self {
            link_id: link_id.to_owned(),
            state: tombstone.state.as_str(),
            ended_ts: tombstone.ended_at_s * 1000,
        }
    }
}

/// A link, or what is left of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AnyLink)]
pub enum AnyLinkView {
    /// A link.
    Link(Box<LinkView>),
    /// What is left of one.
    EndedLink(EndedLinkView),
}

/// Shows links.
#[derive(Debug, Clone)]
pub struct LinkViews {
    keys: KeyStore,
    clock: Clock,
    /// Without a slash at its end.
    public_url: String,
}

impl LinkViews {
    /// Shows links below the public URL of a configuration.
    #[must_use]
    pub fn new(keys: KeyStore, config: &Config, clock: Clock) -> Self {
        let public_url = config.public_url.as_str().trim_end_matches('/').to_owned();
        Self {
            keys,
            clock,
            public_url,
        }
    }

    /// A link as the API shows it.
    #[must_use]
    pub fn view(&self, row: &LinkRow) -> LinkView {
        let token = self.token(row);
        let url = |route: &str| token.as_ref().map(|token| self.url(route, token, row));
        LinkView {
            link_id: row.link_id.clone(),
            form: row.form.as_str(),
            url: url(if row.pages_only { "v" } else { "m" }),
            page_url: url("v"),
            state: row.state_at(self.clock.now_ms()).as_str(),
            mxc: row.claims.mxc.to_string(),
            room_id: row.claims.room().map(ToString::to_string),
            event_id: row.claims.event_id.as_ref().map(ToString::to_string),
            issued_ts: row.issued_at,
            expires_ts: row.expires_at,
            follows: row.follows,
            bytes_served: row.bytes_served,
            last_followed_ts: row.last_followed_at,
            usage: UsageView {
                state: row.usage_state.as_str(),
                event_id: row.usage_event_id.clone(),
            },
        }
    }

    /// A link that was asked for by its ID, as the API shows it.
    #[must_use]
    pub fn view_found(&self, link_id: &str, found: &FoundLink) -> AnyLinkView {
        match found {
            FoundLink::Recorded(row) => AnyLinkView::Link(Box::new(self.view(row))),
            FoundLink::Buried(tombstone) => {
                AnyLinkView::EndedLink(EndedLinkView::new(link_id, tombstone))
            }
        }
    }

    /// The URL of a link's media, also where the room wants people to be led to the page.
    #[must_use]
    pub fn media_url(&self, row: &LinkRow) -> Option<String> {
        let token = self.token(row)?;
        Some(self.url("m", &token, row))
    }

    /// The URL of the form by which a link is reported.
    #[must_use]
    pub fn report_url(&self, row: &LinkRow) -> Option<String> {
        let (token, base) = (self.token(row)?, &self.public_url);
        Some(format!("{base}/r/{}", token.expose()))
    }

    /// The URL of a link's page without the file name, which tells nothing new where there is little room.
    #[must_use]
    pub fn short_page_url(&self, row: &LinkRow) -> Option<String> {
        let (token, base) = (self.token(row)?, &self.public_url);
        Some(format!("{base}/v/{}", token.expose()))
    }

    /// The URL of what oEmbed says of a link.
    #[must_use]
    pub fn oembed_url(&self, row: &LinkRow) -> Option<String> {
        let page = self.url("v", &self.token(row)?, row);
        let page: String = byte_serialize(page.as_bytes()).collect();
        Some(format!("{}/oembed?url={page}&format=json", self.public_url))
    }

    /// The URL of a thumbnail of a link's media, of a configured size.
    #[must_use]
    pub fn thumbnail_url(&self, row: &LinkRow, (width, height): (u32, u32)) -> Option<String> {
        let (token, base) = (self.token(row)?, &self.public_url);
        let token = token.expose();
        Some(format!(
            "{base}/t/{token}?width={width}&height={height}&method=scale"
        ))
    }

    /// The token of a link, and the paths of the answers about it that others may keep; `None`: it is not known any
    /// more. `thumbnails`: their sizes.
    #[must_use]
    pub fn paths(
        &self,
        row: &LinkRow,
        thumbnails: &[ThumbnailSize],
    ) -> Option<(String, Vec<String>)> {
        let token = self.token(row)?;
        let url = Url::parse(&self.public_url).ok()?;
        let below = url.path().trim_end_matches('/');
        let name = Self::name(row);
        let mut paths = Vec::new();
        for route in ["m", "v"] {
            let path = format!("{below}/{route}/{}", token.expose());
            if !name.is_empty() {
                paths.push(format!("{path}/{name}"));
            }
            paths.push(path);
        }
        for size in thumbnails {
            for method in ["scale", "crop"] {
                paths.push(format!(
                    "{below}/t/{}?width={}&height={}&method={method}",
                    token.expose(),
                    size.width,
                    size.height
                ));
            }
        }
        Some((token.expose().to_owned(), paths))
    }

    /// Makes the token of a link again: the database does not hold it.
    fn token(&self, row: &LinkRow) -> Option<LinkToken> {
        let ring = self.keys.ring();
        let key = ring.get(row.key_id?)?;
        let issued_at_s = u32::try_from(row.issued_at / 1000).ok()?;
        match (row.form, row.sealed) {
            (LinkForm::SelfContained, Some((nonce, lifetime_s))) => {
                sign_self_contained(key, &row.claims, issued_at_s, lifetime_s, nonce).ok()
            }
            (LinkForm::SelfContained, None) | (LinkForm::Legacy, _) => None,
            (LinkForm::Short, _) => {
                let bytes = LinkId::parse(&row.link_id)?.as_bytes().try_into().ok()?;
                Some(sign_short(key, &row.claims.room_id, issued_at_s, bytes))
            }
        }
    }

    /// The URL of a link: its route, its token, and its file name for people.
    fn url(&self, route: &str, token: &LinkToken, row: &LinkRow) -> String {
        let mut url = format!("{}/{route}/{}", self.public_url, token.expose());
        let name = Self::name(row);
        if !name.is_empty() {
            url.push('/');
            url.push_str(&name);
        }
        url
    }

    fn name(row: &LinkRow) -> String {
        let (name, mimetype) = (&row.claims.filename, &row.claims.mimetype);
        name_for_url(name.as_deref(), mimetype.as_deref())
    }
}
