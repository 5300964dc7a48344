//! Modules whose names are not known whole: those that match a pattern, and those below a package.
//!
//! `f"a.b.{x}"` brings all modules of `a.b`, `"a.b.%s_plugin"` those whose names end so. Tests are never meant, nor what a
//! package offers for the tests of others.

use super::build::Builder;
use super::imports::Made;
use super::named::{Holder, Naming, TESTS};
use super::{Origin, Rule};

/// What packages offer for the tests of others: nobody computes this name.
const TESTING: &str = "testing";

impl Builder<'_> {
    /// `f"a.b.{x}"`: all modules whose names match.
    pub(super) fn follow_template(&mut self, holder: &Holder, texts: &[String], made: Made, naming: Naming) {
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
    pub(super) fn follow_below(&mut self, holder: &Holder, package: &str, naming: Naming) {
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
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_names_with_something_in_each_hole() {
        assert!(matches("region_x", "region_*") && matches("aXbYc", "a*b*c") && matches("a", "a"));
        assert!(
            matches("abab", "*b*b")
                && matches("xaaya", "*a*a")
                && !matches("ab", "a*b")
                && !matches("axb", "a*x*b")
        );
        assert!(!matches("region_", "region_*") && !matches("xa", "a") && !matches("abc", "a*b"));
    }
}
