//! Deeds that go on if the visitor closes the page.

use actix_web::http::StatusCode;

use super::error::ConsoleError;

/// Does something to its end, whether anybody waits for it or not.
pub(super) async fn to_its_end<T, E>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ConsoleError>
where
    T: Send + 'static,
    E: Send + 'static,
    ConsoleError: From<E>,
{
    let done = tokio::spawn(work).await;
    let done = done.map_err(|_| {
        let told = "It broke off; the log says how.";
        ConsoleError::refused(StatusCode::INTERNAL_SERVER_ERROR, told)
    })?;
    Ok(done?)
}
