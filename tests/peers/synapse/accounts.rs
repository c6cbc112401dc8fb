//! Who is registered at a Synapse.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use super::{
    requests::{REQUEST_DEADLINE, succeed},
    server::Synapse,
    user::{User, text},
};

impl Synapse {
    /// Registers a user of this server, who is logged in with a device.
    pub async fn register_user(&self, localpart: &str) -> anyhow::Result<User> {
        let answer = self
            .register(
                None,
                &json!({
                    "username": localpart,
                    "password": localpart,
                    "auth": {"type": "m.login.dummy"},
                }),
            )
            .await?;
        Ok(self.user(
            text(&answer, "user_id")?,
            text(&answer, "access_token")?,
            false,
        ))
    }

    /// Registers a user of an appservice's namespace, and is that user through the appservice's
    /// token. The sender of the appservice needs no registration: see [`Synapse::appservice_user`].
    pub async fn register_appservice_user(
        &self,
        as_token: &str,
        localpart: &str,
    ) -> anyhow::Result<User> {
        let answer = self
            .register(
                Some(as_token),
                &json!({
                    "type": "m.login.application_service",
                    "username": localpart,
                    "inhibit_login": true,
                }),
            )
            .await?;
        Ok(self.appservice_user(as_token, &text(&answer, "user_id")?))
    }

    /// A user whom an appservice controls, as the appservice: each request names the user in
    /// `user_id=`. Nothing is sent.
    pub fn appservice_user(&self, as_token: &str, user_id: &str) -> User {
        self.user(user_id.to_owned(), as_token.to_owned(), true)
    }

    /// Makes a user an administrator, as an operator does who has nobody to ask yet.
    pub async fn make_admin(&self, user_id: &str) -> anyhow::Result<()> {
        let options = SqliteConnectOptions::new()
            .filename(self.directory.path().join("homeserver.db"))
            .busy_timeout(REQUEST_DEADLINE);
        let mut database = options.connect().await?;
        let changed = sqlx::query("UPDATE users SET admin = 1 WHERE name = $1")
            .bind(user_id)
            .execute(&mut database)
            .await?;
        ensure!(changed.rows_affected() == 1, "there is no {user_id}");
        Ok(())
    }

    pub fn user(&self, user_id: String, access_token: String, is_appservice: bool) -> User {
        User {
            user_id,
            access_token,
            device_id: None,
            is_appservice,
            url: self.url.clone(),
            client: self.client.clone(),
        }
    }

    pub async fn register(&self, as_token: Option<&str>, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/_matrix/client/v3/register", self.url);
        let mut request = self.client.post(url).json(body);
        if let Some(token) = as_token {
            request = request.bearer_auth(token);
        }
        succeed(request).await.context("cannot register a user")
    }
}
