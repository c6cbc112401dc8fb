//! Deeds, which go on if the visitor closes the page.

use actix_web::{http::StatusCode, rt, web::Data};

use crate::operations::Auditor;

use super::{super::state::AppState, error::ConsoleError, session::Visitor};

impl Visitor {
    /// Does something in the name of this visitor, to its end, whether anybody waits for it or not. Nothing else makes
    /// an [`Auditor`] for the console, so that no deed is cut in the middle.
    pub(super) async fn does<T, E, W>(
        &self,
        deed: impl FnOnce(Data<AppState>, Auditor) -> W,
    ) -> Result<T, ConsoleError>
    where
        W: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: 'static,
        ConsoleError: From<E>,
    {
        let state = self.state.clone();
        let auditor = Auditor::of_console(&state.database, &state.clock, self.user());
        let done = rt::spawn(deed(state, auditor)).await;
        let done = done.map_err(|_| {
            let told = "It broke off; the log says how.";
            ConsoleError::refused(StatusCode::INTERNAL_SERVER_ERROR, told)
        })?;
        Ok(done?)
    }
}
