//! The media endpoints (Client-Server API, "Content repository"; MSC3916, MSC3910, MSC3911,
//! MSC4322).

mod bytes;
mod copy;
mod created;
mod download;
mod generate;
mod headers;
mod readable;
mod receive;
mod redact;
mod upload;

pub(crate) use copy::copy;
pub(crate) use download::{MediaRequest, download, thumbnail};
pub(crate) use generate::generate;
pub use generate::generated_byte;
pub(crate) use redact::redact;
pub(crate) use upload::{config, create, upload, upload_restricted, upload_to};
