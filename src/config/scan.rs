//! `media.scan`: who looks into media before it is served.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use serde::Deserialize;

use super::{
    explain::shown_text,
    problems::Problems,
    value::{Size, Span},
};

/// Who looks into media, and what happens where that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanConfig {
    /// Who looks.
    pub scanner: ScannerConfig,
    /// What happens to media that could not be scanned.
    pub on_failure: OnScanFailure,
    /// The longest time that the scanner takes for a medium, besides that of the download.
    pub timeout: Duration,
    /// Larger media is not scanned, which is a failure, in bytes.
    pub max_size_bytes: u64,
}

/// Who looks into media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerConfig {
    /// ClamAV's daemon.
    Clamd(ClamdAddress),
    /// A program, which is given the name of a file behind these arguments: it ends with 0 if the file is clean, and with
    /// 1 if something is in it.
    Program(PathBuf, Vec<String>),
}

/// Where clamd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

impl fmt::Display for ClamdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// What happens to media that could not be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnScanFailure {
    /// It is not served until it is scanned.
    Refuse,
    /// It is served.
    Serve,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanFile {
    clamd: Option<String>,
    program: Option<PathBuf>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default = "refuse")]
    on_failure: OnScanFailure,
    #[serde(default = "one_minute")]
    timeout: Span,
    max_size: Option<Size>,
}

fn refuse() -> OnScanFailure {
    OnScanFailure::Refuse
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

impl ScanFile {
    /// `max_size_bytes`: the most bytes that media may have.
    pub(super) fn checked(
        self,
        folder: &Path,
        max_size_bytes: u64,
        problems: &mut Problems,
    ) -> Option<ScanConfig> {
        if self.timeout.0.is_zero() {
            problems.add("media.scan.timeout", "found 0s; allowed is a longer time");
        }
        let max_size = self.max_size.map_or(max_size_bytes, |size| size.0);
        if max_size == 0 || max_size > max_size_bytes {
            problems.add(
                "media.scan.max_size",
                format_args!(
                    "found {}; allowed are 1B to media.max_size ({})",
                    ByteSize(max_size),
                    ByteSize(max_size_bytes)
                ),
            );
        }
        if self.clamd.is_some() && !self.arguments.is_empty() {
            problems.add("media.scan.arguments", "is of a program only");
        }
        let scanner = match (self.clamd, self.program) {
            (Some(address), None) => ScannerConfig::Clamd(clamd(&address, folder, problems)?),
            (None, Some(program)) => ScannerConfig::Program(folder.join(program), self.arguments),
            (None, None) => {
                let allowed = "has no scanner; allowed is clamd or program";
                problems.add("media.scan", allowed);
                return None;
            }
            (Some(_), Some(_)) => {
                problems.add("media.scan", "has two scanners; allowed is one");
                return None;
            }
        };
        Some(ScanConfig {
            scanner,
            on_failure: self.on_failure,
            timeout: self.timeout.0,
            max_size_bytes: max_size,
        })
    }
}

/// Reads the address of clamd: the path of a socket, or a host and a port.
fn clamd(text: &str, folder: &Path, problems: &mut Problems) -> Option<ClamdAddress> {
    if text.contains('/') {
        return Some(ClamdAddress::Unix(folder.join(text)));
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    if text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && is_port(port))
    {
        return Some(ClamdAddress::Tcp(text.to_owned()));
    }
    problems.add(
        "media.scan.clamd",
        format_args!(
            "found {}; allowed is the path of a socket such as /run/clamav/clamd.ctl, or a host and a port",
            shown_text(text)
        ),
    );
    None
}
