//! The tree of files, as it is being written.

use std::collections::BTreeMap;

use super::layout::{self, Extent, NODE_LEADS_TO_MATERIALIZED, NODE_MATERIALIZE, NodeKind};
use super::writer::{Strings, WriteError, extent_bytes};

/// A file, directory or symbolic link to be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecord {
    /// Path relative to the root, `/` between parts, no part empty, `.` or `..`. Empty for the root itself.
    pub path: Vec<u8>,
    /// Permission bits.
    pub mode: u16,
    /// Time of the last change, seconds since 1970; 0 stands for that of the executable.
    pub mtime: i64,
    /// Whether it is to be put on the real disk before it is used.
    pub materialize: bool,
    /// What it is.
    pub content: NodeRecordContent,
}

/// What a [`NodeRecord`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeRecordContent {
    /// A directory.
    Directory,
    /// A file with these bytes.
    File(Extent),
    /// A symbolic link to this path.
    Symlink(Vec<u8>),
}

/// Permission bits of a directory that nobody described.
const DIRECTORY_MODE: u16 = 0o755;

/// A node under construction.
#[derive(Debug)]
struct Building {
    mode: u16,
    mtime: i64,
    materialize: bool,
    leads_to_materialized: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Directory(BTreeMap<Vec<u8>, Building>),
    File(Extent),
    Symlink(Vec<u8>),
}

impl Default for Building {
    fn default() -> Self {
        let content = Content::Directory(BTreeMap::new());
        Self { mode: DIRECTORY_MODE, mtime: 0, materialize: false, leads_to_materialized: false, content }
    }
}

impl Building {
    fn flags(&self) -> u8 {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        flag(self.materialize, NODE_MATERIALIZE)
            | flag(self.leads_to_materialized, NODE_LEADS_TO_MATERIALIZED)
    }
}

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Tree(Building);

impl Tree {
    pub(super) fn add(&mut self, record: NodeRecord) -> Result<(), WriteError> {
        let taken = || WriteError::DuplicateNode(String::from_utf8_lossy(&record.path).into_owned());
        let mut at = &mut self.0;
        let parts = record.path.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        let mut is_new = false;
        for part in parts {
            let Content::Directory(children) = &mut at.content else { return Err(taken()) };
            at.leads_to_materialized |= record.materialize;
            is_new = !children.contains_key(part);
            at = children.entry(part.to_vec()).or_default();
        }
        match (record.content, &at.content) {
            (NodeRecordContent::Directory, Content::Directory(_)) => {}
            (NodeRecordContent::File(extent), _) if is_new => at.content = Content::File(extent),
            (NodeRecordContent::Symlink(target), _) if is_new => at.content = Content::Symlink(target),
            _ => return Err(taken()),
        }
        (at.mode, at.mtime, at.materialize) = (record.mode, record.mtime, record.materialize);
        Ok(())
    }

    /// The records, breadth first: so the children of a directory are next to each other.
    pub(super) fn records(&self, strings: &mut Strings) -> Result<Vec<u8>, WriteError> {
        let mut order: Vec<(&[u8], &Building)> = vec![(b"", &self.0)];
        let mut records = Vec::new();
        let mut at = 0;
        while let Some((name, node)) = order.get(at).copied() {
            at += 1;
            let (kind, content) = match &node.content {
                Content::Directory(children) => {
                    let place =
                        |number: usize| u32::try_from(number).map_err(|_| WriteError::TooMany("files"));
                    let (first, count) = (place(order.len())?, place(children.len())?);
                    order.extend(children.iter().map(|(name, child)| (name.as_slice(), child)));
                    place(order.len())?;
                    let mut content = [0; 16];
                    content[..4].copy_from_slice(&first.to_le_bytes());
                    content[4..8].copy_from_slice(&count.to_le_bytes());
                    (NodeKind::Directory, content)
                }
                Content::File(extent) => (NodeKind::File, extent_bytes(*extent)),
                Content::Symlink(target) => {
                    let mut content = [0; 16];
                    content[..8].copy_from_slice(&strings.place(target)?);
                    (NodeKind::Symlink, content)
                }
            };
            records.extend(strings.place(name)?);
            records.extend([kind as u8, node.flags()]);
            records.extend(node.mode.to_le_bytes());
            records.extend([0; 4]);
            records.extend(node.mtime.to_le_bytes());
            records.extend(content);
        }
        debug_assert_eq!(records.len(), order.len() * layout::node::LENGTH);
        Ok(records)
    }
}
