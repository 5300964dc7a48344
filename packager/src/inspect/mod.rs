//! What is in an executable: read out of the file, or known of a program that is not built.

pub mod native;
pub mod portability;

pub use portability::oldest_glibc;
