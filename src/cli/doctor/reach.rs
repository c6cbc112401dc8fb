//! Who answers at the public URL.

use reqwest::Method;
use url::{Host, Url};

use crate::{clock::Clock, config::Config, telemetry::ForeignText};

use super::{
    certificate,
    finding::{Findings, Trial},
    probe::{Answer, Probe},
};

const DAY_MS: i64 = 86_400_000;
/// How many days a certificate may have left without a word.
const CERTIFICATE_DAYS: i64 = 14;

/// What to do with a certificate that ends.
const RENEW: &str = "renew it, and have the reverse proxy load it";

/// Follows what is no link; whether the service answers at the public URL. `runs`: whether it answers elsewhere.
pub(super) async fn look(
    probe: &Probe,
    config: &Config,
    clock: &Clock,
    runs: bool,
    findings: &mut Findings,
) -> bool {
    let base = config.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/m/medialink-doctor");
    look_at_scheme(&config.public_url, findings);
    let trial = findings.of("public_url", format_args!("{url}, which is no link"));
    let answer = match probe.ask(Method::GET, &url, &[]).await {
        Ok(answer) => answer,
        Err(error) if !runs => {
            trial.warning(error, "start the service first");
            return false;
        }
        Err(error) => {
            let todo = unreachable_hint(&config.public_url, &error);
            trial.fault(error, todo);
            return false;
        }
    };
    let is_ours = is_ours(&answer);
    if is_ours {
        trial.ok("the service answers");
    } else {
        tell_stranger(trial, &answer, config);
    }
    if let Some(der) = &answer.certificate {
        look_at_certificate(der, clock, findings);
    }
    is_ours
}

/// Whether the service itself has refused what is no link.
fn is_ours(answer: &Answer) -> bool {
    matches!(
        (answer.status, answer.errcode().as_str()),
        (404, "M_NOT_FOUND") | (429, "M_LIMIT_EXCEEDED")
    )
}

/// Links of people go over networks that others can look into.
fn look_at_scheme(url: &Url, findings: &mut Findings) {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_here {
        findings
            .of("scheme", format_args!("the scheme of {url}"))
            .warning(
                "http: whoever is on the way can read links and media",
                "let a reverse proxy speak HTTPS, and begin public_url with https://",
            );
    }
}

fn unreachable_hint(url: &Url, error: &ForeignText) -> &'static str {
    let text = error.as_str().to_lowercase();
    if text.contains("certificate") {
        return certificate_hint(&text);
    }
    if text.contains("corrupt message") || text.contains("invalidcontenttype") {
        return "plain HTTP is spoken at that port: begin public_url with http://, or let the reverse proxy speak TLS";
    }
    match url.scheme() {
        "https" => {
            "the name has to lead to the reverse proxy, which has to run and speak TLS; where this machine alone does \
             not reach it (no hairpin NAT), run this command elsewhere"
        }
        _ => {
            "public_url has to lead to listen.public or to the reverse proxy before it, which has to run; where it \
             speaks TLS, begin public_url with https://"
        }
    }
}

/// What to do about a certificate that is not believed, by the words of the TLS library for it.
fn certificate_hint(text: &str) -> &'static str {
    // It tells some as a sentence, and some as one word.
    let text = text.replace(' ', "");
    if text.contains("expired") {
        RENEW
    } else if text.contains("notvalidyet") {
        "look at the clocks of this machine and of the one that made it"
    } else if text.contains("notvalidfor") {
        "the reverse proxy needs a certificate for the name in public_url, or public_url has to have a name that is in it"
    } else {
        "the reverse proxy has to send the intermediate certificates as well; for an authority of your own, whom readers \
         have to know too, run this command with SSL_CERT_FILE=, its certificate in PEM"
    }
}

/// What to do with the answer of somebody else.
fn tell_stranger(trial: Trial<'_>, answer: &Answer, config: &Config) {
    let status = answer.status;
    let listen = config.public_listen;
    match status {
        300..=399 => tell_redirect(trial, answer, &config.public_url),
        400 | 426 | 497 if String::from_utf8_lossy(&answer.body).contains("HTTPS") => trial.fault(
            format_args!("somebody else answers {status}: it speaks TLS there"),
            "begin public_url with https://",
        ),
        401 | 403 => trial.fault(
            format_args!("somebody else answers {status}"),
            "the reverse proxy asks for a login, or refuses this address: let everybody in below public_url",
        ),
        502..=504 => trial.fault(
            format_args!("somebody else answers {status}"),
            format_args!("the reverse proxy does not reach the service: it has to lead to listen.public, {listen}"),
        ),
        _ => trial.fault(
            format_args!("somebody else answers {status}"),
            format_args!(
                "public_url is not that of this service, or the reverse proxy has no rule for {}: it has to lead to \
                 listen.public, {listen}",
                config.public_url.path()
            ),
        ),
    }
}

fn tell_redirect(trial: Trial<'_>, answer: &Answer, public_url: &Url) {
    // Of the target, nothing is told that may hold a token.
    let target = public_url.join(answer.header("location")).ok();
    let target = target.map(|url| url.origin().ascii_serialization());
    let target = ForeignText::new(target.as_deref().unwrap_or("nowhere"));
    let todo = match (public_url.scheme(), target.as_str().starts_with("https://")) {
        ("http", true) => "begin public_url with https://, so that links need no redirect",
        ("https", false) => "the reverse proxy must not lead from https to http",
        _ => {
            "the reverse proxy has to answer at public_url itself, or public_url has to be where it redirects to"
        }
    };
    trial.fault(
        format_args!("somebody answers {}, a redirect to {target}", answer.status),
        todo,
    );
}

fn look_at_certificate(der: &[u8], clock: &Clock, findings: &mut Findings) {
    let trial = findings.of("certificate", "the certificate of the public URL");
    let Some(end) = certificate::end_ms(der) else {
        return trial.warning("its end cannot be read", "look at it by hand");
    };
    let days = (end - clock.now_ms()).div_euclid(DAY_MS);
    if days < CERTIFICATE_DAYS {
        trial.warning(format_args!("it ends in {days} days"), RENEW);
    } else {
        trial.ok(format_args!("valid for {days} days"));
    }
}
