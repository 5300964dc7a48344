//! The memory that CPython's allocator of small objects takes from the kernel: arenas, of 256 KiB in 3.9 and of 1 MiB later.
//!
//! CPython maps each by itself and touches it page by page; each page is a fault, and a large package's import has ten
//! thousand. Here, once the program has shown that it needs memory, arenas are cut from regions that the kernel may fill with
//! one page of 2 MiB (`madvise`, the default of most distributions' transparent huge pages; elsewhere they are as ever).
//!
//! What keeps the memory of a process within a region's rest of python's: the first [`PLAIN`] bytes are mapped as CPython does,
//! but for pages that any program writes to ([`WRITTEN`]); while threads decompress ahead each region but the first is ready
//! before it is needed, with its page; as CPython does is what comes after [`LAST`], for a huge page of which a part
//! was given back, or copied after a fork, is free again only when all of it is, or when the kernel runs short; and so are
//! arenas of a program that has had as many before.
//!
//! Source: `_PyObject_ArenaMmap` and `new_arena` in `Objects/obmalloc.c`; `PyObjectArenaAllocator` in
//! `Include/cpython/objimpl.h`; Documentation/admin-guide/mm/transhuge.rst of Linux.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::api::Api;
use super::collector;
use crate::os::ahead;
use crate::os::pages::{fill, map, map_huge, unmap};
use crate::vfs::system::{errno, set_errno};

/// Bytes of a region, and what its address is a multiple of: a huge page of x86-64, and of AArch64 with pages of 4 KiB.
const REGION: usize = 2 << 20;

/// Bytes of arenas that every interpreter writes to while it starts (245 pages with CPython 3.11, 223 with 3.12): their pages
/// come in one call, not in a fault each.
const WRITTEN: usize = 896 << 10;

/// Bytes of arenas before the first region.
const PLAIN: usize = 2 << 20;

/// Bytes of arenas after which there are no more regions.
const LAST: usize = 64 << 20;

/// Bytes of arenas that there are.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The most that there have been at a time.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The rest of the last region, or null. Interpreters with locks of their own (3.12) ask at the same time.
static REST: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// The next region, of which somebody gets the page meanwhile; null where there is none.
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
    let wants_region = grows && held > PLAIN && held <= LAST && REGION.is_multiple_of(size);
    let found = take(REST.swap(ptr::null_mut(), Ordering::Acquire), size)
        .or_else(|| wants_region.then(region).flatten().and_then(|region| take(region, size)))
        .or_else(|| map(size));
    if wants_region && held.saturating_add(REGION) <= LAST {
        prepare_region();
    }
    match found {
        Some(arena) => {
            let written = WRITTEN.saturating_sub(held.saturating_sub(size)).min(size);
            if grows && written > 0 {
                // SAFETY: it is a mapping of this length, and arenas and `WRITTEN` are of whole pages.
                unsafe { fill(arena, written) };
            }
            set_errno(number);
            arena
        }
        None => {
            HELD.fetch_sub(size, Ordering::Relaxed);
            ptr::null_mut()
        }
    }
}

/// A region.
fn region() -> Option<*mut c_void> {
    let next = NEXT.swap(ptr::null_mut(), Ordering::AcqRel);
    if next.is_null() {
        return map_huge(REGION);
    }
    ahead::forget_page(next);
    Some(next)
}

/// Has the page of the next region cleared while this thread does something else, if there is a thread for that.
fn prepare_region() {
    if !NEXT.load(Ordering::Acquire).is_null() || !ahead::has_threads() {
        return;
    }
    let Some(next) = map_huge(REGION) else { return };
    match NEXT.compare_exchange(ptr::null_mut(), next, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => ahead::get_page(next),
        // SAFETY: another thread was faster; nobody knows of this one.
        Err(_) => unsafe { unmap(next, REGION) },
    }
}

/// Memory of an arena's length for objects that CPython did not make and that are never given back; null when there is none.
pub fn more(size: usize) -> *mut c_void {
    // SAFETY: as CPython calls it.
    unsafe { allocate(ptr::null_mut(), size) }
}

/// The first arena of a region or of what is left of one, whose rest is kept. None of null.
fn take(left: *mut c_void, size: usize) -> Option<*mut c_void> {
    let length = left.addr().wrapping_add(1).next_multiple_of(REGION).wrapping_sub(left.addr());
    if left.is_null() {
        return None;
    }
    // All arenas of a process have one size, which divides the region's: nothing is left over.
    let taken = if size <= length { size } else { 0 };
    let (rest, length) = (left.wrapping_byte_add(taken), length - taken);
    let keep = || REST.compare_exchange(ptr::null_mut(), rest, Ordering::Release, Ordering::Relaxed);
    if length > 0 && keep().is_err() {
        // SAFETY: the rest belongs to whoever took the region; another thread has kept one meanwhile.
        unsafe { unmap(rest, length) };
    }
    (taken > 0).then_some(left)
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

    /// Whether the kernel was told that it may take huge pages there (proc_pid_smaps(5)); none where it has no such thing.
    fn may_be_huge(arena: *mut c_void) -> Option<bool> {
        std::fs::metadata("/sys/kernel/mm/transparent_hugepage").ok()?;
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_it = false;
        for line in maps.lines() {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            let address = |text: &str| usize::from_str_radix(text, 16).ok();
            match range.and_then(|(start, end)| Some(address(start)?..address(end)?)) {
                Some(range) => is_it = range.contains(&arena.addr()),
                None if is_it && line.starts_with("VmFlags") => return Some(line.contains(" hg")),
                None => {}
            }
        }
        panic!("no such mapping");
    }

    // One test: what has been taken before counts.
    #[test]
    fn regions_are_for_a_program_that_grows_and_no_larger_than_they_have_to_be() {
        let first = arenas(80);
        let huge: Vec<usize> = (0..80).filter(|at| may_be_huge(first[*at]).unwrap_or(true)).collect();
        if may_be_huge(first[0]).is_some() {
            assert_eq!(huge, (2..64).collect::<Vec<_>>());
        }
        for pair in first[2..64].chunks(2) {
            assert_eq!((pair[0].addr() % REGION, pair[1].addr() - pair[0].addr()), (0, MEGABYTE));
        }
        for arena in first {
            // SAFETY: they are from `allocate`, each once.
            unsafe { free(ptr::null_mut(), arena, MEGABYTE) };
        }
        assert_eq!(HELD.load(Ordering::Relaxed), 0);
        let again = arenas(3);
        assert_ne!(may_be_huge(again[2]), Some(true));
    }
}
