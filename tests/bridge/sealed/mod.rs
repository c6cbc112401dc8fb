//! Secrets at rest are sealed under the root secret, link keys in the database too.

mod dumps;
mod keys;
mod root_secret;
mod scene;
mod upgrade;
