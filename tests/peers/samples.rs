//! The sample bridges in `examples/`: built, and run beside the service.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    API_TOKEN, Service, World,
    faulty::{Fault, Faulty, error},
    is_ci,
    process::free_port,
};
use tokio::sync::OnceCell;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nwhiskers";

/// How a sample is run.
#[derive(Clone)]
struct Sample {
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

/// In the repository.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where what is built goes.
fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("samples")
        .join(name)
}

/// Runs a build to its end. `None`: a tool for it is not installed.
async fn build(mut command: Command) -> Option<()> {
    let program = command.get_program().to_owned();
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = match output.await.expect("no panic") {
        Ok(output) => output,
        Err(problem) => {
            assert!(
                !is_ci(),
                "{program:?}: {problem}; run tests/setup-samples.sh"
            );
            // Past the test runner, which shows what it captures of failed tests only.
            let _ = writeln!(
                std::io::stderr(),
                "a sample is not tried: {program:?}: {problem}; run tests/setup-samples.sh"
            );
            return None;
        }
    };
    assert!(
        output.status.success(),
        "{program:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Some(())
}

async fn python() -> Option<Sample> {
    let mut version = Command::new("python3");
    version.arg("--version");
    build(version).await?;
    Some(Sample {
        program: "python3".into(),
        arguments: vec![source("examples/python/announce.py")],
    })
}

async fn typescript() -> Option<Sample> {
    let tsc = std::env::var_os("TSC")
        .filter(|value| !value.is_empty())
        .map_or_else(default_tsc, PathBuf::from);
    let mut compile = Command::new(&tsc);
    compile
        .arg("--project")
        .arg(source("examples/typescript"))
        .arg("--outDir")
        .arg(built("typescript"));
    // The types of Node are beside the compiler.
    let modules = tsc.parent().and_then(Path::parent);
    compile
        .arg("--typeRoots")
        .arg(modules.expect("a folder").join("@types"));
    build(compile).await?;
    Some(Sample {
        program: "node".into(),
        arguments: vec![built("typescript/announce.js")],
    })
}

fn default_tsc() -> PathBuf {
    source("target/typescript/node_modules/.bin/tsc")
}

async fn go() -> Option<Sample> {
    let program = built("announce-go");
    let mut compile = Command::new("go");
    compile
        .current_dir(source("examples/go"))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".");
    build(compile).await?;
    Some(Sample {
        program,
        arguments: vec![],
    })
}

async fn rust() -> Option<Sample> {
    // Nothing is left to do where all tests are run: cargo builds examples before.
    let mut compile = Command::new(env!("CARGO"));
    compile.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--quiet",
        "--example",
        "announce",
    ]);
    build(compile).await?;
    let test = std::env::current_exe().expect("a path");
    let folder = test.parent().and_then(Path::parent).expect("a folder");
    Some(Sample {
        program: folder.join("examples/announce"),
        arguments: vec![],
    })
}

/// What a sample has said, and how it ended.
struct Said {
    line: String,
    problem: String,
    code: Option<i32>,
}

impl Sample {
    /// Hands it an event, with the address and the token of the API.
    async fn tell(&self, url: &str, token: &str, event: &Value) -> Said {
        let folder = tempfile::tempdir().expect("a folder");
        let token_file = folder.path().join("api-token");
        std::fs::write(&token_file, format!("{token}\n")).expect("written");
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("API_URL", url)
            .env("API_TOKEN_FILE", &token_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        let event = event.to_string();
        let output: Output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("starts");
            let mut input = child.stdin.take().expect("a pipe");
            input.write_all(event.as_bytes()).expect("written");
            drop(input);
            child.wait_with_output().expect("ends")
        })
        .await
        .expect("no panic");
        Said {
            line: String::from_utf8(output.stdout).expect("text"),
            problem: String::from_utf8(output.stderr).expect("text"),
            code: output.status.code(),
        }
    }
}

/// An event with a picture, and the service with a proxy before its API that breaks things.
struct Scene {
    _world: World,
    service: Service,
    faulty: Faulty,
    event: Value,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let service = world.service("").await;
        let faulty = Faulty::start(&service.internal).await;
        let (mxc, token) = world.upload(PICTURE, "image/png").await;
        let content = json!({
            "msgtype": "m.image", "body": "cat.png", "url": mxc, "content_token": token,
            "info": {"mimetype": "image/png", "size": PICTURE.len()},
        });
        let event_id = world.send(&world.room_id, "m.room.message", &content).await;
        let event = json!({
            "type": "m.room.message", "event_id": event_id, "room_id": world.room_id,
            "sender": "@alice:example.org", "origin_server_ts": 1_790_000_000_000_i64,
            "content": content,
        });
        Self {
            _world: world,
            service,
            faulty,
            event,
        }
    }

    async fn is_told(&self, said: &Said) {
        assert_eq!((said.code, said.problem.as_str()), (Some(0), ""));
        // Asking again gives the same link, so this is what the sample was told.
        let body = json!({"event": self.event});
        let (status, answer) = self.service.call(Method::POST, "/v1/events", &body).await;
        assert_eq!(status, 200, "{answer}");
        let text = answer["text"].as_str().expect("a text");
        assert_eq!(said.line, format!("{text}\n"));
        let link = text.split(' ').find(|word| word.starts_with("http"));
        let response = self.service.client.get(link.expect("a link")).send().await;
        let bytes = response.expect("an answer").bytes().await.expect("whole");
        assert_eq!(bytes, PICTURE);
        assert!(text.contains("cat.png"), "{text}");
    }
}

async fn tells_the_line(sample: &Sample) {
    let scene = Scene::new().await;
    let said = sample.tell(&scene.service.internal, API_TOKEN, &scene.event);
    scene.is_told(&said.await).await;
    scene.service.stop().await;
}

async fn asks_again(sample: &Sample) {
    let scene = Scene::new().await;
    let busy = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slower", "retry_after_ms": 300});
    let faults = [
        Fault::AnswerWith(429, "Retry-After: 1", "{}".to_owned()),
        Fault::Answer(429, busy.to_string()),
        error(500, "M_UNKNOWN"),
        Fault::DropAfter,
    ];
    scene.faulty.next("/v1/events", faults);
    let said = sample.tell(&scene.faulty.url, API_TOKEN, &scene.event);
    scene.is_told(&said.await).await;
    assert_eq!(scene.faulty.left(), 0);
    scene.service.stop().await;
}

async fn tells_a_refusal(sample: &Sample) {
    let scene = Scene::new().await;
    let said = sample.tell(&scene.faulty.url, "not-the-token", &scene.event);
    let said = said.await;
    assert_eq!((said.code, said.line.as_str()), (Some(1), ""));
    assert!(
        said.problem.contains("401 M_UNKNOWN_TOKEN: "),
        "{}",
        said.problem
    );
    assert!(!said.problem.contains("not-the-token"), "{}", said.problem);
    assert_eq!(scene.faulty.seen("/v1/events"), 1);

    // Too long a wait is somebody else's to make.
    let gateway = Fault::AnswerWith(503, "Retry-After: 3600", "<html>".to_owned());
    scene.faulty.next("/v1/events", [gateway]);
    let said = sample
        .tell(&scene.faulty.url, API_TOKEN, &scene.event)
        .await;
    assert_eq!((said.code, said.line.as_str()), (Some(1), ""));
    assert!(said.problem.contains("503"), "{}", said.problem);
    assert_eq!(scene.faulty.seen("/v1/events"), 2);
    scene.service.stop().await;
}

async fn gives_up(sample: &Sample) {
    let away = format!("http://127.0.0.1:{}", free_port());
    let said = sample.tell(&away, API_TOKEN, &json!({})).await;
    assert_eq!((said.code, said.line.as_str()), (Some(1), ""));
    let problem = said.problem.to_lowercase();
    assert!(problem.starts_with("announce: "), "{problem}");
    assert!(problem.contains(&away["http://".len()..]), "{problem}");
    assert!(!problem.contains(API_TOKEN), "{problem}");
}

/// The tests of one language.
macro_rules! tests {
    ($language:ident: $($test:ident)*) => {
        mod $language {
            use super::*;

            async fn sample() -> Option<Sample> {
                static BUILT: OnceCell<Option<Sample>> = OnceCell::const_new();
                BUILT.get_or_init(super::$language).await.clone()
            }

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    if let Some(sample) = sample().await {
                        super::$test(&sample).await;
                    }
                }
            )*
        }
    };
}

tests!(python: tells_the_line asks_again tells_a_refusal gives_up);
tests!(typescript: tells_the_line asks_again tells_a_refusal gives_up);
tests!(go: tells_the_line asks_again tells_a_refusal gives_up);
tests!(rust: tells_the_line asks_again tells_a_refusal gives_up);
