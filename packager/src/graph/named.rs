//! Modules that strings name, followed where the string is likely to be meant as a module's name.
//!
//! A string proves little: it may be a logger's name, a type's, a word. What makes it an import is where it stands.
//! The program's own code may name anything; an installed distribution itself and those that it declares to require;
//! the standard library what is installed, by dotted names only. A single word counts in a module that imports by
//! computed names, beside dotted names of modules (`INSTALLED_APPS = ["django.contrib.admin", "polls"]`), and in a list
//! of a distribution that requires what it names (`THEMES = ["alabaster"]`).
//!
//! A string may also be the name of a group of entry points: `entry_points(group="mkdocs.themes")`. All modules that
//! installed distributions offer in it are followed.
//!
//! What frameworks are given as a package, they look into: `apps`, `models`, `migrations`, `templatetags`. So a package
//! that is named brings the modules below it, where the program or a module that imports by computed names does so.

use std::collections::BTreeSet;

use super::build::Builder;
use super::imports::{Form, ModuleImports, NamedModule};
use super::reach::top_of;
use super::resolve::Found;
use super::{Origin, Rule};

/// Parts of a package that programs do not import by name. A module `test` may be a command.
pub(super) const TESTS: [&str; 2] = ["tests", "conftest"];

/// Who holds a string.
pub(super) struct Holder<'a> {
    pub(super) name: &'a str,
    pub(super) origin: Origin,
    /// Its `__package__`.
    package: String,
    /// Whether it imports by names that it computes.
    pub(super) is_dynamic: bool,
    /// Whether its tables list what it imports when it is asked for it: names relative to its package.
    has_tables: bool,
}

/// What names a module: a string, or something that is done with one.
#[derive(Clone, Copy)]
pub(super) struct Naming<'t> {
    pub(super) rule: Rule,
    pub(super) line: u32,
    /// As the source has it.
    pub(super) text: &'t str,
}

/// Where a single word stands.
struct List {
    /// In a list, tuple, set or dictionary.
    is_any: bool,
    /// In one with a dotted name of a module.
    is_of_modules: bool,
}

/// How far a dotted name leads.
pub(super) struct Lead {
    /// How many of its parts are modules.
    pub(super) modules: usize,
    /// How many parts there are.
    pub(super) parts: usize,
    pub(super) origin: Origin,
    /// Whether the last of them may have modules below it.
    pub(super) is_package: bool,
}

impl Builder<'_> {
    /// Follows the strings of a module that name modules.
    pub(super) fn follow_names(&mut self, name: &str, origin: Origin, imports: &ModuleImports) {
        if imports.names.is_empty() {
            return;
        }
        let is_package = self.graph.modules.get(name).is_some_and(|module| module.is_package);
        let package = super::build::package_of(name, is_package).to_owned();
        let is_dynamic = imports.imports_dynamically;
        let has_tables = is_dynamic || imports.resolves_lazily;
        let holder = Holder { name, origin, package, is_dynamic, has_tables };
        // Collections in which something is a module's name without doubt.
        let mut of_modules: BTreeSet<u32> = BTreeSet::new();
        for named in &imports.names {
            let text = named.form.text();
            let naming = Naming { rule: named.form.rule(), line: named.line, text: &text };
            self.follow_group(&holder, named);
            let found = match &named.form {
                Form::Word(_) => false,
                Form::Dotted { name, has_attribute } => {
                    self.follow_dotted(&holder, name, *has_attribute, naming)
                        || self.follow_relative(&holder, name, naming)
                }
                Form::Relative(name) => {
                    // Alone it may be the suffix of a file; in a table, somebody else may import it.
                    let may_follow = holder.has_tables || named.collection != 0;
                    let may_follow = may_follow && origin != Origin::Stdlib;
                    may_follow && self.follow_named(&holder, name, naming)
                }
                // A Python file that is run is a module like others.
                Form::File(stem) => origin != Origin::Stdlib && self.follow_beside(&holder, stem, naming),
                Form::Group(_) => false,
                Form::Template { texts, made } => {
                    self.follow_template(&holder, texts, *made, naming);
                    false
                }
                Form::Below(package) => {
                    if origin != Origin::Stdlib && self.ensure(package) {
                        self.follow_below(&holder, package, naming);
                    }
                    false
                }
            };
            if found && named.collection != 0 {
                of_modules.insert(named.collection);
            }
        }
        for NamedModule { form, collection, line } in &imports.names {
            if let Form::Word(word) = form {
                let list = List { is_any: *collection != 0, is_of_modules: of_modules.contains(collection) };
                let naming = Naming { rule: Rule::String, line: *line, text: word };
                self.follow_word(&holder, word, &list, naming);
            }
        }
    }

    /// The name of a group of entry points: whoever writes it asks for what they lead to.
    fn follow_group(&mut self, holder: &Holder, named: &NamedModule) {
        let (Form::Word(group) | Form::Group(group) | Form::Dotted { name: group, .. }) = &named.form else {
            return;
        };
        if holder.origin == Origin::Stdlib {
            return;
        }
        let modules: Vec<String> = self.entry_points().of_group(group).map(str::to_owned).collect();
        let naming = Naming { rule: Rule::EntryPoint, line: named.line, text: group };
        for module in modules {
            self.follow_named(holder, &module, naming);
        }
    }

    /// `"a.b.c"`. Whether it is a module.
    fn follow_dotted(&mut self, holder: &Holder, name: &str, has_attribute: bool, naming: Naming) -> bool {
        let Some(lead) = self.lead(name).filter(|lead| self.may_name(holder, name, lead.origin)) else {
            return false;
        };
        if lead.modules == lead.parts {
            let is_known = lead.parts > 1 || holder.origin == Origin::Own || holder.is_dynamic;
            if !is_known || !self.follow_named(holder, name, naming) {
                return false;
            }
            if !has_attribute && (holder.is_dynamic || holder.origin != Origin::Installed) {
                self.follow_below(holder, name, naming);
            }
            return lead.origin != Origin::Stdlib;
        }
        // A class or function in a module: `logging.handlers.SysLogHandler`.
        let is_attribute = lead.parts - lead.modules <= 2;
        let is_known = lead.modules > 1 || lead.origin == Origin::Own || holder.is_dynamic;
        if is_attribute && is_known && holder.origin != Origin::Stdlib {
            let end = name.match_indices('.').nth(lead.modules - 1).map_or(name.len(), |(at, _)| at);
            self.follow_named(holder, &name[..end], naming);
        }
        false
    }

    /// `"a.b"` in a table of a package whose module `a.b` is below it.
    fn follow_relative(&mut self, holder: &Holder, name: &str, naming: Naming) -> bool {
        let is_meant = holder.has_tables && holder.origin != Origin::Stdlib && !holder.package.is_empty();
        is_meant && !TESTS.contains(&name) && self.follow_beside(holder, name, naming)
    }

    /// A module below the holder's package, if it is there.
    fn follow_beside(&mut self, holder: &Holder, name: &str, naming: Naming) -> bool {
        let separator = if holder.package.is_empty() { "" } else { "." };
        let sibling = format!("{}{separator}{name}", holder.package);
        let is_there = self.lead(&sibling).is_some_and(|lead| lead.modules == lead.parts);
        is_there && self.follow_named(holder, &sibling, naming)
    }

    /// A single word: a module beside the holder, or one of the top level.
    fn follow_word(&mut self, holder: &Holder, word: &str, list: &List, naming: Naming) {
        if holder.origin == Origin::Stdlib || word.starts_with("__") {
            return;
        }
        if holder.is_dynamic || holder.has_tables && list.is_any {
            self.follow_relative(holder, word, naming);
        }
        let is_own = holder.origin == Origin::Own;
        if !(is_own || holder.is_dynamic || list.is_any) {
            return;
        }
        let Some(lead) = self.lead(word).filter(|lead| self.may_name(holder, word, lead.origin)) else {
            return;
        };
        let is_required = list.is_any && self.distributions().requires_always(holder.name, word);
        let is_meant = match lead.origin {
            // A package of the program itself, for a word of the program.
            Origin::Own => is_own && (lead.is_package || holder.is_dynamic || list.is_of_modules),
            Origin::Installed => holder.is_dynamic || list.is_of_modules || is_required,
            Origin::Stdlib => holder.is_dynamic,
        };
        // What a list of a framework names is a plugin: the framework looks into it.
        let is_plugin = is_required && list.is_of_modules && !holder.is_dynamic;
        let is_entered = lead.origin != Origin::Stdlib && (is_own || is_plugin);
        if is_meant && self.follow_named(holder, word, naming) && is_entered {
            self.follow_below(holder, word, naming);
        }
    }

    pub(super) fn follow_named(&mut self, holder: &Holder, name: &str, naming: Naming) -> bool {
        if !self.may_follow_name(holder.name, name, naming.rule, naming.line) {
            return false;
        }
        if !self.ensure(name) {
            self.note_excluded(holder.name, name, naming.rule, naming.line);
            return false;
        }
        if name != holder.name {
            self.add_edge_with(holder.name, name, naming.rule, naming.line, Some(naming.text.into()));
            if holder.origin != Origin::Stdlib {
                self.note_use_outside(name);
            }
        }
        true
    }

    /// Whether a string in the holder may be the name of a module of this origin.
    pub(super) fn may_name(&mut self, holder: &Holder, name: &str, origin: Origin) -> bool {
        let named = top_of(name);
        match (holder.origin, origin) {
            (_, Origin::Stdlib) => holder.origin != Origin::Stdlib && named != "test",
            (Origin::Own, _) => true,
            (Origin::Stdlib, _) => origin == Origin::Installed && name.contains('.'),
            (Origin::Installed, Origin::Own) => false,
            (Origin::Installed, Origin::Installed) => self.distributions().requires(holder.name, name),
        }
    }

    /// Whether a name is that of a module which is installed or the program's own, and belongs to no tests.
    pub(super) fn leads_to_module(&self, name: &str) -> bool {
        let is_test = name.split('.').any(|part| TESTS.contains(&part) || part == "test");
        let lead = self.lead(name).filter(|lead| !is_test && lead.origin != Origin::Stdlib);
        lead.is_some_and(|lead| lead.modules == lead.parts)
    }

    /// How far a name leads, without adding anything to the graph.
    pub(super) fn lead(&self, name: &str) -> Option<Lead> {
        let parts: Vec<&str> = name.split('.').collect();
        let mut directories = self.path.clone();
        let mut origin = None;
        let mut modules = 0;
        for (at, part) in parts.iter().enumerate() {
            let known = name.match_indices('.').nth(at).map_or(name, |(end, _)| &name[..end]);
            if let Some(module) = self.graph.modules.get(known) {
                origin.get_or_insert(module.origin);
                modules = at + 1;
                directories.clone_from(&module.directories);
                continue;
            }
            let Some(resolved) = self.resolver.find(part, &directories) else { break };
            let place = match &resolved.found {
                Found::Source(path) | Found::Bytecode(path) | Found::Extension(path) => Some(path),
                // At the top level any directory is one.
                Found::Namespace(portions) => portions.first().filter(|_| at > 0 || parts.len() > 1),
            };
            let Some(place) = place else { break };
            origin.get_or_insert(self.origin(place));
            modules = at + 1;
            directories = match resolved.found {
                Found::Namespace(portions) => portions,
                _ => resolved.package.into_iter().collect(),
            };
        }
        let is_package = !directories.is_empty();
        Some(Lead { modules, parts: parts.len(), origin: origin?, is_package })
    }
}

impl Form {
    /// The rule by which a string of this form names a module.
    fn rule(&self) -> Rule {
        match self {
            Self::Word(_) | Self::Dotted { .. } | Self::Relative(_) | Self::File(_) => Rule::String,
            Self::Group(_) => Rule::EntryPoint,
            Self::Template { .. } => Rule::Template,
            Self::Below(_) => Rule::Below,
        }
    }

    /// The string; `*` stands for what is not known of it.
    fn text(&self) -> String {
        match self {
            Self::Word(name)
            | Self::Dotted { name, .. }
            | Self::Relative(name)
            | Self::Below(name)
            | Self::Group(name) => name.clone(),
            Self::File(stem) => format!("{stem}.py"),
            Self::Template { texts, .. } => texts.join("*"),
        }
    }
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
