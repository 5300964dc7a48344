//! What extension modules import when they are used: in the source that they were compiled from, and in their strings.
//!
//! mypyc, and Cython in its pure Python mode, compile `a.py` to an extension module `a`, and both are installed. The
//! source tells all imports. Of others, strings that are modules' names of the same distribution are what they may
//! import later.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::build::Builder;
use super::observe::strings_that_look_like_modules;
use super::reach::top_of;
use super::{Origin, Rule};

/// The source that an extension module was compiled from, if it lies beside it.
pub fn source_beside(extension: &Path) -> Option<Vec<u8>> {
    let name = extension.file_name()?.to_str()?;
    let stem = name.split('.').next().filter(|stem| !stem.is_empty())?;
    std::fs::read(extension.with_file_name(format!("{stem}.py"))).ok()
}

/// Strings of an extension module's file that are dotted names below its own top-level package.
pub fn own_names(file: &[u8], module: &str) -> Vec<String> {
    let top = top_of(module);
    let strings = strings_that_look_like_modules(file);
    let is_own =
        |name: &String| name.strip_prefix(top).is_some_and(|rest| rest.starts_with('.')) && name != module;
    strings.into_iter().filter(is_own).collect()
}

impl Builder<'_> {
    /// Follows strings of an extension module that name modules.
    pub(super) fn follow_native_names(&mut self, module: &str, names: &[String]) {
        let origin = self.graph.modules.get(module).map(|module| module.origin);
        if names.is_empty() || origin == Some(Origin::Stdlib) {
            return;
        }
        let known: BTreeSet<String> = match self.graph.modules.get(module) {
            Some(module) => module.edges.iter().map(|edge| edge.to.clone()).collect(),
            None => return,
        };
        for name in names.iter().filter(|name| !known.contains(*name)) {
            if self.leads_to_module(name) && self.ensure(name) {
                self.add_edge_with(module, name, Rule::Native, 0, Some(Arc::from(name.as_str())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_beside_an_extension_is_that_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.py"), "import x\n").unwrap();
        let source = |name: &str| source_beside(&folder.path().join(name));
        assert_eq!(source("a.cpython-311-x86_64-linux-gnu.so").unwrap(), b"import x\n");
        assert_eq!(source("a.so").unwrap(), b"import x\n");
        assert_eq!(source("b.so"), None);
    }

    #[test]
    fn strings_of_a_file_name_modules_of_its_own_package() {
        let file = b"\0pkg.core.one\0pkg.core\0pkgs.two\0see pkg.three for more\0other.four\0pkg\0";
        assert_eq!(own_names(file, "pkg.core"), ["pkg.core.one"]);
    }
}
