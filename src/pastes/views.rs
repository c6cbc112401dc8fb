//! The lines of pastes as pages show them, made once for all readers.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::pages::{Grammars, Rows, rows};

/// How many bytes of lines are cached.
const MAX_BYTES: u64 = 16 << 20;
/// For how long: a link that goes round in a chat is opened by many within seconds.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// How long colouring a text may take.
const COLOUR_WITHIN: Duration = Duration::from_secs(4);
/// How long a reader waits for the colours, with the wait for a turn. A line that is begun is ended.
const WAIT_FOR: Duration = Duration::from_secs(8);

/// Which lines: of which link, and under which file name.
type Key = (String, Option<String>);

/// Makes the lines of pastes. Clones share their cache.
#[derive(Debug, Clone)]
pub struct PasteViews {
    made: Cache<Key, Arc<Rows>>,
    grammars: Arc<Grammars>,
    /// One text is coloured at a time, so that memory is bounded.
    turn: Arc<Semaphore>,
}

impl Default for PasteViews {
    fn default() -> Self {
        Self {
            made: Cache::builder()
                .weigher(|_, rows: &Arc<Rows>| u32::try_from(rows.html.len()).unwrap_or(u32::MAX))
                .max_capacity(MAX_BYTES)
                .time_to_live(CACHED_FOR)
                .build(),
            grammars: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl PasteViews {
    /// The lines of a link, if they are cached.
    pub async fn get(&self, link_id: &str, filename: Option<&str>) -> Option<Arc<Rows>> {
        let key = (link_id.to_owned(), filename.map(str::to_owned));
        self.made.get(&key).await
    }

    /// The lines of a link's text, coloured if there is time for it. `is_cut`: the file goes on after the text.
    pub async fn make(
        &self,
        link_id: &str,
        filename: Option<&str>,
        language: Option<&str>,
        text: String,
        is_cut: bool,
    ) -> Arc<Rows> {
        let key = (link_id.to_owned(), filename.map(str::to_owned));
        let (text, language) = (Arc::<str>::from(text), language.map(str::to_owned));
        let make = async {
            let whole = |rows: Rows| {
                Arc::new(Rows {
                    is_cut: rows.is_cut || is_cut,
                    ..rows
                })
            };
            let coloured = self.coloured(Arc::clone(&text), language, key.1.clone());
            match tokio::time::timeout(WAIT_FOR, coloured).await {
                Ok(Some(made)) => whole(made),
                Ok(None) | Err(_) => {
                    let grammars = Arc::clone(&self.grammars);
                    let plain = move || rows(&grammars, &text, None, None, Duration::ZERO);
                    let made = tokio::task::spawn_blocking(plain).await;
                    whole(made.unwrap_or_default())
                }
            }
        };
        self.made.get_with(key.clone(), make).await
    }

    /// `None`: the grammar failed.
    async fn coloured(
        &self,
        text: Arc<str>,
        language: Option<String>,
        filename: Option<String>,
    ) -> Option<Rows> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok()?;
        let grammars = Arc::clone(&self.grammars);
        let work = tokio::task::spawn_blocking(move || {
            // Until the work is done, even if nobody waits for it any more.
            let _turn = turn;
            let (language, filename) = (language.as_deref(), filename.as_deref());
            rows(&grammars, &text, language, filename, COLOUR_WITHIN)
        });
        work.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_made_once_for_everybody() {
        let views = PasteViews::default();
        assert!(views.get("a", None).await.is_none());
        let text = || "fn main() {}\n".to_owned();
        let (first, second) = tokio::join!(
            views.make("a", None, Some("rust"), text(), false),
            views.make("a", None, Some("rust"), text(), false),
        );
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.language.as_deref(), Some("Rust"));
        let known = views.get("a", None).await.expect("cached");
        assert!(Arc::ptr_eq(&first, &known));
        // Another name may mean another language.
        assert!(views.get("a", Some("a.py")).await.is_none());
        let other = views.make("a", Some("a.py"), None, text(), true).await;
        assert_eq!(other.language.as_deref(), Some("Python"));
        assert!(other.is_cut && !first.is_cut);
    }
}
