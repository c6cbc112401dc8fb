//! A link is followed: at the listener itself, then through the public URL, and what differs is told.

use reqwest::Method;

use super::{
    finding::{Findings, Trial},
    link::{self, Link, SIZE},
    probe::{Answer, Probe},
};

/// The part that is asked for.
const RANGE: (&str, std::ops::Range<usize>) = ("bytes=100-199", 100..200);
/// The headers that keep readers safe, and let web apps and players read the media.
const HEADERS: [&str; 7] = [
    "x-content-type-options",
    "content-security-policy",
    "referrer-policy",
    "access-control-allow-origin",
    "content-disposition",
    "content-type",
    "etag",
];

/// Follows the link at the listener; the answer, if it is the media.
pub(super) async fn at_listener(
    probe: &Probe,
    listener: &str,
    link: &Link,
    findings: &mut Findings,
) -> Option<Answer> {
    let url = format!("{listener}{}", *link.path);
    let trial = findings.of(
        "media",
        format_args!("the link at listen.public, {listener}"),
    );
    let answer = match probe.ask(Method::GET, &url, &[]).await {
        Ok(answer) => answer,
        Err(error) => {
            trial.warning(
                error,
                "run this command where listen.public can be reached, to tell faults of the proxy from others",
            );
            return None;
        }
    };
    if answer.status == 200 && answer.body == link::bytes() {
        trial.ok("the media, as it was uploaded");
        return Some(answer);
    }
    match answer.status {
        200 => trial.fault("other bytes than were uploaded", "look what answers at listen.public"),
        429 => trial.fault(answer.told(), "a limit is reached: wait, or raise what is in limits"),
        403 => trial.fault(answer.told(), "abuse.deny denies this reader or this type of media"),
        502 | 504 => trial.fault(
            answer.told(),
            "the service does not get the media from the homeserver: its log says why (authenticated media, content \
             token, as_token)",
        ),
        _ => trial.fault(answer.told(), "look into the log of the service"),
    }
    None
}

/// Follows it through the public URL. `direct`: what the listener itself has answered.
pub(super) async fn through_proxy(
    probe: &Probe,
    link: &Link,
    direct: Option<&Answer>,
    findings: &mut Findings,
) {
    let trial = findings.of("follow", "the link through the public URL");
    let answer = match probe.ask(Method::GET, &link.url, &[]).await {
        Ok(answer) => answer,
        Err(error) => {
            return trial.fault(
                error,
                "the reverse proxy breaks the connection off: look into its log",
            );
        }
    };
    if answer.status != 200 {
        return tell_refusal(trial, &answer, direct.is_some());
    }
    if answer.body == link::bytes() {
        trial.ok("the media, as it was uploaded");
    } else {
        trial.fault(
            format_args!("other bytes than were uploaded ({} of {SIZE})", answer.body.len()),
            "the reverse proxy changes or compresses what it hands on: switch that off below /m/ (gzip off)",
        );
    }
    look_at_headers(&answer, direct, findings);
    look_at_caching(&answer, direct, findings);
    look_at_range(probe, link, direct, findings).await;
    look_at_head(probe, link, findings).await;
}

/// The link is refused through the public URL; `is_good`: the listener itself serves it.
fn tell_refusal(trial: Trial<'_>, answer: &Answer, is_good: bool) {
    let told = answer.told();
    match (answer.status, answer.errcode().as_str()) {
        (404, "M_NOT_FOUND") if is_good => trial.fault(
            told,
            "the reverse proxy changes the path: /m/<token>/<name> has to arrive whole, without the path of public_url \
             or with it (nginx: no / after the port in proxy_pass)",
        ),
        (300..=399, _) => trial.fault(
            format_args!("{}, a redirect", answer.status),
            "the reverse proxy has to hand links on as they are",
        ),
        (429, _) => trial.fault(told, "a limit of the service or of the proxy is reached"),
        (_, "") => trial.fault(
            told,
            "somebody else than the service answers: the reverse proxy needs a rule for /m/ below public_url",
        ),
        _ if is_good => trial.fault(told, "the reverse proxy changes the request: see the log of the service"),
        _ => trial.fault(told, "see what is told of the link at listen.public"),
    }
}

fn look_at_headers(answer: &Answer, direct: Option<&Answer>, findings: &mut Findings) {
    let differs = |name: &&str| match direct {
        Some(direct) => direct.header(name) != answer.header(name),
        None => answer.header(name).is_empty(),
    };
    let changed: Vec<&str> = HEADERS.into_iter().filter(differs).collect();
    let trial = findings.of(
        "headers",
        "the headers of the answer through the public URL",
    );
    if changed.is_empty() {
        trial.ok("they arrive as the service sends them");
    } else {
        trial.fault(
            format_args!("the reverse proxy drops or changes {}", changed.join(", ")),
            "have it hand them on: without them, media of strangers may run as a page of this site, or players fail",
        );
    }
}

fn look_at_caching(answer: &Answer, direct: Option<&Answer>, findings: &mut Findings) {
    let trial = findings.of("cache_control", "Cache-Control through the public URL");
    let of = |answer: &Answer| max_age(answer.header("cache-control"));
    let (Some(told), shown) = (of(answer), answer.shown("cache-control")) else {
        let shown = answer.shown("cache-control");
        if answer.header("cache-control").contains("no-store") {
            return trial.warning(
                format_args!("found {shown:?}: nothing is cached"),
                "have the reverse proxy hand Cache-Control on, if readers are to cache media",
            );
        }
        return trial.fault(
            format_args!("found {:?}, which bounds no cache", shown.as_str()),
            "have the reverse proxy hand Cache-Control on: caches keep media by their own rules otherwise",
        );
    };
    // Without the listener's own word, the life of the link bounds it.
    let most = direct.and_then(of).unwrap_or(link::LIFETIME_S);
    if told > most {
        trial.fault(
            format_args!("found {:?}, and the service allows {most} s", shown.as_str()),
            "have the reverse proxy leave Cache-Control alone: media is served from caches after its link has ended \
             (nginx: no expires below /m/)",
        );
    } else {
        trial.ok(format_args!("{} s at most", told));
    }
}

/// The longest time that a `Cache-Control` header allows, in seconds (RFC 9111, section 5.2.2).
fn max_age(header: &str) -> Option<i64> {
    let seconds = |directive: &str| {
        let (name, value) = directive.trim().split_once('=')?;
        let is_age = ["max-age", "s-maxage"]
            .iter()
            .any(|age| name.eq_ignore_ascii_case(age));
        value
            .trim_matches('"')
            .parse::<i64>()
            .ok()
            .filter(|_| is_age)
    };
    header.split(',').filter_map(seconds).max()
}

async fn look_at_range(
    probe: &Probe,
    link: &Link,
    direct: Option<&Answer>,
    findings: &mut Findings,
) {
    let trial = findings.of("range", "a part of the media through the public URL");
    if direct.is_some_and(|direct| direct.header("accept-ranges") != "bytes") {
        return trial.ok("the service serves no parts of this medium");
    }
    let (range, part) = RANGE;
    let answer = match probe.ask(Method::GET, &link.url, &[("range", range)]).await {
        Ok(answer) => answer,
        Err(error) => {
            return trial.fault(
                error,
                "the reverse proxy breaks the connection off: look into its log",
            );
        }
    };
    let of = format!("bytes {}-{}/{SIZE}", part.start, part.end - 1);
    match answer.status {
        206 if answer.body == link::bytes()[part] && answer.header("content-range") == of => {
            trial.ok("206, and the part");
        }
        206 => trial.fault(
            format_args!("206, but not the part ({})", answer.shown("content-range")),
            "the reverse proxy changes Range or Content-Range, or answers parts from a cache of its own: let them pass",
        ),
        200 => trial.fault(
            "200, and all of it: the header Range does not arrive",
            "have the reverse proxy hand on Range and If-Range: without them nobody can seek in videos (nginx with \
             proxy_cache: slice, or proxy_set_header Range $http_range)",
        ),
        _ => trial.fault(answer.told(), "the reverse proxy has to hand on Range and If-Range"),
    }
}

async fn look_at_head(probe: &Probe, link: &Link, findings: &mut Findings) {
    let trial = findings.of("head", "HEAD through the public URL");
    match probe.ask(Method::HEAD, &link.url, &[]).await {
        Ok(answer)
            if answer.status == 200 && answer.header("content-length") == SIZE.to_string() =>
        {
            trial.ok("200, and the length");
        }
        Ok(answer) if answer.status == 200 => trial.warning(
            "200, without the length",
            "have the reverse proxy hand on Content-Length: previews of links go by it",
        ),
        Ok(answer) => trial.fault(
            answer.status,
            "the reverse proxy has to let HEAD pass: previews of links go by it",
        ),
        Err(error) => trial.fault(error, "the reverse proxy has to let HEAD pass"),
    }
}

/// Follows the link after it was revoked; `is_told`: caches in front are told of ends.
pub(super) async fn after_end(probe: &Probe, link: &Link, is_told: bool, findings: &mut Findings) {
    let was_no_link = findings.has_fault("follow");
    let trial = findings.of("end", "the revoked link through the public URL");
    if was_no_link {
        return trial.warning(
            "not looked at: it did not open before either",
            "mend what follow has found first",
        );
    }
    match probe.ask(Method::GET, &link.url, &[]).await {
        Ok(answer) if answer.status == 410 => trial.ok("410: it has ended"),
        Ok(answer) if answer.status == 200 && is_told => trial.warning(
            "200: a cache in front still has it",
            "it may have been told a moment later; if it stays so, see the log of the service about purge",
        ),
        Ok(answer) if answer.status == 200 => trial.warning(
            "200: a cache in front still has it, until its max-age is over",
            "tell that cache of ends by purge, or lower media.cache_control_max",
        ),
        Ok(answer) => trial.fault(answer.told(), "look into the log of the service"),
        Err(error) => trial.fault(error, "look into the log of the reverse proxy"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_age_counts() {
        assert_eq!(max_age("public, max-age=600"), Some(600));
        assert_eq!(max_age("Max-Age=60, s-maxage=\"86400\""), Some(86_400));
        assert_eq!(max_age("no-store"), None);
        assert_eq!(max_age("max-age=forever"), None);
    }
}
