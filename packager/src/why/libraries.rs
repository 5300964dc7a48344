//! Which module or library needs a library directly.
//!
//! The plan has of each file all that must be loaded before it. What it needs itself follows from that: what it does not
//! get by way of something else that it needs.

use std::collections::{BTreeMap, HashMap};

use super::{ReasonParts, ReasonedLibrary};
use crate::collect::files::FileContent;
use crate::plan::{PlannedContent, PlannedLibrary};

/// The libraries of a program, with who needs them. `numbers` are those of modules.
pub fn libraries(parts: &ReasonParts, numbers: &HashMap<&str, usize>) -> Vec<ReasonedLibrary> {
    let files = parts.files.iter().filter_map(|file| match file.content {
        FileContent::Library(number) => Some((number, file.path.to_string())),
        _ => None,
    });
    // The place in the tree that is sorted first, of a library that is in several.
    let mut places: BTreeMap<usize, String> = BTreeMap::new();
    for (number, path) in files {
        places.entry(number).or_insert(path);
    }
    let all = parts.libraries;
    let mut libraries: Vec<ReasonedLibrary> = all
        .iter()
        .enumerate()
        .map(|(number, library)| ReasonedLibrary {
            name: library.name.clone(),
            file: places.get(&number).cloned().unwrap_or_default(),
            needs: direct(Some(number), &library.needs, all),
            users: Vec::new(),
        })
        .collect();
    for module in parts.modules {
        let PlannedContent::Extension { needs, .. } = &module.content else { continue };
        let Some(user) = numbers.get(module.name.as_str()) else { continue };
        for number in direct(None, needs, all) {
            if let Some(library) = libraries.get_mut(number) {
                library.users.push(*user);
            }
        }
    }
    for library in &mut libraries {
        library.users.sort_unstable();
    }
    libraries
}

/// Of all that must be loaded before something, what nothing else among it needs. Of libraries that need each other
/// the first stays; what such a library needs is said of each of them. `owner` is the library whose needs they are.
fn direct(owner: Option<usize>, needs: &[usize], all: &[PlannedLibrary]) -> Vec<usize> {
    let has = |user: usize, needed: usize| all.get(user).is_some_and(|user| user.needs.contains(&needed));
    let is_behind = |needed: usize, other: usize| {
        other != needed
            && has(other, needed)
            && (!has(needed, other) || other < needed)
            && owner.is_none_or(|owner| !has(other, owner))
    };
    let stays = |needed: &usize| !needs.iter().any(|other| is_behind(*needed, *other));
    needs.iter().copied().filter(stays).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(needs: &[usize]) -> PlannedLibrary {
        PlannedLibrary {
            name: String::new(),
            path: "".into(),
            needs: needs.to_vec(),
            is_data: false,
            is_fused: false,
        }
    }

    #[test]
    fn what_comes_by_way_of_another_library_is_not_needed_directly() {
        // 0 needs 1, 1 needs 2; 3 and 4 need each other.
        let all = [library(&[1, 2]), library(&[2]), library(&[]), library(&[4]), library(&[3])];
        assert_eq!(direct(None, &[2, 1, 0], &all), [0]);
        assert_eq!(direct(Some(0), &[2, 1], &all), [1]);
        assert_eq!(direct(None, &[4, 3, 2], &all), [3, 2]);
        // 0 and 1 need each other, and one of them 2.
        let all = [library(&[1, 2]), library(&[0, 2]), library(&[])];
        assert_eq!(direct(None, &[0, 1, 2], &all), [0]);
        assert_eq!(direct(Some(0), &[1, 2], &all), [1, 2]);
    }
}
