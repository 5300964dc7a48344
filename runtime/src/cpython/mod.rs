//! CPython, embedded without being linked: every call goes through a symbol that was looked up at start.
//!
//! [`libpython`] says where CPython comes from, [`api`] holds the symbols, [`offsets`] the struct layouts of each
//! version, [`arenas`] where small objects have their memory from, [`types`] the few C structs that no version changes, [`reference`] owned references, [`collector`]
//! the garbage collector's generations, [`interpreter`] configures and runs it.

pub mod api;
pub mod arenas;
pub mod collector;
pub mod interpreter;
pub mod libpython;
pub mod offsets;
pub mod reference;
pub mod types;

pub use api::Api;
pub use interpreter::Interpreter;
pub use reference::Owned;
