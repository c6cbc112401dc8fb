//! The page that people see when a link does not lead to its file.

use askama::Template;

use crate::config::OperatorConfig;

use super::{display_name::display_name, render::render};

/// A page for a link that cannot be followed. It repeats nothing of the link.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The status of the answer that carries the page.
    pub status: u16,
    /// Why the link cannot be followed.
    pub cause: Cause,
    /// The seconds of the answer's `Retry-After`, for causes that pass.
    pub retry_after_seconds: Option<u64>,
    /// The name of the network that the link was sent to, if the link has proved to be genuine.
    /// Not shown with [`Cause::NotFound`], so that a forged link and an unknown one look the same.
    pub network: Option<String>,
    /// Who runs the service.
    pub operator: OperatorConfig,
}

/// Why a link cannot be followed, as far as the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is not a link, is forged, or is unknown.
    NotFound,
    /// It has expired.
    Expired,
    /// Somebody revoked it.
    Revoked,
    /// The message that it belonged to was removed.
    Redacted,
    /// The key that signed it was revoked.
    KeyRevoked,
    /// It was followed as often as it may be.
    Spent,
    /// The homeserver no longer has the media.
    MediaGone,
    /// The sender's upload is not complete.
    NotYetUploaded,
    /// There is no thumbnail of such media.
    NoThumbnail,
    /// Too many thumbnails are being made already.
    Busy,
    /// The client, the link or its room has had as much as is allowed.
    Limited,
    /// The operator gives it to nobody, or not to this reader.
    Denied,
    /// Whether the file is harmless could not be found out.
    NotScanned,
    /// The requested size is not a size.
    BadSize,
    /// What was sent is no report.
    BadReport,
    /// The media is larger than the service hands on.
    TooLarge,
    /// The database cannot be reached, so that nobody knows whether the link is still good.
    DatabaseAway,
    /// The homeserver refuses or fails.
    HomeserverFailed,
    /// The homeserver does not answer in time.
    HomeserverSlow,
}

/// The pictures that causes share.
#[derive(Clone, Copy)]
enum Icon {
    BrokenLink,
    Clock,
    Used,
    Bin,
    Box,
    Cloud,
}

impl Cause {
    /// Every cause.
    #[cfg(test)]
    pub const ALL: [Self; 19] = [
        Self::NotFound,
        Self::Expired,
        Self::Revoked,
        Self::Redacted,
        Self::KeyRevoked,
        Self::Spent,
        Self::MediaGone,
        Self::NotYetUploaded,
        Self::NoThumbnail,
        Self::Busy,
        Self::Limited,
        Self::DatabaseAway,
        Self::Denied,
        Self::NotScanned,
        Self::BadSize,
        Self::BadReport,
        Self::TooLarge,
        Self::HomeserverFailed,
        Self::HomeserverSlow,
    ];

    /// The page's heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NotFound => "This link leads nowhere",
            Self::Expired => "This link has expired",
            Self::Revoked => "This link was withdrawn",
            Self::Redacted => "The message was removed",
            Self::KeyRevoked => "This link is no longer valid",
            Self::Spent => "This link was already used",
            Self::MediaGone => "The file is gone",
            Self::NotYetUploaded => "The file is still on its way",
            Self::NoThumbnail => "There is no preview of this file",
            Self::Busy => "There are too many previews to make",
            Self::Limited => "That was a lot at once",
            Self::DatabaseAway => "This service is taking a short break",
            Self::Denied => "This is not available here",
            Self::NotScanned => "The file could not be checked",
            Self::BadSize => "This is no size of a preview",
            Self::BadReport => "This report could not be read",
            Self::TooLarge => "The file is too large",
            Self::HomeserverFailed => "The file can’t be fetched right now",
            Self::HomeserverSlow => "Fetching the file took too long",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Self::NotFound => {
                "There is no file behind this address. The link may have been cut off or changed \
                 on its way to you."
            }
            Self::Expired => {
                "Links to shared files work for a limited time only, and the time of this one is \
                 over."
            }
            Self::Revoked => "Somebody has ended access to this file before its time was over.",
            Self::Redacted => {
                "The message with this file was deleted in the chat, so the file is no longer \
                 available here either."
            }
            Self::KeyRevoked => {
                "For safety, the operator of this service has ended all links that were made in \
                 the same way as this one."
            }
            Self::Spent => {
                "It could be opened a limited number of times, often just once, and that has \
                 happened already."
            }
            Self::MediaGone => {
                "The link is fine, but the server that kept the file no longer has it."
            }
            Self::NoThumbnail => {
                "Small pictures are made of images only, and only of those that can be read."
            }
            Self::Denied => {
                "The operator of this service has decided not to hand this out, or not to hand \
                 anything out to your network."
            }
            Self::BadSize => {
                "The address of a preview tells its width and height as whole numbers of at least \
                 1, and its method as crop or scale."
            }
            Self::BadReport => "It has one of the reasons of the form, and 500 characters at most.",
            Self::TooLarge => "It is larger than the files that this service hands on.",
            passing => passing.hindrance(),
        }
    }

    /// The explanation of a cause that passes.
    fn hindrance(self) -> &'static str {
        match self {
            Self::NotYetUploaded => {
                "The sender has announced this file, but its upload is not complete yet."
            }
            Self::Busy => {
                "Many previews are being made at this moment, and this one has not had its turn."
            }
            Self::Limited => {
                "This service gives each reader, each link and each chat room a fair share of what it can \
                 do, and that share is used up for the moment."
            }
            Self::DatabaseAway => {
                "The part of it that knows whether this link is still good cannot be reached. There is \
                 nothing wrong on your side."
            }
            Self::NotScanned => {
                "This service looks into files before it hands them out, and cannot do so at this \
                 moment. There is nothing wrong on your side."
            }
            Self::HomeserverFailed => {
                "The server that keeps the file did not hand it out. There is nothing wrong on \
                 your side."
            }
            _ => {
                "The server that keeps the file did not answer in time. There is nothing wrong on \
                 your side."
            }
        }
    }

    /// Whether the same link may work again without anybody's help.
    fn may_pass(self) -> bool {
        matches!(
            self,
            Self::NotYetUploaded
                | Self::Busy
                | Self::Limited
                | Self::DatabaseAway
                | Self::NotScanned
                | Self::HomeserverFailed
                | Self::HomeserverSlow
        )
    }

    fn icon(self) -> Icon {
        match self {
            Self::NotFound
            | Self::Revoked
            | Self::KeyRevoked
            | Self::Denied
            | Self::BadSize
            | Self::BadReport => Icon::BrokenLink,
            Self::Expired
            | Self::NotYetUploaded
            | Self::Busy
            | Self::Limited
            | Self::NotScanned
            | Self::HomeserverSlow => Icon::Clock,
            Self::Spent => Icon::Used,
            Self::Redacted | Self::MediaGone => Icon::Bin,
            Self::TooLarge | Self::NoThumbnail => Icon::Box,
            Self::HomeserverFailed | Self::DatabaseAway => Icon::Cloud,
        }
    }
}

impl ErrorPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    /// The next step for the reader.
    fn advice(&self) -> String {
        let sender = self.sender();
        match self.cause {
            Cause::NotFound => format!(
                "Check that you copied the whole address, or ask {sender} to send it again."
            ),
            Cause::Expired | Cause::Revoked | Cause::KeyRevoked | Cause::Spent => {
                format!("If you still need the file, ask {sender} to send it again.")
            }
            Cause::Redacted => format!("If you think it was a mistake, ask {sender}."),
            Cause::MediaGone => format!("Ask {sender} to send it again."),
            Cause::NoThumbnail => "The link to the file itself works all the same.".to_owned(),
            Cause::Denied => "If you think it is a mistake, ask the operator.".to_owned(),
            Cause::Busy | Cause::Limited | Cause::DatabaseAway | Cause::NotScanned => {
                format!("Try again in {}.", self.wait())
            }
            Cause::BadSize => "Check that you copied the whole address.".to_owned(),
            Cause::BadReport => "Go back, and send it again.".to_owned(),
            Cause::TooLarge => {
                format!("Ask {sender} for a smaller version, or to send it in another way.")
            }
            Cause::NotYetUploaded => format!(
                "Try again in {}. If it never arrives, ask {sender} to send it again.",
                self.wait()
            ),
            Cause::HomeserverFailed | Cause::HomeserverSlow => format!(
                "Try again in {}. If that does not help, ask {sender} to send it again.",
                self.wait()
            ),
        }
    }

    fn sender(&self) -> String {
        let network = self
            .network
            .as_deref()
            .filter(|_| self.cause != Cause::NotFound)
            .and_then(display_name);
        match network {
            Some(network) => format!("the person who sent it on {network}"),
            None => "the person who sent it".to_owned(),
        }
    }

    fn operator(&self) -> String {
        let name = self.operator.name.as_deref().and_then(display_name);
        name.unwrap_or_else(|| "the operator".to_owned())
    }

    fn wait(&self) -> String {
        match self.retry_after_seconds {
            None => "a few minutes".to_owned(),
            Some(0 | 1) => "a second".to_owned(),
            Some(seconds @ 2..=119) => format!("{seconds} seconds"),
            Some(seconds @ 120..=7_199) => format!("{} minutes", seconds.div_ceil(60)),
            Some(seconds @ 7_200..=172_799) => format!("{} hours", seconds.div_ceil(3_600)),
            Some(seconds) => format!("{} days", seconds.div_ceil(86_400)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn page(cause: Cause) -> ErrorPage {
        ErrorPage {
            status: 410,
            cause,
            retry_after_seconds: None,
            network: None,
            operator: OperatorConfig::default(),
        }
    }

    #[test]
    fn every_cause_has_its_own_title_and_explanation() {
        let titles: HashSet<_> = Cause::ALL.iter().map(|cause| cause.title()).collect();
        let explanations: HashSet<_> = Cause::ALL.iter().map(|cause| cause.explanation()).collect();
        assert_eq!(titles.len(), Cause::ALL.len());
        assert_eq!(explanations.len(), Cause::ALL.len());
    }

    #[test]
    fn every_cause_renders_with_title_explanation_advice_and_status() {
        for cause in Cause::ALL {
            let page = page(cause);
            let html = page.render();
            assert!(html.contains(&format!("<title>{}</title>", cause.title())));
            assert!(html.contains(&format!("<h1>{}</h1>", cause.title())));
            assert!(html.contains(cause.explanation()));
            assert!(html.contains(&page.advice()));
            assert!(html.contains("Error 410"));
            assert_eq!(
                html.contains("href=\"\">Try again</a>"),
                cause.may_pass(),
                "{cause:?}"
            );
        }
    }

    #[test]
    fn causes_that_pass_say_when() {
        for (seconds, expected) in [
            (None, "in a few minutes."),
            (Some(0), "in a second."),
            (Some(30), "in 30 seconds."),
            (Some(119), "in 119 seconds."),
            (Some(121), "in 3 minutes."),
            (Some(7_200), "in 2 hours."),
            (Some(u64::MAX), " days."),
        ] {
            let mut page = page(Cause::NotYetUploaded);
            page.retry_after_seconds = seconds;
            assert!(page.render().contains(expected), "{seconds:?}");
        }
    }

    #[test]
    fn the_network_is_named_and_escaped_but_not_for_a_link_that_is_none() {
        let mut page = page(Cause::Expired);
        page.network = Some("<b>Libera\n& Co".to_owned());
        let html = page.render();
        assert!(
            html.contains("on &#60;b&#62;Libera &#38; Co to send"),
            "{html}"
        );
        page.cause = Cause::NotFound;
        let named = page.render();
        page.network = None;
        assert_eq!(named, page.render());
    }
}
