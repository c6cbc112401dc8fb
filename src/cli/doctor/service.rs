//! The running service, at its internal listener.

use reqwest::Method;

use crate::config::Config;

use super::{finding::Findings, probe::Probe};

/// Whether it runs.
pub(super) async fn look(
    probe: &Probe,
    internal: &str,
    config: &Config,
    findings: &mut Findings,
) -> bool {
    let is_told = ["homeserver", "database"]
        .iter()
        .any(|check| findings.has_fault(check));
    let trial = findings.of("service", format_args!("the service at {internal}/ready"));
    let url = format!("{internal}/ready");
    let answer = match probe.ask(Method::GET, &url, &[]).await {
        Ok(answer) => answer,
        Err(error) => {
            trial.fault(
                format_args!("it does not run: {error}"),
                format_args!(
                    "start it (medialink serve); it has to listen at {}. No link was made or followed",
                    config.internal_listen
                ),
            );
            return false;
        }
    };
    match answer.status {
        200 => trial.ok("it runs, and is ready"),
        503 if is_told => trial.warning(
            "it runs, and is not ready, which follows from what is told above",
            "mend what is told there first",
        ),
        503 => trial.fault(
            "it runs, and is not ready: its database takes no writes, or the homeserver does not answer",
            "mend what is told of these; medialink health --ready says which",
        ),
        status => {
            trial.fault(
                format_args!("something else answers {status}"),
                "listen.internal has to be that of the running service",
            );
            return false;
        }
    }
    true
}
