//! The configuration that a service runs by, which can be replaced while it runs.

use std::{fmt, ops::Deref, sync::Arc};

use arc_swap::ArcSwap;

use super::file::Config;

/// The configuration of a running service. Clones see the same one, and its replacement.
///
/// Earlier configurations stay in memory, some ten kilobytes each, and logos that were replaced: requests may still look at them, and replacements are
/// rare.
#[derive(Clone)]
pub struct Settings(Arc<ArcSwap<&'static Config>>);

impl From<Config> for Settings {
    fn from(config: Config) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(kept(config))))
    }
}

impl Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        **self.0.load()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Settings {
    /// Takes another configuration over, as far as a running service can; the keys that take effect only at its next
    /// start.
    pub fn replace(&self, new: Config) -> Vec<&'static str> {
        let (config, left) = new.over(self);
        self.0.store(Arc::new(kept(config)));
        left
    }
}

fn kept(config: Config) -> &'static Config {
    Box::leak(Box::new(config))
}

impl Config {
    /// This configuration, with what a running service cannot change as it runs now, and the keys of that which differ.
    fn over(mut self, running: &Self) -> (Self, Vec<&'static str>) {
        let mut left = Vec::new();
        macro_rules! keep {
            ($($field:ident).+, $key:literal) => {
                if self.$($field).+ != running.$($field).+ {
                    left.push($key);
                    self.$($field).+.clone_from(&running.$($field).+);
                }
            };
        }
        keep!(public_listen, "listen.public");
        keep!(internal_listen, "listen.internal");
        keep!(metrics_listen, "listen.metrics");
        keep!(send_timeout, "listen.send_timeout");
        keep!(public_url, "public_url");
        keep!(database, "database");
        keep!(key_file, "key_file");
        keep!(homeserver, "homeserver");
        keep!(links.check_event, "links.check_event");
        keep!(media.max_size_bytes, "media.max_size");
        keep!(media.cache, "media.cache");
        keep!(media.revalidate, "media.revalidate");
        keep!(media.scan, "media.scan");
        keep!(media.thumbnails, "media.thumbnails");
        keep!(usage.batch_window, "usage.batch_window");
        keep!(usage.release_after, "usage.release_after");
        keep!(usage.touch, "usage.touch");
        keep!(usage.touch_rate, "usage.touch_rate");
        keep!(usage.reconcile, "usage.reconcile");
        keep!(purge, "purge");
        keep!(traces, "traces");
        self.look.share_logo(&running.look);
        let ids = |config: &Self| -> Vec<String> {
            let bridges = config.bridges.iter();
            bridges.map(|bridge| bridge.id.clone()).collect()
        };
        if ids(&self) != ids(running) {
            left.push("bridges");
            self.bridges.clone_from(&running.bridges);
            self.legacy_links.clone_from(&running.legacy_links);
            self.abuse.bridge.clone_from(&running.abuse.bridge);
        }
        (self, left)
    }
}
