//! The page that people see when a link does not lead to its file.

use askama::Template;

use crate::{config::OperatorConfig, languages::Texts};

use super::{display_name::display_name, frame::Frame, render::render};

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
    /// The language of the page.
    pub frame: Frame,
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

    /// The message of its heading, with its `explanation` and its `advice`.
    fn id(self) -> &'static str {
        match self {
            Self::NotFound => "error-not-found",
            Self::Expired => "error-expired",
            Self::Revoked => "error-revoked",
            Self::Redacted => "error-redacted",
            Self::KeyRevoked => "error-key-revoked",
            Self::Spent => "error-spent",
            Self::MediaGone => "error-media-gone",
            Self::NotYetUploaded => "error-not-yet-uploaded",
            Self::NoThumbnail => "error-no-thumbnail",
            Self::Busy => "error-busy",
            Self::Limited => "error-limited",
            Self::DatabaseAway => "error-database-away",
            Self::Denied => "error-denied",
            Self::NotScanned => "error-not-scanned",
            Self::BadSize => "error-bad-size",
            Self::BadReport => "error-bad-report",
            Self::TooLarge => "error-too-large",
            Self::HomeserverFailed => "error-homeserver-failed",
            Self::HomeserverSlow => "error-homeserver-slow",
        }
    }

    /// The page's heading.
    #[must_use]
    pub fn title(self, texts: &Texts) -> String {
        texts.say(self.id())
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

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn title(&self) -> String {
        self.cause.title(&self.frame.texts)
    }

    fn explanation(&self) -> String {
        let texts = &self.frame.texts;
        texts.beside(self.cause.id(), "explanation", &[])
    }

    /// The next step for the reader.
    fn advice(&self) -> String {
        let texts = &self.frame.texts;
        let when = texts.wait(self.retry_after_seconds);
        let values = [("sender", self.sender().into()), ("when", when.into())];
        texts.beside(self.cause.id(), "advice", &values)
    }

    fn sender(&self) -> String {
        let network = self
            .network
            .as_deref()
            .filter(|_| self.cause != Cause::NotFound)
            .and_then(display_name);
        match network {
            Some(network) => (self.frame).say_with("sender-on", &[("network", network.into())]),
            None => self.frame.say("sender"),
        }
    }

    /// What stands before and after the contact of the operator.
    fn around_contact(&self) -> (String, String) {
        let name = self.operator.name.as_deref().and_then(display_name);
        let name = name.unwrap_or_else(|| self.frame.say("the-operator"));
        let texts = &self.frame.texts;
        texts.around("run-by-contact", "contact", &[("operator", name.into())])
    }

    fn status_words(&self) -> String {
        let status = self.status.to_string();
        (self.frame).say_with("error-status", &[("status", status.into())])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{languages::Language, pages::tests::frame};

    fn page(cause: Cause) -> ErrorPage {
        ErrorPage {
            status: 410,
            cause,
            retry_after_seconds: None,
            network: None,
            operator: OperatorConfig::default(),
            frame: frame(Language::English),
        }
    }

    #[test]
    fn every_cause_has_its_own_title_and_explanation() {
        for language in Language::ALL {
            let pages = Cause::ALL.map(|cause| ErrorPage {
                frame: frame(language),
                ..page(cause)
            });
            let titles: HashSet<_> = pages.iter().map(ErrorPage::title).collect();
            let explanations: HashSet<_> = pages.iter().map(ErrorPage::explanation).collect();
            assert_eq!(titles.len(), Cause::ALL.len(), "{language}");
            assert_eq!(explanations.len(), Cause::ALL.len(), "{language}");
        }
    }

    #[test]
    fn every_cause_renders_with_title_explanation_advice_and_status() {
        for cause in Cause::ALL {
            let page = page(cause);
            let html = page.render();
            assert!(html.contains(&format!("<title>{}</title>", page.title())));
            assert!(html.contains(&format!("<h1>{}</h1>", page.title())));
            assert!(html.contains(&page.explanation()));
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
