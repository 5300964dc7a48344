//! `io.open_code` (PEP 578) of a module's file whose source is not in the archive.
//!
//! `runpy.run_path` opens the file of a program that way, and `multiprocessing` runs it to load `__main__` in a
//! spawned child. It takes bytecode as well as source, so it is given the image of a `.pyc` file: what the module's
//! code is, made anew with the absolute path as its `co_filename`. Every other file is opened as `io.open_code` does
//! it without a hook.

use core::ffi::c_void;
use core::ptr;

use super::Importer;
use super::install::importer;
use super::session::Session;
use super::specs::utf8;
use crate::archive::{Module, ModuleKind};
use crate::cpython::reference::returned;
use crate::cpython::types::Object;
use crate::cpython::{Api, Owned};
use crate::error::StartError;

/// Length of a `.pyc` file's header after the magic number (PEP 552): flags, then time and size, or a hash.
const HEADER_REST: usize = 12;

/// Registers the hook, before CPython is initialised.
pub fn register(api: &Api) -> Result<(), StartError> {
    // SAFETY: before initialisation, as the function demands; the hook needs no data.
    let status = unsafe { (api.PyFile_SetOpenCodeHook)(open_code, ptr::null_mut()) };
    if status == 0 { Ok(()) } else { Err(StartError::Python("io.open_code has a hook already".into())) }
}

/// The hook: a new file object, or null with an exception set.
unsafe extern "C" fn open_code(path: Object, _data: *mut c_void) -> Object {
    let Some(importer) = importer() else { return ptr::null_mut() };
    // SAFETY: called by Python with a `str`, holding the GIL.
    returned(unsafe {
        match module_at(importer, path) {
            Some(Some((session, module))) => bytecode(session, &module, path),
            Some(None) => open(importer.api, path),
            None => None,
        }
    })
}

/// The module of the archive whose file is at this path and that has no source there. The outer none: an exception
/// is set.
unsafe fn module_at(
    importer: &Importer,
    path: Object,
) -> Option<Option<(&'static Session, Module<'static>)>> {
    let api = importer.api;
    // SAFETY: called by `open_code`.
    unsafe {
        let Some(session) = Session::of_current_interpreter(importer) else { return Some(None) };
        let (root, whole) = (session.root.get(), (api.PyUnicode_GetLength)(path));
        match (api.PyUnicode_Tailmatch)(path, root, 0, isize::MAX, -1) {
            0 => return Some(None),
            1 => {}
            _ => return None,
        }
        let rest = Owned::take(api, (api.PyUnicode_Substring)(path, (api.PyUnicode_GetLength)(root), whole))?;
        let file = utf8(api, rest.get())?.and_then(|rest| rest.strip_prefix('/'));
        Some(file.and_then(|file| without_source(importer, file)).map(|module| (session, module)))
    }
}

/// The module with this file, relative to the root, if its source is not in the archive.
fn without_source(importer: &Importer, file: &str) -> Option<Module<'static>> {
    let module = importer.module_of(file).filter(|module| module.kind == ModuleKind::Code)?;
    (file.ends_with(".py") && !importer.has_source(file)).then_some(module)
}

/// A file in memory with a module's bytecode.
unsafe fn bytecode(session: &Session, module: &Module, path: Object) -> Option<Owned> {
    let api = session.api();
    // SAFETY: called by `open_code`.
    unsafe {
        let code = session.code(module.content, &Owned::share(api, path)?)?;
        let import = |name: &core::ffi::CStr| Owned::take(api, (api.PyImport_ImportModule)(name.as_ptr()));
        let marshalled = import(c"marshal")?.attribute(c"dumps")?.call(&[code.get()])?;
        let mut header = [0; 4 + HEADER_REST];
        // importlib writes the number's four bytes, lowest first.
        let magic = u32::try_from((api.PyImport_GetMagicNumber)()).unwrap_or_default();
        header[..4].copy_from_slice(&magic.to_le_bytes());
        let header = (api.PyBytes_FromStringAndSize)(header.as_ptr().cast(), header.len() as isize);
        let header = Owned::take(api, header)?;
        let image = Owned::take(api, (api.PySequence_Concat)(header.get(), marshalled.get()))?;
        import(c"_io")?.attribute(c"BytesIO")?.call(&[image.get()])
    }
}

/// What `io.open_code` does without a hook: `open(path, "rb")`.
unsafe fn open(api: &'static Api, path: Object) -> Option<Owned> {
    // SAFETY: called by `open_code`.
    unsafe {
        let io = Owned::take(api, (api.PyImport_ImportModule)(c"_io".as_ptr()))?;
        io.attribute(c"open")?.call(&[path, Owned::text(api, "rb")?.get()])
    }
}
