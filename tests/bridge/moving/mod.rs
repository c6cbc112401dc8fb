//! A database moves from SQLite to PostgreSQL and back.

mod links;
mod refusals;
mod rows;
mod scene;
