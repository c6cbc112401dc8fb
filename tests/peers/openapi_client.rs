//! A client that a generator makes of the description is one that works.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use matrix_test_server::Options;

use support::{API_TOKEN, Peer, Service, World};

/// The Python that has the generator installed: the one named by the environment variable
/// `OPENAPI_PYTHON`, or `target/openapi-client/bin/python`.
fn find() -> Option<PathBuf> {
    let generator = Peer {
        name: "generator of clients",
        variable: "OPENAPI_PYTHON",
        place: "target/openapi-client/bin/python",
        setup: "tests/setup-openapi-client.sh",
    };
    generator.find(Path::is_file)
}

/// Runs a command that has to succeed; what it printed.
async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output: Output = output.expect("no panic").expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, problem) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{problem}");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_issues_lists_and_revokes() {
    let Some(python) = find() else {
        return;
    };
    let world = World::with(Options {
        content_tokens: false,
        ..Options::default()
    })
    .await;
    let service = world.service("").await;
    let folder = tempfile::tempdir().expect("a folder");
    write_description(&service, folder.path()).await;
    // Nothing is to be run over what was generated.
    std::fs::write(folder.path().join("settings.yaml"), "post_hooks: []\n").expect("written");

    let python = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.current_dir(folder.path()).args(arguments);
        command
    };
    let generated = run(python(&[
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        "openapi.json",
        "--config",
        "settings.yaml",
        "--meta",
        "none",
        "--output-path",
        "medialink_client",
    ]))
    .await;
    assert!(!generated.contains("Warning"), "{generated}");

    let usage = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi_client.py");
    let folder_of_client = folder.path().to_str().expect("text");
    let mut check = python(&["-m", "mypy", "--strict", "--follow-imports=silent", usage]);
    check.env("MYPYPATH", folder_of_client);
    run(check).await;

    let (first, _) = world.upload("first", "image/png").await;
    let (second, _) = world.upload("second", "image/png").await;
    let mut using = python(&[usage, &service.internal, &world.room_id, &first, &second]);
    using
        .env("PYTHONPATH", folder_of_client)
        .env("API_TOKEN", API_TOKEN)
        .env("NO_PROXY", "*");
    let url = run(using).await;
    let response = service.client.get(url.trim()).send().await;
    assert_eq!(response.expect("an answer").status(), 410, "it is revoked");
    service.stop().await;
}

/// Writes the description of the API into a folder.
async fn write_description(service: &Service, folder: &Path) {
    let described = service
        .client
        .get(format!("{}/openapi.json", service.internal))
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("whole");
    std::fs::write(folder.join("openapi.json"), described).expect("written");
}
