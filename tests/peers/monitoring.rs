//! Prometheus beside the service, with the alert rules and the dashboard of `examples/monitoring/`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};
use support::{Peer, Process, World, eventually, process::free_port, url};

use crate::program::Program;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/monitoring");

fn find(name: &'static str, variable: &'static str, place: &'static str) -> Option<PathBuf> {
    let peer = Peer {
        name,
        variable,
        place,
        setup: "tests/setup-prometheus.sh",
    };
    peer.find(Path::is_file)
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn promtool_accepts_rules_their_tests_and_what_the_service_counts() {
    let Some(promtool) = find("promtool", "PROMTOOL", "/usr/bin/promtool") else {
        return;
    };
    for arguments in [
        ["check", "rules", "alerts.yaml"],
        ["test", "rules", "alerts_test.yaml"],
    ] {
        let run = Command::new(&promtool)
            .args(arguments)
            .current_dir(EXAMPLES)
            .output();
        let output = run.expect("promtool runs");
        assert!(output.status.success(), "{}", told(&output));
    }
    let scene = Scene::new().await;
    let metrics = scene.metrics().await;
    assert!(
        metrics.contains("medialink_first_byte_seconds_bucket{"),
        "{metrics}"
    );
    let mut child = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(metrics.as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    // It complains of style by status 3 as well.
    assert!(output.status.success(), "{}", told(&output));
}

#[tokio::test]
async fn every_query_of_the_dashboard_has_data() {
    let Some(prometheus) = find("Prometheus", "PROMETHEUS", "/usr/bin/prometheus") else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.world.folder.path();
    let internal = scene.process.internal.trim_start_matches("http://");
    let configuration = json!({
        "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"},
        "rule_files": [format!("{EXAMPLES}/alerts.yaml")],
        "scrape_configs": [{"job_name": "medialink", "static_configs": [{"targets": [internal]}]}],
    });
    std::fs::write(folder.join("prometheus.yml"), configuration.to_string()).expect("written");
    let port = free_port();
    let arguments = [
        format!("--config.file={}", folder.join("prometheus.yml").display()),
        format!(
            "--storage.tsdb.path={}",
            folder.join("prometheus").display()
        ),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let running = Program::start(&prometheus, &arguments, port, folder).await;
    let dashboard = std::fs::read_to_string(format!("{EXAMPLES}/dashboard.json")).expect("there");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let queries: Vec<String> = targets
        .map(|target| target["expr"].as_str().expect("a query"))
        .map(|query| {
            query
                .replace("$instance", ".*")
                .replace("$__rate_interval", "30s")
        })
        .collect();
    assert!(queries.len() > 8, "{queries:?}");
    for query in queries {
        eventually(&format!("data for {query}"), async || {
            scene.use_it().await;
            let asked = scene
                .process
                .client
                .get(format!("http://127.0.0.1:{port}/api/v1/query"))
                .query(&[("query", &query)])
                .send();
            let answer: Value = asked.await.ok()?.json().await.ok()?;
            assert_eq!(answer["status"], "success", "{query}: {answer}");
            let found = answer["data"]["result"].as_array()?;
            let has_value = found.iter().any(|one| one["value"][1] != "NaN");
            has_value.then_some(())
        })
        .await;
    }
    drop(running);
}

/// A service that people use.
struct Scene {
    world: World,
    process: Process,
    link: Value,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let more = "usage: {batch_window: 20ms}\nlimits: {per_client: {requests: 1000/s, bad_links: 1/hour}}\n\
             media: {revalidate: 200ms, scan: {program: /bin/true}}\nabuse: {deny: {rooms: ['!denied:example.org']}}";
        let mut process = Process::new(world.folder.path(), &world.url, more);
        process.start().await;
        let (mxc, token) = world.upload("bytes", "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = process.issue(body).await;
        let scene = Self {
            world,
            process,
            link,
        };
        scene.use_it().await;
        scene
    }

    /// Follows and reports a link, asks for one that is denied, and guesses others, of which the second is over a limit.
    async fn use_it(&self) {
        let denied = json!({"mxc": "mxc://example.org/any", "room_id": "!denied:example.org"});
        let asked = self.process.call(Method::POST, "/v1/links", &denied).await;
        assert_eq!(asked.expect("an answer").0, 403);
        let report = url(&self.link).replace("/m/", "/r/");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let reported = self.process.client.post(report).header(form.0, form.1);
        let reported = reported.body("reason=spam&note=").send().await;
        reported.expect("an answer").bytes().await.expect("whole");
        let guess = format!("{}/m/AQFqsguess", self.process.public);
        for url in [url(&self.link), guess.clone(), guess] {
            let response = self.process.client.get(url).send().await;
            response.expect("an answer").bytes().await.expect("whole");
        }
    }

    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.process.internal);
        let response = self
            .process
            .client
            .get(url)
            .send()
            .await
            .expect("an answer");
        response.text().await.expect("text")
    }
}
