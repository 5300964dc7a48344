//! Small archives, decompressed ahead with no thread, one and several.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::os::fd::IntoRawFd;
use std::time::{Duration, Instant};

use super::*;
use crate::archive::Archive;
use crate::archive::tests::no_target;
use crate::archive::writer::{AheadRecord, ArchiveWriter, LibraryRecord, compress};
use crate::os::pages::{PAGE, fill};

/// Blocks in each library.
const BLOCKS: u32 = 20;
const BLOCK: usize = 10_000;

/// What the content of a library, or a block of code, consists of.
fn bytes(seed: u32, length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(seed + 7) / 5) as u8).collect()
}

/// Three blocks of code and two libraries, wanted in turn: 0, library 0, 1, library 1, 2.
fn archive() -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for seed in 0..3 {
        writer.add_block(&compress(&bytes(seed, BLOCK), 3).unwrap()).unwrap();
    }
    for seed in 0..2 {
        for block in bytes(100 + seed, BLOCK * BLOCKS as usize).chunks(BLOCK) {
            writer.add_block(&compress(block, 3).unwrap()).unwrap();
        }
        let (name, content) = (format!("lib{seed}.so"), library(seed));
        let file = String::new();
        writer.add_library(LibraryRecord { name, content, needs: Vec::new(), file }).unwrap();
    }
    let block = AheadRecord::Block;
    writer.set_ahead(vec![block(0), AheadRecord::Library(0), block(1), AheadRecord::Library(1), block(2)]);
    writer.finish(&no_target()).unwrap().1.into_inner()
}

fn library(number: u32) -> Extent {
    Extent { block: 3 + number * BLOCKS, offset: 0, length: BLOCK as u64 * u64::from(BLOCKS) }
}

fn processors() -> Processors {
    Processors::allowed().unwrap()
}

fn ahead(archive: Vec<u8>, threads: usize) -> &'static Ahead {
    with_patience(archive, threads, Duration::from_secs(60))
}

fn with_patience(archive: Vec<u8>, threads: usize, patience: Duration) -> &'static Ahead {
    let archive: &'static [u8] = archive.leak();
    let archive: &'static Archive = Box::leak(Box::new(Archive::open(archive).unwrap()));
    let ahead: &'static Ahead = Box::leak(Box::new(Ahead::new(archive, processors(), patience)));
    worker::start(ahead, threads);
    ahead
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until everything is ready.
fn wait_until_ready(ahead: &Ahead) {
    let is_ready = |state: &State| matches!(state.get(), DONE | FAILED);
    wait_until(|| {
        ahead.pieces.iter().all(|piece| is_ready(&piece.state))
            && ahead.files.iter().all(|file| is_ready(&file.state))
    });
}

fn content((file, missing): (OwnedFd, Option<Missing>)) -> Vec<u8> {
    assert!(missing.is_none());
    let mut file = File::from(file);
    assert!(file.write(b"x").is_err(), "it is sealed");
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    content
}

#[test]
fn everything_comes_once_and_complete() {
    for threads in [1, 3] {
        let ahead = ahead(archive(), threads);
        assert_eq!((ahead.pieces.len(), ahead.files.len()), (3 + 2 * BLOCKS as usize, 2));
        for number in 0..3 {
            if let Some(code) = ahead.code(number) {
                assert_eq!(&*code, bytes(number, BLOCK));
            }
            assert!(ahead.code(number).is_none());
        }
        for number in [1, 0] {
            if let Some(file) = ahead.file(library(number)) {
                assert!(content(file) == bytes(100 + number, BLOCK * BLOCKS as usize));
            }
            assert!(ahead.file(library(number)).is_none());
        }
        wait_until(|| ahead.threads.load(Ordering::Acquire) == 0);
    }
}

#[test]
fn what_is_ready_is_given() {
    let ahead = ahead(archive(), 1);
    wait_until_ready(ahead);
    assert!((0..3).all(|number| *ahead.code(number).unwrap() == bytes(number, BLOCK)));
    for number in 0..2 {
        let file = ahead.file(library(number)).unwrap();
        assert!(content(file) == bytes(100 + number, BLOCK * BLOCKS as usize));
    }
}

#[test]
fn without_threads_nothing_is_given_that_was_not_begun() {
    let ahead = ahead(archive(), 0);
    assert!(ahead.code(0).is_none());
    assert!(ahead.file(library(0)).is_none());
}

#[test]
fn what_nobody_takes_is_given_up() {
    let ahead = with_patience(archive(), 2, Duration::from_millis(20));
    wait_until(|| ahead.threads.load(Ordering::Acquire) == 0);
    assert!(!ahead.files.iter().any(file::File::is_ready));
    assert!(ahead.code(0).is_none());
    assert!(ahead.file(library(0)).is_none());
}

#[test]
fn what_is_damaged_is_left_to_who_needs_it() {
    let whole = archive();
    let index = u64::from_le_bytes(whole[24..32].try_into().unwrap()) as usize;
    for at in (64..index).step_by(index / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let ahead = ahead(damaged, 1);
        wait_until_ready(ahead);
        let code = (0..3).filter_map(|number| Some((ahead.code(number)?.to_vec(), bytes(number, BLOCK))));
        let files = (0..2).filter_map(|number| {
            Some((content(ahead.file(library(number))?), bytes(100 + number, BLOCK * BLOCKS as usize)))
        });
        let given: Vec<_> = code.chain(files).collect();
        assert_eq!(given.len(), 4, "all but one are whole, byte {at}");
        assert!(given.iter().all(|(given, right)| given == right));
    }
}

#[test]
fn threads_end_when_they_are_told_to_and_leave_nothing_open() {
    for pause in [0, 50, 200, 500, 1000, 3000] {
        let ahead = ahead(archive(), 2);
        std::thread::sleep(Duration::from_micros(pause));
        worker::stop(ahead);
        assert_eq!(ahead.threads.load(Ordering::Acquire), 0);
        assert!(!ahead.files.iter().any(file::File::is_ready));
        assert!((0..3).all(|number| ahead.code(number).is_none()));
        assert!((0..2).all(|number| ahead.file(library(number)).is_none()));
    }
}

#[test]
fn another_process_than_expected_waits_for_nothing() {
    let archive: &'static [u8] = archive().leak();
    let archive: &'static Archive = Box::leak(Box::new(Archive::open(archive).unwrap()));
    let ahead = Ahead { process: 1, ..Ahead::new(archive, processors(), Duration::from_secs(60)) };
    assert!(ahead.pieces[0].state.change(OPEN, CLAIMED));
    assert!(ahead.code(0).is_none());
    assert!(ahead.file(library(0)).is_none());
}

#[test]
fn a_descriptor_that_the_program_took_over_is_left_alone() {
    let ahead = ahead(archive(), 1);
    wait_until_ready(ahead);
    let descriptor = ahead.files[0].descriptor();
    let mine = File::open("/proc/self/status").unwrap().into_raw_fd();
    // SAFETY: calls without pointers; the descriptor is one that the test knows of.
    unsafe { libc::dup2(mine, descriptor) };
    assert!(ahead.file(library(0)).is_none());
    // SAFETY: as above.
    assert!(unsafe { libc::fcntl(descriptor, libc::F_GETFD) } >= 0, "it is still open");
}

/// Which pages of memory there are (mincore(2)).
fn pages(memory: *mut c_void) -> [bool; 3] {
    let mut pages = [0u8; 3];
    // SAFETY: the memory is as long, and the kernel writes one byte for each page.
    assert_eq!(unsafe { libc::mincore(memory, 3 * PAGE, pages.as_mut_ptr()) }, 0);
    pages.map(|page| page & 1 != 0)
}

#[test]
fn pages_are_there_before_they_are_used() {
    let [filled, wanted, forgotten] = [0; 3].map(|_| Pages::new(3 * PAGE).unwrap().into_raw());
    // SAFETY: nobody else has this memory.
    unsafe { fill(filled, PAGE) };
    if !pages(filled)[0] {
        return println!("skipped: this kernel has no MADV_POPULATE_WRITE");
    }
    let idle = ahead(archive(), 0);
    idle.get_pages(forgotten, 2 * PAGE);
    idle.forget_pages(wanted);
    assert_eq!(idle.wanted.load(Ordering::Relaxed), forgotten);
    idle.forget_pages(forgotten);
    assert!(idle.wanted.load(Ordering::Relaxed).is_null());

    // A thread that has nothing to do any more but to wait.
    let ahead = ahead(archive(), 1);
    wait_until_ready(ahead);
    ahead.get_pages(wanted, 2 * PAGE);
    wait_until(|| pages(wanted)[1]);
    assert_eq!(pages(wanted), [true, true, false]);
    assert_eq!(pages(forgotten), [false; 3]);
    worker::stop(ahead);
}
