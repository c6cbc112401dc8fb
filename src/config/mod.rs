//! `bridge.yaml`: read from the file, then from the environment; unknown keys are errors.

mod abuse;
mod bridge;
mod console;
mod database;
mod deny;
mod explain;
mod file;
mod homeserver;
mod key_place;
mod kubernetes;
mod legacy_links;
mod limits;
mod links;
mod listen;
mod load;
mod logo;
mod media;
mod operator;
mod problems;
mod purge;
mod root_secret;
mod s3;
mod scan;
mod secret;
mod secrets_of;
mod settings;
#[cfg(test)]
mod tests;
mod traces;
mod usage;
mod value;
mod words;

pub use abuse::AbuseConfig;
pub use bridge::{BridgeConfig, ForwardTo};
pub use console::ConsoleConfig;
pub use database::{DatabaseConfig, DatabasePlace, PostgresConfig};
pub use deny::{Denial, DenyKind};
pub use file::Config;
pub use homeserver::{HomeserverConfig, Timeouts};
pub use key_place::KeyPlace;
pub use limits::{
    BridgeLimits, ClientHeader, ClientLimits, LimitsConfig, LinkLimits, RoomLimits, SenderLimits,
    TotalLimits,
};
pub use links::{CheckEvent, LinksConfig, OnLeave, Provenance};
pub use media::{CacheConfig, MediaConfig, ThumbnailSize};
pub use operator::{Contact, OperatorConfig};
pub use problems::ConfigError;
pub use purge::PurgeHook;
pub use root_secret::RootSecret;
pub use s3::S3Config;
pub use scan::{ClamdAddress, OnScanFailure, ScanConfig, ScannerConfig};
pub use secret::Secret;
pub use settings::Settings;
pub use traces::TracesConfig;
pub use usage::{UsageConfig, UsageMode};
pub use value::{ByteRate, Lifetime, Rate};
