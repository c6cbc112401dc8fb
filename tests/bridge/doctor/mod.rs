//! `doctor`: what is wrong between the configuration and a followed link is found, and what to do is told.

mod faults;
mod proxies;
mod scene;
mod sound;
