//! Questions about pushed events that the homeserver has not answered yet, and the links that have to
//! wait for the answers. Every function here fails only if the database does.

mod doubts;
mod questions;
mod rooms;

pub use doubts::{mark, mark_event, refresh};
pub use questions::{
    MAX_OF_ROOM, OpenQuestion, Question, are_doubted, delete, is_doubted, is_edit_open,
    is_room_open, note, of_room,
};
pub use rooms::{QuestionedRoom, due, forget_answered, make_due, next_due, postpone};
