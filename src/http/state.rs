//! What handlers work with.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    config::Config, homeserver::Homeserver, link_service::LinkService, rooms::Rooms,
    usage::FollowCounter,
};

/// What handlers work with.
#[derive(Clone)]
pub struct AppState {
    /// Links.
    pub links: LinkService,
    /// What rooms say of links: by it they are issued and resolved.
    pub rooms: Rooms,
    /// What was served.
    pub follows: FollowCounter,
    /// The homeserver.
    pub homeserver: Arc<Homeserver>,
    /// What was measured.
    pub metrics: PrometheusHandle,
}

impl AppState {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.links.config
    }
}
