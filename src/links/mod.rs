//! The one door to links: they are issued, resolved, listed, ended and shown here, by the rules of
//! the configuration and of their rooms.
//!
//! [`Links`] asks the homeserver first, where something is not known yet. Decisions are made
//! afterwards, inside one write, by the `Recorder`, which asks nobody. Methods without an `# Errors`
//! section fail only if the database does, and have changed nothing then.

mod batch;
mod doubt;
mod effect;
mod event_lookup;
mod examine;
mod foreign;
mod found;
mod gather;
mod grant;
mod handed_on;
mod issue;
mod known;
mod legacy;
mod lifetime;
mod list;
mod paste;
mod policy;
mod presence;
mod proof;
mod record;
mod recorder;
mod redact;
mod renew;
mod request;
mod resolve;
mod revoke;
mod service;
mod transaction;
mod view;

pub use doubt::Decision;
pub use effect::{Effect, ShownMedia};
pub use found::FoundLink;
pub use grant::{Grant, Refusal};
pub use paste::{PasteRequest, UploadedText};
pub use policy::{POLICY_EVENT_TYPE, PolicyEvent, SetPolicyError, read_policy};
pub use presence::{Asked, Doubt, MediumRef, Outlook, Presence, Question, Told};
pub use request::{IssueError, IssueRequest, IssuedLink, SubmittedEvent};
pub use revoke::{Revoked, Revoker};
pub use service::Links;
pub use view::{AnyLinkView, EndedLinkView, LinkView, LinkViews};
