//! A file of the tree that a frozen program sees below its root.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A path below the root, `/` between its parts: bytes, as the file system has them. Empty for the root itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Vec<u8>);

/// Mode of a file that anybody may read.
pub const READABLE: u16 = 0o644;

/// Mode of a directory, a program, a shared object.
pub const EXECUTABLE: u16 = 0o755;
/// Mode of a symbolic link (`symlink(7)`).
pub const OF_LINKS: u16 = 0o777;

/// A file, directory or symbolic link of the tree.
#[derive(Debug, Clone, Serialize)]
pub struct TreeFile {
    /// Where it is.
    pub path: TreePath,
    /// What it is made of.
    pub content: FileContent,
    /// Permission bits.
    pub mode: u16,
    /// Time of the last change, whole seconds since 1970; 0 stands for that of the executable.
    pub mtime: i64,
    /// Whether it is put on the real disk before it is used.
    pub materialize: bool,
    /// Why it is there.
    pub reason: Reason,
}

/// What a file is made of.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileContent {
    /// A file of the build machine.
    Disk {
        /// The file.
        path: PathBuf,
        /// Its size in bytes when it was found.
        length: u64,
    },
    /// Bytes made or read by the build.
    Bytes(#[serde(skip)] Arc<[u8]>),
    /// The `.pyc` image of a module.
    Code(String),
    /// The file of an extension module.
    Extension(String),
    /// A library, by its place in the list of libraries.
    Library(usize),
    /// A symbolic link to this path.
    Link(TreePath),
    /// A directory.
    Directory,
}

/// Why a file is in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It is a module, or a library that one needs.
    Module,
    /// It lies in a package.
    Package,
    /// It describes a distribution.
    Distribution,
    /// An option names it.
    Option,
    /// A traced run has opened it.
    Trace,
    /// A hook names it.
    Hook,
}

impl TreePath {
    /// A path from its bytes. Empty parts are left out.
    pub fn new(bytes: &[u8]) -> Self {
        let parts = bytes.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        Self(parts.collect::<Vec<_>>().join(&b'/'))
    }

    /// The path as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path of an entry of this directory.
    pub fn join(&self, name: &[u8]) -> Self {
        let mut path = self.0.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend(name);
        Self(path)
    }

    /// The directory that it is in; of an entry of the root, and of the root itself, the root.
    pub fn parent(&self) -> Self {
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Self(self.0[..end].to_vec())
    }

    /// The last part.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// Whether it is `directory` or below it.
    pub fn is_below(&self, directory: &Self) -> bool {
        match self.0.strip_prefix(directory.as_bytes()) {
            Some(rest) => directory.0.is_empty() || rest.is_empty() || rest[0] == b'/',
            None => false,
        }
    }

    /// The directories above it, the nearest first, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.0.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        ends.map(|(end, _)| &self.0[..end])
    }
}

impl From<&str> for TreePath {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl std::fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_parents_names_and_ancestors() {
        let path = TreePath::from("a//b/c");
        assert_eq!(path.as_bytes(), b"a/b/c");
        assert_eq!(path.parent(), TreePath::from("a/b"));
        assert_eq!(TreePath::from("a").parent(), TreePath::default());
        assert_eq!(path.name(), b"c");
        assert_eq!(path.ancestors().collect::<Vec<_>>(), [b"a/b".as_slice(), b"a"]);
        assert_eq!(TreePath::default().join(b"x").join(b"y"), TreePath::from("x/y"));
    }

    #[test]
    fn below_means_whole_parts() {
        let directory = TreePath::from("a/b");
        assert!(TreePath::from("a/b").is_below(&directory));
        assert!(TreePath::from("a/b/c").is_below(&directory));
        assert!(!TreePath::from("a/bc").is_below(&directory));
        assert!(TreePath::from("a").is_below(&TreePath::default()));
    }
}
