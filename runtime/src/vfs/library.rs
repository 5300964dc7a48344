//! dlopen of libraries in the tree.
//!
//! glibc's dlopen looks at who calls it, for that library's RUNPATH, so the exported dlopen is no wrapper: it asks here
//! which path glibc is to be given, and jumps. When that is one of the tree, or the bare name of a library that the
//! archive has, the library and what it needs is loaded before; then glibc finds the path among the names that it knows
//! ([`crate::os::dynamic`]). What went wrong in that is told by the next dlerror.

use core::cell::{Cell, RefCell};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::ffi::CString;

use super::path_buffer::PathBuffer;
use super::resolve::{Found, Place, READS, Resolver, as_shown, begins_inside};
use super::system::{self, Errno, PathArgument};
use super::{Mount, mounted};
use crate::MappedArchive;
use crate::archive::{Archive, Extent, Library, Module, ModuleKind, Node, NodeContent};
use crate::error::{EXIT_DAMAGED, StartError};
use crate::os::dynamic;

thread_local! {
    /// Why loading failed, if nobody has asked yet; and what dlerror has given last, which lives until the next call.
    static MESSAGES: RefCell<Messages> = const { RefCell::new(Messages { pending: None, given: None }) };
}

thread_local! {
    /// Whether this thread is loading what a library on the real disk needs.
    static LOADING: Cell<bool> = const { Cell::new(false) };
}

struct Messages {
    pending: Option<CString>,
    given: Option<CString>,
}

/// How runtime loads by itself: nothing to be looked for.
const OF_DESCRIPTORS: &[u8] = b"/proc/self/fd";

/// glibc's dlopen and dlerror.
static DLOPEN: system::Next = system::Next::unknown();
static DLERROR: system::Next = system::Next::unknown();

/// glibc's dlopen.
pub fn real_dlopen() -> *const c_void {
    DLERROR.find(c"dlerror"); // looking it up after a failure would make that forgotten
    DLOPEN.find(c"dlopen")
}

/// The path to give glibc's dlopen for `path`, after loading what it stands for.
///
/// # Safety
/// `path` is null or a string.
pub unsafe fn dlopen_path(path: *const c_char, flags: c_int) -> *const c_char {
    let Some(mount) = mounted() else { return path };
    set_pending(None);
    // SAFETY: from the contract.
    let argument = unsafe { PathArgument::new(path) };
    let bytes = argument.bytes();
    if bytes.is_empty() || bytes.starts_with(OF_DESCRIPTORS) {
        return path;
    }
    if let Some(real) = on_disk(mount.archive, bytes) {
        return real;
    }
    if mount.root.is_empty() {
        return path;
    }
    let wanted = if bytes.contains(&b'/') { by_path(mount, argument) } else { Ok(by_name(mount, bytes)) };
    let (content, name, file) = match wanted {
        Ok(Some(wanted)) => wanted,
        Ok(None) => return path,
        Err(reason) => {
            set_pending(CString::new([bytes, b": ", reason.as_bytes()].concat()).ok());
            return mount.missing();
        }
    };
    if flags & libc::RTLD_NOLOAD != 0 {
        return dynamic::loaded_path(content).map_or(path, CStr::as_ptr);
    }
    let needs = needs(mount.archive, content, &file);
    dynamic::complete_ahead(mount.archive, &needs, content);
    let loaded = dynamic::load_all(mount.archive, needs.into_iter())
        .and_then(|()| dynamic::load_content(mount.archive, content, &name, &file, false, flags));
    match loaded {
        Ok(path) => path.as_ptr(),
        Err(error) => {
            if error.exit_code() == EXIT_DAMAGED {
                // A program must not take this for a library that it can do without.
                crate::importer::fatal(error);
            }
            let message = match error {
                StartError::Load { reason, .. } => reason,
                error => format!("{}: {error}", String::from_utf8_lossy(bytes)),
            };
            set_pending(CString::new(message).ok());
            // No file is there, so glibc fails as well.
            mount.missing()
        }
    }
}

/// dlerror(3): what was wrong here, else what glibc has to say.
pub fn dlerror() -> *mut c_char {
    type Function = unsafe extern "C" fn() -> *mut c_char;
    let place = DLERROR.find(c"dlerror");
    // SAFETY: null, or the function of that name, which has no conditions.
    let real = unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(place) };
    // SAFETY: as above.
    let real = real.map_or(ptr::null_mut(), |function| unsafe { function() });
    let own = MESSAGES.try_with(|messages| {
        let mut messages = messages.try_borrow_mut().ok()?;
        messages.given = messages.pending.take();
        messages.given.as_ref().map(|message| message.as_ptr().cast_mut())
    });
    own.ok().flatten().unwrap_or(real)
}

/// dlclose(3). A library of the archive goes when the program has closed it as often as it has opened it: the runtime has
/// opened it, too.
///
/// # Safety
/// `handle` is of a library that the program has opened and not closed yet.
pub unsafe fn dlclose(handle: *mut c_void) -> c_int {
    type Function = unsafe extern "C" fn(*mut c_void) -> c_int;
    let Some(close) = system::next!(c"dlclose" as Function) else { return -1 };
    // SAFETY: from the contract.
    let status = unsafe { close(handle) };
    if status == 0 && mounted().is_some() {
        dynamic::closed(handle, |own| {
            // SAFETY: the runtime's own reference, which it does not use any more.
            unsafe { close(own.handle()) };
        });
    }
    status
}

fn set_pending(message: Option<CString>) {
    let _ = MESSAGES.try_with(|messages| {
        if let Ok(mut messages) = messages.try_borrow_mut() {
            messages.pending = message;
        }
    });
}

/// A content, the name of its file, and the file's path relative to the root.
type Wanted = (Extent, String, String);

/// The file of the tree that a path leads to; none for a path that is real. The error is why there is none, in glibc's
/// words (elf/dl-load.c).
fn by_path(mount: &'static Mount, path: PathArgument) -> Result<Option<Wanted>, &'static str> {
    let mut shown = PathBuffer::new();
    let path = if as_shown(mount, path, &mut shown) { shown.argument() } else { path };
    if !begins_inside(mount, libc::AT_FDCWD, path)
        && system::link_status(path).err() != Some(Errno(libc::ENOTDIR))
    {
        return Ok(None);
    }
    match Resolver::new(mount).resolve(libc::AT_FDCWD, path, READS) {
        Ok(Place::Outside(_)) => Ok(None),
        Ok(Place::Inside(Found { node: Some(node), .. })) => match node.content {
            NodeContent::File(Extent { length: 0, .. }) => Err("file too short"),
            NodeContent::File(_) => Ok(wanted(mount, &node)),
            _ => Err("cannot read file data: Is a directory"),
        },
        Ok(Place::Inside(_)) | Err(Errno(libc::ENOENT)) => {
            Err("cannot open shared object file: No such file or directory")
        }
        Err(Errno(libc::ENOTDIR)) => Err("cannot open shared object file: Not a directory"),
        Err(_) => Err("cannot open shared object file"),
    }
}

fn wanted(mount: &Mount, node: &Node) -> Option<Wanted> {
    let NodeContent::File(content) = node.content else { return None };
    let name = String::from_utf8_lossy(node.name).into_owned();
    Some((content, name, relative_path(mount, node.number)?))
}

/// A node's path relative to the root.
fn relative_path(mount: &Mount, number: u32) -> Option<String> {
    let name = core::str::from_utf8(mount.node(number).ok()?.name).ok()?.to_owned();
    match mount.parent(number) {
        super::tree::ROOT => Some(name),
        parent => Some(relative_path(mount, parent)? + "/" + &name),
    }
}

/// The library that has this name, or whose file has it.
fn by_name(mount: &Mount, name: &[u8]) -> Option<Wanted> {
    let library = libraries(mount.archive).find(|library| is_named(library, name));
    if let Some(library) = library {
        // One without content is part of the program itself, which glibc knows by that name.
        let has_content = library.content.length > 0;
        return has_content.then(|| (library.content, library.name.to_owned(), library.file.to_owned()));
    }
    let root = mount.archive.root().ok()?;
    wanted(mount, &mount.archive.find_child(&root, name).ok()??)
}

/// Whether others ask for a library by this name, or its file has it.
fn is_named(library: &Library, name: &[u8]) -> bool {
    library.name.as_bytes() == name || library.file.rsplit('/').next().map(str::as_bytes) == Some(name)
}

fn libraries(archive: &Archive<'static>) -> impl Iterator<Item = Library<'static>> {
    numbered(archive).map(|(_, library)| library)
}

fn numbered(archive: &Archive<'static>) -> impl Iterator<Item = (u32, Library<'static>)> {
    (0..archive.library_count() as u32).filter_map(|number| Some((number, archive.library(number).ok()?)))
}

/// Loads what a library on the real disk needs, whose path or name is given; the path to load it by, for a name. A
/// failure shows in what glibc says when it does not find what is needed.
fn on_disk(archive: MappedArchive, path: &[u8]) -> Option<*const c_char> {
    let is_name = !path.contains(&b'/');
    let (number, library) = if is_name {
        numbered(archive).find(|(_, library)| is_named(library, path))?
    } else {
        let file = dynamic::file_on_disk(path)?;
        numbered(archive).find(|(_, library)| library.file.as_bytes() == file)?
    };
    let real = dynamic::on_disk(&library)?;
    // What is needed is loaded by its path, and comes by here again; in circles, if that is how it is needed.
    if !LOADING.replace(true) {
        let _ = dynamic::load_all(archive, library.needs.iter());
        LOADING.set(false);
    }
    is_name.then(|| dynamic::keep_path(number, real).as_ptr())
}

/// Numbers of the libraries to load before a content; `file` is its path relative to the root.
fn needs(archive: &Archive<'static>, content: Extent, file: &str) -> Vec<u32> {
    if let Some(library) = libraries(archive).find(|library| library.content == content) {
        return library.needs.iter().collect();
    }
    let is_it = |module: &Module| module.kind == ModuleKind::Extension && module.content == content;
    let by_name = || archive.find_module(&module_name(file)).ok().flatten().filter(is_it);
    let by_content =
        || (0..archive.module_count()).filter_map(|number| archive.module(number).ok()).find(is_it);
    by_name().or_else(by_content).map_or_else(Vec::new, |module| module.needs.iter().collect())
}

/// The name that an extension module with this file has, as a rule: `pkg/mod.cpython-311-x86_64-linux-gnu.so` is
/// `pkg.mod`.
fn module_name(file: &str) -> String {
    let (directory, name) = file.rsplit_once('/').map_or(("", file), |(directory, name)| (directory, name));
    let stem = name.split('.').next().unwrap_or(name);
    let dot = if directory.is_empty() { "" } else { "." };
    format!("{}{dot}{stem}", directory.replace('/', "."))
}

impl Mount {
    /// A path at which there never is anything: below a file.
    fn missing(&self) -> *const c_char {
        c"/proc/self/exe/library that could not be loaded".as_ptr()
    }
}
