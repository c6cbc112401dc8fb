//! Reverse proxies before the public listener, by the examples in `examples/reverse-proxy/`, without their TLS.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use reqwest::{Method, RequestBuilder, header};
use serde_json::json;
use support::{Peer, Process, World, process::free_port, url};

use crate::program::Program;

/// The modules that the example for Apache names, and those without which it does nothing.
const APACHE_MODULES: [&str; 5] = ["mpm_event", "authz_core", "headers", "proxy", "proxy_http"];

/// The service, and a port for what is before it.
struct Scene {
    world: World,
    process: Process,
    port: u16,
}

impl Scene {
    async fn new() -> Self {
        let (world, port) = (World::new().await, free_port());
        let more = "usage: {mode: never}\n\
                    limits: {trusted_proxies: [127.0.0.1/32], per_client: {bad_links: 10/day}}";
        let mut process = Process::new(world.folder.path(), &world.url, more);
        process.start().await;
        Self {
            world,
            process,
            port,
        }
    }

    /// A part of an example that stands there, in the words of this test.
    fn changed(&self, example: &str, changes: &[(&str, &str)]) -> String {
        let service = self.process.public.trim_start_matches("http://");
        let mut text = example.to_owned();
        for (from, to) in changes.iter().chain(&[("127.0.0.1:8480", service)]) {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    fn request(&self, method: Method, link: &str) -> RequestBuilder {
        let path = link.find("/m/").map(|at| &link[at..]).expect("a path");
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.process.client.request(method, url)
    }

    /// What people see through it is what the service says.
    async fn serves_as_if_nothing_was_between(&self) {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let (mxc, token) = self.world.upload(bytes.clone(), "audio/ogg").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id,
            "filename": "a ü/b%2F?.ogg"});
        let link = url(&self.process.issue(body).await);

        let whole = self.request(Method::GET, &link).send().await.expect("sent");
        assert_eq!(whole.status(), 200);
        assert_eq!(whole.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(whole.bytes().await.expect("a body") == bytes);
        let range = self.request(Method::GET, &link);
        let range = range.header(header::RANGE, "bytes=5000000-5000009").send();
        let range = range.await.expect("sent");
        assert_eq!(range.status(), 206);
        assert_eq!(
            range.bytes().await.expect("a body"),
            bytes[5_000_000..=5_000_009]
        );
        let head = self
            .request(Method::HEAD, &link)
            .send()
            .await
            .expect("sent");
        assert_eq!(head.headers()[header::CONTENT_LENGTH], "12000000");
        let none = self
            .request(Method::GET, "/m/none")
            .send()
            .await
            .expect("sent");
        assert_eq!(none.status(), 404);
        let ready = format!("http://127.0.0.1:{}/ready", self.port);
        let ready = self.process.client.get(ready).send().await.expect("sent");
        assert_eq!(ready.status(), 404, "the internal listener is not reached");
    }

    /// A client has its ten guesses, whoever it says that it is. The one of before is no client but the proxy.
    async fn counts_its_clients(&self) {
        let client = reqwest::Client::builder().no_proxy();
        let client = client.local_address(IpAddr::from([127, 0, 0, 2])).build();
        let client = client.expect("a client");
        let url = format!("http://127.0.0.1:{}/m/none", self.port);
        let mut statuses = Vec::new();
        for number in 0..12 {
            let request = client.get(&url);
            let request = request.header("X-Forwarded-For", format!("192.0.2.{number}"));
            statuses.push(request.send().await.expect("sent").status().as_u16());
        }
        assert_eq!(
            (statuses.first(), statuses.last()),
            (Some(&404), Some(&429)),
            "{statuses:?}"
        );
    }
}

fn find(name: &'static str, variable: &'static str, place: &'static str) -> Option<PathBuf> {
    let peer = Peer {
        name,
        variable,
        place,
        setup: "tests/setup-reverse-proxies.sh",
    };
    peer.find(Path::is_file)
}

#[tokio::test]
async fn nginx_passes_everything_on() {
    let Some(nginx) = find("nginx", "NGINX", "/usr/sbin/nginx") else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.world.folder.path();
    let listen = format!("listen 127.0.0.1:{};", scene.port);
    let server = scene.changed(
        include_str!("../../examples/reverse-proxy/nginx.conf"),
        &[
            ("listen 443 ssl;", &listen),
            ("listen [::]:443 ssl;", ""),
            ("ssl_certificate     /etc/ssl/media.example.org.pem;", ""),
            ("ssl_certificate_key /etc/ssl/media.example.org.key;", ""),
            ("/var/log/nginx/medialink.log", "stderr"),
        ],
    );
    let root = if support::is_root() { "user root;" } else { "" };
    let whole = format!(
        "{root} daemon off; pid nginx.pid; error_log stderr; worker_processes 1;\nevents {{}}\nhttp {{\n{server}\n}}\n"
    );
    std::fs::write(folder.join("nginx.conf"), whole).expect("written");
    let prefix = format!("{}/", folder.display());
    let arguments = ["-p", &prefix, "-c", "nginx.conf"];
    let before = Program::start(&nginx, &arguments, scene.port, folder).await;
    scene.serves_as_if_nothing_was_between().await;
    scene.counts_its_clients().await;
    drop(before);
}

#[tokio::test]
async fn apache_passes_everything_on() {
    let Some(apache) = find("Apache", "APACHE", "/usr/sbin/apache2") else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.world.folder.path().display().to_string();
    let host = format!("<VirtualHost 127.0.0.1:{}>", scene.port);
    let server = scene.changed(
        include_str!("../../examples/reverse-proxy/apache.conf"),
        &[
            ("<VirtualHost *:443>", &host),
            ("SSLEngine on", ""),
            ("SSLCertificateFile    /etc/ssl/media.example.org.pem", ""),
            ("SSLCertificateKeyFile /etc/ssl/media.example.org.key", ""),
            ("/var/log/apache2/medialink.log", "/dev/stderr"),
        ],
    );
    let modules = APACHE_MODULES
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    let whole = format!(
        "{}ServerRoot {folder}\nServerName localhost\nDefaultRuntimeDir {folder}\nPidFile {folder}/apache.pid\n\
         ErrorLog /dev/stderr\nMutex file:{folder}\nListen 127.0.0.1:{}\n{server}\n",
        modules.concat(),
        scene.port
    );
    let config = format!("{folder}/apache.conf");
    std::fs::write(&config, whole).expect("written");
    let arguments = ["-f", &config, "-D", "FOREGROUND"];
    let folder = scene.world.folder.path();
    let before = Program::start(&apache, &arguments, scene.port, folder).await;
    scene.serves_as_if_nothing_was_between().await;
    scene.counts_its_clients().await;
    drop(before);
}

#[tokio::test]
async fn caddy_passes_everything_on() {
    let Some(caddy) = find("Caddy", "CADDY", "/usr/bin/caddy") else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.world.folder.path();
    let site = format!("http://127.0.0.1:{} {{\n\tbind 127.0.0.1\n", scene.port);
    let server = scene.changed(
        include_str!("../../examples/reverse-proxy/Caddyfile"),
        &[("media.example.org {\n", &site)],
    );
    let whole = format!("{{\n\tadmin off\n}}\n{server}");
    let config = folder.join("Caddyfile");
    std::fs::write(&config, whole).expect("written");
    // What it keeps for itself stands below its home.
    let home = format!("HOME={}", folder.display());
    let (caddy, config) = (caddy.display().to_string(), config.display().to_string());
    let arguments = [
        &home,
        &caddy,
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        &config,
    ];
    let before = Program::start(Path::new("/usr/bin/env"), &arguments, scene.port, folder).await;
    scene.serves_as_if_nothing_was_between().await;
    scene.counts_its_clients().await;
    drop(before);
}
