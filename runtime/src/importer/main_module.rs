//! Running the program's main module.
//!
//! `Py_RunMain` runs a module by calling `runpy._run_module_as_main`. A stand-in for `runpy` whose function is
//! native takes the call, removes itself, so that the program can import the real `runpy`, and runs the entry's
//! code in `__main__`. So everything around it, from the handling of `SystemExit` to the exit code after a failed
//! flush, is `python`'s own, and no frame of ours is in a traceback.

use core::ffi::CStr;
use core::ptr;

use super::Importer;
use super::install::importer;
use super::runtime_hooks;
use super::session::Session;
use crate::archive::{ArchiveError, EntryKind, Module, ModuleKind};
use crate::command_line::{CHILDREN, CommandLine, Helper};
use crate::cpython::Owned;
use crate::cpython::reference::returned;
use crate::cpython::types::{Object, PyMethodDef};

/// Puts the stand-in for `runpy` into `sys.modules`. None with an exception set when that fails.
///
/// # Safety
/// CPython is initialised, and this is the thread that initialised it.
pub unsafe fn stand_in(importer: &Importer) -> Option<()> {
    static RUN: PyMethodDef = PyMethodDef::new(c"_run_module_as_main", run_module_as_main);
    let api = importer.api;
    // SAFETY: from the contract; the method's definition is static.
    unsafe {
        let module = Owned::take(api, (api.PyModule_New)(c"runpy".as_ptr()))?;
        let function = (api.PyCFunction_NewEx)(&raw const RUN, ptr::null_mut(), ptr::null_mut());
        module.set_attribute(c"_run_module_as_main", &Owned::take(api, function)?)?;
        let modules = (api.PyImport_GetModuleDict)();
        ((api.PyDict_SetItemString)(modules, c"runpy".as_ptr(), module.get()) == 0).then_some(())
    }
}

/// `_run_module_as_main(name, alter_argv)`, as `Py_RunMain` calls it.
unsafe extern "C" fn run_module_as_main(_module: Object, _arguments: Object, _keywords: Object) -> Object {
    // SAFETY: called by Py_RunMain, on the main thread, with CPython initialised.
    returned(unsafe { importer().and_then(|importer| run_main(importer)) })
}

unsafe fn run_main(importer: &Importer) -> Option<Owned> {
    let api = importer.api;
    // Helpers that run the program's code need what it needs; the interpreter is `python`, which has no such thing.
    let runs_hooks = match &importer.command_line {
        CommandLine::Program(_) => true,
        CommandLine::Helper(helper) => helper.runs_program(),
        CommandLine::Python(..) => false,
    };
    let session = Session::of_main_interpreter(importer)?;
    // SAFETY: called by `run_module_as_main`.
    unsafe {
        remove_stand_in(importer)?;
        if runs_hooks {
            runtime_hooks::run(importer, session)?;
        }
    }
    let (entry, kind) = match &importer.command_line {
        // SAFETY: as this function.
        CommandLine::Helper(Helper::Spawned(_)) => return unsafe { run_helper(importer, None) },
        // SAFETY: as this function.
        CommandLine::Helper(Helper::Call { text, .. }) => return unsafe { run_helper(importer, Some(text)) },
        CommandLine::Helper(Helper::Worker { module, .. }) => (*module, EntryKind::Module),
        CommandLine::Program(_) | CommandLine::Python(..) => {
            (importer.target.entry, importer.target.entry_kind)
        }
    };
    let entry = importer.find(entry).filter(|entry| entry.kind == ModuleKind::Code);
    let Some(entry) = entry else { super::fatal(ArchiveError::Invalid { part: "target: the entry" }.into()) };
    // SAFETY: called by `run_module_as_main`; the module `__main__` is kept alive while its code runs.
    unsafe {
        let main = Owned::share(api, (api.PyImport_AddModule)(c"__main__".as_ptr()))?;
        let namespace = Owned::share(api, (api.PyModule_GetDict)(main.get()))?;
        let file = session.path(entry.file)?;
        let code = session.code(entry.content, &file)?;
        session.dress_main(&namespace, &file, &entry, kind)?;
        Owned::take(api, (api.PyEval_EvalCode)(code.get(), namespace.get(), namespace.get()))
    }
}

/// Runs a helper process of multiprocessing's: the archive's module for that reads the command line, and gives
/// the function to be called. Called from here, no frame of ours is in its tracebacks.
unsafe fn run_helper(importer: &Importer, text: Option<&CStr>) -> Option<Owned> {
    let api = importer.api;
    // SAFETY: called by `run_main`.
    unsafe {
        let children = Owned::take(api, (api.PyImport_ImportModule)(CHILDREN.as_ptr()))?;
        let function = match text {
            None => children.attribute(c"spawned")?.call(&[])?,
            Some(text) => {
                let (pointer, length) = (text.as_ptr(), text.to_bytes().len() as isize);
                let text = Owned::take(api, (api.PyUnicode_DecodeFSDefaultAndSize)(pointer, length))?;
                children.attribute(c"main_call")?.call(&[text.get()])?
            }
        };
        function.call(&[])
    }
}

/// Takes the stand-in for `runpy` out of `sys.modules`.
unsafe fn remove_stand_in(importer: &Importer) -> Option<()> {
    let api = importer.api;
    // SAFETY: called by `run_main`.
    let status = unsafe { (api.PyDict_DelItemString)((api.PyImport_GetModuleDict)(), c"runpy".as_ptr()) };
    (status == 0).then_some(())
}

impl Session {
    /// Sets `__main__`'s names as `python` does: for a script `__spec__`, `__package__` and `__cached__` are None,
    /// for `-m` they are the module's.
    pub(super) unsafe fn dress_main(
        &self,
        namespace: &Owned,
        file: &Owned,
        entry: &Module,
        kind: EntryKind,
    ) -> Option<()> {
        let api = self.api();
        let set = |name: &CStr, value: &Owned| {
            // SAFETY: called by `run_main`.
            let status = unsafe { (api.PyDict_SetItemString)(namespace.get(), name.as_ptr(), value.get()) };
            (status == 0).then_some(())
        };
        // SAFETY: as above.
        unsafe {
            let (spec, cached, package) = match kind {
                EntryKind::Script => (Owned::none(api)?, Owned::none(api)?, Owned::none(api)?),
                EntryKind::Module => {
                    let spec = self.spec(entry)?;
                    let (cached, package) = (spec.attribute(c"cached")?, spec.attribute(c"parent")?);
                    (spec, cached, package)
                }
            };
            let loader = match kind {
                EntryKind::Script => self.loader(entry, &Owned::text(api, "__main__")?, file)?,
                EntryKind::Module => spec.attribute(c"loader")?,
            };
            set(c"__file__", file)?;
            set(c"__loader__", &loader)?;
            set(c"__spec__", &spec)?;
            set(c"__cached__", &cached)?;
            set(c"__package__", &package)
        }
    }
}
