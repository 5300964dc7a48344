//! The memory that CPython's allocator of small objects takes from the kernel: arenas, of 256 KiB in 3.9 and of 1 MiB later.
//!
//! CPython maps each by itself and touches it page by page; each page is a fault, and a large package's import has ten
//! thousand. Here the pages that any program writes to come in one call ([`WRITTEN`]), later those of each arena by which the
//! program grows, and as long as threads decompress ahead, one of them gets those of the next arena before it is needed.
//! So a process has at most two arenas more than under python; what is freed is given back as CPython does. From 3.11 on
//! frames' memory comes from here, too, in pieces of 16 KiB and more (`_PyObject_VirtualAlloc`).
//!
//! Huge pages would save the faults altogether, but a page of 2 MiB is what the host of a virtual machine is likely to have
//! taken back (free page reporting of virtio-balloon): the first use of one costs milliseconds there, and a program whose
//! starts are seconds apart starts up to 15 % slower than with small pages (docs/design.md has the figures).
//!
//! Source: `_PyObject_ArenaMmap` and `new_arena` in `Objects/obmalloc.c`; `PyObjectArenaAllocator` in
//! `Include/cpython/objimpl.h`; Documentation/admin-guide/mm/transhuge.rst and free_page_reporting.rst of Linux.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::api::Api;
use super::collector;
use crate::os::ahead;
use crate::os::pages::{fill, map, unmap};
use crate::vfs::system::{errno, set_errno};

/// Bytes of arenas that every interpreter writes to while it starts (245 pages with CPython 3.11, 223 with 3.12): their pages
/// come in one call, not in a fault each.
const WRITTEN: usize = 896 << 10;

/// Bytes of arenas up to which only those pages come together that any program writes to: small programs need no more.
const FEW: usize = 2 << 20;

/// Bytes of arenas that there are.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The most that there have been at a time.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Length of an arena: that of the first that there was, in bytes.
static ARENA: AtomicUsize = AtomicUsize::new(0);

/// The next arena, of which somebody gets the pages meanwhile; null where there is none. Interpreters with locks of their own
/// (3.12) ask at the same time.
static NEXT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// The API until CPython asks for its first arena, if the collector is to rest from then on; null after that.
static RESTING: AtomicPtr<Api> = AtomicPtr::new(ptr::null_mut());

/// `PyObjectArenaAllocator`.
#[repr(C)]
pub struct PyObjectArenaAllocator {
    context: *mut c_void,
    allocate: unsafe extern "C" fn(context: *mut c_void, size: usize) -> *mut c_void,
    free: unsafe extern "C" fn(context: *mut c_void, arena: *mut c_void, size: usize),
}

/// Makes CPython take its arenas from here. The first one tells that it begins to make objects: it is then that the collector
/// goes to [`rest`](collector::rest), if it is to.
///
/// # Safety
/// Called before CPython is initialised, on the only thread that uses it.
pub unsafe fn provide(api: &'static Api, rests: bool) {
    if rests {
        RESTING.store(ptr::from_ref(api).cast_mut(), Ordering::Release);
    }
    let allocator = PyObjectArenaAllocator { context: ptr::null_mut(), allocate, free };
    // SAFETY: from the contract; the struct is copied.
    unsafe { (api.PyObject_SetArenaAllocator)(&raw const allocator) };
}

/// A new arena; null when there is no memory. Where there is some, errno stays as it was, as with CPython's own.
unsafe extern "C" fn allocate(_context: *mut c_void, size: usize) -> *mut c_void {
    let number = errno();
    // SAFETY: null, or what `provide` was given; CPython asks for its first arena on the thread that initialises it.
    unsafe {
        if let Some(api) = RESTING.swap(ptr::null_mut(), Ordering::AcqRel).as_ref() {
            collector::rest(api);
        }
    }
    let held = HELD.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    let grows = MOST.fetch_max(held, Ordering::Relaxed) < held;
    let first = ARENA.compare_exchange(0, size, Ordering::Relaxed, Ordering::Relaxed);
    let is_arena = first.is_ok() || first == Err(size);
    let prepared = is_arena.then(next).flatten();
    let is_few = held <= FEW;
    if is_arena && grows && !is_few {
        prepare(size);
    }
    let Some(arena) = prepared.or_else(|| map(size)) else {
        HELD.fetch_sub(size, Ordering::Relaxed);
        return ptr::null_mut();
    };
    let written = match (grows, is_few) {
        (true, true) => WRITTEN.saturating_sub(held.saturating_sub(size)).min(size),
        (true, false) if is_arena && prepared.is_none() => size,
        _ => 0,
    };
    if written > 0 {
        // SAFETY: it is a mapping of this length, and arenas and `WRITTEN` are of whole pages.
        unsafe { fill(arena, written) };
    }
    set_errno(number);
    arena
}

/// The arena that was prepared, if one was.
fn next() -> Option<*mut c_void> {
    let next = NEXT.swap(ptr::null_mut(), Ordering::AcqRel);
    ahead::forget_pages(next);
    (!next.is_null()).then_some(next)
}

/// Has the pages of the next arena, of this length, got while this thread does something else, if there is a thread for that.
fn prepare(size: usize) {
    if !NEXT.load(Ordering::Acquire).is_null() || !ahead::has_threads() {
        return;
    }
    let Some(next) = map(size) else { return };
    match NEXT.compare_exchange(ptr::null_mut(), next, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => ahead::get_pages(next, size),
        // SAFETY: another thread was faster; nobody knows of this one.
        Err(_) => unsafe { unmap(next, size) },
    }
}

/// Memory of an arena's length for objects that CPython did not make and that are never given back; null when there is none.
pub fn more(size: usize) -> *mut c_void {
    // SAFETY: as CPython calls it.
    unsafe { allocate(ptr::null_mut(), size) }
}

/// Gives an arena back to the kernel.
unsafe extern "C" fn free(_context: *mut c_void, arena: *mut c_void, size: usize) {
    HELD.fetch_sub(size, Ordering::Relaxed);
    // SAFETY: CPython frees what `allocate` gave it, once and with the same size.
    unsafe { unmap(arena, size) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: usize = 1 << 20;

    fn arenas(count: usize) -> Vec<*mut c_void> {
        let arenas: Vec<_> =
            // SAFETY: as CPython calls it.
            (0..count).map(|_| unsafe { allocate(ptr::null_mut(), MEGABYTE) }).collect();
        for arena in &arenas {
            assert!(!arena.is_null());
            // SAFETY: the arena is as long, and in use by nobody else.
            unsafe { ptr::write_bytes(arena.cast::<u8>(), 1, MEGABYTE) };
        }
        let mut sorted = arenas.clone();
        sorted.sort();
        assert!(sorted.windows(2).all(|pair| pair[1].addr() - pair[0].addr() >= MEGABYTE));
        arenas
    }

    // One test: what has been taken before counts.
    #[test]
    fn arenas_are_counted_and_a_prepared_one_is_the_next() {
        let first = arenas(3);
        assert!(NEXT.load(Ordering::Relaxed).is_null(), "nothing decompresses ahead");
        let prepared = map(MEGABYTE).unwrap();
        NEXT.store(prepared, Ordering::Relaxed);
        // SAFETY: as CPython calls it, for frames.
        let frames = unsafe { allocate(ptr::null_mut(), MEGABYTE / 64) };
        assert_ne!(frames, prepared);
        // SAFETY: it is from `allocate`.
        unsafe { free(ptr::null_mut(), frames, MEGABYTE / 64) };
        let second = arenas(2);
        assert_eq!(second[0], prepared);
        assert_eq!(HELD.load(Ordering::Relaxed), 5 * MEGABYTE);
        for arena in first.into_iter().chain(second) {
            // SAFETY: they are from `allocate`, each once.
            unsafe { free(ptr::null_mut(), arena, MEGABYTE) };
        }
        assert_eq!((HELD.load(Ordering::Relaxed), MOST.load(Ordering::Relaxed)), (0, 5 * MEGABYTE));
    }
}
