//! Many links end at once: for all of them from the answer on, whatever becomes of the service, and each
//! counted once.

mod counted;
mod killed;
mod replicas;
mod scene;
