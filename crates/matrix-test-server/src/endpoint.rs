//! The endpoints of this server.

/// Everything this server answers, with the decoded parts of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Versions,
    Register,
    WhoAmI,
    PutDevice {
        device: String,
    },
    JoinedRooms,
    CreateRoom,
    Join {
        room: String,
    },
    Membership {
        room: String,
        change: Change,
    },
    Send {
        room: String,
        kind: String,
        txn: String,
    },
    Redact {
        room: String,
        event: String,
        txn: String,
    },
    PutState {
        room: String,
        kind: String,
        key: String,
    },
    GetState {
        room: String,
        kind: String,
        key: String,
    },
    AllState {
        room: String,
    },
    JoinedMembers {
        room: String,
    },
    Messages {
        room: String,
    },
    GetEvent {
        room: String,
        event: String,
    },
    Report {
        room: String,
        event: String,
    },
    Upgrade {
        room: String,
    },
    PingAppservice {
        id: String,
    },
    MediaConfig,
    Upload,
    CreateMedia,
    UploadTo {
        server: String,
        media: String,
    },
    Download {
        server: String,
        media: String,
        name: Option<String>,
    },
    Thumbnail {
        server: String,
        media: String,
    },
    LegacyMedia,
    UploadRestricted {
        prefix: Prefix,
    },
    CopyMedia {
        prefix: Prefix,
        server: String,
        media: String,
    },
    RedactMedia {
        server: String,
        media: String,
    },
    Cleanup,
    Generate,
    ListMedia,
    InspectMedia {
        server: String,
        media: String,
    },
    Requests,
    Reports,
    Backup,
    Restore,
    ForgetTransactions,
}

/// The memberships that have an endpoint of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Invite,
    Leave,
    Kick,
    Ban,
    Unban,
}

/// Under which prefix an endpoint of MSC3911 was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Stable,
    Unstable,
}

impl Endpoint {
    /// The name under which requests are counted at `/_demo/requests`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Register => "register",
            Self::WhoAmI => "whoami",
            Self::PutDevice { .. } => "devices.put",
            Self::JoinedRooms => "joined_rooms",
            Self::CreateRoom => "rooms.create",
            Self::Join { .. } => "rooms.join",
            Self::Membership { change, .. } => match change {
                Change::Invite => "rooms.invite",
                Change::Leave => "rooms.leave",
                Change::Kick => "rooms.kick",
                Change::Ban => "rooms.ban",
                Change::Unban => "rooms.unban",
            },
            Self::Send { .. } => "rooms.send",
            Self::Redact { .. } => "rooms.redact",
            Self::PutState { .. } => "rooms.state.put",
            Self::GetState { .. } => "rooms.state.get",
            Self::AllState { .. } => "rooms.state.all",
            Self::JoinedMembers { .. } => "rooms.joined_members",
            Self::Messages { .. } => "rooms.messages",
            Self::GetEvent { .. } => "rooms.event",
            Self::Report { .. } => "rooms.report",
            Self::Upgrade { .. } => "rooms.upgrade",
            Self::PingAppservice { .. } => "appservice.ping",
            Self::MediaConfig => "media.config",
            Self::Upload => "media.upload",
            Self::CreateMedia => "media.create",
            Self::UploadTo { .. } => "media.upload_to",
            Self::Download { .. } => "media.download",
            Self::Thumbnail { .. } => "media.thumbnail",
            Self::LegacyMedia => "media.legacy",
            Self::UploadRestricted { .. } => "media.upload_restricted",
            Self::CopyMedia { .. } => "media.copy",
            Self::RedactMedia { .. } => "media.redact",
            Self::Cleanup => "demo.cleanup",
            Self::Generate => "demo.generate",
            Self::ListMedia | Self::InspectMedia { .. } => "demo.media",
            Self::Requests => "demo.requests",
            Self::Reports => "demo.reports",
            Self::Backup => "demo.backup",
            Self::Restore => "demo.restore",
            Self::ForgetTransactions => "demo.forget_transactions",
        }
    }
}
