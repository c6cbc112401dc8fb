//! `check --database`: whether the database is sound.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    clock::Clock,
    config::DatabaseConfig,
    storage::soundness::{self, Finding, Soundness},
    telemetry::masked,
};

pub(super) async fn run(config: &DatabaseConfig, is_json: bool) -> anyhow::Result<ExitCode> {
    let place = config.to_string();
    let soundness = match soundness::check(config, Clock::default().now_ms()).await {
        Ok(soundness) => soundness,
        Err(error) => {
            let error = error.to_string();
            let error = masked(&error).unwrap_or(error);
            if is_json {
                println!("{}", json!({"database": place, "error": error}));
            }
            eprintln!("{place}: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    if is_json {
        let mut told = serde_json::to_value(&soundness)?;
        told["database"] = json!(place);
        told["is_sound"] = json!(soundness.findings.is_empty());
        println!("{told}");
    } else {
        tell(&place, &soundness);
    }
    if soundness.findings.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

fn tell(place: &str, soundness: &Soundness) {
    for Finding {
        check, found, todo, ..
    } in &soundness.findings
    {
        let told = format!("{place}: {check}: {found}. What to do: {todo}");
        println!("{}", masked(&told).unwrap_or(told));
    }
    if soundness.findings.is_empty() {
        println!(
            "{place}: sound ({} checks, tables of version {})",
            soundness.checks.len(),
            soundness.known_schema
        );
    }
}
