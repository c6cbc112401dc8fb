//! Varnish.

use std::path::Path;

use support::Peer;

use super::scene::Scene;
use crate::program::Program;

#[tokio::test]
async fn varnish_keeps_answers_until_their_link_ends() {
    let varnish = Peer {
        name: "Varnish",
        variable: "VARNISHD",
        place: "/usr/sbin/varnishd",
        setup: "tests/setup-in-front.sh",
    };
    let Some(varnish) = varnish.find(Path::is_file) else {
        return;
    };
    let scene = Scene::new("").await;
    let folder = scene.folder();
    let example = include_str!("../../../examples/in-front/varnish.vcl");
    let port = scene.process.public.rsplit(':').next().expect("a port");
    let vcl = scene.configured(example, ".port = \"8480\"");
    assert!(vcl.contains(port));
    let path = folder.join("medialink.vcl");
    std::fs::write(&path, vcl).expect("written");
    let (name, path) = (folder.join("varnish"), path.display().to_string());
    let (name, listen) = (
        name.display().to_string(),
        format!("127.0.0.1:{}", scene.port),
    );
    let arguments = [
        "-F",
        "-j",
        "none",
        "-f",
        &path,
        "-a",
        &listen,
        "-n",
        &name,
        "-s",
        "malloc,64m",
        "-T",
        "none",
    ];
    let _front = Program::start(&varnish, &arguments, scene.port, folder).await;
    scene.keeps_and_forgets().await;
}
