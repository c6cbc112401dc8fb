//! What a bridge asks for: rooms, media and events by number, and requests for links to them.

use serde_json::{Value, json};

use crate::random::Random;

/// What is in each name of what a fill makes, and is another text in each copy of it.
pub const MARK: &str = "c0000";
/// The rooms of one copy; the busiest has a fifth of the links.
pub const ROOMS: u64 = 200;

/// The room with this rank.
pub fn room(mark: &str, rank: u64) -> String {
    format!("!{mark}room{rank:011}:example.org")
}

/// What asks for a link to a medium of its own, in an event of its own.
pub fn request(room: &str, mark: &str, number: u64, random: &mut Random) -> Value {
    let sender = random.zipf(5000);
    json!({
        "mxc": format!("mxc://example.org/{mark}{number:019}"),
        "room_id": room,
        "event_id": event_id(mark, number),
        "sender": format!("@{mark}someone{sender:04}:example.org"),
        "filename": "image.jpg",
        "mimetype": "image/jpeg",
        "size": 123_456,
    })
}

/// The ID of the event with this number.
pub fn event_id(mark: &str, number: u64) -> String {
    format!("${mark}{number:038}")
}
