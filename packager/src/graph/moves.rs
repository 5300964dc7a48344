//! Modules that are asked for under six's names: `six.moves.urllib.parse` is `urllib.parse`.
//!
//! `six.moves` is no module of any file: six makes it from a table in its source, which is read here. Copies of six in
//! other packages have tables of their own.

use std::collections::BTreeMap;

use super::build::Builder;
use super::imports::Request;
use super::{ModuleKind, Rule};

/// What comes after the name of the module with the table.
const MOVES: &str = ".moves";

impl Builder<'_> {
    /// Follows an import of names below `six.moves` to the modules that they are. Whether it was one.
    pub(super) fn follow_moves(&mut self, name: &str, request: &Request, rule: Rule, line: u32) -> bool {
        let module = request.module();
        let Some((holder, rest)) = module.split_once(MOVES) else { return false };
        let is_below = rest.is_empty() || rest.starts_with('.');
        if !is_below || holder.is_empty() || self.ensure(module) || !self.ensure(holder) {
            return false;
        }
        let Some(table) = self.moves_of(holder) else { return false };
        let rest = rest.trim_start_matches('.');
        let asked: Vec<String> = match request {
            Request::From { names, .. } if rest.is_empty() => names.clone(),
            Request::From { names, .. } if rest == "urllib" => {
                names.iter().map(|name| format!("urllib.{name}")).collect()
            }
            // Names in a module are its own: `from six.moves.urllib.parse import quote`.
            _ => vec![rest.to_owned()],
        };
        self.link(name, holder, rule, line, false);
        let modules = asked.iter().flat_map(|asked| real(&table, asked));
        for module in modules.collect::<Vec<_>>() {
            self.link(name, &module, rule, line, false);
        }
        true
    }

    /// The table in a module's source, if there is one.
    fn moves_of(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let ModuleKind::Source { text, .. } = &self.graph.modules.get(name)?.kind else { return None };
        let table = table(std::str::from_utf8(text).ok()?);
        (!table.is_empty()).then_some(table)
    }
}

/// Names to modules: of `MovedModule("name", "old", "new")` and `MovedAttribute("name", "old", "new", …)` the third
/// argument, or the first where there is no third.
fn table(source: &str) -> BTreeMap<String, String> {
    let mut table = BTreeMap::new();
    for call in ["MovedModule(", "MovedAttribute("] {
        for (at, _) in source.match_indices(call) {
            let Some((arguments, _)) = source[at + call.len()..].split_once(')') else { continue };
            let mut arguments = arguments.split(',').map(|argument| literal(argument.trim()));
            let Some(name) = arguments.next().flatten() else { continue };
            let module = arguments.nth(1).flatten().unwrap_or(name);
            table.insert(name.to_owned(), module.to_owned());
        }
    }
    table
}

fn literal(argument: &str) -> Option<&str> {
    let quote = argument.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    argument[1..].strip_suffix(quote)
}

/// The modules that a path below `moves` stands for. Those of urllib are listed with underscores, and by none.
fn real(table: &BTreeMap<String, String>, path: &str) -> Vec<String> {
    if path == "urllib" {
        return table
            .iter()
            .filter(|(name, _)| name.starts_with("urllib_"))
            .map(|(_, to)| to.clone())
            .collect();
    }
    let found = table.get(&path.replace('.', "_")).or_else(|| table.get(path.split('.').next()?));
    found.cloned().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::workers::tests::interpreters;
    use crate::graph::build::tests::{graph_of, tree};

    const SIX: &str = "class MovedModule(_LazyDescr): pass\n_moved = [\n    MovedAttribute(\"getcwd\", \"os\", \"colorsys\", \"getcwdu\"),\n    \
        MovedModule('queue', 'Queue'),\n    MovedModule('urllib_parse', __name__ + '.moves.urllib_parse', 'urllib.parse'),\n    \
        MovedAttribute('quote', 'urllib', 'urllib.parse'),\n]\n";

    #[test]
    fn reads_the_table_of_a_six() {
        let table = table(SIX);
        assert_eq!(real(&table, "getcwd"), ["colorsys"]);
        assert_eq!(real(&table, "queue"), ["queue"]);
        assert_eq!(real(&table, "urllib.parse"), ["urllib.parse"]);
        assert_eq!(real(&table, "urllib"), ["urllib.parse"]);
        assert!(real(&table, "else").is_empty());
    }

    #[test]
    fn names_below_moves_lead_to_the_modules_and_only_those() {
        let Some(interpreter) = interpreters().into_iter().next() else { return };
        for (program, expected) in [
            ("from pkg.six.moves import getcwd\n", "colorsys"),
            ("import pkg.six.moves.queue\n", "queue"),
            ("from pkg.six.moves.urllib.parse import quote\n", "urllib.parse"),
            ("from pkg.six.moves import urllib\n", "urllib.parse"),
        ] {
            let folder = tree(&[("main.py", program), ("pkg/__init__.py", ""), ("pkg/six.py", SIX)]);
            let Some(graph) = graph_of(&interpreter, folder.path(), &[]) else { return };
            let of_moves: Vec<&str> = ["colorsys", "queue", "urllib.parse"]
                .into_iter()
                .filter(|name| graph.modules["__main__"].edges.iter().any(|edge| edge.to == *name))
                .collect();
            assert_eq!(of_moves, [expected], "{program}");
            assert!(graph.missing.keys().all(|name| !name.contains("moves")), "{program}");
        }
    }
}
