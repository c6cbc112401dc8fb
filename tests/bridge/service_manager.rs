//! A service manager that starts the service, hands over its sockets, and hears how it is.

use serde_json::json;
use support::{Process, World, url};
use tokio::net::UnixDatagram;

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

/// Becomes the command that follows, with two sockets that listen at these ports, in the other order and by their
/// names.
const LAUNCHER: &str = "
import os, socket, sys
for name, port, fd in (('internal', int(sys.argv[2]), 3), ('public', int(sys.argv[1]), 4)):
    listener = socket.create_server(('127.0.0.1', port))
    os.dup2(listener.fileno(), fd + 10)
    listener.close()
for fd in (3, 4):
    os.dup2(fd + 10, fd)
    os.set_inheritable(fd, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='internal:public')
os.execv(sys.argv[3], sys.argv[3:])
";

#[tokio::test]
async fn sockets_that_the_manager_hands_over_are_answered() {
    let world = World::new().await;
    let folder = world.folder.path();
    let mut process = Process::new(folder, &world.url, "");
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    let (public, internal) = (port(&process.public), port(&process.internal));
    // Nobody could bind these.
    process.listen_at("192.0.2.1:80", "192.0.2.1:81");
    process
        .start_through(&["python3", "-c", LAUNCHER, &public, &internal])
        .await;
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
