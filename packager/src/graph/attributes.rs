//! Imports that a module makes when it is asked for an attribute, followed when somebody may ask.
//!
//! numpy imports `numpy.distutils` for who uses `numpy.distutils`; `concurrent.futures` imports `multiprocessing` for who
//! uses its `ProcessPoolExecutor`. Such an import waits until a module uses an attribute of that name, of whatever
//! object, or imports all names; or an extension module has the name among its strings.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use memchr::memmem;
use rayon::prelude::*;

use super::ModuleKind;
use super::build::Builder;
use super::imports::{ImportEdge, ModuleImports, OnAttributes, Request};
use super::reach::top_of;

/// What is known of attributes.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Names that modules use.
    used: HashSet<String>,
    /// Imports that wait, by module.
    waiting: BTreeMap<String, Vec<OnAttributes>>,
    /// Extension modules whose strings were looked at, and for which names.
    searched: BTreeSet<(String, String)>,
}

impl Builder<'_> {
    /// Notes what a module uses; returns its imports with those on attributes that wait for nobody: those of other
    /// distributions, which may wait for other reasons.
    pub(super) fn note_attributes(&mut self, name: &str, mut imports: ModuleImports) -> ModuleImports {
        for attribute in std::mem::take(&mut imports.attributes) {
            self.attributes.used.insert(attribute);
        }
        // Those of bytecode, which has no attributes that were read.
        for edge in &imports.edges {
            if let Request::From { names, .. } = &edge.request {
                self.attributes.used.extend(names.iter().cloned());
            }
        }
        let is_own = |on: &OnAttributes| top_of(on.edge.request.module()) == top_of(name);
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut imports.on_attributes).into_iter().partition(is_own);
        imports.edges.extend(others.into_iter().map(|on| on.edge));
        if !own.is_empty() {
            self.attributes.waiting.insert(name.to_owned(), own);
        }
        imports
    }

    /// Follows imports for attributes that somebody uses. Returns whether there were any.
    pub(super) fn follow_attributes(&mut self) -> bool {
        if self.attributes.waiting.is_empty() {
            return false;
        }
        self.search_extensions();
        let mut followed: Vec<(String, Vec<ImportEdge>)> = Vec::new();
        for (name, waiting) in std::mem::take(&mut self.attributes.waiting) {
            let is_open = self.stars.iter().any(|(_, module, ..)| *module == name);
            let is_used = |on: &OnAttributes| {
                is_open || on.names.iter().any(|name| self.attributes.used.contains(name))
            };
            let (used, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_used);
            if !waiting.is_empty() {
                self.attributes.waiting.insert(name.clone(), waiting);
            }
            if !used.is_empty() {
                followed.push((name, used.into_iter().map(|on| on.edge).collect()));
            }
        }
        let any = !followed.is_empty();
        for (name, edges) in followed {
            if let Some(origin) = self.graph.modules.get(&name).map(|module| module.origin) {
                self.follow_edges(&name, origin, edges);
            }
        }
        any
    }

    /// Looks for the names in extension modules that import a module which waits, or one of its package: C code uses
    /// attributes by strings.
    fn search_extensions(&mut self) {
        let mut tasks: Vec<(String, std::path::PathBuf, Vec<String>)> = Vec::new();
        for (name, waiting) in &self.attributes.waiting {
            let top = top_of(name);
            let wanted =
                waiting.iter().flat_map(|on| &on.names).filter(|name| !self.attributes.used.contains(*name));
            let wanted: BTreeSet<&String> = wanted.collect();
            for (extension, module) in &self.graph.modules {
                let ModuleKind::Extension(path) = &module.kind else { continue };
                let knows =
                    top_of(extension) == top || module.edges.iter().any(|edge| top_of(&edge.to) == top);
                let is_new = |name: &&&String| {
                    !self.attributes.searched.contains(&(extension.clone(), (**name).clone()))
                };
                let names: Vec<String> = wanted.iter().filter(is_new).map(|name| (*name).clone()).collect();
                if knows && !names.is_empty() {
                    tasks.push((extension.clone(), path.clone(), names));
                }
            }
        }
        let search = |(_, path, names): &(String, std::path::PathBuf, Vec<String>)| -> Vec<String> {
            let file = std::fs::read(path).unwrap_or_default();
            let has = |name: &&String| memmem::find(&file, format!("\0{name}\0").as_bytes()).is_some();
            names.iter().filter(has).cloned().collect()
        };
        let found: Vec<Vec<String>> = tasks.par_iter().map(search).collect();
        self.attributes.used.extend(found.into_iter().flatten());
        for (extension, _, names) in tasks {
            self.attributes.searched.extend(names.into_iter().map(|name| (extension.clone(), name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::workers::tests::interpreters;
    use crate::graph::build::tests::{graph_of, tree};

    /// The modules of `lib` that a program brings.
    fn found(program: &str) -> Option<String> {
        let getattr = "def __getattr__(name):\n    if name == 'one':\n        import lib.one\n        return lib.one\n    \
                       elif name in ('A', 'B'):\n        from .two import A\n    import lib.three\n";
        let folder = tree(&[
            ("main.py", program),
            ("lib/__init__.py", getattr),
            ("lib/one.py", ""),
            ("lib/two.py", ""),
            ("lib/three.py", ""),
        ]);
        let interpreter = interpreters().into_iter().next()?;
        let graph = graph_of(&interpreter, folder.path(), &[])?;
        Some(
            graph
                .modules
                .keys()
                .filter(|name| name.starts_with("lib"))
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    #[test]
    fn imports_for_attributes_come_with_their_use() {
        let Some(none) = found("import lib\n") else { return };
        assert_eq!(none, "lib lib.three");
        for (program, expected) in [
            ("import lib\nlib.one\n", "lib lib.one lib.three"),
            ("import lib\ngetattr(lib, 'one')\n", "lib lib.one lib.three"),
            ("from lib import B\n", "lib lib.three lib.two"),
            ("from lib import *\n", "lib lib.one lib.three lib.two"),
            ("import lib\none = 1\n", "lib lib.three"),
        ] {
            assert_eq!(found(program).unwrap(), expected, "{program}");
        }
    }
}
