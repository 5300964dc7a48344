//! The closure of what is required: which distributions the program may count on.
//!
//! It starts from what the project declares, the options name and the program's own code uses, and grows by what each
//! of them requires on the target, with the extras that are asked for. It never shrinks, so it does not matter in which
//! order things are found.

use std::collections::{BTreeMap, BTreeSet};

use super::distributions::{Distributions, Owners};
use super::requirements::{Environment, Requirement};

/// Distributions that are required, by number, with their extras.
#[derive(Debug, Default)]
pub struct Closure {
    wanted: BTreeMap<usize, BTreeSet<String>>,
}

impl Closure {
    /// Whether one of these is required.
    pub fn holds(&self, owners: &Owners) -> bool {
        owners.iter().any(|number| self.wanted.contains_key(number))
    }

    /// Adds a distribution without extras, and what it requires.
    pub fn add(&mut self, number: usize, all: &Distributions, environment: &Environment) {
        if !self.wanted.contains_key(&number) {
            self.extend(vec![(number, Vec::new())], all, environment);
        }
    }

    /// Adds a requirement, if it is installed and its marker holds.
    pub fn require(&mut self, requirement: &Requirement, all: &Distributions, environment: &Environment) {
        if let Some(number) = all.find(&requirement.name).filter(|_| requirement.holds(environment, &[])) {
            self.extend(vec![(number, requirement.extras.clone())], all, environment);
        }
    }

    fn extend(
        &mut self,
        mut queue: Vec<(usize, Vec<String>)>,
        all: &Distributions,
        environment: &Environment,
    ) {
        while let Some((number, extras)) = queue.pop() {
            let is_new = !self.wanted.contains_key(&number);
            let known = self.wanted.entry(number).or_default();
            let before = known.len();
            known.extend(extras);
            if !is_new && known.len() == before {
                continue;
            }
            let extras: Vec<&str> = known.iter().map(String::as_str).collect();
            let requires = all.get(number).map(|distribution| distribution.requires.as_slice());
            let holding = requires.unwrap_or_default().iter();
            let holding = holding.filter(|requirement| requirement.holds(environment, &extras));
            queue.extend(holding.filter_map(|next| Some((all.find(&next.name)?, next.extras.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::build::tests::tree;

    #[test]
    fn grows_by_what_is_required_with_the_extras_that_are_asked_for() {
        let metadata = [
            (
                "a",
                "Requires-Dist: b[x]\nRequires-Dist: c; extra == 'all'\nRequires-Dist: w; sys_platform == 'win32'\n",
            ),
            ("b", "Requires-Dist: d; extra == 'x'\nRequires-Dist: e; extra == 'y'\nRequires-Dist: a\n"),
            ("c", "Requires-Dist: a[more]\n"),
            ("d", ""),
            ("e", ""),
            ("f", ""),
            ("w", ""),
        ];
        let files = metadata.map(|(name, requires)| {
            (format!("{name}-1.dist-info/METADATA"), format!("Name: {name}\n{requires}"))
        });
        let files: Vec<_> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        let folder = tree(&files);
        let environment = Environment::for_tests();
        let all = Distributions::read(&[folder.path().to_owned()], &environment);
        let closure = |requirement: &str| {
            let mut closure = Closure::default();
            closure.require(&Requirement::parse(requirement).unwrap(), &all, &environment);
            let is_in = |name: &&str| closure.holds(&Owners::from([all.find(name).unwrap()]));
            ["a", "b", "c", "d", "e", "f", "w"].into_iter().filter(is_in).collect::<String>()
        };
        assert_eq!(closure("a"), "abd");
        assert_eq!(closure("A[All]"), "abcd");
        assert_eq!(closure("b[y]"), "abde");
        assert_eq!(closure("d; python_version < '3'"), "");
        assert_eq!(closure("not-installed"), "");
    }
}
