//! Interned strings of this process that code objects have asked for.

use core::ptr;

use super::objects::Objects;
use crate::cpython::types::Object;

/// A hash table with open addressing: CPython's strings by their characters, ASCII only.
#[derive(Default)]
pub struct Names {
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    count: usize,
}

/// A string and its hash; null is a free place.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    string: Object,
}

const FREE: Slot = Slot { hash: 0, string: ptr::null_mut() };

/// Places of the first table: a program of the standard library has some thousand names.
const FIRST: usize = 2048;

impl Names {
    /// The interned string with these characters, which are ASCII. None where there is no memory, without an exception.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn get(&mut self, objects: &Objects, text: &[u8]) -> Option<Object> {
        if self.count * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let slot = self.slots.get(at)?;
            if slot.string.is_null() {
                break;
            }
            // SAFETY: the strings are compact ASCII and never freed.
            if slot.hash == hash && unsafe { objects.text(slot.string) } == text {
                return Some(slot.string);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        // SAFETY: from the contract.
        let string = unsafe { objects.interned(text) }?;
        // SAFETY: it is a string.
        if unsafe { objects.is_ascii(string) } {
            *self.slots.get_mut(at)? = Slot { hash, string };
            self.count += 1;
        }
        Some(string)
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(FIRST);
        let before = core::mem::replace(&mut self.slots, vec![FREE; length]);
        for slot in before.into_iter().filter(|slot| !slot.string.is_null()) {
            let mut at = slot.hash as usize & (length - 1);
            while self.slots.get(at).is_some_and(|other| !other.string.is_null()) {
                at = (at + 1) & (length - 1);
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

/// XXH3: names are short, and nobody who could choose them for their hashes gains more than by the code beside them.
fn hash(text: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text)
}
