//! Coming from PyInstaller: its command line's options ([`options`]), and its specifications ([`spec`]), which become a
//! table ([`table`]) of pyproject.toml ([`pyproject`]).
//!
//! What is here are facts from its manual and its `--help`; nothing of PyInstaller is used or needed.

pub mod options;
pub mod pyproject;
pub mod spec;
pub mod table;
