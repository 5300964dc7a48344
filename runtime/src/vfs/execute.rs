//! Executing programs of the tree: execve(2), posix_spawn(3) and their like.
//!
//! The kernel executes an open file as well as one at a path (execveat(2)); it gets a memory file. A script's
//! interpreter opens the script again, through `/dev/fd/N`, so that descriptor must live on in the new program. Between
//! vfork and exec memory is the parent's: nothing here locks or calls malloc, and what is mapped is unmapped before.

use core::ffi::{CStr, c_char, c_int};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use super::descriptor;
use super::path_buffer::PathBuffer;
use super::resolve::{self, LONGEST_NAME, Place, READS, Resolver, begins_inside};
use super::system::{self, Errno, PathArgument, Result, errno, next, set_errno, syscall, to_c};
use super::{Mount, mounted, paths};
use crate::archive::{Extent, Node, NodeContent};
use crate::os::decompress;
use crate::os::memory_file::{self, MemoryFile};

/// A list of strings that ends with null: arguments, or an environment.
pub type Strings = *const *const c_char;

/// Descriptors of spawned programs start here: below are those that a spawn is likely to move about.
const SPAWN_FLOOR: c_int = 100;

/// What a shell would look through without a PATH (glibc: `confstr(_CS_PATH)`).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Most arguments of a script that the shell is to run for want of a first line.
const MOST_ARGUMENTS: usize = 1024;

/// execve(2).
///
/// # Safety
/// The lists are as execve asks for.
pub unsafe fn execve(path: PathArgument, arguments: Strings, environment: Strings) -> c_int {
    resolve::through(
        libc::AT_FDCWD,
        path,
        READS,
        |_, path| syscall!(SYS_execve, path.pointer(), arguments, environment) as c_int,
        |mount, found| {
            let program = open_program(mount, &found.present()?)?;
            let (file, nothing) = (program.file.as_raw_fd(), c"".as_ptr());
            let result = syscall!(SYS_execveat, file, nothing, arguments, environment, libc::AT_EMPTY_PATH);
            let error = errno();
            drop(program);
            set_errno(error);
            Ok(result as c_int)
        },
    )
}

/// execvpe(3): with the directories of PATH, and the shell for a file that says nothing of its interpreter.
///
/// # Safety
/// As [`execve`].
pub unsafe fn execvpe(file: PathArgument, arguments: Strings, environment: Strings) -> c_int {
    let name = file.bytes();
    if name.is_empty() {
        return to_c(Err(Errno(libc::ENOENT)));
    }
    if name.contains(&b'/') {
        // SAFETY: from the contract.
        return unsafe { execve_or_shell(file, arguments, environment) };
    }
    if name.len() > LONGEST_NAME {
        return to_c(Err(Errno(libc::ENAMETOOLONG)));
    }
    let mut is_refused = false;
    for directory in search_path().split(|byte| *byte == b':') {
        let mut path = PathBuffer::new();
        if join(&mut path, directory, name).is_err() {
            continue;
        }
        // SAFETY: from the contract.
        unsafe { execve_or_shell(path.argument(), arguments, environment) };
        match errno() {
            libc::EACCES => is_refused = true,
            libc::ENOENT | libc::ESTALE | libc::ENOTDIR | libc::ENODEV | libc::ETIMEDOUT => {}
            _ => return -1,
        }
    }
    to_c(Err(Errno(if is_refused { libc::EACCES } else { libc::ENOENT })))
}

/// A file in a directory of PATH; an empty one is the working directory.
fn join(path: &mut PathBuffer, directory: &[u8], name: &[u8]) -> Result<()> {
    if !directory.is_empty() {
        path.push(directory)?;
        path.push(b"/")?;
    }
    path.push(name)
}

fn search_path<'a>() -> &'a [u8] {
    // SAFETY: null, or a string of the environment. Who changes the environment meanwhile breaks glibc's exec as well.
    unsafe {
        match libc::getenv(c"PATH".as_ptr()) {
            path if path.is_null() => DEFAULT_PATH,
            path => CStr::from_ptr(path).to_bytes(),
        }
    }
}

/// execve, and for a real file that is no program the shell, with the file as its argument.
///
/// # Safety
/// As [`execve`].
unsafe fn execve_or_shell(path: PathArgument, arguments: Strings, environment: Strings) -> c_int {
    // SAFETY: from the contract.
    let result = unsafe { execve(path, arguments, environment) };
    if errno() != libc::ENOEXEC || arguments.is_null() {
        return result;
    }
    let mut list = [core::ptr::null(); MOST_ARGUMENTS];
    (list[0], list[1]) = (c"/bin/sh".as_ptr(), path.pointer());
    // SAFETY: the list is read up to its null.
    let given = unsafe { strings(arguments) };
    let given = given.get(1..).unwrap_or_default();
    let Some(places) = list.get_mut(2..2 + given.len()).filter(|places| places.len() < MOST_ARGUMENTS - 2)
    else {
        return to_c(Err(Errno(libc::E2BIG)));
    };
    places.copy_from_slice(given);
    syscall!(SYS_execve, list[0], list.as_ptr(), environment) as c_int
}

/// A list of strings, without its null.
///
/// # Safety
/// It ends with null, and lives for `'a`.
unsafe fn strings<'a>(list: Strings) -> &'a [*const c_char] {
    let mut length = 0;
    // SAFETY: all before the null is the list's.
    unsafe {
        while !(*list.add(length)).is_null() {
            length += 1;
        }
        core::slice::from_raw_parts(list, length)
    }
}

/// A program of the tree, to be executed.
struct Program {
    file: OwnedFd,
    /// Whether its first line names an interpreter, which opens it again.
    is_script: bool,
}

/// A descriptor of a program of the tree; that of a script is inherited.
fn open_program(mount: &Mount, node: &Node) -> Result<Program> {
    let NodeContent::File(content) = node.content else { return Err(Errno(libc::EACCES)) };
    if node.mode & 0o111 == 0 {
        return Err(Errno(libc::EACCES));
    }
    if content.length == 0 {
        return Err(Errno(libc::ENOEXEC));
    }
    let file = memory_file::create(c"program", true).map_err(io_error)?;
    let (file, is_script) = write(mount, file, content)?;
    descriptor::mark(mount, node, &file)?;
    memory_file::add_seals(&file).map_err(io_error)?;
    if is_script {
        memory_file::inherit(&file).map_err(io_error)?;
    }
    Ok(Program { file, is_script })
}

fn io_error(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Writes a content to a fresh memory file; says as well whether it begins as a script does.
fn write(mount: &Mount, file: OwnedFd, content: Extent) -> Result<(OwnedFd, bool)> {
    let length = usize::try_from(content.length).map_err(|_| Errno(libc::EFBIG))?;
    let mut file = MemoryFile::over(file, length).map_err(io_error)?;
    decompress::into_unshared(mount.archive, content, file.bytes())?;
    let is_script = file.bytes().starts_with(b"#!");
    Ok((file.into_descriptor(), is_script))
}

/// glibc's posix_spawn and posix_spawnp.
pub type Spawn = unsafe extern "C" fn(
    *mut libc::pid_t,
    *const c_char,
    *const libc::posix_spawn_file_actions_t,
    *const libc::posix_spawnattr_t,
    Strings,
    Strings,
) -> c_int;

/// What posix_spawn is given besides the program.
#[derive(Clone, Copy)]
pub struct SpawnArguments {
    /// Where the new process's number goes.
    pub process: *mut libc::pid_t,
    /// What to do with its descriptors.
    pub actions: *const libc::posix_spawn_file_actions_t,
    /// Its attributes.
    pub attributes: *const libc::posix_spawnattr_t,
    /// Its arguments.
    pub arguments: Strings,
    /// Its environment.
    pub environment: Strings,
}

impl SpawnArguments {
    /// # Safety
    /// As posix_spawn.
    unsafe fn call(self, function: Option<Spawn>, path: PathArgument) -> c_int {
        let Self { process, actions, attributes, arguments, environment } = self;
        // SAFETY: from the contract.
        function.map_or(libc::ENOSYS, |function| unsafe {
            function(process, path.pointer(), actions, attributes, arguments, environment)
        })
    }
}

/// posix_spawn(3): an error number.
///
/// # Safety
/// The arguments are as posix_spawn asks for.
pub unsafe fn spawn(path: PathArgument, arguments: SpawnArguments) -> c_int {
    let real = next!(c"posix_spawn" as Spawn);
    // SAFETY: from the contract, here and below.
    let call = |path: PathArgument| unsafe { arguments.call(real, path) };
    let Some(mount) = mounted() else { return call(path) };
    if !begins_inside(mount, libc::AT_FDCWD, path) {
        let error = call(path);
        if error != libc::ENOTDIR {
            return error;
        }
    }
    let mut resolver = Resolver::new(mount);
    let node = match resolver.resolve(libc::AT_FDCWD, path, READS) {
        Ok(Place::Outside(true)) => return call(resolver.real_path()),
        Ok(Place::Outside(false)) => return libc::ENOTDIR,
        Ok(Place::Inside(found)) => found.present(),
        Err(error) => Err(error),
    };
    let result = node.and_then(|node| {
        let program = open_program(mount, &node)?;
        if !program.is_script {
            return Ok(call(path_for_all(program.file.as_raw_fd())?.argument()));
        }
        let script = out_of_the_way(program.file)?;
        let error = call(descriptor::path_of(script.as_raw_fd())?.argument());
        if error != libc::ENOENT {
            return Ok(error);
        }
        // The spawn closes what it is not told to keep. The interpreter opens the script after this function has
        // returned, so the descriptor stays.
        let script = SCRIPTS.keep(mount, &node, script);
        Ok(call(path_for_all(script)?.argument()))
    });
    result.unwrap_or_else(|Errno(number)| number)
}

/// The path of a descriptor of this process that other processes can use: `/proc/PROCESS/fd/N`.
fn path_for_all(file: c_int) -> Result<PathBuffer> {
    let mut process = PathBuffer::new();
    process.fill(|buffer| system::read_link(c"/proc/self".into(), buffer))?;
    let own = descriptor::path_of(file)?;
    let mut path = PathBuffer::new();
    path.push(b"/proc/")?;
    path.push(process.bytes())?;
    path.push(own.bytes().strip_prefix(b"/proc/self").unwrap_or_default())?;
    Ok(path)
}

/// Scripts that spawned programs may still have to open: a few descriptors, known again by what they show.
struct Scripts {
    places: [AtomicI32; 8],
    next: AtomicU32,
}

static SCRIPTS: Scripts = Scripts { places: [const { AtomicI32::new(-1) }; 8], next: AtomicU32::new(0) };

impl Scripts {
    /// The descriptor of the node that is kept already, or else this one, which is kept from now on.
    fn keep(&self, mount: &Mount, node: &Node, script: OwnedFd) -> c_int {
        let shows = |file: c_int| descriptor::identify_descriptor(mount, file);
        let is_kept = |file: &c_int| shows(*file).is_some_and(|shown| shown.number == node.number);
        let kept = self.places.iter().map(|place| place.load(Ordering::Relaxed)).find(is_kept);
        kept.unwrap_or_else(|| {
            let file = script.into_raw_fd();
            // SAFETY: the descriptor is open and ours.
            unsafe { libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC) };
            let at = self.next.fetch_add(1, Ordering::Relaxed) as usize % self.places.len();
            let before = self.places[at].swap(file, Ordering::Relaxed);
            if shows(before).is_some() {
                system::close(before);
            }
            file
        })
    }
}

/// The same file under a number that the spawn's own actions are not likely to touch.
fn out_of_the_way(program: OwnedFd) -> Result<OwnedFd> {
    // SAFETY: the descriptor is open and ours, as is the new one.
    unsafe {
        match libc::fcntl(program.as_raw_fd(), libc::F_DUPFD, SPAWN_FLOOR) {
            -1 => Ok(program),
            copy => Ok(OwnedFd::from_raw_fd(copy)),
        }
    }
}

/// posix_spawnp(3): an error number.
///
/// # Safety
/// As [`spawn`].
pub unsafe fn spawnp(file: PathArgument, arguments: SpawnArguments) -> c_int {
    // SAFETY: from the contract, here and below.
    let real = || unsafe { arguments.call(next!(c"posix_spawnp" as Spawn), file) };
    let name = file.bytes();
    let Some(mount) = mounted() else { return real() };
    if name.contains(&b'/') {
        let leads_inside = begins_inside(mount, libc::AT_FDCWD, file)
            || system::link_status(file).err() == Some(Errno(libc::ENOTDIR));
        // SAFETY: from the contract.
        return if leads_inside { unsafe { spawn(file, arguments) } } else { real() };
    }
    let is_inside = |directory: &[u8]| !mount.root.is_empty() && directory.starts_with(&mount.root);
    let directories = || search_path().split(|byte| *byte == b':');
    if name.is_empty() || !directories().any(is_inside) {
        return real();
    }
    for directory in directories() {
        let mut path = PathBuffer::new();
        if join(&mut path, directory, name).is_ok() && is_program(path.argument()) {
            // SAFETY: from the contract.
            return unsafe { spawn(path.argument(), arguments) };
        }
    }
    libc::ENOENT
}

/// Whether there is a file that may be executed.
fn is_program(path: PathArgument) -> bool {
    let mut status = core::mem::MaybeUninit::uninit();
    // SAFETY: the buffer holds a status, which is filled when the call returns 0.
    let is_file = unsafe {
        super::status::stat(libc::AT_FDCWD, path, status.as_mut_ptr(), 0) == 0
            && status.assume_init().st_mode & libc::S_IFMT == libc::S_IFREG
    };
    is_file && paths::access(libc::AT_FDCWD, path, libc::X_OK, 0) == 0
}
