//! A connection to a service, kept open from one request to the next.

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What is answered where there was no answer.
pub const NO_ANSWER: u16 = 0;

/// A client with one connection.
pub struct Client {
    /// Host and port.
    address: String,
    token: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// An answer, whole.
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Client {
    /// Of the service at this URL, with a bearer token if there is one.
    pub fn new(url: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let address = url.strip_prefix("http://").context("not an http URL")?;
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
            connection: None,
        })
    }

    /// Sends a request, and reads the answer to its end. It is repeated once on a new connection, since the service may
    /// have just closed an idle one: all requests here can be. One without an answer is told as one with the status
    /// [`NO_ANSWER`].
    pub async fn send(&mut self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let body = Bytes::from(body);
        let is_new = self.connection.is_none();
        let mut answer = self.try_send(&method, path, &body).await;
        if answer.is_err() {
            self.connection = None;
            if !is_new {
                answer = self.try_send(&method, path, &body).await;
            }
        }
        answer.unwrap_or(Answer {
            status: NO_ANSWER,
            body: Bytes::new(),
        })
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, Vec::new()).await
    }

    async fn try_send(
        &mut self,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.clone()))?;
        let response = self.connected().await?.send_request(request).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok(Answer {
            status,
            body: whole.freeze(),
        })
    }

    async fn connected(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        let is_open = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            // It ends with its sender.
            tokio::task::spawn_local(async move { drop(connection.await) });
            self.connection = Some(sender);
        }
        self.connection.as_mut().context("just connected")
    }
}
