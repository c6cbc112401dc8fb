//! The root secret: needed, checked, replaced.

use support::root_secret_file;

use super::scene::Scene;

const OTHER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_root_secret_is_replaced_by_a_line_before_it() {
    let mut scene = Scene::new(true).await;
    let path = scene.world.folder.path().join("root-secret");
    let old = std::fs::read_to_string(&path).expect("reads");
    scene.process.start().await;
    scene.issue().await;
    assert!(scene.process.terminate().await.success());

    // Another one alone opens nothing, and changes nothing.
    let sealed = "SELECT COUNT(*) FROM data_keys WHERE is_all = 1";
    std::fs::write(&path, OTHER).expect("written");
    let expected = "sealed under another root secret than that of root_secret_file";
    let log = scene.refused_start().await;
    assert!(log.contains(expected) && !log.contains(OTHER), "{log}");
    for arguments in [&["links", "list"][..], &["keys", "rotate"], &["check"]] {
        let output = scene.process.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            told(&output).contains(expected),
            "{arguments:?}: {}",
            told(&output)
        );
    }

    std::fs::write(&path, format!("{OTHER}\n{old}")).expect("written");
    scene.process.start().await;
    scene.are_followed().await;
    assert!(scene.process.log().contains("the root secret was replaced"));
    assert!(scene.process.terminate().await.success());

    std::fs::write(&path, OTHER).expect("written");
    scene.process.start().await;
    scene.are_followed().await;
    assert_eq!(scene.number(sealed).await, 1);
    assert!(scene.process.terminate().await.success());

    std::fs::write(&path, old).expect("written");
    let log = scene.refused_start().await;
    assert!(log.contains(expected), "{log}");

    scene.set("root_secret_file", None);
    let log = scene.refused_start().await;
    assert!(log.contains("root_secret_file"), "{log}");
}

#[tokio::test]
async fn what_is_no_root_secret_is_refused() {
    let scene = Scene::new(true).await;
    let path = scene.world.folder.path().join("root-secret");
    let refused = |words: &str| {
        let output = scene.process.run(&["check"]);
        assert_eq!(output.status.code(), Some(2));
        let text = told(&output);
        assert!(
            text.contains("root_secret_file") && text.contains(words),
            "{words}: {text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    };
    std::fs::write(&path, "hunter2").expect("written");
    refused("openssl rand -base64 32");
    std::fs::write(&path, OTHER).expect("written");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&path, everybody).expect("set");
    refused("chmod 600");
    std::fs::remove_file(&path).expect("removed");
    refused("cannot be read");
    scene.set("root_secret_file", None);
    scene.set(
        "database",
        Some("postgres://medialink@127.0.0.1:1/medialink"),
    );
    refused("openssl rand -base64 32");
    let output = scene.process.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    // The environment names one as well.
    let path = root_secret_file(scene.world.folder.path());
    let path = path.to_str().expect("a path");
    let environment = [("MEDIALINK_ROOT_SECRET_FILE", path)];
    let output = scene.process.run_with_environment(&["check"], &environment);
    assert!(output.status.success(), "{}", told(&output));
}

#[tokio::test]
async fn keys_in_the_database_need_a_root_secret() {
    let scene = Scene::new(false).await;
    scene.set("database", Some("sqlite:data/medialink.db"));
    scene.set("root_secret_file", None);
    scene.set("key_file", Some("database"));
    let output = scene.process.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("key_file: found database"),
        "{}",
        told(&output)
    );
}
