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
use super::imports::{Form, Made, ModuleImports, NamedModule};
use super::reach::top_of;
use super::resolve::Found;
use super::{Origin, Rule};

/// Parts of a package that programs do not import by name. A module `test` may be a command.
const TESTS: [&str; 2] = ["tests", "conftest"];

/// What packages offer for the tests of others: nobody computes this name.
const TESTING: &str = "testing";

/// Who holds a string.
struct Holder<'a> {
    name: &'a str,
    origin: Origin,
    /// Its `__package__`.
    package: String,
    /// Whether it imports by names that it computes.
    is_dynamic: bool,
    /// Whether its tables list what it imports when it is asked for it: names relative to its package.
    has_tables: bool,
}

/// What names a module: a string, or something that is done with one.
#[derive(Clone, Copy)]
struct Naming<'t> {
    rule: Rule,
    line: u32,
    /// As the source has it.
    text: &'t str,
}

/// Where a single word stands.
struct List {
    /// In a list, tuple, set or dictionary.
    is_any: bool,
    /// In one with a dotted name of a module.
    is_of_modules: bool,
}

/// How far a dotted name leads.
struct Lead {
    /// How many of its parts are modules.
    modules: usize,
    /// How many parts there are.
    parts: usize,
    origin: Origin,
    /// Whether the last of them may have modules below it.
    is_package: bool,
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

    /// `f"a.b.{x}"`: all modules whose names match.
    fn follow_template(&mut self, holder: &Holder, texts: &[String], made: Made, naming: Naming) {
        let is_imported = made == Made::Imported;
        // Between `a.b.` and the first part that is not known whole.
        let Some(first) = texts.first() else { return };
        let (package, rest) = first.rsplit_once('.').unwrap_or(("", first));
        let parts = package.split('.').filter(|part| !part.is_empty()).count();
        let is_meant = match holder.origin {
            Origin::Stdlib => false,
            _ if is_imported => parts > 0 || !rest.is_empty(),
            _ => parts > 1 || parts == 1 && holder.is_dynamic,
        };
        if !is_meant {
            return;
        }
        if parts > 0 {
            let Some(lead) = self.lead(package) else { return };
            let is_package = lead.modules == lead.parts && lead.is_package;
            if !is_package || !is_imported && !self.may_name(holder, package, lead.origin) {
                return;
            }
            if lead.origin == Origin::Stdlib && holder.origin != Origin::Own && !is_imported {
                return;
            }
            if !self.ensure(package) {
                return;
            }
        }
        let mut pattern = texts.to_vec();
        if let Some(first) = pattern.first_mut() {
            *first = rest.to_owned();
        }
        // `*` stands for what is not known; it is in no name.
        let pattern = pattern.join("*");
        let patterns: Vec<&str> = pattern.split('.').collect();
        self.follow_pattern(holder, package, &patterns, made, naming);
    }

    /// Follows the modules in a package, or at the top level, whose names match, part by part.
    fn follow_pattern(
        &mut self,
        holder: &Holder,
        package: &str,
        patterns: &[&str],
        made: Made,
        naming: Naming,
    ) {
        let Some((pattern, rest)) = patterns.split_first() else { return };
        let names = if package.is_empty() { self.top_level() } else { self.modules_below(package) };
        for last in names {
            if !matches(&last, pattern) || TESTS.contains(&last.as_str()) || last == TESTING {
                continue;
            }
            let name = if package.is_empty() { last } else { format!("{package}.{last}") };
            if !self.follow_named(holder, &name, naming) {
                continue;
            }
            if !rest.is_empty() {
                self.follow_pattern(holder, &name, rest, made, naming);
            } else if made == Made::Unfinished {
                // The program goes on with the name: `"django.conf.locale.%s"` gets `.formats` later.
                self.follow_below(holder, &name, naming);
            }
        }
    }

    /// All modules below a package, without its tests.
    fn follow_below(&mut self, holder: &Holder, package: &str, naming: Naming) {
        let naming = Naming { rule: Rule::Below, text: package, ..naming };
        let mut packages = vec![package.to_owned()];
        while let Some(package) = packages.pop() {
            for last in self.modules_below(&package) {
                let name = format!("{package}.{last}");
                // What a package runs as a program, and its tests in a package of their own.
                let is_of_tests = last == TESTING || last == "test" && self.is_package_below(&package, &last);
                let is_apart = last == "__main__" || is_of_tests;
                if !is_apart && !TESTS.contains(&last.as_str()) && self.follow_named(holder, &name, naming) {
                    packages.push(name);
                }
            }
        }
    }

    /// The names of all modules below a package, without its tests.
    pub(super) fn modules_but_tests(&mut self, package: &str) -> Vec<String> {
        let (mut found, mut packages) = (Vec::new(), vec![package.to_owned()]);
        while let Some(package) = packages.pop() {
            for last in self.modules_below(&package) {
                let name = format!("{package}.{last}");
                if !TESTS.contains(&last.as_str()) && self.ensure(&name) {
                    packages.push(name.clone());
                    found.push(name);
                }
            }
        }
        found
    }

    fn follow_named(&mut self, holder: &Holder, name: &str, naming: Naming) -> bool {
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

    fn modules_below(&self, package: &str) -> Vec<String> {
        let directories = self.graph.modules.get(package).map(|module| module.directories.as_slice());
        let listed = directories.unwrap_or_default().iter();
        listed.flat_map(|directory| self.resolver.modules_in(directory)).collect()
    }

    fn is_package_below(&self, package: &str, last: &str) -> bool {
        let directories = self.graph.modules.get(package).map(|module| module.directories.as_slice());
        let resolved = self.resolver.find(last, directories.unwrap_or_default());
        resolved.is_some_and(|resolved| resolved.package.is_some())
    }

    /// Names of the modules beside the program and of installed ones.
    fn top_level(&self) -> Vec<String> {
        let others = self.path.iter().filter(|directory| !self.stdlib.contains(directory));
        others.flat_map(|directory| self.resolver.modules_in(directory)).collect()
    }

    /// Whether a string in the holder may be the name of a module of this origin.
    fn may_name(&mut self, holder: &Holder, name: &str, origin: Origin) -> bool {
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
    fn lead(&self, name: &str) -> Option<Lead> {
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

/// Whether a name matches a pattern in which `*` stands for at least one character.
fn matches(name: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return name == pattern };
    let (between, last) = rest.rsplit_once('*').map_or((None, rest), |(between, last)| (Some(between), last));
    let Some(mut name) = name.strip_prefix(first) else { return false };
    // The leftmost place of each text leaves most to those after it.
    for text in between.into_iter().flat_map(|between| between.split('*')) {
        let Some((hole, _)) = name.char_indices().nth(1) else { return false };
        let Some(at) = name[hole..].find(text) else { return false };
        name = &name[hole + at + text.len()..];
    }
    name.strip_suffix(last).is_some_and(|hole| !hole.is_empty())
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
