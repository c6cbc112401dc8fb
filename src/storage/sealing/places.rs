//! Where secrets are: every column that holds any.
//!
//! Not sealed is what opens nothing without a secret that is elsewhere: nonces of self-contained links, which
//! take a link key to make a token again; digests and fingerprints; mxc URIs, which take an access token.

use crate::storage::{engine::QueryBuilder, sealer::SecretKind};

/// A column of secrets.
#[derive(Debug)]
pub(in crate::storage) struct SecretColumn {
    pub(in crate::storage) table: &'static str,
    pub(in crate::storage) column: &'static str,
    pub(in crate::storage) kind: SecretKind,
    /// The column that tells what the secret is about.
    pub(in crate::storage) about: &'static str,
    /// Whether it is a column of texts, or of bytes.
    pub(in crate::storage) is_text: bool,
}

impl SecretColumn {
    /// Goes on with a selection: `about`, the value as `text` or `bytes`, and the table.
    pub(in crate::storage) fn select(&self, select: &mut QueryBuilder) {
        select.push("CAST(").push(self.about);
        select.push(" AS TEXT) AS about, ");
        select.push(if self.is_text { "" } else { "NULL AS text, " });
        select.push(self.column);
        select.push(if self.is_text {
            " AS text, NULL AS bytes"
        } else {
            " AS bytes"
        });
        select.push(" FROM ").push(self.table);
    }
}

const fn column(
    (table, column): (&'static str, &'static str),
    kind: SecretKind,
    about: &'static str,
) -> SecretColumn {
    SecretColumn {
        table,
        column,
        kind,
        about,
        is_text: matches!(kind, SecretKind::ContentToken | SecretKind::MetaEvent),
    }
}

/// All of them.
pub(in crate::storage) const SECRETS: [SecretColumn; 6] = [
    column(
        ("media_references", "content_token"),
        SecretKind::ContentToken,
        "mxc",
    ),
    column(
        ("links", "file"),
        SecretKind::FileKeys,
        "media_reference_id",
    ),
    column(
        ("seen_media", "content_token"),
        SecretKind::ContentToken,
        "mxc",
    ),
    column(
        ("missing_media", "content_token"),
        SecretKind::ContentToken,
        "mxc",
    ),
    column(
        ("meta_event_bodies", "content"),
        SecretKind::MetaEvent,
        "batch",
    ),
    column(("secrets", "value"), SecretKind::Own, "name"),
];
