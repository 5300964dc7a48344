//! Ways through the tree that the archive does not have: from a node up to the root.

use core::ops::Range;
use std::ffi::CString;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::path_buffer::PathBuffer;
use super::system::Result;
use super::{Mount, working_directory};
use crate::archive::{Node, NodeContent};

/// Number of the root.
pub const ROOT: u32 = 0;

/// The directory of each node, by number; made when first needed.
#[derive(Default)]
pub struct Parents(AtomicPtr<Vec<u32>>);

impl Mount {
    /// The node with this number.
    pub fn node(&self, number: u32) -> Result<Node<'static>> {
        Ok(self.archive.node(number)?)
    }

    /// The directory that a node is in; the root's is itself.
    pub fn parent(&self, number: u32) -> u32 {
        // SAFETY: null, or a table that was leaked by `make_parents`.
        let table = unsafe { self.parents.0.load(Ordering::Acquire).as_ref() };
        match table {
            Some(table) => table.get(number as usize).copied().unwrap_or(ROOT),
            None if working_directory::owns_memory() => {
                self.make_parents().get(number as usize).copied().unwrap_or(ROOT)
            }
            // Between vfork and exec nothing may be allocated.
            None => self
                .directories()
                .find(|(_, children)| children.contains(&number))
                .map_or(ROOT, |found| found.0),
        }
    }

    /// All directories, with the numbers of their children.
    fn directories(&self) -> impl Iterator<Item = (u32, Range<u32>)> {
        (0..self.archive.node_count() as u32).filter_map(|number| {
            match self.archive.node(number).ok()?.content {
                NodeContent::Directory(children) => Some((number, children)),
                _ => None,
            }
        })
    }

    /// Without a lock, which a fork could leave locked: threads that come first at once all make the table.
    fn make_parents(&self) -> &[u32] {
        let mut parents = vec![ROOT; self.archive.node_count()];
        for (number, children) in self.directories() {
            if let Some(places) = parents.get_mut(children.start as usize..children.end as usize) {
                places.fill(number);
            }
        }
        let made = Box::into_raw(Box::new(parents));
        let null = core::ptr::null_mut();
        match self.parents.0.compare_exchange(null, made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: the table is published now and never freed.
            Ok(_) => unsafe { &*made },
            Err(first) => {
                // SAFETY: nobody else has seen `made`; `first` was published by another thread and is never freed.
                unsafe {
                    drop(Box::from_raw(made));
                    &*first
                }
            }
        }
    }

    /// Appends the absolute path of a node.
    pub fn push_path(&self, number: u32, path: &mut PathBuffer) -> Result<()> {
        if number == ROOT {
            return path.push(&self.root);
        }
        self.push_path(self.parent(number), path)?;
        path.push(b"/")?;
        path.push(self.node(number)?.name)
    }

    /// Path of the executable: the root's without its last part.
    pub fn executable_path(&self) -> &[u8] {
        let end = self.root.len().saturating_sub(super::ROOT_NAME.len() + 1);
        self.root.get(..end).unwrap_or_default()
    }
}

/// The absolute path of a file of the tree, from its path relative to the root; none for an empty one, or where no tree
/// is mounted.
pub fn path_in_tree(file: &str) -> Option<CString> {
    let root = &super::mounted()?.root;
    if file.is_empty() || root.is_empty() {
        return None;
    }
    CString::new([root.as_slice(), b"/", file.as_bytes()].concat()).ok()
}
