//! The operator's console, as a browser sees it: with cookies, and with the headers that browsers send. Commands block
//! the thread of the test, so the service has others.

mod deeds;
mod forgery;
mod keys;
mod links;
mod login;
mod pages;
mod policy;
mod proxy;
mod scene;
