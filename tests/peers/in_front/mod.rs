//! A cache in front of the service, by the configurations in `examples/in-front/`: it keeps answers, obeys, and forgets
//! those about a link that has ended.

mod nginx;
mod scene;
mod varnish;
