//! Three replicas on one PostgreSQL, under load, while what they stand on breaks: a replica is killed, the server of
//! the database crashes, the network between the two is cut. What was acknowledged holds all the while.

mod breaking;
mod campaign;
mod final_check;
mod ledger;
mod load;
mod one_time;
