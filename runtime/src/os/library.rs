//! A library that the dynamic linker has loaded: its symbols, and glibc's record of it.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::{self, NonNull};
use std::ffi::CString;
use std::path::Path;

use crate::error::StartError;

/// A library that the dynamic linker has loaded. It stays loaded, unless the program closes it ([`closed`](super::dynamic::closed)).
#[derive(Debug, Clone, Copy)]
pub struct Library(NonNull<c_void>);

impl Library {
    /// The program itself and all that was loaded globally: `dlopen(NULL)`.
    pub fn program() -> Option<Self> {
        // SAFETY: a null name asks for the main program.
        Self::of(unsafe { libc::dlopen(ptr::null(), libc::RTLD_NOW) })
    }

    /// The library behind a handle of dlopen; none for null.
    pub fn of(handle: *mut c_void) -> Option<Self> {
        NonNull::new(handle).map(Self)
    }

    /// What glibc calls it by.
    pub fn handle(self) -> *mut c_void {
        self.0.as_ptr()
    }

    /// The address of a symbol.
    pub fn symbol(self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: the handle is of a loaded library, the name a live string.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

// SAFETY: a handle may be used by any thread.
unsafe impl Send for Library {}

/// The public part of glibc's record of a library (link.h, `struct link_map`).
#[repr(C)]
struct LinkMap {
    address: usize,
    name: *mut c_char,
    dynamic: *mut c_void,
    next: *mut Self,
    previous: *mut Self,
}

/// An entry of a library's dynamic section (gABI, `Elf64_Dyn`).
#[repr(C)]
pub struct Dynamic {
    pub tag: i64,
    pub value: u64,
}

/// Tags of the dynamic section (gABI): its end, its strings, and which of them is the library's name.
pub const DT_NULL: i64 = 0;
const DT_STRTAB: i64 = 5;
const DT_SONAME: i64 = 14;

impl Library {
    /// glibc's record of the library.
    fn map(self) -> Option<NonNull<LinkMap>> {
        let mut map: *mut LinkMap = ptr::null_mut();
        // SAFETY: the handle is of a loaded library; the request writes one pointer.
        let status = unsafe { libc::dlinfo(self.0.as_ptr(), libc::RTLD_DI_LINKMAP, (&raw mut map).cast()) };
        NonNull::new(map).filter(|_| status == 0)
    }

    /// Where it is: what is added to the addresses in its file.
    pub fn address(self) -> Option<usize> {
        // SAFETY: glibc's record of a loaded library.
        self.map().map(|map| unsafe { map.as_ref() }.address)
    }

    /// The name by which, as it says itself, others ask for it.
    pub fn soname(&self) -> Option<&CStr> {
        let map = self.map()?;
        let (mut strings, mut name) = (None, None);
        // SAFETY: the record of a loaded library, whose dynamic section is mapped and ends with a null entry. glibc has
        // made the address of the strings absolute, where the section can be written to.
        unsafe {
            let map = map.as_ref();
            let mut entry = map.dynamic.cast::<Dynamic>().cast_const();
            while !entry.is_null() && (*entry).tag != DT_NULL {
                let value = usize::try_from((*entry).value).ok()?;
                match (*entry).tag {
                    DT_STRTAB => {
                        strings = Some(if value < map.address { map.address + value } else { value });
                    }
                    DT_SONAME => name = Some(value),
                    _ => {}
                }
                entry = entry.add(1);
            }
            Some(CStr::from_ptr(ptr::with_exposed_provenance(strings?.checked_add(name?)?)))
        }
    }

    /// Gives the library another name in glibc's records; returns it, or none if that could not be done.
    pub fn rename(self, name: CString) -> Option<&'static CStr> {
        let map = self.map()?.as_ptr();
        // SAFETY: glibc's record of the library, which is never unloaded. glibc frees the name, if ever, with free: so it
        // is from malloc. The old one stays, for who reads it now.
        unsafe {
            let copy = libc::strdup(name.as_ptr());
            if copy.is_null() {
                return None;
            }
            ptr::write_volatile(&raw mut (*map).name, copy);
            Some(CStr::from_ptr(copy))
        }
    }
}

/// dlopen; in the account of a failure the library has the name `file`, or if it has none, its path is left out: it
/// says nothing to anybody.
pub fn open(path: &CStr, name: &str, file: Option<&CStr>, flags: c_int) -> Result<Library, StartError> {
    // SAFETY: the path is a live string; what the library's constructors do is the library's.
    if let Some(library) = Library::of(unsafe { libc::dlopen(path.as_ptr(), flags) }) {
        return Ok(library);
    }
    let reason = dlerror();
    if !Path::new("/proc/self/fd").exists() {
        return Err(StartError::NoProc { library: name.to_owned() });
    }
    let prefix = format!("{}: ", path.to_string_lossy());
    let reason = match (reason.strip_prefix(&prefix), file) {
        (Some(reason), Some(file)) => format!("{}: {reason}", file.to_string_lossy()),
        (Some(reason), None) => reason.to_owned(),
        (None, _) => reason,
    };
    Err(StartError::Load { library: name.to_owned(), reason })
}

/// The dynamic linker's account of its last failure.
pub fn dlerror() -> String {
    // SAFETY: dlerror returns null or a string that lives until this thread's next call into the linker.
    unsafe {
        match libc::dlerror() {
            message if message.is_null() => "the dynamic linker gives no reason".to_owned(),
            message => CStr::from_ptr(message).to_string_lossy().into_owned(),
        }
    }
}
