//! A service with a console, a browser before it, and the commands of its operator.

use std::io::ErrorKind;

use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};
use support::{Process, Service, World, eventually};
use tokio::{io::AsyncWriteExt, net::TcpStream};

pub const TOKEN: &str = "console-token-0123456789abcdef";
pub const ALICE: &str = "@alice:example.org";

pub struct Scene {
    pub world: World,
    pub service: Service,
    /// For commands beside it.
    process: Process,
}

/// A browser with one session.
pub struct Browser {
    client: reqwest::Client,
    base: String,
    pub cookie: String,
}

/// A page that was loaded.
pub struct Page {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub html: String,
}

impl Page {
    pub async fn of(response: Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            html: response.text().await.expect("text"),
        }
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        let location = self.headers.get(header::LOCATION).expect("a location");
        location.to_str().expect("text")
    }

    /// The token in its forms.
    pub fn csrf(&self) -> String {
        let after = self.html.split("name=\"csrf\" value=\"").nth(1);
        let text = after.and_then(|rest| rest.split('"').next());
        text.unwrap_or_else(|| panic!("no form in {}", self.html))
            .to_owned()
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let after = self.html.split(&start).nth(1);
        let text = after.and_then(|rest| rest.split('"').next());
        text.unwrap_or_else(|| panic!("no {name} in {}", self.html))
            .to_owned()
    }

    pub fn has(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "{text} in {}", self.html);
        self
    }

    pub fn lacks(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "{text} in {}", self.html);
        self
    }
}

impl Scene {
    pub async fn new() -> Self {
        Self::with(&format!(
            "console: {{token: {TOKEN}}}\nusage: {{mode: never}}\n"
        ))
        .await
    }

    pub async fn with(more: &str) -> Self {
        Self::of(World::new().await, more).await
    }

    pub async fn of(world: World, more: &str) -> Self {
        let homeserver = world.url.clone();
        Self::beside(&homeserver, world, more).await
    }

    /// The same, where the homeserver of the world is reached by another URL.
    pub async fn beside(homeserver: &str, world: World, more: &str) -> Self {
        let folder = world.folder.path();
        Self {
            service: Service::start(folder, homeserver, more).await,
            process: Process::new(folder, homeserver, more),
            world,
        }
    }

    /// A link to new media that Alice has shared.
    pub async fn link(&self, more: Value) -> Value {
        let (mxc, token) = self.world.upload("hello", "text/plain").await;
        let mut body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id, "sender": ALICE});
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        self.service.issue(body).await
    }

    pub async fn status(&self, link: &Value) -> u16 {
        self.service.follow(link).await.status().as_u16()
    }

    pub async fn becomes(&self, link: &Value, status: u16) {
        eventually("the status of the link to change", async || {
            (self.status(link).await == status).then_some(())
        })
        .await;
    }

    /// What a command prints that succeeds.
    pub fn runs(&self, arguments: &[&str]) -> String {
        let output = self.process.run(arguments);
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).expect("UTF-8");
        assert!(output.status.success(), "{told}");
        told
    }

    /// The entries of the audit log, the newest first: who, what, on what, and how many.
    pub fn audited(&self) -> Vec<(String, String, String, Value)> {
        let text = self.runs(&["audit", "list"]);
        let entries = text.lines().map(|line| {
            let entry: Value = serde_json::from_str(line).expect("JSON");
            let text = |name: &str| entry[name].as_str().expect("text").to_owned();
            (
                text("actor"),
                text("deed"),
                text("subject"),
                entry["affected"].clone(),
            )
        });
        entries.collect()
    }

    /// A browser without a session.
    pub fn browser(&self) -> Browser {
        Browser {
            client: self.service.client.clone(),
            base: self.service.internal.clone(),
            cookie: String::new(),
        }
    }

    /// A browser that has logged in.
    pub async fn logged_in(&self) -> Browser {
        let mut browser = self.browser();
        let answer = browser.log_in(TOKEN).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/console")
        );
        browser
    }

    pub async fn end(self) {
        self.service.stop().await;
    }
}

impl Browser {
    /// Sends a request with these headers, besides the cookie.
    pub async fn send(&self, request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Page {
        let mut request = request;
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Page::of(request.send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(self.client.get(format!("{}{path}", self.base)), &[])
            .await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        self.send(self.client.get(format!("{}{path}", self.base)), headers)
            .await
    }

    /// Sends a form just so, with these headers.
    pub async fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .body(body.finish());
        let kind = "application/x-www-form-urlencoded";
        self.send(request.header(header::CONTENT_TYPE, kind), headers)
            .await
    }

    /// Sends a form as a page of the console does, with its token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.get("/console").await.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post_with(path, &fields, &[("Origin", &self.base)])
            .await
    }

    /// Sends a form as a page of the console does, and is cut off before there is an answer, once it is so far.
    pub async fn post_and_break_off(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        is_so_far: impl Fn() -> bool,
    ) {
        let csrf = self.get("/console").await.csrf();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let body = body.append_pair("csrf", &csrf).extend_pairs(fields);
        let (body, cookie) = (body.finish(), &self.cookie);
        let host = self.base.strip_prefix("http://").expect("http");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\r\n{body}",
            self.base,
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.expect("connects");
        stream.write_all(request.as_bytes()).await.expect("sent");
        eventually("the deed to begin", async || is_so_far().then_some(())).await;
        let unread = stream.try_read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(unread, Err(ErrorKind::WouldBlock), "it is answered");
        stream.set_zero_linger().expect("a connection");
    }

    /// Sends the token, and keeps the cookie that comes back.
    pub async fn log_in(&mut self, token: &str) -> Page {
        let headers = [("Origin", self.base.as_str())];
        let page = self
            .post_with("/console/login", &[("token", token)], &headers)
            .await;
        if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            self.cookie = cookie.split(';').next().expect("a cookie").to_owned();
        }
        page
    }
}
