//! Large contents, decompressed block by block on several threads.
//!
//! A start waits for libpython, and an import for its libraries: their blocks are independent, so each thread takes
//! the next one that is left. The threads are gone before the function returns; while they run, this thread and they
//! block all signals, so that a signal finds no thread but those it would find in `python`.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::thread;

use zstd_safe::zstd_sys::{self, ZSTD_DCtx};

use super::pages::{PAGE, Pages, fill};
use super::processors;
use crate::archive::{Archive, ArchiveError, Extent};

/// Most threads at a time, this one included. A start has little to share out, and others want their cores, too.
const MOST_THREADS: usize = 4;

/// Stack of a thread: zstd keeps its state on the heap.
const STACK_LENGTH: usize = 256 << 10;

/// A block, or the part of one that belongs to the content, and where it goes.
struct Piece<'a> {
    block: u32,
    range: Range<usize>,
    place: &'a mut [u8],
}

impl Piece<'_> {
    fn fill(self, archive: &Archive) -> Result<(), ArchiveError> {
        let whole = archive.block_length(self.block)?;
        populate(self.place);
        if self.range.len() == whole {
            return archive.read_block(self.block, self.place);
        }
        let mut scratch = vec![0; whole];
        archive.read_block(self.block, &mut scratch)?;
        let part = scratch.get(self.range).ok_or(ArchiveError::OutOfBounds { part: "content" })?;
        self.place.copy_from_slice(part);
        Ok(())
    }
}

/// Decompresses a content into `place`, which has its length.
pub fn into(archive: &Archive, content: Extent, place: &mut [u8]) -> Result<(), ArchiveError> {
    let mut pieces = Vec::new();
    let mut rest = place;
    archive.pieces(content, |block, range| {
        let split = core::mem::take(&mut rest).split_at_mut_checked(range.len());
        let (place, after) = split.ok_or(ArchiveError::OutOfBounds { part: "content" })?;
        rest = after;
        pieces.push(Piece { block, range, place });
        Ok::<(), ArchiveError>(())
    })?;
    let threads =
        if pieces.len() < 2 { 1 } else { processors::count().clamp(1, MOST_THREADS).min(pieces.len()) };
    let left = Mutex::new(pieces.into_iter());
    let work = || {
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                Some(piece) => piece.fill(archive)?,
                None => return Ok(()),
            }
        }
    };
    if threads == 1 {
        return work();
    }
    let _blocked = BlockedSignals::new();
    thread::scope(|scope| {
        // A thread that cannot be had is no loss: the others take its blocks.
        let start = |_| thread::Builder::new().stack_size(STACK_LENGTH).spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).map_while(start).collect();
        let own = work();
        let damaged = || ArchiveError::OutOfBounds { part: "content" };
        others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(damaged()))).fold(own, Result::and)
    })
}

/// As [`into`], but on this thread and without malloc or a lock: for a child between vfork and exec, whose memory is
/// its parent's.
pub fn into_unshared(archive: &Archive, content: Extent, place: &mut [u8]) -> Result<(), ArchiveError> {
    let mut longest = 0;
    archive.pieces(content, |block, range| {
        let whole = archive.block_length(block)?;
        longest = longest.max(if range.len() == whole { 0 } else { whole });
        Ok::<(), ArchiveError>(())
    })?;
    let no_memory = || ArchiveError::OutOfMemory { block: content.block };
    let mut state = Pages::new(Decompressor::memory()).ok_or_else(no_memory)?;
    let mut scratch = Pages::new(longest.max(1)).ok_or_else(no_memory)?;
    let mut decompressor = Decompressor::new(&mut state).ok_or_else(no_memory)?;
    let mut rest = place;
    archive.pieces(content, |block, range| {
        let outside = ArchiveError::OutOfBounds { part: "content" };
        let split = core::mem::take(&mut rest).split_at_mut_checked(range.len());
        let (place, after) = split.ok_or(outside.clone())?;
        rest = after;
        let whole = archive.block_length(block)?;
        if range.len() == whole {
            return archive.read_block_with(block, place, |out, frame| decompressor.run(out, frame));
        }
        let scratch = scratch.bytes().get_mut(..whole).ok_or(outside.clone())?;
        archive.read_block_with(block, scratch, |out, frame| decompressor.run(out, frame))?;
        place.copy_from_slice(scratch.get(range).ok_or(outside)?);
        Ok(())
    })
}

/// zstd's state for decompressing, in memory of the caller's.
pub struct Decompressor<'a>(NonNull<ZSTD_DCtx>, PhantomData<&'a mut Pages>);

// Of zstd.h, "static allocation": outside of what its bindings declare by default, but part of the library.
unsafe extern "C" {
    fn ZSTD_estimateDCtxSize() -> usize;
    fn ZSTD_initStaticDCtx(workspace: *mut c_void, length: usize) -> *mut ZSTD_DCtx;
}

impl<'a> Decompressor<'a> {
    /// Bytes of memory that it takes.
    pub fn memory() -> usize {
        // SAFETY: no conditions.
        unsafe { ZSTD_estimateDCtxSize() }
    }

    /// A state in this memory; none if that is too little.
    pub fn new(memory: &'a mut Pages) -> Option<Self> {
        // SAFETY: the memory is that long, aligned to pages, and borrowed as long as the state lives.
        let state = unsafe { ZSTD_initStaticDCtx(memory.memory(), memory.len()) };
        NonNull::new(state).map(|state| Self(state, PhantomData))
    }

    /// Decompresses a frame; the number of bytes, or zstd's error code.
    pub fn run(&mut self, out: &mut [u8], frame: &[u8]) -> Result<usize, usize> {
        let (place, source) = (out.as_mut_ptr().cast(), frame.as_ptr().cast());
        // SAFETY: the state is initialised; pointers and lengths are of live slices.
        let code =
            unsafe { zstd_sys::ZSTD_decompressDCtx(self.0.as_ptr(), place, out.len(), source, frame.len()) };
        // SAFETY: takes any code.
        if unsafe { zstd_sys::ZSTD_isError(code) } == 0 { Ok(code) } else { Err(code) }
    }
}

/// All signals blocked in this thread, and so in those that it starts, until this is dropped.
pub struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    /// Blocks them.
    pub fn new() -> Self {
        // SAFETY: both sets are local; a set of zeroes is one that sigfillset and pthread_sigmask overwrite.
        unsafe {
            let (mut all, mut before) = (core::mem::zeroed(), core::mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set is the one that this thread had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, core::ptr::null_mut()) };
    }
}

/// [`fill`]s the pages that memory lies in, where they are more than a few.
fn populate(memory: &mut [u8]) {
    /// Faults that are fewer than this cost less than the call.
    const FEW: usize = 8 * PAGE;
    if memory.len() < FEW {
        return;
    }
    let before = memory.as_ptr().addr() % PAGE;
    let start = memory.as_mut_ptr().wrapping_sub(before).cast();
    // SAFETY: the whole pages that the memory lies in; nothing that they hold changes.
    unsafe { fill(start, before + memory.len()) };
}

#[cfg(test)]
#[cfg(feature = "write")]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::archive::tests::no_target;
    use crate::archive::writer::{ArchiveWriter, compress};

    /// An archive of nine blocks of a thousand bytes each, and the bytes.
    fn archive() -> (Vec<u8>, Vec<u8>) {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        let bytes: Vec<u8> = (0..9000u32).map(|n| (n * n / 7) as u8).collect();
        for block in bytes.chunks(1000) {
            writer.add_block(&compress(block, 3).unwrap()).unwrap();
        }
        (writer.finish(&no_target()).unwrap().1.into_inner(), bytes)
    }

    #[test]
    fn blocks_come_together_in_order() {
        let (archive, bytes) = archive();
        let archive = Archive::open(&archive).unwrap();
        for (start, length) in [(0u32, 9000u32), (0, 10), (990, 20), (5, 8990), (3000, 1000), (8999, 1)] {
            let content = Extent { block: start / 1000, offset: start % 1000, length: u64::from(length) };
            let mut place = vec![0; length as usize];
            into(&archive, content, &mut place).unwrap();
            assert_eq!(place, bytes[start as usize..][..length as usize], "{start}, {length}");
            place.fill(0);
            into_unshared(&archive, content, &mut place).unwrap();
            assert_eq!(place, bytes[start as usize..][..length as usize], "{start}, {length}");
        }
    }

    #[test]
    fn damage_in_any_block_is_an_error() {
        let (bytes, _) = archive();
        let content = Extent { block: 0, offset: 0, length: 9000 };
        let index = u64::from_le_bytes(bytes[24..32].try_into().unwrap()) as usize;
        for at in (64..index).step_by(500) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(into(&Archive::open(&damaged).unwrap(), content, &mut [0; 9000]).is_err(), "byte {at}");
            let archive = Archive::open(&damaged).unwrap();
            assert!(into_unshared(&archive, content, &mut [0; 9000]).is_err(), "byte {at}");
        }
    }
}
