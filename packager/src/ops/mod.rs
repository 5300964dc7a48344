//! The commands' actions, apart from their command-line types.

pub mod build;
pub mod doctor;
pub mod import;
pub mod init;
pub mod prepare;
pub mod report;
pub mod run;
pub mod sbom;
pub mod why;
