//! nginx with the module for purges.

use std::path::{Path, PathBuf};

use support::Peer;

use super::scene::Scene;
use crate::program::Program;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so";

fn find() -> Option<PathBuf> {
    let nginx = Peer {
        name: "nginx with ngx_http_cache_purge",
        variable: "NGINX",
        place: "/usr/sbin/nginx",
        setup: "tests/setup-in-front.sh",
    };
    nginx.find(|path| path.is_file() && Path::new(MODULE).is_file())
}

async fn start(nginx: &Path, scene: &Scene) -> Program {
    let folder = scene.folder();
    let example = include_str!("../../../examples/in-front/nginx.conf");
    let server = scene
        .configured(example, "127.0.0.1:8480")
        .replace("listen 80;", &format!("listen 127.0.0.1:{};", scene.port))
        .replace("/var/cache/nginx/medialink", "kept");
    // The owner of the folder runs it, and nobody else.
    let root = if support::is_root() { "user root;" } else { "" };
    let whole = format!(
        "load_module {MODULE}; {root} daemon off; pid nginx.pid; error_log stderr; worker_processes 1;\n\
         events {{}}\nhttp {{\naccess_log off;\n{server}\n}}\n"
    );
    std::fs::write(folder.join("nginx.conf"), whole).expect("written");
    let prefix = format!("{}/", folder.display());
    let arguments = ["-p", &prefix, "-c", "nginx.conf"];
    Program::start(nginx, &arguments, scene.port, folder).await
}

#[tokio::test]
async fn nginx_keeps_answers_until_their_link_ends() {
    let Some(nginx) = find() else {
        return;
    };
    let scene = Scene::new("/purge").await;
    let front = start(&nginx, &scene).await;
    scene.keeps_and_forgets().await;
    drop(front);
}

#[tokio::test]
async fn a_purge_is_made_after_kills_of_the_service_and_of_what_is_in_front() {
    let Some(nginx) = find() else {
        return;
    };
    let mut scene = Scene::new("/purge").await;
    let front = start(&nginx, &scene).await;
    let (dying, staying) = (scene.link("dying").await, scene.link("staying").await);
    for link in [&dying, &staying] {
        assert_eq!(scene.get(link).await, 200);
    }
    drop(front);
    // Nobody is there to hear of it, and then nobody is there to tell.
    scene.revoke(&dying).await;
    scene.process.kill();
    let _front = start(&nginx, &scene).await;
    for link in [&dying, &staying] {
        assert_eq!(scene.get(link).await, 200, "it is kept on disk");
    }
    scene.process.start().await;
    scene.wait_for_end(&dying).await;
    let asked = scene.asked().await;
    assert_eq!(scene.get(&staying).await, 200);
    assert_eq!(scene.asked().await, asked, "it was kept");
}
