//! The values that the parts of the worker are made of. Each part keeps those that it uses.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::Settings,
    homeserver::{Features, Homeserver},
    storage::Database,
};

pub(super) struct Context {
    pub(super) database: Database,
    pub(super) config: Settings,
    pub(super) clock: Clock,
    pub(super) features: Features,
    pub(super) homeserver: Arc<Homeserver>,
}
