//! Several services on one PostgreSQL, none of them special.

mod decisions;
mod leases;
mod links;
mod races;
mod scene;
mod usage;
