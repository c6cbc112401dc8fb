//! Room versions.

/// The room versions this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoomVersion {
    V10,
    V11,
    V12,
}

impl RoomVersion {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "10" => Some(Self::V10),
            "11" => Some(Self::V11),
            "12" => Some(Self::V12),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "10",
            Self::V11 => "11",
            Self::V12 => "12",
        }
    }

    /// Whether a redaction names its target in `content` (room version 11, MSC2174).
    pub fn redacts_in_content(self) -> bool {
        self >= Self::V11
    }

    /// Whether room IDs are hashes and creators are above all power levels (room version 12).
    pub fn has_creators(self) -> bool {
        self >= Self::V12
    }
}
