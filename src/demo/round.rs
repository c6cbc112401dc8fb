//! The round of the demo: every step is done over HTTP, checked, and shown in one line.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    samples::{self, Sample},
    stage::{Stage, Uploaded, eventually, text},
};

/// One round of the demo and its files.
pub(super) struct Round<'a> {
    stage: &'a Stage,
    shared: Vec<Shared>,
}

struct Shared {
    sample: Sample,
    media: Uploaded,
    link_id: String,
    url: String,
}

impl<'a> Round<'a> {
    pub(super) fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            shared: Vec::new(),
        }
    }

    /// From the upload to a counted, followed link.
    pub(super) async fn issue_and_follow(&mut self) -> anyhow::Result<()> {
        for sample in samples::all()? {
            let media = self.stage.share(&sample).await.context("upload")?;
            self.shared.push(Shared {
                sample,
                media,
                link_id: String::new(),
                url: String::new(),
            });
        }
        for shared in &self.shared {
            let status = self.stage.download_without_token(&shared.media.mxc).await?;
            ensure!(
                status == 403,
                "a download without the content token is answered with {status}"
            );
        }
        println!("  step              usage      counted by the homeserver");
        self.show("uploaded", "-").await?;
        for shared in &mut self.shared {
            let body = json!({
                "mxc": shared.media.mxc, "room_id": self.stage.room_id, "event_id": shared.media.event_id,
                "content_token": shared.media.content_token, "filename": shared.sample.name,
                "mimetype": shared.sample.content_type, "size": shared.sample.bytes.len(),
            });
            let link = self
                .stage
                .api(Method::POST, "/v1/links", body)
                .await
                .context("issue")?;
            shared.link_id = text(&link, "link_id")?;
            shared.url = text(&link, "url")?;
        }
        self.paste().await.context("paste")?;
        self.show("links issued", "pending").await?;
        self.wait_for("counted").await?;
        self.show("meta event sent", "counted").await?;
        self.check_counts(1).await?;
        self.follow().await?;
        self.show("links followed", "counted").await?;
        self.stage.clean_up().await?;
        self.check_presence(true).await?;
        self.show("clean-up: kept", "counted").await?;
        println!();
        for shared in &self.shared {
            let page = shared.url.replacen("/m/", "/v/", 1);
            println!(
                "  {:<11} {}\n  {:<11} {page}",
                shared.sample.name, shared.url, "as a page"
            );
        }
        Ok(())
    }

    /// Alice writes a long message, and the bridge has it linked.
    async fn paste(&mut self) -> anyhow::Result<()> {
        let sample = samples::long_message();
        let message = std::str::from_utf8(&sample.bytes)?;
        let content = json!({"msgtype": "m.text", "body": message});
        let event_id = self.stage.send(content).await?;
        let body = json!({
            "text": message, "room_id": self.stage.room_id, "event_id": event_id,
            "filename": sample.name,
        });
        let link = self.stage.api(Method::POST, "/v1/pastes", body).await?;
        let excerpt = text(&link, "excerpt")?;
        ensure!(
            excerpt.starts_with("# A long message") && excerpt.lines().count() == 3,
            "the excerpt is {excerpt:?}"
        );
        let url = text(&link, "url")?;
        let page = self.stage.follow(&url.replacen("/m/", "/v/", 1)).await?;
        ensure!(
            page.text().await?.contains("id=\"L8\""),
            "the page has no line 8"
        );
        self.shared.push(Shared {
            media: Uploaded {
                mxc: text(&link, "mxc")?,
                // Only the service knows it.
                content_token: String::new(),
                event_id,
            },
            link_id: text(&link, "link_id")?,
            url,
            sample,
        });
        Ok(())
    }

    /// From the revocation to the deletion.
    pub(super) async fn revoke(&mut self) -> anyhow::Result<()> {
        println!("\n  step              usage      counted by the homeserver");
        for shared in &self.shared {
            let path = format!("/v1/links/{}", shared.link_id);
            let link = self
                .stage
                .api(Method::DELETE, &path, Value::Null)
                .await
                .context("revoke")?;
            ensure!(
                link["state"] == "revoked",
                "a revoked link is {}",
                link["state"]
            );
            let status = self.stage.follow(&shared.url).await?.status();
            ensure!(status == 410, "a revoked link answers {status}");
        }
        self.show("links revoked", "counted").await?;
        self.wait_for("released").await?;
        self.check_counts(0).await?;
        self.show("event redacted", "released").await?;
        self.stage.clean_up().await?;
        self.check_presence(false).await?;
        self.show("clean-up: deleted", "released").await
    }

    async fn follow(&self) -> anyhow::Result<()> {
        for shared in &self.shared {
            let response = self.stage.follow(&shared.url).await?;
            ensure!(
                response.status() == 200,
                "a live link answers {}",
                response.status()
            );
            let bytes = response.bytes().await?;
            ensure!(
                bytes == shared.sample.bytes,
                "{} came in other bytes",
                shared.sample.name
            );
        }
        Ok(())
    }

    async fn wait_for(&self, state: &str) -> anyhow::Result<()> {
        for shared in &self.shared {
            let path = format!("/v1/links/{}", shared.link_id);
            eventually(&format!("usage {state}"), async || {
                let link = self.stage.api(Method::GET, &path, Value::Null).await?;
                Ok((link["usage"]["state"] == state).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn check_counts(&self, expected: i64) -> anyhow::Result<()> {
        for shared in &self.shared {
            let (count, _) = self.stage.counted(&shared.media.mxc).await?;
            ensure!(
                count == expected,
                "{} is counted {count} times instead of {expected}",
                shared.sample.name
            );
        }
        Ok(())
    }

    async fn check_presence(&self, expected: bool) -> anyhow::Result<()> {
        for shared in &self.shared {
            let (_, is_there) = self.stage.counted(&shared.media.mxc).await?;
            ensure!(
                is_there == expected,
                "{}: there is {is_there} instead of {expected}",
                shared.sample.name
            );
        }
        Ok(())
    }

    /// Prints one line: the count of each file at the homeserver.
    async fn show(&self, step: &str, usage: &str) -> anyhow::Result<()> {
        let mut files = Vec::new();
        for shared in &self.shared {
            let (count, is_there) = self.stage.counted(&shared.media.mxc).await?;
            let count = if is_there {
                count.to_string()
            } else {
                "deleted".to_owned()
            };
            files.push(format!("{}: {count}", shared.sample.name));
        }
        println!("  {step:<17} {usage:<10} {}", files.join("   "));
        Ok(())
    }
}
