//! `forward_to`: the service between homeserver and bridge.

mod answers;
mod requests;
mod scene;
