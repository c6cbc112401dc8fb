//! A homeserver that answers nonsense: nothing of it gets through, and nothing looks complete that
//! is not.

mod encrypted;
mod lengths;
mod nonsense;
mod play;
mod secrets;
mod upstream;
