//! Reading marshal data: one pass, each object made where its bytes are.
//!
//! What is unusual (a kind of object that no compiler writes, data that end early, no memory) ends the reading; what was
//! made until then is lost memory of this process, and CPython reads the data again and says what is wrong.

use super::State;
use crate::cpython::types::Object;

/// `FLAG_REF`: later data may refer to the object.
const FLAG_REF: u8 = 0x80;

/// Containers within containers. The compiler's own limits are lower, and CPython's reader takes 2000.
const DEEPEST: u32 = 200;

/// Reads the data of one module.
pub struct Reader<'a> {
    pub(super) state: &'a mut State,
    pub(super) data: &'a [u8],
    pub(super) at: usize,
    pub(super) depth: u32,
    pub(super) file: Object,
}

impl<'a> Reader<'a> {
    /// `file` is the name for all code objects.
    pub fn new(state: &'a mut State, data: &'a [u8], file: Object) -> Self {
        Self { state, data, at: 0, depth: 0, file }
    }

    /// The code object that the data are. None, without an exception, if they are not read here.
    ///
    /// # Safety
    /// The calling thread may use Python, for all calls of the reader's functions.
    pub unsafe fn code(&mut self) -> Option<Object> {
        // SAFETY: from the contract.
        let code = unsafe { self.object() }?;
        // SAFETY: the object was made just now.
        let is_code = unsafe { self.state.objects.is_exactly(code, self.state.objects.api.PyCode_Type) };
        (is_code && self.at == self.data.len()).then_some(code)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.data.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn long(&mut self) -> Option<i32> {
        Some(i32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn double(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }

    pub(super) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.long()?).ok()
    }

    /// Keeps an object to which later data may refer.
    fn keep(&mut self, kind: u8, object: Object) -> Option<Object> {
        if kind & FLAG_REF != 0 {
            self.state.references.push(object);
        }
        Some(object)
    }

    /// Keeps what CPython was asked for, if it could be made.
    fn keep_made(&mut self, kind: u8, made: Object) -> Option<Object> {
        let object = self.state.objects.unless_failed(made)?;
        self.keep(kind, object)
    }

    /// Keeps a place for a container, whose items come first; says which.
    pub(super) fn place(&mut self, kind: u8) -> Option<usize> {
        (kind & FLAG_REF != 0).then(|| {
            self.state.references.push(core::ptr::null_mut());
            self.state.references.len() - 1
        })
    }

    pub(super) fn put(&mut self, place: Option<usize>, object: Object) -> Option<Object> {
        if let Some(place) = place {
            *self.state.references.get_mut(place)? = object;
        }
        Some(object)
    }

    /// The next object.
    pub(super) unsafe fn object(&mut self) -> Option<Object> {
        let kind = self.byte()?;
        let api = self.state.objects.api;
        // SAFETY: called by `code`, as all below.
        unsafe {
            match kind & !FLAG_REF {
                b'r' => self.reference(),
                b'Z' => {
                    let length = self.byte()?;
                    self.name(kind, usize::from(length))
                }
                b'A' => {
                    let length = self.length()?;
                    self.name(kind, length)
                }
                b'z' => {
                    let length = self.byte()?;
                    self.ascii(kind, usize::from(length))
                }
                b'a' => {
                    let length = self.length()?;
                    self.ascii(kind, length)
                }
                b')' => {
                    let length = self.byte()?;
                    self.tuple(kind, usize::from(length))
                }
                b'(' => {
                    let length = self.length()?;
                    self.tuple(kind, length)
                }
                b's' => {
                    let length = self.length()?;
                    let content = self.take(length)?;
                    let bytes = self.state.objects.bytes(content)?;
                    self.keep(kind, bytes)
                }
                b'c' => self.code_object(kind),
                b'N' => Some(api.none()),
                b'T' => Some(api.boolean(true)),
                b'F' => Some(api.boolean(false)),
                b'.' => Some(api._Py_EllipsisObject),
                b'i' => {
                    let value = self.long()?;
                    self.keep_made(kind, (api.PyLong_FromLong)(value.into()))
                }
                b't' | b'u' => {
                    let length = self.length()?;
                    let content = self.take(length)?;
                    let is_name = kind & !FLAG_REF == b't';
                    let objects = &self.state.objects;
                    let string =
                        if is_name { objects.interned(content)? } else { objects.unicode(content)? };
                    self.keep(kind, string)
                }
                b'g' => {
                    let value = self.double()?;
                    self.keep_made(kind, (api.PyFloat_FromDouble)(value))
                }
                b'y' => {
                    let (real, imaginary) = (self.double()?, self.double()?);
                    self.keep_made(kind, (api.PyComplex_FromDoubles)(real, imaginary))
                }
                b'l' => {
                    let digits = self.long()?;
                    let content = self.take((digits.unsigned_abs() as usize).checked_mul(2)?)?;
                    let number = self.state.objects.long(digits < 0, content)?;
                    self.keep(kind, number)
                }
                b'>' => self.frozen_set(kind),
                _ => None,
            }
        }
    }

    /// An object that was kept.
    fn reference(&mut self) -> Option<Object> {
        let number = self.length()?;
        self.state.references.get(number).copied().filter(|object| !object.is_null())
    }

    /// An interned ASCII string.
    unsafe fn name(&mut self, kind: u8, length: usize) -> Option<Object> {
        let content = self.take(length)?;
        let State { names, objects, .. } = &mut *self.state;
        // SAFETY: called by `object`.
        let string = unsafe { names.get(objects, content) }?;
        self.keep(kind, string)
    }

    /// An ASCII string that is not interned.
    unsafe fn ascii(&mut self, kind: u8, length: usize) -> Option<Object> {
        let content = self.take(length)?;
        let objects = &self.state.objects;
        let string = if length > 1 {
            objects.ascii(content)
        } else {
            // SAFETY: called by `object`.
            unsafe { objects.unicode(content) }
        };
        self.keep(kind, string?)
    }

    unsafe fn tuple(&mut self, kind: u8, length: usize) -> Option<Object> {
        if length == 0 {
            return self.keep(kind, self.state.objects.empty_tuple);
        }
        // Each item is a byte at least: a length that is wrong takes no memory.
        self.data.len().checked_sub(self.at)?.checked_sub(length)?;
        let place = self.place(kind);
        let tuple = self.state.objects.tuple(length)?;
        self.deeper()?;
        for index in 0..length {
            // SAFETY: called by `object`; the tuple is as long.
            unsafe {
                let item = self.object()?;
                self.state.objects.set_item(tuple, index, item);
            }
        }
        self.depth -= 1;
        self.put(place, tuple)
    }

    unsafe fn frozen_set(&mut self, kind: u8) -> Option<Object> {
        let length = self.length()?;
        let place = self.place(kind);
        // SAFETY: called by `object`. CPython adds the items one by one, in this order; what hashes them is no Python code.
        unsafe {
            let items = self.tuple(0, length)?;
            let api = self.state.objects.api;
            let set = self.state.objects.unless_failed((api.PyFrozenSet_New)(items))?;
            self.put(place, set)
        }
    }

    pub(super) fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())
    }
}
