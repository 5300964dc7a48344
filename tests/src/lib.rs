//! What the specs share: interpreters, environments, the command under test, programs with a time limit.
//!
//! The specs are in `specs/`, one file a behaviour. They get a [`Fixtures`]; with it they freeze a program and
//! compare what the executable does with what the interpreter does. Everything is made under one folder of cargo's
//! target directory: virtual environments, which are kept, and the folder of this run, which is removed at its end.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be made fails the trial that needs it"
)]

pub mod browser;
pub mod corpus;
pub mod environment;
pub mod execution;
pub mod fixtures;
pub mod interpreter;
pub mod jail;
pub mod links;
pub mod many_modules;
pub mod peers;
pub mod readme;
pub mod redaction;
pub mod strace;
pub mod terminal;
pub mod trial;
pub mod wheel;

pub use execution::{Outcome, assert_same, execute, execute_within};
pub use fixtures::Fixtures;
pub use interpreter::{Interpreter, Slot};
