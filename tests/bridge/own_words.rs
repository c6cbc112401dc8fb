//! Words of the operator's own on the pages, read at the start and at SIGHUP.

use reqwest::header;
use serde_json::{Value, json};
use support::{Process, World, eventually};

const MORE: &str = "usage: {mode: never}\noperator: {directory: words}";

/// The start page in a language.
async fn start_page(process: &Process, language: &str) -> String {
    let request = process.client.get(format!("{}/", process.public));
    let request = request.header(header::ACCEPT_LANGUAGE, language);
    let answer = request.send().await.expect("an answer");
    answer.text().await.expect("a page")
}

fn write(world: &World, name: &str, text: &str) {
    let folder = world.folder.path().join("words");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("a file");
}

/// What link previews read has the name of the site in the language that is asked for.
async fn previews_tell_the_name(world: &World, process: &Process) {
    let (mxc, token) = world.upload("a cat", "image/jpeg").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "filename": "cat.jpg"});
    let link = process.issue(body).await;
    let page_url = link["page_url"].as_str().expect("a page");
    let get = async |url: &str| {
        let request = process
            .client
            .get(url)
            .header(header::ACCEPT_LANGUAGE, "de");
        let answer = request.send().await.expect("an answer");
        answer.text().await.expect("a text")
    };
    let page = get(page_url).await;
    let name = "<meta property=\"og:site_name\" content=\"&#60;Verein&#62;\">";
    assert!(page.contains(name), "{page}");
    let mut oembed = reqwest::Url::parse(&format!("{}/oembed", process.public)).expect("a URL");
    oembed.query_pairs_mut().append_pair("url", page_url);
    let told: Value = serde_json::from_str(&get(oembed.as_str()).await).expect("JSON");
    assert_eq!(told["provider_name"], "<Verein>");
}

#[tokio::test(flavor = "multi_thread")]
async fn own_words_take_the_place_of_the_service_s() {
    let world = World::new().await;
    write(
        &world,
        "de.ftl",
        "site-name = <Verein>\nstart-title = Unsere { \"{\" }Dateien\n",
    );
    write(&world, "README.txt", "no words");
    let mut process = Process::new(world.folder.path(), &world.url, MORE);
    process.start().await;
    let page = start_page(&process, "de").await;
    for part in [
        "</svg>&#60;Verein&#62;</span>",
        "<h1>Unsere {Dateien</h1>",
        "Fehler",
    ] {
        assert_eq!(page.contains(part), part != "Fehler", "{part} in {page}");
    }
    let page = start_page(&process, "en").await;
    assert!(page.contains("</svg>Medialink</span>"), "{page}");
    previews_tell_the_name(&world, &process).await;
    write(&world, "en.ftl", "site-name = Example Media");
    process.signal("HUP");
    eventually("the new words", async || {
        let page = start_page(&process, "en").await;
        page.contains("</svg>Example Media</span>").then_some(())
    })
    .await;
    // A file that cannot be taken changes nothing.
    write(&world, "en.ftl", "site-name = { $owner }");
    write(&world, "de.ftl", "site-name = Neu");
    process.signal("HUP");
    eventually("the problem to be told", async || {
        process
            .log()
            .contains("en.ftl, line 1: site-name: found the variables $owner")
            .then_some(())
    })
    .await;
    assert!(start_page(&process, "en").await.contains("Example Media"));
    assert!(
        start_page(&process, "de")
            .await
            .contains("&#60;Verein&#62;")
    );
    assert!(process.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_words_that_cannot_be_taken_is_refused() {
    let world = World::new().await;
    let process = Process::new(world.folder.path(), &world.url, MORE);
    let told = || {
        let output = process.run(&["check"]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let problem = told();
    assert!(problem.contains("operator.directory: "), "{problem}");
    assert!(
        problem.contains("allowed is a folder, or null"),
        "{problem}"
    );
    write(&world, "fr.ftl", "view-open = x\n\nview-sow = y\n");
    write(&world, "it.ftl", "");
    write(&world, "ja.ftl", &"# x\n".repeat(70_000));
    let problem = told();
    for part in [
        "operator.directory: fr.ftl, line 3: view-sow: is no message",
        "operator.directory: found \"it.ftl\"; allowed are en.ftl, de.ftl, ",
        "operator.directory: ja.ftl: is longer than 262144 bytes",
    ] {
        assert!(problem.contains(part), "{part} in {problem}");
    }
}
