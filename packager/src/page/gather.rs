//! From what is in a program to the data of its page.
//!
//! In: the inventory ([`Contents`]), the reasons, and a way to read texts of licences. Out: [`Page`]. [`graph`] does the
//! modules and what leads to them, [`sizes`] what has a size and whose it is.

mod date;
mod facts;
mod graph;
mod sizes;

use std::collections::BTreeMap;

use super::data::{LicenceFile, Page};
use crate::inspect::Contents;
use crate::why::Reasons;

/// Texts of licences are shown up to this length, in bytes: the longest known ones have some 150 KB.
pub const LONGEST_TEXT: u64 = 1 << 18;

/// All texts together are not longer, in bytes.
const LONGEST_TEXTS: usize = 8 << 20;

/// The page of a program. `read` reads a file of its tree, `made` is when the page says that it was made, in seconds since
/// 1970.
pub fn gather(
    contents: &Contents,
    reasons: &Reasons,
    read: &dyn Fn(&str) -> Option<Vec<u8>>,
    made: Option<&str>,
) -> Page {
    let mut page = Page {
        title: contents.program.name.clone(),
        made: made.and_then(|seconds| date::date(seconds.parse().ok()?)),
        size: if contents.program.is_built { contents.sizes.total } else { contents.sizes.unpacked },
        has_stored: contents.program.is_built,
        facts: facts::facts(contents),
        glibc: facts::glibc(contents),
        warnings: contents.warnings.clone(),
        ..Page::default()
    };
    sizes::sizes(contents, &mut page);
    graph::graph(contents, reasons, &mut page);
    licences(contents, read, &mut page);
    page
}

/// The texts of the distributions' licences, each once.
fn licences(contents: &Contents, read: &dyn Fn(&str) -> Option<Vec<u8>>, page: &mut Page) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut length = 0;
    // The installed distributions are the page's first ones, in the order of the inventory.
    for (distribution, shown) in contents.distributions.iter().zip(&mut page.distributions) {
        for path in &distribution.licence.files {
            let Some(bytes) = read(path) else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            length += text.len();
            if length > LONGEST_TEXTS {
                return;
            }
            let number = *known.entry(text).or_insert_with_key(|text| {
                page.texts.push(text.clone());
                page.texts.len() - 1
            });
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            shown.files.push(LicenceFile { name, text: number });
        }
    }
}
