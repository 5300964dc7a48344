//! The dynamic linker: loading libraries out of the archive, and closing them.
//!
//! A library is decompressed into a sealed memory file and loaded through `/proc/self/fd/N`; the libraries that
//! it needs are loaded before it, because glibc matches `DT_NEEDED` against the SONAME of what is there already.
//! The descriptor is closed right after. glibc remembers names, though, and takes a second library under a
//! known name for the first: so each load spells its path differently ([`descriptor_path`]).
//!
//! A library that is a file of the tree gets that file's path as its name in glibc's records. Then dladdr and
//! dl_iterate_phdr report it, and dlopen of that path finds the library there.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::mem::ManuallyDrop;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use super::ahead;
use super::cycles::{self, Member};
use super::decompress;
use super::late::{FillError, Late};
use super::library::{Library, dlerror, open};
use super::memory_file::{self, LONGEST_NAME, MemoryFile};
use super::on_demand;
use super::threads;
use crate::archive::{ArchiveError, Extent};
use crate::error::StartError;
use crate::materialize::Materialized;
use crate::{MappedArchive, profile, vfs};

/// The libraries and extensions of the archive that are loaded so far, or being loaded.
///
/// Keyed by content: what is needed twice, or is both an extension and a dependency, is loaded once. The lock is not
/// held while glibc loads: a library's constructor may load others, and glibc has a lock of its own around it.
static LOADED: Mutex<Loaded> =
    Mutex::new(Loaded { libraries: BTreeMap::new(), attempts: 0, real_paths: BTreeMap::new() });

struct Loaded {
    /// By the block and offset where the content starts, and its length.
    libraries: BTreeMap<(u32, u32, u64), Loading>,
    /// Paths given out so far, successful or not.
    attempts: usize,
    /// Paths of libraries on the real disk that were asked for by name; by their numbers.
    real_paths: BTreeMap<u32, &'static CStr>,
}

/// A library that is loaded, or that some threads are loading.
struct Loading {
    /// Path by which glibc knows it, or will.
    path: &'static CStr,
    /// The file behind the path, until it is loaded.
    file: Option<OwnedFd>,
    /// What is to be done with it once it is mapped.
    late: Option<Late>,
    /// The thread that is doing that.
    finishing: Option<ThreadId>,
    /// Threads that are loading it at this moment: all by the same path, so that it is loaded once.
    threads: usize,
    /// The runtime's own reference, which keeps it loaded.
    own: Option<Library>,
    /// How often the program has opened it, less how often it has closed it.
    given: usize,
    /// Whether others need it: then it stays.
    needed: bool,
}

impl Loading {
    fn new(path: &'static CStr, file: OwnedFd) -> Self {
        Self {
            path,
            file: Some(file),
            late: None,
            finishing: None,
            threads: 0,
            own: None,
            given: 0,
            needed: false,
        }
    }

    /// Notes what it is asked for: by what needs it, or by the program.
    fn ask(&mut self, needed: bool) {
        self.needed |= needed;
        self.given += usize::from(!needed);
    }
}

/// Loads a library of the archive and before it what it needs.
pub fn load_library(archive: MappedArchive, number: u32, flags: c_int) -> Result<Library, StartError> {
    let library = archive.library(number)?;
    load_all(archive, library.needs.iter())?;
    if let Some(path) = on_disk(&library) {
        return open(&path, library.name, None, flags);
    }
    let path = load_content(archive, library.content, library.name, library.file, true, flags)?;
    open(path, library.name, None, flags)
}

/// Loads libraries in the order given, which is dependencies first.
pub fn load_all(archive: MappedArchive, numbers: impl Iterator<Item = u32>) -> Result<(), StartError> {
    load_within(archive, numbers, MOST_CYCLES)
}

/// Has a content and the libraries that it needs decompressed before the first of them is loaded, where that is going on.
pub fn complete_ahead(archive: MappedArchive, needs: &[u32], content: Extent) {
    let needed = needs.iter().filter_map(|number| Some(archive.library(*number).ok()?.content));
    let contents: Vec<Extent> = needed.chain([content]).collect();
    profile::native(|| ahead::complete(&contents), 0);
}

/// How many cycles of libraries may need each other in a row; a bound for archives that contradict themselves.
const MOST_CYCLES: u32 = 8;

fn load_within(
    archive: MappedArchive,
    numbers: impl Iterator<Item = u32>,
    cycles_left: u32,
) -> Result<(), StartError> {
    for number in numbers {
        let library = archive.library(number)?;
        let flags = libc::RTLD_LAZY | libc::RTLD_LOCAL;
        if let Some(path) = on_disk(&library) {
            open(&path, library.name, None, flags)?;
            continue;
        }
        if let Some(cycles_left) = cycles_left.checked_sub(1) {
            unpack_cycle(archive, number, &library, cycles_left)?;
        }
        load_content(archive, library.content, library.name, library.file, true, flags)?;
    }
    Ok(())
}

/// Unpacks a library with those that need it and are needed by it, if there are any and none is known yet: whichever is
/// loaded first then finds the others. What they need besides is loaded.
fn unpack_cycle(
    archive: MappedArchive,
    number: u32,
    library: &crate::archive::Library,
    cycles_left: u32,
) -> Result<(), StartError> {
    let (mut cycle, mut outside) = (Vec::new(), Vec::new());
    for need in library.needs.iter().filter(|need| *need != number) {
        let other = archive.library(need)?;
        if other.needs.iter().any(|need| need == number) {
            cycle.extend(Some(other).filter(|other| on_disk(other).is_none()));
        } else {
            outside.push(need);
        }
    }
    if cycle.is_empty() {
        return Ok(());
    }
    load_within(archive, outside.into_iter(), cycles_left)?;
    let mut loaded = lock();
    let is_known = |library: &crate::archive::Library| loaded.libraries.contains_key(&key(library.content));
    if is_known(library) || cycle.iter().any(is_known) {
        return Ok(());
    }
    let mut members = Vec::new();
    for library in std::iter::once(library).chain(&cycle) {
        let in_tree = vfs::path_in_tree(library.file);
        let file = unpacked(archive, library.content, shown_name(in_tree.as_deref(), library.name))?;
        loaded.attempts += 1;
        let path = descriptor_path(file.descriptor(), loaded.attempts);
        members.push(Member { name: library.name.to_owned(), path, file });
    }
    cycles::connect(&mut members);
    for (Member { name, path, file }, library) in
        members.into_iter().zip(std::iter::once(library).chain(&cycle))
    {
        let file = file.seal().map_err(|source| StartError::Memory { library: name, source })?;
        let path: &'static CStr = Box::leak(path.into_boxed_c_str());
        loaded.libraries.insert(key(library.content), Loading::new(path, file));
    }
    Ok(())
}

/// The directory that is the root of the tree, where that is a real one.
static REAL_ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Says that the tree is a real directory: what the archive does not hold is loaded from there.
pub fn load_from(root: PathBuf) {
    let _ = REAL_ROOT.set(root);
}

/// The part of the tree that is on the disk as well.
static COPIES: OnceLock<Materialized> = OnceLock::new();

/// Says that some files of the tree are on the disk as well, and are to be loaded from there.
pub fn has_copies(copies: Materialized) {
    let _ = COPIES.set(copies);
}

/// A path on the disk as one of the tree, relative to the root: where the tree is a real directory, or has copies.
pub fn file_on_disk(path: &[u8]) -> Option<&[u8]> {
    let roots = [REAL_ROOT.get().map(PathBuf::as_path), COPIES.get().map(|copies| copies.root.as_path())];
    let below = |root: &Path| path.strip_prefix(root.as_os_str().as_bytes())?.strip_prefix(b"/");
    roots.into_iter().flatten().find_map(below)
}

/// The path of a library that is on the disk, or there as well.
pub fn on_disk(library: &crate::archive::Library) -> Option<CString> {
    if library.file.is_empty() {
        return None;
    }
    let copies = || Some(&COPIES.get().filter(|copies| copies.has(library.file))?.root);
    let root = REAL_ROOT.get().filter(|_| library.content.length == 0).or_else(copies)?;
    CString::new(root.join(library.file).into_os_string().into_encoded_bytes()).ok()
}

/// The path of a library on the real disk, the same one each time: glibc's caller may keep it.
pub fn keep_path(number: u32, path: CString) -> &'static CStr {
    lock().real_paths.entry(number).or_insert_with(|| Box::leak(path.into_boxed_c_str()))
}

/// The path by which glibc knows a content that is loaded, for the program to open it again.
pub fn loaded_path(content: Extent) -> Option<&'static CStr> {
    let mut loaded = lock();
    let library = loaded.libraries.get_mut(&key(content)).filter(|library| library.file.is_none())?;
    library.ask(false);
    Some(library.path)
}

/// Notes that the program has closed a library. Has it closed it as often as it has opened it, the runtime gives up its own
/// reference, `close` being glibc's dlclose, and the library goes, unless it is one that stays (dlopen(3), RTLD_NODELETE).
pub fn closed(handle: *mut c_void, close: impl FnOnce(Library)) {
    let mut loaded = lock();
    let is_it = |library: &Loading| library.own.is_some_and(|own| own.handle() == handle);
    let Some((key, library)) = loaded.libraries.iter_mut().find(|(_, library)| is_it(library)) else {
        return;
    };
    library.given = library.given.saturating_sub(1);
    if library.given > 0 || library.needed || library.threads > 0 {
        return;
    }
    let key = *key;
    let Some(library) = loaded.libraries.remove(&key) else { return };
    drop(loaded);
    on_demand::complete();
    let path = library.path.to_owned(); // glibc frees its own
    if let Some(own) = library.own {
        close(own);
    }
    // SAFETY: the path is a live string; nothing is loaded, nor does a constructor run.
    let left = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    match Library::of(left) {
        Some(own) => {
            let stays = Loading { own: Some(own), ..library };
            lock().libraries.entry(key).or_insert(stays);
        }
        None => drop(dlerror()), // closing has not failed
    }
}

/// Loads a content that is not loaded yet. `file` is its path in the tree, relative to the root; empty if it has none.
/// `needed` says that others ask for it by `name`. Returns the path that glibc knows it by: `dlopen` of that path gives the library, though there is no such file.
pub fn load_content(
    archive: MappedArchive,
    content: Extent,
    name: &str,
    file: &str,
    needed: bool,
    flags: c_int,
) -> Result<&'static CStr, StartError> {
    let in_tree = vfs::path_in_tree(file);
    let (path, is_loaded) = begin(archive, content, name, in_tree.as_deref(), needed)?;
    if is_loaded {
        return Ok(path);
    }
    let load = || {
        let library = open(path, name, in_tree.as_deref(), flags)?;
        finish(archive, content, name, library).map(|()| library)
    };
    let opened = threads::while_loading(name, load);
    // Others ask for a library by a name that is not its SONAME: glibc compares that with the one in its records.
    let asked_for = CString::new(name).ok().filter(|_| needed && !name.contains('/'));
    let in_tree = match (&opened, asked_for) {
        (Ok(library), Some(name)) if library.soname() != Some(&name) => Some(name),
        _ => in_tree,
    };
    let renamed = opened.as_ref().ok().zip(in_tree).and_then(|(library, in_tree)| library.rename(in_tree));
    end(content, opened.as_ref().ok().copied(), renamed);
    opened.map(|_| renamed.unwrap_or(path))
}

fn key(content: Extent) -> (u32, u32, u64) {
    (content.block, content.offset, content.length)
}

/// The path to load a content by, and whether that is done already.
fn begin(
    archive: MappedArchive,
    content: Extent,
    name: &str,
    in_tree: Option<&CStr>,
    needed: bool,
) -> Result<(&'static CStr, bool), StartError> {
    let mut loaded = lock();
    if let Some(library) = loaded.libraries.get_mut(&key(content)) {
        let is_loaded = library.file.is_none();
        library.threads += usize::from(!is_loaded);
        library.ask(needed);
        return Ok((library.path, is_loaded));
    }
    let get = || memory_file(archive, content, shown_name(in_tree, name));
    let (file, late) = profile::native(get, usize::try_from(content.length).unwrap_or(usize::MAX))?;
    loaded.attempts += 1;
    let path = descriptor_path(file.as_raw_fd(), loaded.attempts);
    let path: &'static CStr = Box::leak(path.into_boxed_c_str());
    let mut library = Loading { threads: 1, late, ..Loading::new(path, file) };
    library.ask(needed);
    loaded.libraries.insert(key(content), library);
    Ok((path, false))
}

/// The name in /proc/self/maps: the path in the tree, where that is not too long.
fn shown_name<'a>(in_tree: Option<&'a CStr>, name: &'a str) -> &'a str {
    let in_tree = in_tree.and_then(|path| path.to_str().ok()).filter(|path| path.len() <= LONGEST_NAME);
    in_tree.unwrap_or(name)
}

/// Notes how loading ended, and under which other path than before glibc knows the library now.
fn end(content: Extent, opened: Option<Library>, path: Option<&'static CStr>) {
    let mut loaded = lock();
    let Some(library) = loaded.libraries.get_mut(&key(content)) else { return };
    library.threads = library.threads.saturating_sub(1);
    if opened.is_some() {
        library.own = opened;
        library.file = None;
        library.path = path.unwrap_or(library.path);
    } else if library.threads == 0 && library.file.is_some() {
        loaded.libraries.remove(&key(content));
    }
}

fn lock() -> MutexGuard<'static, Loaded> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, while this process forks: no other thread can have it then, and so none leaves it locked in the child.
static FORKING: Forking = Forking(UnsafeCell::new(None));

struct Forking(UnsafeCell<Option<MutexGuard<'static, Loaded>>>);

// SAFETY: it is only touched by the thread that holds the lock.
unsafe impl Sync for Forking {}

/// Makes fork wait until no thread is unpacking a library. To be called once.
pub fn guard_forks() {
    unsafe extern "C" fn before() {
        let guard = lock();
        // SAFETY: this thread holds the lock.
        unsafe { *FORKING.0.get() = Some(guard) };
    }
    unsafe extern "C" fn after() {
        // SAFETY: this thread, or in the child its copy, has taken the lock in `before`.
        drop(unsafe { (*FORKING.0.get()).take() });
    }
    // SAFETY: the handlers take and give back one lock.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
}

/// The sealed file; one with something to be done after it is loaded is sealed by that.
fn memory_file(
    archive: MappedArchive,
    content: Extent,
    name: &str,
) -> Result<(OwnedFd, Option<Late>), StartError> {
    let refused = |source: std::io::Error| StartError::Memory { library: name.to_owned(), source };
    match ahead::file(content) {
        Some((file, None)) => Ok((file, None)),
        Some((file, Some(missing))) => match Late::new(missing, &file) {
            Ok(late) => Ok((file, Some(late))),
            Err(missing) => {
                missing.fill(archive, &file).map_err(|error| unfilled(error, name))?;
                memory_file::add_seals(&file).map_err(refused)?;
                Ok((file, None))
            }
        },
        None => Ok((unpacked(archive, content, name)?.seal().map_err(refused)?, None)),
    }
}

fn unfilled(error: FillError, name: &str) -> StartError {
    match error {
        FillError::Archive(error) => error.into(),
        FillError::Memory(source) => StartError::Memory { library: name.to_owned(), source },
    }
}

/// Says that no thread is finishing what it did before.
static FINISHED: Condvar = Condvar::new();

/// Does what is left to be done with a library that was just mapped, unless somebody does: then that is waited for.
fn finish(archive: MappedArchive, content: Extent, name: &str, library: Library) -> Result<(), StartError> {
    let mut loaded = lock();
    let own = std::thread::current().id();
    loop {
        let Some(loading) = loaded.libraries.get_mut(&key(content)) else { return Ok(()) };
        match (loading.late.take(), loading.finishing) {
            (Some(late), _) => {
                let Some(file) = loading.file.as_ref().map(AsRawFd::as_raw_fd) else { return Ok(()) };
                loading.finishing = Some(own);
                drop(loaded);
                // SAFETY: the file stays until `end`, which no thread comes to before this one.
                let file = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(file) });
                let finished = late.finish(archive, &file, library);
                if let Some(loading) = lock().libraries.get_mut(&key(content)) {
                    loading.finishing = None;
                }
                FINISHED.notify_all();
                return finished.map_err(|error| unfilled(error, name));
            }
            (None, Some(other)) if other != own => {
                loaded = FINISHED.wait(loaded).unwrap_or_else(PoisonError::into_inner);
            }
            _ => return Ok(()),
        }
    }
}

fn unpacked(archive: MappedArchive, content: Extent, name: &str) -> Result<MemoryFile, StartError> {
    let refused = |source: std::io::Error| StartError::Memory { library: name.to_owned(), source };
    let length =
        usize::try_from(content.length).map_err(|_| ArchiveError::OutOfBounds { part: "content" })?;
    archive.pieces(content, |_, _| Ok::<(), ArchiveError>(()))?; // before a length that nothing backs is allocated
    let mut file = MemoryFile::new(name, length).map_err(refused)?;
    decompress::into(archive, content, file.bytes())?;
    Ok(file)
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
