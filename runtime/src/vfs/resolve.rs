//! What a path means: something in the tree, or something real.
//!
//! The rules are path_resolution(7)'s. A path below the root's is walked through the tree. Of any other path the kernel
//! is asked first; it says ENOTDIR for one that leads through the executable, which is a regular file, and only then
//! the path is followed here, component by component, to see whether it comes by the executable: that finds relative
//! paths, symbolic links, and the executable under another name. `..` leads from the root to the executable, and from
//! there on to its directory, which is real.

use core::ffi::c_int;

use super::path_buffer::PathBuffer;
use super::system::{self, Errno, Outcome, PathArgument, Result, errno, set_errno, to_c};
use super::tree::ROOT;
use super::{Mount, ROOT_NAME, certificates, descriptor, mounted, working_directory};
use crate::archive::{Node, NodeContent};

/// Most symbolic links that one path may lead through (`MAXSYMLINKS` of the kernel).
const MOST_LINKS: u32 = 40;

/// Longest name of a file (`NAME_MAX`).
pub const LONGEST_NAME: usize = 255;

/// How a function means its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Whether a symbolic link at the end of the path is followed.
    pub follows: bool,
    /// Whether the function reads: then the system's certificates stand in for missing ones.
    pub reads: bool,
    /// Whether the function is about the name at the path's end, even one with `/` behind it: then that is not followed
    /// and need not be a directory's.
    pub names: bool,
}

/// A function that reads what is at the path.
pub const READS: Manner = Manner { follows: true, reads: true, names: false };
/// A function that reads what is at the path, or the symbolic link that is there.
pub const READS_LINK: Manner = Manner { follows: false, reads: true, names: false };
/// A function that changes what is at the path.
pub const CHANGES: Manner = Manner { follows: true, reads: false, names: false };
/// A function that changes what is at the path, or the symbolic link that is there.
pub const CHANGES_LINK: Manner = Manner { follows: false, reads: false, names: false };
/// A function that changes a directory: the name at the path's end appears, goes or moves.
pub const CHANGES_NAME: Manner = Manner { follows: false, reads: false, names: true };

/// Where a path leads in the tree.
#[derive(Debug)]
pub struct Found {
    /// What is there; none when only the last name is missing in a directory that exists.
    pub node: Option<Node<'static>>,
    /// Whether the path ended with `/`. A node is a directory then.
    pub slash: bool,
    /// Whether the last name was `.`.
    pub dot: bool,
    /// Whether the last name was `..`.
    pub dot_dot: bool,
    /// Whether the last name is longer than names may be. To some changes of a directory that makes no difference.
    pub too_long: bool,
}

impl Found {
    /// What is there.
    ///
    /// # Errors
    /// ENOENT, ENAMETOOLONG.
    pub fn present(self) -> Result<Node<'static>> {
        let absence = self.absence();
        self.node.ok_or(absence)
    }

    /// Why there is nothing, if so.
    pub fn absence(&self) -> Errno {
        Errno(if self.too_long { libc::ENAMETOOLONG } else { libc::ENOENT })
    }
}

/// What a path means.
#[derive(Debug)]
pub enum Place {
    /// Something in the tree.
    Inside(Found),
    /// Something real: under the path as it is or, with `true`, under the one that the resolver has.
    Outside(bool),
}

/// Calls `real`, or `inside` when the path leads into the tree: the way of every function that takes a path.
#[inline]
pub fn through<R: Outcome>(
    directory: c_int,
    path: PathArgument,
    manner: Manner,
    real: impl Fn(c_int, PathArgument) -> R,
    inside: impl FnOnce(&'static Mount, Found) -> Result<R>,
) -> R {
    let Some(mount) = mounted() else { return real(directory, path) };
    if !begins_inside(mount, directory, path) {
        let result = real(directory, path);
        if !result.is_failure() {
            return result;
        }
        match errno() {
            libc::ENOTDIR => {}
            libc::ENOENT if manner.reads => return missing(mount, path, manner, real, inside, result),
            _ => return result,
        }
    }
    beyond(mount, directory, path, manner, real, inside)
}

/// The rest of [`through`] for a path that does not exist, by a function that reads.
#[cold]
fn missing<R: Outcome>(
    mount: &'static Mount,
    path: PathArgument,
    manner: Manner,
    real: impl Fn(c_int, PathArgument) -> R,
    inside: impl FnOnce(&'static Mount, Found) -> Result<R>,
    result: R,
) -> R {
    let mut shown = PathBuffer::new();
    match as_shown(mount, path, &mut shown) {
        true => beyond(mount, libc::AT_FDCWD, shown.argument(), manner, real, inside),
        false => certificates::instead(mount, path, real, result),
    }
}

/// How `/proc/self/maps` shows what is in a memory file: behind this, and with [`DELETED`] at its end.
const IN_MEMORY: &[u8] = b"/memfd:";
const DELETED: &[u8] = b" (deleted)";

/// Whether `path` is one of the tree as `/proc/self/maps` shows it, where some look for the libraries that are loaded;
/// then `tree_path` becomes the path in the tree.
pub fn as_shown(mount: &Mount, path: PathArgument, tree_path: &mut PathBuffer) -> bool {
    let Some(rest) = path.below(IN_MEMORY) else { return false };
    let rest = rest.strip_suffix(DELETED).unwrap_or(rest);
    !mount.root.is_empty() && rest.starts_with(&mount.root) && tree_path.push(rest).is_ok()
}

/// The rest of [`through`], for paths that need to be resolved.
#[cold]
fn beyond<R: Outcome>(
    mount: &'static Mount,
    directory: c_int,
    path: PathArgument,
    manner: Manner,
    real: impl Fn(c_int, PathArgument) -> R,
    inside: impl FnOnce(&'static Mount, Found) -> Result<R>,
) -> R {
    let mut resolver = Resolver::new(mount);
    match resolver.resolve(directory, path, manner) {
        Ok(Place::Inside(found)) => to_c(inside(mount, found)),
        Ok(Place::Outside(true)) => real(libc::AT_FDCWD, resolver.real_path()),
        Ok(Place::Outside(false)) => {
            set_errno(libc::ENOTDIR);
            R::FAILURE
        }
        Err(error) => to_c(Err(error)),
    }
}

/// Whether a path is in the tree for sure: below the root's path, or relative to a working directory in the tree.
#[inline]
pub fn begins_inside(mount: &Mount, directory: c_int, path: PathArgument) -> bool {
    path.below(&mount.root).is_some()
        || (directory == libc::AT_FDCWD && path.is_relative() && working_directory::node().is_some())
}

/// Follows one path.
pub struct Resolver {
    mount: &'static Mount,
    links: u32,
    manner: Manner,
    /// Where the path has led among the real files: absolute, without links; empty for `/`.
    real: PathBuffer,
    /// Whether the path has been in the tree: then it is not the kernel's any more.
    entered: bool,
}

/// The first component of a path that does not begin with `/`, and what follows it, with its `/`.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
    path.split_at(end)
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    path.get(start..).unwrap_or_default()
}

impl Resolver {
    /// A resolver for one path.
    pub fn new(mount: &'static Mount) -> Self {
        Self { mount, links: 0, manner: READS, real: PathBuffer::new(), entered: false }
    }

    /// The real path to use instead, after [`Place::Outside`].
    pub fn real_path(&mut self) -> PathArgument<'_> {
        self.real.argument()
    }

    /// What `path` means, relative to the directory of a descriptor or (`AT_FDCWD`) the working directory.
    ///
    /// # Errors
    /// As path_resolution(7) has them.
    pub fn resolve(&mut self, directory: c_int, path: PathArgument, manner: Manner) -> Result<Place> {
        self.manner = manner;
        let bytes = path.bytes();
        if bytes.is_empty() {
            return Err(Errno(libc::ENOENT));
        }
        if bytes.len() >= libc::PATH_MAX as usize {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        if bytes.starts_with(b"/") {
            return self.absolute(bytes);
        }
        if directory == libc::AT_FDCWD {
            if let Some(node) = working_directory::node() {
                return self.walk(node, bytes);
            }
            self.real.fill(system::working_directory)?;
            return self.walk_real(bytes);
        }
        if let Some(node) = descriptor::identify_descriptor(self.mount, directory) {
            return self.walk(node.number, bytes);
        }
        self.below_descriptor(directory, bytes)
    }

    /// Follows `path` from a real directory. As with links, the paths that takes are not on the stack of calls that go
    /// without: threads of C libraries may have no more than 16 KiB.
    #[inline(never)]
    fn below_descriptor(&mut self, directory: c_int, path: &[u8]) -> Result<Place> {
        let mut link = descriptor::path_of(directory)?;
        self.real.fill(|buffer| system::read_link(link.argument(), buffer))?;
        if !self.real.bytes().starts_with(b"/") {
            return Ok(Place::Outside(false));
        }
        self.walk_real(path)
    }

    fn absolute(&mut self, path: &[u8]) -> Result<Place> {
        let root = &self.mount.root;
        match path.strip_prefix(root.as_slice()) {
            Some(rest) if !root.is_empty() && (rest.is_empty() || rest.starts_with(b"/")) => {
                self.walk(ROOT, rest)
            }
            _ => {
                self.real.truncate(0);
                self.walk_real(path)
            }
        }
    }

    /// Follows `path` from a node of the tree.
    fn walk(&mut self, start: u32, path: &[u8]) -> Result<Place> {
        self.entered = true;
        let mount = self.mount;
        let mut node = mount.node(start)?;
        let mut rest = path;
        let mut last: &[u8] = b"";
        loop {
            let slash = rest.starts_with(b"/");
            rest = without_slashes(rest);
            let is_directory = matches!(node.content, NodeContent::Directory(_));
            let may_be_file = rest.is_empty() && (!slash || self.manner.names);
            if !is_directory && !may_be_file {
                return Err(Errno(libc::ENOTDIR));
            }
            if rest.is_empty() {
                let (dot, dot_dot) = (last == b".", last == b"..");
                return Ok(Place::Inside(Found { node: Some(node), slash, dot, dot_dot, too_long: false }));
            }
            (last, rest) = split(rest);
            match last {
                b"." => continue,
                b".." if node.number == ROOT => return self.above(rest),
                b".." => {
                    node = mount.node(mount.parent(node.number))?;
                    continue;
                }
                _ => {}
            }
            let is_last = without_slashes(rest).is_empty();
            let too_long = last.len() > LONGEST_NAME;
            if too_long && !is_last {
                return Err(Errno(libc::ENAMETOOLONG));
            }
            let child = if too_long { None } else { mount.archive.find_child(&node, last)? };
            let Some(child) = child else {
                let slash = !rest.is_empty();
                let found = Found { node: None, slash, dot: false, dot_dot: false, too_long };
                return if is_last { Ok(Place::Inside(found)) } else { Err(Errno(libc::ENOENT)) };
            };
            match child.content {
                NodeContent::Symlink(target) if self.goes_on(rest) => {
                    return self.follow(target, rest, |resolver, path| resolver.walk(node.number, path));
                }
                _ => node = child,
            }
        }
    }

    /// Whether a symbolic link is followed that has `rest` behind it.
    fn goes_on(&self, rest: &[u8]) -> bool {
        match rest {
            [] => self.manner.follows,
            _ => !self.manner.names || !without_slashes(rest).is_empty(),
        }
    }

    /// Goes on where a symbolic link points to: from the root of all, or in the link's directory with `relative`.
    #[inline(never)]
    fn follow(
        &mut self,
        target: &[u8],
        rest: &[u8],
        relative: impl FnOnce(&mut Self, &[u8]) -> Result<Place>,
    ) -> Result<Place> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno(libc::ELOOP));
        }
        if target.is_empty() {
            return Err(Errno(libc::ENOENT));
        }
        let mut path = PathBuffer::new();
        path.push(target)?;
        path.push(rest)?;
        if target.starts_with(b"/") { self.absolute(path.bytes()) } else { relative(self, path.bytes()) }
    }

    /// Follows `path` from the executable, as `..` of the root.
    fn above(&mut self, path: &[u8]) -> Result<Place> {
        self.real.truncate(0);
        self.real.push(self.mount.executable_path())?;
        let (name, rest) = split(without_slashes(path));
        if path.is_empty() {
            return Ok(Place::Outside(true));
        }
        match name {
            b".." => {
                self.real.pop();
                self.walk_real(rest)
            }
            name if name == ROOT_NAME.as_bytes() => self.walk(ROOT, rest),
            _ => Err(Errno(libc::ENOTDIR)),
        }
    }

    /// Follows `path` from the real directory `self.real`. What goes wrong is left to the kernel to find again.
    fn walk_real(&mut self, path: &[u8]) -> Result<Place> {
        let mut rest = path;
        loop {
            rest = without_slashes(rest);
            if rest.is_empty() {
                break;
            }
            let name;
            (name, rest) = split(rest);
            match name {
                b"." => continue,
                b".." => {
                    self.real.pop();
                    continue;
                }
                _ => {}
            }
            self.real.push(b"/")?;
            self.real.push(name)?;
            let Ok(status) = system::link_status(self.real.argument()) else { break };
            match status.st_mode & libc::S_IFMT {
                libc::S_IFDIR => {}
                libc::S_IFLNK if self.goes_on(rest) => return self.follow_real(rest),
                libc::S_IFREG if !self.mount.root.is_empty() && self.mount.executable.is(&status) => {
                    let (name, after) = split(without_slashes(rest));
                    if name == ROOT_NAME.as_bytes() {
                        return self.walk(ROOT, after);
                    }
                    break;
                }
                _ => break,
            }
        }
        self.real.push(rest)?;
        if self.real.bytes().is_empty() || path.ends_with(b"/") {
            self.real.push(b"/")?;
        }
        Ok(Place::Outside(self.entered))
    }

    /// Goes on where the real symbolic link `self.real` points to.
    #[inline(never)]
    fn follow_real(&mut self, rest: &[u8]) -> Result<Place> {
        // `/dev/fd/N` of a directory of the tree; what the link says is no path.
        if let Some(node) = descriptor::identify_path(self.mount, self.real.argument()) {
            return self.walk(node.number, rest);
        }
        let mut target = PathBuffer::new();
        target.fill(|buffer| system::read_link(self.real.argument(), buffer))?;
        self.real.pop();
        self.follow(target.bytes(), rest, Self::walk_real)
    }
}
