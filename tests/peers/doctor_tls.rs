//! `medialink doctor` beside a real reverse proxy that speaks TLS, with certificates of an authority of the test's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use support::{Peer, Process, World, process::free_port};

use crate::program::Program;

const KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
];

/// The service behind nginx, at a port that stays.
struct Scene {
    world: World,
    process: Process,
    port: u16,
    nginx: PathBuf,
}

/// The lines that the command has printed.
struct Said(Vec<Value>);

impl Said {
    /// The level of a check, what it has found, and what it says to do.
    fn of(&self, check: &str) -> String {
        let line = self.0.iter().find(|line| line["check"] == check);
        let line = line.unwrap_or_else(|| panic!("no {check}: {:?}", self.0));
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {}; {}", text("level"), text("found"), text("todo"))
    }

    fn has(&self, check: &str, words: &[&str]) {
        let told = self.of(check);
        for word in words {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
}

impl Scene {
    async fn new() -> Option<Self> {
        let nginx = Peer {
            name: "nginx",
            variable: "NGINX",
            place: "/usr/sbin/nginx",
            setup: "tests/setup-reverse-proxies.sh",
        };
        let nginx = nginx.find(Path::is_file)?;
        let (world, port) = (World::new().await, free_port());
        let more = "usage: {mode: never}\nlimits: {trusted_proxies: [127.0.0.1/32]}";
        let mut process = Process::new(world.folder.path(), &world.url, more);
        let own = format!("public_url: {}\n", process.public);
        process.edit(&own, &format!("public_url: https://localhost:{port}\n"));
        process.start().await;
        let scene = Self {
            world,
            process,
            port,
            nginx,
        };
        let authority = ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem"];
        let about = ["-subj", "/CN=An authority of tests", "-days", "365"];
        scene.openssl(&[&authority[..], &KEY, &about].concat());
        Some(scene)
    }

    fn folder(&self) -> &Path {
        self.world.folder.path()
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(arguments).current_dir(self.folder()).output();
        let output = output.expect("openssl runs");
        assert!(output.status.success(), "{output:?}");
    }

    /// Makes a certificate for this host that is good for so many days from now on.
    fn certify(&self, host: &str, days: &str) {
        let name = format!("subjectAltName=DNS:{host}");
        let request = ["req", "-keyout", "leaf.key", "-out", "leaf.csr"];
        let about = ["-subj", "/CN=a proxy", "-addext", &name];
        self.openssl(&[&request[..], &KEY, &about].concat());
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-days",
            days,
            "-copy_extensions",
            "copy",
            "-out",
            "leaf.pem",
        ]);
    }

    /// Starts nginx, with TLS or without.
    async fn proxy(&self, has_tls: bool) -> Program {
        let (port, service) = (self.port, &self.process.public);
        let tls = match has_tls {
            true => "ssl; ssl_certificate leaf.pem; ssl_certificate_key leaf.key",
            false => "",
        };
        let config = format!(
            "daemon off; pid nginx.pid; error_log stderr; worker_processes 1;\nevents {{}}\nhttp {{\naccess_log off;\n\
             server {{\nlisten 127.0.0.1:{port} {tls};\nlocation / {{\nproxy_pass {service};\nproxy_set_header Host \
             $http_host;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n}}\n}}\n}}\n"
        );
        std::fs::write(self.folder().join("nginx.conf"), config).expect("written");
        let prefix = format!("{}/", self.folder().display());
        let arguments = ["-p", &prefix, "-c", "nginx.conf"];
        Program::start(&self.nginx, &arguments, port, self.folder()).await
    }

    /// Runs the command with these authorities, or with the system's alone.
    fn doctor(&self, authorities: Option<&str>) -> Said {
        let file = authorities.map(|name| self.folder().join(name).display().to_string());
        let variable = file.as_deref().map(|file| ("SSL_CERT_FILE", file));
        let environment: Vec<_> = variable.into_iter().collect();
        let run = || {
            self.process
                .run_with_environment(&["doctor", "--json"], &environment)
        };
        let output = tokio::task::block_in_place(run);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let lines = text.lines();
        Said(
            lines
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect(),
        )
    }

    /// What it says of a certificate.
    async fn told_of(&self, host: &str, days: &str) -> Said {
        self.certify(host, days);
        let _proxy = self.proxy(true).await;
        self.doctor(Some("ca.pem"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_told_before_it_ends_and_each_fault_of_one_by_its_name() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let sound = scene.told_of("localhost", "90").await;
    sound.has("public_url", &["ok: the service answers"]);
    sound.has("certificate", &["ok: valid for 89 days"]);
    sound.has("follow", &["ok: "]);
    sound.has("client", &["ok: "]);
    let ending = scene.told_of("localhost", "5").await;
    ending.has("public_url", &["ok: "]);
    let todo = "renew it, and have the reverse proxy load it";
    ending.has("certificate", &["warning: it ends in 4 days", todo]);
    let over = scene.told_of("localhost", "-1").await;
    over.has("public_url", &["fault: ", "Expired", todo]);
    let other = scene.told_of("elsewhere.example", "90").await;
    let todo = "needs a certificate for the name in public_url";
    other.has("public_url", &["fault: ", "not valid for name", todo]);
    // Readers do not know this authority either.
    scene.certify("localhost", "90");
    let proxy = scene.proxy(true).await;
    let unknown = scene.doctor(None);
    unknown.has(
        "public_url",
        &[
            "fault: ",
            "UnknownIssuer",
            "intermediate certificates",
            "SSL_CERT_FILE",
        ],
    );
    drop(proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_up_http_and_https_are_told_from_each_other() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let plain = scene.proxy(false).await;
    let said = scene.doctor(Some("ca.pem"));
    said.has(
        "public_url",
        &["fault: ", "plain HTTP is spoken at that port"],
    );
    drop(plain);
    scene.certify("localhost", "90");
    let _proxy = scene.proxy(true).await;
    scene
        .process
        .edit("public_url: https://", "public_url: http://");
    let said = scene.doctor(Some("ca.pem"));
    said.has(
        "public_url",
        &[
            "fault: ",
            "it speaks TLS there",
            "begin public_url with https://",
        ],
    );
}
