//! The commands' actions, apart from their command-line types.

pub mod build;
pub mod run;
