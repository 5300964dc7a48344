//! Making objects: those that are laid out here, and those that CPython is asked for.

use core::cell::{Cell, RefCell};
use core::ptr;

use super::layout::{self, Layout, bytes, class, object, text, tuple};
use super::memory::Memory;
use crate::archive::Target;
use crate::cpython::types::{Object, PY_EQ};
use crate::cpython::{Api, Owned};

/// The bits of `state` that say whether a string is interned.
const INTERNED: u32 = 0b11;

/// The bits of `state` that say what a string looks like: `kind`, `compact` and `ascii`. The 24 higher ones mean nothing.
const LOOKS: u32 = 0b111_1100;

/// The first version of our code objects. By its version a specialised instruction knows a function again; functions have
/// that of their code object (`MAKE_FUNCTION`), and one of their own only where that is zero: then one that is made anew for
/// each call is never known again. CPython counts its versions from 1; it would have to make two thousand million code
/// objects in one process to come to ours.
const FIRST_VERSION: u32 = 1 << 31;

/// A string that no interpreter has interned: what strings look like is learned from it.
const SAMPLE: &[u8] = b"not a name";

/// Makes objects of one interpreter. None of them is ever freed.
pub struct Objects {
    pub api: &'static Api,
    pub layout: &'static Layout,
    memory: RefCell<Memory>,
    /// `state` of a compact ASCII string that is not interned.
    state: u32,
    pub empty_tuple: Object,
    empty_bytes: Object,
    /// The version of the next code object, from 3.12.
    version: Cell<u32>,
}

/// The address of a member.
fn member<T>(object: Object, offset: usize) -> *mut T {
    object.wrapping_byte_add(offset).cast()
}

/// Sets a member of an object that is being made.
///
/// # Safety
/// The object has a member of this type there.
pub unsafe fn set<T>(object: Object, offset: usize, value: T) {
    // SAFETY: from the contract.
    unsafe { member::<T>(object, offset).write(value) };
}

/// A member.
///
/// # Safety
/// The object has a member of this type there.
pub unsafe fn get<T: Copy>(object: Object, offset: usize) -> T {
    // SAFETY: from the contract.
    unsafe { member::<T>(object, offset).read() }
}

impl Objects {
    /// None where the interpreter's objects are not laid out as the table says.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn new(api: &'static Api, target: &Target) -> Option<Self> {
        let (3, minor) = target.python else { return None };
        let layout = layout::layout(minor).filter(|_| target.abi_flags.is_empty())?;
        // SAFETY: types and a string are alive, and have what is read in every version.
        unsafe {
            let sizes = |class: Object| {
                (get::<usize>(class, class::BASIC_SIZE), get::<usize>(class, class::ITEM_SIZE))
            };
            let is_known = sizes(api.PyCode_Type) == layout.code_size
                && sizes(api.PyTuple_Type) == (tuple::ITEMS, size_of::<Object>())
                && sizes(api.PyBytes_Type) == (bytes::ITEMS + 1, 1);
            if !is_known {
                return None;
            }
            let string =
                |text: &[u8]| (api.PyUnicode_FromStringAndSize)(text.as_ptr().cast(), text.len() as isize);
            let sample = Owned::take(api, string(SAMPLE))?;
            let objects = Self {
                api,
                layout,
                memory: RefCell::new(Memory::new(layout.arena)),
                state: get(sample.get(), text::STATE),
                empty_tuple: Owned::take(api, (api.PyTuple_New)(0))?.give(),
                version: Cell::new(FIRST_VERSION),
                empty_bytes: Owned::take(api, (api.PyBytes_FromStringAndSize)(ptr::null(), 0))?.give(),
            };
            let looks_so = objects.state & INTERNED == 0
                && get::<usize>(sample.get(), text::LENGTH) == SAMPLE.len()
                && objects.text(sample.get()) == SAMPLE;
            looks_so.then_some(objects)
        }
    }

    /// A new object with a length, of `size` bytes; all that is not set is zero.
    fn object(&self, class: Object, length: usize, size: usize) -> Option<Object> {
        self.object_after(0, class, length, size)
    }

    /// As [`object`](Self::object), behind so many bytes that are zero.
    fn object_after(&self, before: usize, class: Object, length: usize, size: usize) -> Option<Object> {
        let memory: Object = self.memory.borrow_mut().take(size.checked_add(before)?)?.cast().as_ptr();
        let new = memory.wrapping_byte_add(before);
        // SAFETY: the memory is long enough for what comes before, and for the head of an object that has a length.
        unsafe {
            set(new, object::REFERENCES, self.layout.references);
            set(new, object::CLASS, class);
            set(new, object::SIZE, length);
        }
        Some(new)
    }

    /// A tuple, not empty, of nulls.
    pub fn tuple(&self, length: usize) -> Option<Object> {
        let size = length.checked_mul(size_of::<Object>())?.checked_add(tuple::ITEMS)?;
        self.object_after(tuple::COLLECTOR, self.api.PyTuple_Type, length, size)
    }

    /// Sets an item of a new tuple.
    ///
    /// # Safety
    /// The tuple is as long.
    pub unsafe fn set_item(&self, tuple: Object, index: usize, item: Object) {
        // SAFETY: from the contract.
        unsafe { set(tuple, tuple::ITEMS + index * size_of::<Object>(), item) };
    }

    /// The items of a tuple.
    ///
    /// # Safety
    /// It is a tuple that is not changed any more.
    pub unsafe fn items(&self, tuple: Object) -> &[Object] {
        // SAFETY: from the contract.
        unsafe { core::slice::from_raw_parts(member(tuple, tuple::ITEMS), get(tuple, object::SIZE)) }
    }

    /// Whether an object is exactly of a type.
    ///
    /// # Safety
    /// The object is alive.
    pub unsafe fn is_exactly(&self, object: Object, class: Object) -> bool {
        // SAFETY: from the contract.
        unsafe { (*object).class() == class }
    }

    /// A byte string: the one that is empty, or a new one, as marshal makes it of a single byte as well.
    pub fn bytes(&self, content: &[u8]) -> Option<Object> {
        if content.is_empty() {
            return Some(self.empty_bytes);
        }
        let size = content.len().checked_add(bytes::ITEMS + 1)?;
        let new = self.object(self.api.PyBytes_Type, content.len(), size)?;
        // SAFETY: the object has room for the content and the zero after it, which is there.
        unsafe {
            set(new, bytes::HASH, -1_isize);
            ptr::copy_nonoverlapping(content.as_ptr(), member(new, bytes::ITEMS), content.len());
        }
        Some(new)
    }

    /// The content of a byte string.
    ///
    /// # Safety
    /// It is a byte string.
    pub unsafe fn content(&self, string: Object) -> &[u8] {
        // SAFETY: from the contract.
        unsafe { core::slice::from_raw_parts(member(string, bytes::ITEMS), get(string, object::SIZE)) }
    }

    /// An ASCII string that is not interned, of two characters or more: of shorter ones CPython has one each.
    pub fn ascii(&self, content: &[u8]) -> Option<Object> {
        let start = self.layout.text;
        let size = content.len().checked_add(start + 1)?;
        let new = self.object(self.api.PyUnicode_Type, content.len(), size)?;
        // SAFETY: as for a byte string.
        unsafe {
            set(new, text::HASH, -1_isize);
            set(new, text::STATE, self.state);
            ptr::copy_nonoverlapping(content.as_ptr(), member(new, start), content.len());
        }
        Some(new)
    }

    /// The characters of a compact ASCII string.
    ///
    /// # Safety
    /// It is one.
    pub unsafe fn text(&self, string: Object) -> &[u8] {
        // SAFETY: from the contract.
        unsafe { core::slice::from_raw_parts(member(string, self.layout.text), get(string, text::LENGTH)) }
    }

    /// Whether a string is compact ASCII.
    ///
    /// # Safety
    /// It is a string.
    pub unsafe fn is_ascii(&self, string: Object) -> bool {
        // SAFETY: from the contract.
        unsafe { (get::<u32>(string, text::STATE) ^ self.state) & LOOKS == 0 }
    }

    /// The interned string with this content, UTF-8 with lone surrogates.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn interned(&self, content: &[u8]) -> Option<Object> {
        // SAFETY: from the contract; the reference that is left is kept forever.
        unsafe {
            let mut string = self.unicode(content)?;
            if self.layout.has_immortals {
                (self.api.PyUnicode_InternImmortal)(&raw mut string);
            } else {
                (self.api.PyUnicode_InternInPlace)(&raw mut string);
            }
            Some(string)
        }
    }

    /// A string with this content, UTF-8 with lone surrogates.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn unicode(&self, content: &[u8]) -> Option<Object> {
        let length = content.len() as isize;
        // SAFETY: from the contract; `surrogatepass` is what marshal writes and reads with.
        let string = unsafe {
            (self.api.PyUnicode_DecodeUTF8)(content.as_ptr().cast(), length, c"surrogatepass".as_ptr())
        };
        self.unless_failed(string)
    }

    /// An integer of so many digits of 15 bits, two bytes each, the least significant first. None where one has more bits.
    ///
    /// # Safety
    /// The calling thread may use Python.
    pub unsafe fn long(&self, is_negative: bool, digits: &[u8]) -> Option<Object> {
        let (mut value, mut bits, mut bytes) = (0_u32, 0, Vec::with_capacity(digits.len() + 1));
        for digit in digits.chunks_exact(2) {
            let digit = u16::from_le_bytes(*digit.first_chunk()?);
            value |= u32::from(digit) << bits;
            bits += 15;
            while bits >= 8 {
                bytes.push(value as u8);
                (value, bits) = (value >> 8, bits - 8);
            }
            (digit < 1 << 15).then_some(())?;
        }
        // A byte above the highest bit, which is none of the sign.
        bytes.push(value as u8);
        bytes.push(0);
        if is_negative {
            // Two's complement.
            let mut carries = true;
            for byte in &mut bytes {
                (*byte, carries) = (!*byte).overflowing_add(u8::from(carries));
            }
        }
        // SAFETY: from the contract; pointer and length are of one live slice, little-endian and signed.
        self.unless_failed(unsafe { (self.api._PyLong_FromByteArray)(bytes.as_ptr(), bytes.len(), 1, 1) })
    }

    /// What CPython has made; none without an exception if it could not.
    pub fn unless_failed(&self, made: Object) -> Option<Object> {
        if made.is_null() {
            // SAFETY: whoever asked CPython for an object may use Python.
            unsafe { (self.api.PyErr_Clear)() };
            return None;
        }
        Some(made)
    }

    /// A new code object, of so many instructions if they are part of it; all its members are zero.
    pub fn code(&self, instructions: usize) -> Option<Object> {
        let (fixed, item) = self.layout.code_size;
        let size = instructions.checked_mul(item)?.checked_add(fixed)?;
        self.object(self.api.PyCode_Type, instructions, size)
    }

    /// The version of the next code object; zero, which is none, once there are no more.
    pub fn next_version(&self) -> u32 {
        let version = self.version.get();
        self.version.set(if version == 0 { 0 } else { version.wrapping_add(1) });
        version
    }

    /// An array of numbers that an object refers to.
    pub fn numbers(&self, numbers: &[isize]) -> Option<*mut isize> {
        let memory = self.memory.borrow_mut().take(size_of_val(numbers))?.cast().as_ptr();
        // SAFETY: the memory is as long.
        unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), memory, numbers.len()) };
        Some(memory)
    }

    /// Whether two strings are equal.
    ///
    /// # Safety
    /// They are strings; the calling thread may use Python.
    pub unsafe fn are_equal(&self, one: Object, other: Object) -> bool {
        // SAFETY: from the contract.
        one == other || unsafe { (self.api.PyObject_RichCompareBool)(one, other, PY_EQ) == 1 }
    }
}
