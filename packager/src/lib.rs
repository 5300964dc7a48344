//! Freezes Python programs: the phases of a build, and the command line over them.
//!
//! [`ops::build`] is the list of phases; each phase is a module of its own, and what one gives the next takes:
//! [`probe`] → [`trace`] → [`graph`] → [`collect`] → [`plan`] → [`compile`] → [`archive`] → [`attach`] → [`report`].

#![forbid(unsafe_code)]

pub mod archive;
pub mod attach;
pub mod cache;
pub mod cli;
pub mod collect;
pub mod compile;
pub mod config;
mod draft;
pub mod entry;
pub mod error;
pub mod fuse;
pub mod graph;
pub mod hooks;
pub mod inspect;
pub mod interrupt;
pub mod ops;
pub mod page;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod project;
pub mod pyinstaller;
pub mod report;
pub mod request;
pub mod shown;
mod subprocess;
pub mod trace;
pub mod why;
