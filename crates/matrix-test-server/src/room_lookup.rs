//! The room of a request.

use crate::errors::MatrixError;
use crate::requester::Requester;
use crate::room::Room;
use crate::server::Data;

pub(super) fn room<'a>(data: &'a Data, who: &Requester, id: &str) -> Result<&'a Room, MatrixError> {
    data.rooms
        .get(id)
        .ok_or_else(|| MatrixError::not_in_room(&who.user_id, id))
}

pub(super) fn joined_room<'a>(
    data: &'a Data,
    who: &Requester,
    id: &str,
) -> Result<&'a Room, MatrixError> {
    let room = room(data, who, id)?;
    room.require_joined(&who.user_id)?;
    Ok(room)
}
