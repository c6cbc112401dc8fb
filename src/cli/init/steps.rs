//! What is to be done next.

use std::path::Path;

use crate::config::Config;

use super::plan::Plan;

/// Tells the next three steps.
pub(super) fn tell(path: &Path, plan: &Plan, config: &Config) {
    println!("\nNext:");
    // Whoever reads it is in another folder.
    let registration = plan.registration.as_ref();
    let registration = registration.map(|file| std::path::absolute(file).unwrap_or(file.clone()));
    match (registration, plan.is_behind) {
        (Some(file), true) => println!(
            "1. Give the homeserver {} in place of the bridge's own registration (Synapse: app_service_config_files), \
             and restart it. It differs only in its url.",
            file.display()
        ),
        (Some(file), false) => println!(
            "1. Put the path of {} into app_service_config_files of homeserver.yaml (Synapse), which has to be able \
             to read it, and restart the homeserver.",
            file.display()
        ),
        (None, _) => println!(
            "1. In the bridge's registration, set url to {} and restart the homeserver.",
            plan.registration_url
        ),
    }
    println!(
        "2. Have your reverse proxy send {} to {} (examples/reverse-proxy).",
        config.public_url, config.public_listen
    );
    let shown = path.display();
    print!("3. Start it: medialink --config {shown} serve");
    if plan.is_behind {
        println!(", and restart the bridge.");
    } else {
        let user_id = config
            .bridges
            .first()
            .map(|bridge| bridge.user_id.to_string());
        println!(
            ". Then invite {} into a bridged room.",
            user_id.unwrap_or_default()
        );
    }
    println!(
        "   Whether all is well: curl http://{}/ready",
        config.internal_listen
    );
    if plan.made_keys {
        println!(
            "Keep a copy of {}: without it, no link can be opened.",
            config.key_file
        );
    }
}
