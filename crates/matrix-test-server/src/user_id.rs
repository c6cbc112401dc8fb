//! User IDs.

use crate::errors::MatrixError;

pub(super) fn require_user_id(id: &str) -> Result<(), MatrixError> {
    if id.starts_with('@') && id.contains(':') && id.len() <= 255 {
        Ok(())
    } else {
        Err(MatrixError::invalid_param("not a user ID"))
    }
}
