//! `check --database` says whether the database is sound, and what to do where it is not.

mod damage;
mod scene;
mod secrets;
mod sound;
mod versions;
