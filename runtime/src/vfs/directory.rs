//! Directory streams: opendir(3) and what is done with its result.
//!
//! A stream of ours is an object of ours, which begins with bytes that glibc's never begins with: its first member is
//! a descriptor, its second a lock. So no list of streams is kept.

use core::ffi::{c_char, c_int, c_long, c_void};
use core::ptr;
use std::os::fd::IntoRawFd;

use libc::{DIR, dirent64};

use super::resolve::{self, READS};
use super::status;
use super::system::{self, Errno, PathArgument, Result, errno, next, to_c};
use super::tree::ROOT;
use super::{Mount, descriptor};
use crate::archive::{Node, NodeContent};

/// First bytes of a stream of ours. As a descriptor (`int`) it is negative.
const MAGIC: [u8; 16] = *b"sna\xf5freeze files";

/// A directory that is being read.
#[repr(C)]
pub struct Stream {
    magic: [u8; 16],
    mount: &'static Mount,
    node: Node<'static>,
    /// The descriptor that dirfd gave, or -1.
    descriptor: c_int,
    /// Entries read: `.` and `..` come before the children.
    position: usize,
    entry: dirent64,
}

/// glibc's functions of one argument, a stream.
type OnStream<R> = unsafe extern "C" fn(*mut DIR) -> R;

/// The stream of ours that `stream` is, if it is one.
///
/// # Safety
/// `stream` is null, a stream of glibc's or one of ours, open and used by one thread at a time.
unsafe fn ours<'a>(stream: *mut DIR) -> Option<&'a mut Stream> {
    if stream.is_null() {
        return None;
    }
    // SAFETY: both kinds have at least as many bytes as the magic ones.
    let magic = unsafe { stream.cast::<[u8; 16]>().read_unaligned() };
    // SAFETY: it is one of ours, from `begin`.
    (magic == MAGIC).then(|| unsafe { &mut *stream.cast() })
}

/// A new stream.
fn begin(mount: &'static Mount, node: Node<'static>, descriptor: c_int) -> Result<*mut DIR> {
    if !matches!(node.content, NodeContent::Directory(_)) {
        return Err(Errno(libc::ENOTDIR));
    }
    // SAFETY: a dirent64 is integers only.
    let entry = unsafe { core::mem::zeroed() };
    let stream = Stream { magic: MAGIC, mount, node, descriptor, position: 0, entry };
    Ok(Box::into_raw(Box::new(stream)).cast())
}

impl Stream {
    fn children(&self) -> core::ops::Range<u32> {
        match &self.node.content {
            NodeContent::Directory(children) => children.clone(),
            _ => 0..0,
        }
    }

    /// The next entry; null at the end.
    fn read(&mut self) -> Result<*mut dirent64> {
        let (number, kind, name) = match self.position {
            0 => (self.node.number, libc::DT_DIR, b".".as_slice()),
            1 if self.node.number == ROOT => (ROOT, libc::DT_DIR, b"..".as_slice()),
            1 => (self.mount.parent(self.node.number), libc::DT_DIR, b"..".as_slice()),
            position => {
                let number =
                    u32::try_from(position - 2).ok().and_then(|at| self.children().start.checked_add(at));
                let Some(number) = number.filter(|number| *number < self.children().end) else {
                    return Ok(ptr::null_mut());
                };
                let child = self.mount.node(number)?;
                (number, status::entry_type(&child), child.name)
            }
        };
        self.position += 1;
        let entry = &mut self.entry;
        let length = name.len().min(entry.d_name.len() - 1);
        for (place, byte) in entry.d_name.iter_mut().zip(name) {
            *place = byte.cast_signed();
        }
        entry.d_name[length] = 0;
        entry.d_ino = status::inode(number);
        entry.d_type = kind;
        entry.d_off = self.position as i64;
        let used = core::mem::offset_of!(dirent64, d_name) + length + 1;
        entry.d_reclen = used.next_multiple_of(8) as u16;
        Ok(entry)
    }
}

/// opendir(3).
pub fn opendir(path: PathArgument) -> *mut DIR {
    type Function = unsafe extern "C" fn(*const c_char) -> *mut DIR;
    resolve::through(
        libc::AT_FDCWD,
        path,
        READS,
        |_, path| match next!(c"opendir" as Function) {
            // SAFETY: null or a live string.
            Some(function) => unsafe { function(path.pointer()) },
            None => to_c(Err(Errno(libc::ENOSYS))),
        },
        |mount, found| begin(mount, found.present()?, -1),
    )
}

/// fdopendir(3).
pub fn fdopendir(file: c_int) -> *mut DIR {
    type Function = unsafe extern "C" fn(c_int) -> *mut DIR;
    let stream = match next!(c"fdopendir" as Function) {
        // SAFETY: takes any number.
        Some(function) => unsafe { function(file) },
        None => return to_c(Err(Errno(libc::ENOSYS))),
    };
    if !stream.is_null() || errno() != libc::ENOTDIR {
        return stream;
    }
    match descriptor::node_of(file) {
        Some((mount, node)) => to_c(begin(mount, node, file)),
        None => to_c(Err(Errno(libc::ENOTDIR))),
    }
}

/// readdir(3); the two sizes of its result are one on 64-bit systems.
///
/// # Safety
/// `stream` is an open stream, used by one thread at a time.
pub unsafe fn readdir(stream: *mut DIR) -> *mut dirent64 {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => to_c(stream.read()),
            None => match next!(c"readdir64" as OnStream<*mut dirent64>) {
                Some(function) => function(stream),
                None => to_c(Err(Errno(libc::ENOSYS))),
            },
        }
    }
}

/// readdir_r(3): an error number.
///
/// # Safety
/// As [`readdir`]; `entry` and `result` can hold what they are named for.
pub unsafe fn readdir_r(stream: *mut DIR, entry: *mut dirent64, result: *mut *mut dirent64) -> c_int {
    type Function = unsafe extern "C" fn(*mut DIR, *mut dirent64, *mut *mut dirent64) -> c_int;
    // SAFETY: from the contract.
    unsafe {
        let Some(stream) = ours(stream) else {
            return next!(c"readdir64_r" as Function)
                .map_or(libc::ENOSYS, |function| function(stream, entry, result));
        };
        match stream.read() {
            Ok(read) if read.is_null() => result.write(ptr::null_mut()),
            Ok(read) => {
                ptr::copy_nonoverlapping(read.cast::<u8>(), entry.cast(), usize::from((*read).d_reclen));
                result.write(entry);
            }
            Err(Errno(number)) => return number,
        }
        0
    }
}

/// closedir(3).
///
/// # Safety
/// As [`readdir`]; the stream is not used again.
pub unsafe fn closedir(stream: *mut DIR) -> c_int {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => {
                let mut stream = Box::from_raw(ptr::from_mut(stream));
                stream.magic = [0; 16];
                if stream.descriptor >= 0 {
                    system::close(stream.descriptor);
                }
                0
            }
            None => match next!(c"closedir" as OnStream<c_int>) {
                Some(function) => function(stream),
                None => to_c(Err(Errno(libc::ENOSYS))),
            },
        }
    }
}

/// rewinddir(3).
///
/// # Safety
/// As [`readdir`].
pub unsafe fn rewinddir(stream: *mut DIR) {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => stream.position = 0,
            None => {
                if let Some(function) = next!(c"rewinddir" as OnStream<()>) {
                    function(stream);
                }
            }
        }
    }
}

/// seekdir(3).
///
/// # Safety
/// As [`readdir`].
pub unsafe fn seekdir(stream: *mut DIR, place: c_long) {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => stream.position = usize::try_from(place).unwrap_or(0),
            None => {
                if let Some(function) = next!(c"seekdir" as unsafe extern "C" fn(*mut DIR, c_long)) {
                    function(stream, place);
                }
            }
        }
    }
}

/// telldir(3).
///
/// # Safety
/// As [`readdir`].
pub unsafe fn telldir(stream: *mut DIR) -> c_long {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => stream.position as c_long,
            None => next!(c"telldir" as OnStream<c_long>).map_or(-1, |function| function(stream)),
        }
    }
}

/// dirfd(3): the descriptor that the stream was made of, or one that is made now.
///
/// # Safety
/// As [`readdir`].
pub unsafe fn dirfd(stream: *mut DIR) -> c_int {
    // SAFETY: from the contract.
    unsafe {
        match ours(stream) {
            Some(stream) => {
                if stream.descriptor < 0 {
                    let made = descriptor::open_node(stream.mount, &stream.node, libc::O_CLOEXEC);
                    stream.descriptor = to_c(made.map(IntoRawFd::into_raw_fd));
                }
                stream.descriptor
            }
            None => match next!(c"dirfd" as OnStream<c_int>) {
                Some(function) => function(stream),
                None => to_c(Err(Errno(libc::ENOSYS))),
            },
        }
    }
}

/// Which entries scandir keeps.
pub type Filter = unsafe extern "C" fn(*const dirent64) -> c_int;
/// How scandir sorts them.
pub type Compare = unsafe extern "C" fn(*mut *const dirent64, *mut *const dirent64) -> c_int;

/// scandirat(3), and scandir(3) with `AT_FDCWD`.
///
/// # Safety
/// The functions are null or can be called with entries; `list` can hold a pointer.
pub unsafe fn scandir(
    directory: c_int,
    path: PathArgument,
    list: *mut *mut *mut dirent64,
    filter: Option<Filter>,
    compare: Option<Compare>,
) -> c_int {
    type Function = unsafe extern "C" fn(
        c_int,
        *const c_char,
        *mut *mut *mut dirent64,
        Option<Filter>,
        Option<Compare>,
    ) -> c_int;
    resolve::through(
        directory,
        path,
        READS,
        |directory, path| match next!(c"scandirat64" as Function) {
            // SAFETY: from the contract.
            Some(function) => unsafe { function(directory, path.pointer(), list, filter, compare) },
            None => to_c(Err(Errno(libc::ENOSYS))),
        },
        |mount, found| {
            let stream = begin(mount, found.present()?, -1)?;
            // SAFETY: from the contract; the stream is open, and this function's own.
            unsafe {
                let entries = collect(stream, filter);
                closedir(stream);
                let (entries, count) = entries?;
                if let Some(compare) = compare
                    && count > 1
                {
                    type Order = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;
                    let order = core::mem::transmute::<Compare, Order>(compare);
                    libc::qsort(entries.cast(), count, size_of::<*mut dirent64>(), Some(order));
                }
                list.write(entries);
                c_int::try_from(count).map_err(|_| Errno(libc::EOVERFLOW))
            }
        },
    )
}

/// The entries that the filter keeps, each in memory of malloc, as is their list.
///
/// # Safety
/// The stream is open; the filter can be called with entries.
unsafe fn collect(stream: *mut DIR, filter: Option<Filter>) -> Result<(*mut *mut dirent64, usize)> {
    // SAFETY: from the contract; what malloc gives is long enough for what is put there.
    unsafe {
        let Some(stream) = ours(stream) else { return Err(Errno(libc::EBADF)) };
        let most = stream.children().len() + 2;
        let list: *mut *mut dirent64 = libc::malloc(most * size_of::<*mut dirent64>()).cast();
        if list.is_null() {
            return Err(Errno(libc::ENOMEM));
        }
        let mut count = 0;
        loop {
            let entry = stream.read()?;
            if entry.is_null() || count == most {
                return Ok((list, count));
            }
            if filter.is_some_and(|filter| filter(entry) == 0) {
                continue;
            }
            let length = usize::from((*entry).d_reclen);
            let copy: *mut dirent64 = libc::malloc(length).cast();
            if copy.is_null() {
                return Err(Errno(libc::ENOMEM));
            }
            ptr::copy_nonoverlapping(entry.cast::<u8>(), copy.cast(), length);
            list.add(count).write(copy);
            count += 1;
        }
    }
}
