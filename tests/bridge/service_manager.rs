//! A service manager that starts the service, hands over its sockets, and hears how it is.

use std::net::TcpListener;

use reqwest::RequestBuilder;
use serde_json::json;
use support::{API_TOKEN, Process, World, url};
use tokio::{net::UnixDatagram, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The next message to the manager.
async fn heard(socket: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = socket.recv(&mut message).await.expect("a message");
    String::from_utf8_lossy(&message[..length])
        .trim_end()
        .to_owned()
}

#[tokio::test]
async fn the_manager_hears_when_the_service_is_ready_alive_and_stopping() {
    let world = World::new().await;
    let folder = world.folder.path();
    let path = folder.join("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut process = Process::new(folder, &world.url, "");
    let named = path.display().to_string();
    let environment = [("NOTIFY_SOCKET", &*named), ("WATCHDOG_USEC", "200000")];
    process.start_with_environment(&environment).await;
    let mut messages = Vec::new();
    while messages
        .iter()
        .filter(|message| *message == "WATCHDOG=1")
        .count()
        < 3
    {
        messages.push(heard(&socket).await);
    }
    assert_eq!(
        messages
            .iter()
            .filter(|message| *message == "READY=1")
            .count(),
        1
    );
    process.signal("TERM");
    while heard(&socket).await != "STOPPING=1" {}
    assert!(process.ended().await.success());
}

/// Becomes the command that follows, with the sockets that are its standard input and output handed over in the other
/// order, by their names.
const LAUNCHER: &str = "
import os, sys
os.dup2(0, 4)
os.dup2(1, 3)
null = os.open('/dev/null', os.O_RDWR)
os.dup2(null, 0)
os.dup2(null, 1)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='internal:public')
os.execv(sys.argv[1], sys.argv[1:])
";

/// A service whose sockets a manager holds, as systemd does.
struct Managed {
    sockets: [TcpListener; 2],
    process: Process,
}

impl Managed {
    fn new(world: &World, more: &str) -> Self {
        let process = Process::new(world.folder.path(), &world.url, more);
        let sockets = [&process.public, &process.internal].map(|url| {
            let address = url.trim_start_matches("http://");
            TcpListener::bind(address).expect("a free port")
        });
        // Nobody could bind these.
        process.listen_at("192.0.2.1:80", "192.0.2.1:81");
        Self { sockets, process }
    }

    async fn start(&mut self) {
        let sockets = self.sockets.each_ref();
        let sockets = sockets.map(|socket| socket.try_clone().expect("a descriptor").into());
        let launcher = ["python3", "-c", LAUNCHER];
        self.process.start_with_sockets(&launcher, sockets).await;
    }
}

#[tokio::test]
async fn sockets_that_the_manager_hands_over_are_answered() {
    let world = World::new().await;
    let mut managed = Managed::new(&world, "");
    managed.start().await;
    let mut process = managed.process;
    let (mxc, token) = world.upload("handed over", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let followed = process
        .client
        .get(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(followed.text().await.expect("text"), "handed over");
    assert!(process.terminate().await.success());
}

/// One who asks again and again until `stop`, on connections that stay open and on a new one each time; returns how often.
fn asks(
    stop: &CancellationToken,
    request: impl Fn(&reqwest::Client) -> RequestBuilder + Send + 'static,
) -> JoinHandle<usize> {
    let (stop, kept) = (stop.clone(), support::client());
    tokio::spawn(async move {
        let mut asked = 0;
        while !stop.is_cancelled() {
            for client in [&kept, &support::client()] {
                let answer = request(client).send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                assert!(!answer.bytes().await.expect("a whole body").is_empty());
                asked += 1;
            }
        }
        asked
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_through_reloads_rotations_and_stops() {
    let world = World::new().await;
    let mut managed = Managed::new(&world, "usage: {mode: never}\nlog: warn");
    managed.start().await;
    let (mxc, token) = world.upload("held", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = url(&managed.process.issue(body.clone()).await);
    let issuing = format!("{}/v1/links", managed.process.internal);
    let stop = CancellationToken::new();
    let mut asking: Vec<_> = (0..3)
        .map(|_| {
            let link = link.clone();
            asks(&stop, move |client| client.get(&link))
        })
        .collect();
    asking.push(asks(&stop, move |client| {
        client.post(&issuing).bearer_auth(API_TOKEN).json(&body)
    }));
    for (old, new) in [("warn", "error"), ("error", "warn"), ("warn", "error")] {
        managed
            .process
            .edit(&format!("log: {old}"), &format!("log: {new}"));
        managed.process.signal("HUP");
        let rotated = managed.process.run(&["keys", "rotate"]);
        assert!(rotated.status.success());
        assert!(managed.process.terminate().await.success());
        managed.start().await;
    }
    stop.cancel();
    for one in asking {
        let asked = one.await.expect("no failure");
        assert!(asked > 10, "{asked}");
    }
    assert!(managed.process.terminate().await.success());
}
