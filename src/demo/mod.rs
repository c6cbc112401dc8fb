//! The demo, without any configuration or network: a homeserver with content tokens, the service, a
//! room, three files, a long message, and the life of their links.

mod round;
mod samples;
mod stage;

use std::{io::IsTerminal, process::ExitCode};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::signals::stop_on_signal;

use self::{round::Round, stage::Stage};

/// Runs the demo; `once`: does the round by itself, checks every step, and exits 0 or 1.
///
/// # Errors
/// If something cannot be started.
pub async fn run(once: bool) -> anyhow::Result<ExitCode> {
    let stage = Stage::start().await?;
    let mut round = Round::new(&stage);
    println!(
        "Medialink demo: a homeserver with content tokens, a bridge, a room, three files, a long message.\n"
    );
    println!(
        "  homeserver  {}  (embedded, in memory)",
        stage.homeserver_url()
    );
    println!("  service     {}  (public)", stage.public_url());
    println!(
        "              {}  (internal; the API is described at /docs)\n",
        stage.internal_url()
    );
    let mut outcome = round.issue_and_follow().await;
    if outcome.is_ok() && once {
        outcome = round.revoke().await;
    }
    if let Err(error) = &outcome {
        println!("\nfailed: {error:#}");
    } else if once {
        println!("\nAll steps hold.");
    } else {
        outcome = wait(&mut round).await;
    }
    stage.stop().await?;
    Ok(if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Waits for the Enter key, on a thread that nobody has to wait for at the end.
fn enter() -> oneshot::Receiver<()> {
    let (pressed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).is_ok() {
            // Nobody waits any more if the demo was stopped meanwhile.
            let _ = pressed.send(());
        }
    });
    wait
}

/// Keeps the links alive for the browser until the person at the terminal stops the demo.
async fn wait(round: &mut Round<'_>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    if std::io::stdin().is_terminal() {
        println!(
            "\nOpen the links. Enter: revoke them, and see the homeserver delete the files. Ctrl-C: stop.\n"
        );
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = enter() => {}
        }
        round.revoke().await?;
        println!("\nThe same links now tell that they were withdrawn. Ctrl-C: stop.");
    } else {
        println!("\nOpen the links. Ctrl-C: stop.");
    }
    stop.cancelled().await;
    Ok(())
}
