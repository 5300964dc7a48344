//! Hook files written for PyInstaller: which there are, and what they say of modules.
//!
//! A hook is a Python file named after a module, `hook-a.b.py`. It runs in the target interpreter once the module joins
//! the graph. What it imports from `PyInstaller` is a package of our own (`python/hooks`), written from PyInstaller's
//! manual, that the runner finds in memory; an installed PyInstaller is not used. In: [`HookOptions`] and modules. Out:
//! [`Contribution`]s, which the graph applies; what concerns files is collected in [`Hooked`].
//!
//! The facts are from the manual: <https://pyinstaller.org/en/stable/hooks.html>.

mod files;
mod run;

use std::collections::BTreeMap;

pub use files::{HookFile, HookFiles, HookKind};
pub use run::{Answer, Contribution, HookError, HookedModule, run, run_specification};

use crate::collect::data::additions::Addition;

/// What hooks say of files, put together for all that ran.
#[derive(Debug, Clone, Default)]
pub struct Hooked {
    /// Data files.
    pub datas: Vec<Addition>,
    /// Shared libraries.
    pub binaries: Vec<Addition>,
    /// Names of distributions whose metadata are wanted, as their directories write them.
    pub metadata: Vec<String>,
    /// Whether the files of modules hold their source, by module; it goes for all modules below, too.
    pub with_source: BTreeMap<String, bool>,
}

impl Hooked {
    /// Whether a module's file holds its source.
    pub fn shows_source(&self, module: &str) -> bool {
        let mut name = module;
        loop {
            if let Some(shows) = self.with_source.get(name) {
                return *shows;
            }
            match name.rsplit_once('.') {
                Some((above, _)) => name = above,
                None => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_package_decides_whether_sources_are_shown() {
        let with_source = BTreeMap::from([("a".to_owned(), true), ("a.b".to_owned(), false)]);
        let hooked = Hooked { with_source, ..Hooked::default() };
        let shown = ["a", "a.c", "a.b", "a.b.c", "ab"].map(|module| hooked.shows_source(module));
        assert_eq!(shown, [true, true, false, false, false]);
    }
}
