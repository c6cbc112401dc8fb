//! What has to be known, from the options, from the files of a bridge, from the operator, or by default.

use std::io::{BufRead, Write};

use anyhow::Context as _;

use super::{
    arguments::Arguments,
    foreign::Found,
    questions::{Question, ask},
};

/// What has to be known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) server_name: String,
    pub(super) homeserver_url: String,
    pub(super) public_url: String,
    pub(super) bridge: String,
    pub(super) network: String,
    pub(super) user_id: String,
    pub(super) forward_to: Option<String>,
}

impl Answers {
    /// Without asking.
    ///
    /// # Errors
    /// If the name of the homeserver is given nowhere.
    pub(super) fn take(arguments: &Arguments, found: &Found) -> anyhow::Result<Self> {
        Self::collect(arguments, found, &mut |_, default| {
            default.context(
                "--server-name is missing, and no file of --from tells it; it is the part after the colon in user IDs",
            )
        })
    }

    /// Asks for what no option gives.
    ///
    /// # Errors
    /// If the input ends before all is answered.
    pub(super) fn ask(
        arguments: &Arguments,
        found: &Found,
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> anyhow::Result<Self> {
        Self::collect(arguments, found, &mut |question, default| {
            ask(question, default.as_deref(), input, output)
        })
    }

    fn collect(
        arguments: &Arguments,
        found: &Found,
        answer: &mut dyn FnMut(&Question, Option<String>) -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        let mut know =
            |given: &Option<String>, question: Question, default: Option<String>| match given {
                Some(given) => Ok(given.clone()),
                None => answer(&question, default),
            };
        let server_name = know(
            &arguments.server_name,
            Question::SERVER_NAME,
            found.server_name.clone(),
        )?;
        let url = found.homeserver_url.clone();
        let homeserver_url = know(
            &arguments.homeserver_url,
            Question::HOMESERVER_URL,
            Some(url.unwrap_or_else(|| "http://127.0.0.1:8008".to_owned())),
        )?;
        // A link has no use for the port of the homeserver's federation.
        let host = server_name.split(':').next().unwrap_or_default();
        let public_url = know(
            &arguments.public_url,
            Question::PUBLIC_URL,
            Some(format!("https://media.{host}")),
        )?;
        let id = found.bridge();
        let bridge = know(
            &arguments.bridge,
            Question::BRIDGE,
            Some(id.unwrap_or_else(|| "irc".to_owned())),
        )?;
        let network = know(&arguments.network, Question::NETWORK, Some(bridge.clone()))?;
        let forward_to = match (&arguments.forward_to, &found.forward_to) {
            (None, None) => None,
            (given, url) => Some(know(given, Question::FORWARD_TO, url.clone())?),
        };
        let localpart = found.sender_localpart.as_deref().unwrap_or("medialink");
        let user_id = arguments.user.clone();
        Ok(Self {
            user_id: user_id.unwrap_or_else(|| format!("@{localpart}:{server_name}")),
            server_name,
            homeserver_url,
            public_url,
            bridge,
            network,
            forward_to,
        })
    }
}
