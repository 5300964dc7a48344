//! The dynamic linker: loading libraries out of the archive, and looking symbols up.
//!
//! A library is decompressed into a sealed memory file and loaded through `/proc/self/fd/N`; the libraries that
//! it needs are loaded before it, because glibc matches `DT_NEEDED` against the SONAME of what is there already.
//! The descriptor is closed right after. glibc remembers names, though, and takes a second library under a
//! known name for the first: so each load spells its path differently ([`descriptor_path`]).

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::decompress;
use super::memory_file::MemoryFile;
use crate::MappedArchive;
use crate::archive::{ArchiveError, Extent};
use crate::error::StartError;

/// A library that the dynamic linker has loaded. It stays loaded.
#[derive(Debug, Clone, Copy)]
pub struct Library(NonNull<c_void>);

impl Library {
    /// The program itself and all that was loaded globally: `dlopen(NULL)`.
    pub fn program() -> Option<Self> {
        // SAFETY: a null name asks for the main program.
        NonNull::new(unsafe { libc::dlopen(core::ptr::null(), libc::RTLD_NOW) }).map(Self)
    }

    /// The address of a symbol.
    pub fn symbol(self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: the handle is of a loaded library, the name a live string.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

/// The libraries and extensions of the archive that are loaded so far, under the path that each was loaded by.
///
/// Keyed by content: what is needed twice, or is both an extension and a dependency, is loaded once.
static LOADED: Mutex<Loaded> = Mutex::new(Loaded { paths: BTreeMap::new(), attempts: 0 });

struct Loaded {
    /// Path by the block and offset where the content starts.
    paths: BTreeMap<(u32, u32), CString>,
    /// Paths given out so far, successful or not.
    attempts: usize,
}

/// Loads a library of the archive and before it what it needs.
pub fn load_library(archive: MappedArchive, number: u32, flags: c_int) -> Result<Library, StartError> {
    let library = archive.library(number)?;
    load_all(archive, library.needs.iter())?;
    let path = load_content(archive, library.content, library.name, flags)?;
    open(&path, library.name, flags)
}

/// Loads libraries in the order given, which is dependencies first.
pub fn load_all(archive: MappedArchive, numbers: impl Iterator<Item = u32>) -> Result<(), StartError> {
    for number in numbers {
        let library = archive.library(number)?;
        load_content(archive, library.content, library.name, libc::RTLD_LAZY | libc::RTLD_LOCAL)?;
    }
    Ok(())
}

/// Loads a content that is not loaded yet. Returns the path that glibc knows it by: `dlopen` of that path gives
/// the library, though the descriptor behind it is closed again.
pub fn load_content(
    archive: MappedArchive,
    content: Extent,
    name: &str,
    flags: c_int,
) -> Result<CString, StartError> {
    let _turn = Turn::wait();
    let key = (content.block, content.offset);
    if let Some(path) = lock().paths.get(&key) {
        return Ok(path.clone());
    }
    let file = memory_file(archive, content, name)?;
    let path = {
        let mut loaded = lock();
        loaded.attempts += 1;
        descriptor_path(file.as_raw_fd(), loaded.attempts)
    };
    open(&path, name, flags)?;
    lock().paths.insert(key, path.clone());
    Ok(path)
}

fn lock() -> std::sync::MutexGuard<'static, Loaded> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to load: one thread at a time, as interpreters with a GIL of their own may ask for the same library at
/// once. The same thread may have it twice, because a library's constructors may load others.
struct Turn;

/// A mutex in memory that every thread may reach.
struct RecursiveMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made to be used by several threads.
unsafe impl Sync for RecursiveMutex {}

static TURN: RecursiveMutex = RecursiveMutex(UnsafeCell::new(libc::PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP));

impl Turn {
    fn wait() -> Self {
        // SAFETY: the mutex is initialised, and never moved or destroyed.
        unsafe { libc::pthread_mutex_lock(TURN.0.get()) };
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // SAFETY: locked by this thread in `wait`.
        unsafe { libc::pthread_mutex_unlock(TURN.0.get()) };
    }
}

/// dlopen; a failure is told without the path, which says nothing to anybody.
fn open(path: &CStr, name: &str, flags: c_int) -> Result<Library, StartError> {
    // SAFETY: the path is a live string; what the library's constructors do is the library's.
    if let Some(handle) = NonNull::new(unsafe { libc::dlopen(path.as_ptr(), flags) }) {
        return Ok(Library(handle));
    }
    let reason = dlerror();
    if !Path::new("/proc/self/fd").exists() {
        return Err(StartError::NoProc { library: name.to_owned() });
    }
    let prefix = format!("{}: ", path.to_string_lossy());
    let reason = reason.strip_prefix(&prefix).map_or(reason.as_str(), |reason| reason).to_owned();
    Err(StartError::Load { library: name.to_owned(), reason })
}

/// The dynamic linker's account of its last failure.
fn dlerror() -> String {
    // SAFETY: dlerror returns null or a string that lives until this thread's next call into the linker.
    unsafe {
        match libc::dlerror() {
            message if message.is_null() => "the dynamic linker gives no reason".to_owned(),
            message => CStr::from_ptr(message).to_string_lossy().into_owned(),
        }
    }
}

fn memory_file(
    archive: MappedArchive,
    content: Extent,
    name: &str,
) -> Result<std::os::fd::OwnedFd, StartError> {
    let refused = |source: std::io::Error| StartError::Memory { library: name.to_owned(), source };
    let length =
        usize::try_from(content.length).map_err(|_| ArchiveError::OutOfBounds { part: "content" })?;
    archive.pieces(content, |_, _| Ok::<(), ArchiveError>(()))?; // before a length that nothing backs is allocated
    let mut file = MemoryFile::new(name, length).map_err(refused)?;
    decompress::into(archive, content, file.bytes())?;
    file.seal().map_err(refused)
}

/// A path of a descriptor that no earlier load had: `number` is written in binary between `fd` and the
/// descriptor, `/` for 0 and `/.` for 1, which all mean the same to the kernel.
fn descriptor_path(descriptor: c_int, number: usize) -> CString {
    let mut path = String::from("/proc/self/fd");
    let mut left = number;
    while left > 0 {
        path.push_str(if left & 1 == 0 { "/" } else { "/." });
        left >>= 1;
    }
    path.push_str(&format!("/{descriptor}"));
    CString::new(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn descriptor_paths_differ_and_lead_to_the_descriptor() {
        let file = File::open("/proc/self/exe").unwrap();
        let inode = file.metadata().unwrap().ino();
        let mut seen = BTreeSet::new();
        for number in 0..300 {
            let path = descriptor_path(file.as_raw_fd(), number);
            assert_eq!(std::fs::metadata(path.to_str().unwrap()).unwrap().ino(), inode, "{path:?}");
            assert!(path.as_bytes().len() < 60, "{path:?}");
            assert!(seen.insert(path));
        }
    }
}
