//! Pages in a real browser. What people do there is in `tests/browser/`, which Node.js runs: each page is looked at in
//! each language, light and dark, wide and on a phone, with and without scripts.

mod console;
mod docs;
mod errors;
mod held;
mod media;
pub mod plan;
mod readers;

use serde_json::Value;

/// Languages that the pages speak, of each direction and each kind of letters.
const LANGUAGES: [&str; 4] = ["en", "de", "ar", "ja"];

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_readers_hold() {
    let Some(browser) = plan::Browser::find() else {
        return;
    };
    let (readers, errors) = (readers::Stage::new().await, errors::Stage::new().await);
    let (held, film) = (held::Stage::new().await, browser.film());
    let visits = [
        readers.visits(&film).await,
        errors.visits().await,
        held.visits(),
    ];
    let visits: Vec<Value> = visits.concat();
    browser.holds("readers", &LANGUAGES, visits).await;
    held.stop().await;
    errors.stop().await;
    readers.stop().await;
}
