//! The virtual file system: the archive's tree of files as a read-only directory below the executable's own path.
//!
//! The stub exports libc's functions that take paths, descriptors of files and directory streams; each is a few lines
//! that call one function of this module. [`resolve`] says what a path means: nearly always, after one comparison with
//! the root's path, that the kernel is to be asked. [`descriptor`] opens files, [`status`] describes them,
//! [`directory`] lists directories, [`modify`] refuses changes as a read-only file system does, and so on.
//!
//! There is no table of open files that could go stale: a file's descriptor is a memory file of its own, which tells by
//! its times which node it shows ([`descriptor::identify`]). Nothing is locked, so fork needs no care; what is done
//! between vfork and exec does not allocate.

pub mod attributes;
mod certificates;
mod content;
pub mod descriptor;
pub mod directory;
pub mod execute;
pub mod library;
pub mod modify;
mod path_buffer;
pub mod paths;
pub mod resolve;
pub mod status;
pub mod streams;
pub mod system;
mod tree;
pub mod working_directory;

#[cfg(test)]
#[cfg(feature = "write")]
mod tests;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::MappedArchive;
use crate::archive::{Placement, Target};
use crate::os::dynamic;
use crate::os::running_file::FileIdentity;
use certificates::Certificates;
use content::BlockCache;
use tree::Parents;
pub use tree::path_in_tree;

/// Name of the directory, below the executable's own path, that the archive appears as.
pub const ROOT_NAME: &str = "_internal";

/// The file system of this process.
pub struct Mount {
    archive: MappedArchive,
    /// Path of the root, in bytes; empty where the tree is on the real disk.
    root: Vec<u8>,
    /// The running file.
    executable: FileIdentity,
    /// Device number of memory files.
    memory_device: u64,
    blocks: BlockCache,
    parents: Parents,
    certificates: Certificates,
}

/// The mount, once there is one. It lives as long as the process.
static MOUNT: AtomicPtr<Mount> = AtomicPtr::new(core::ptr::null_mut());

/// The mount, once there is one.
#[inline]
fn mounted() -> Option<&'static Mount> {
    // SAFETY: null, or what `mount` leaked.
    unsafe { MOUNT.load(Ordering::Acquire).as_ref() }
}

/// Makes the archive's files appear below the path of `executable`. Before this is called, everything is real.
pub fn mount(archive: MappedArchive, target: &Target<'static>, executable: &Path, identity: FileIdentity) {
    let mut root = Vec::new();
    if target.placement == Placement::Archive && archive.node_count() > 0 {
        root.extend(executable.as_os_str().as_bytes());
        root.push(b'/');
        root.extend(ROOT_NAME.as_bytes());
    }
    working_directory::watch_forks();
    dynamic::guard_forks();
    let mount = Mount {
        archive,
        root,
        executable: identity,
        memory_device: descriptor::memory_device(),
        blocks: BlockCache::default(),
        parents: Parents::default(),
        certificates: Certificates::of(target),
    };
    MOUNT.store(Box::into_raw(Box::new(mount)), Ordering::Release);
}
