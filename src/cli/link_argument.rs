//! IDs of links among the arguments of the process.

use std::ffi::OsString;

use crate::operations::is_link_id;

/// Commands that take links, and how their options begin.
const COMMANDS: [&str; 4] = ["inspect", "show", "revoke", "takedown"];

/// The arguments of the process. An ID may begin with a hyphen as options do: it is put into angle
/// brackets, which pasted links may have.
pub(super) fn guarded(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut takes_links = false;
    let guard = |argument: OsString| {
        let text = argument.to_str().unwrap_or_default();
        let is_id = text.starts_with('-') && is_link_id(text);
        // Options of eight characters, such as --bridge, are words.
        let is_option = text
            .strip_prefix("--")
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        let guarded = (takes_links && is_id && !is_option).then(|| format!("<{text}>"));
        takes_links |= COMMANDS.contains(&text);
        guarded.map_or(argument, OsString::from)
    };
    arguments.into_iter().map(guard).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_look_like_options_are_told_from_them() {
        let guarded = |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from);
            let guarded = guarded(arguments).into_iter();
            guarded
                .map(|argument| argument.into_string().expect("UTF-8"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (given, expected) in [
            (
                &["links", "revoke", "-hAECAwQ", "--AECAwQ"][..],
                "links revoke <-hAECAwQ> <--AECAwQ>",
            ),
            (
                &["links", "revoke", "--bridge", "irc", "--sender", "@a:b"],
                "links revoke --bridge irc --sender @a:b",
            ),
            (
                &["--config", "x", "inspect", "-VECAwQF"],
                "--config x inspect <-VECAwQF>",
            ),
            (&["inspect", "-"], "inspect -"),
            (&["inspect", "-hAECAwQ."], "inspect <-hAECAwQ.>"),
            (
                &["inspect", "-AECAwQFAAECAwQFAAECAw"],
                "inspect <-AECAwQFAAECAwQFAAECAw>",
            ),
            (&["usage", "list", "-AECAwQF"], "usage list -AECAwQF"),
        ] {
            assert_eq!(guarded(given), expected);
        }
    }
}
