//! Several services on one PostgreSQL, none of them special.

mod decisions;
mod leases;
mod links;
mod purges;
mod races;
pub mod scene;
mod shown;
mod usage;
