//! The whole server, over HTTP.

mod appservices;
mod downloads;
mod inbox;
mod linked_media;
mod media;
mod messages;
mod operations;
mod robustness;
mod rooms;
mod support;
mod upgrade;
mod uploads;
