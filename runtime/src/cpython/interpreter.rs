//! Configuring, initialising and running CPython.
//!
//! The configuration is CPython's isolated one, which ignores `PYTHON*` variables, with what `python` does put
//! back: signal handlers, C streams, the locale-dependent encodings of the preconfiguration. All paths are given,
//! so that nothing is searched for. Members are written by offset ([`super::offsets`]).

use core::ffi::{CStr, c_char, c_int};
use std::path::Path;

use super::api::Api;
use super::offsets::{ConfigLayout, config_layout};
use super::types::{PRECONFIG_LENGTH, PyStatus, preconfig};
use crate::archive::Target;
use crate::error::StartError;
use crate::os::running_file::c_path;

/// Room for any `PyConfig` that the table knows and for the ones that it does not.
const CONFIG_ROOM: usize = 1024;

/// What the check of the struct's size fills the room with.
const POISON: u8 = 0x5a;

/// A `PyConfig` in memory: 8-byte aligned.
#[repr(C, align(16))]
struct ConfigMemory([u8; CONFIG_ROOM]);

/// CPython, about to be initialised.
pub struct Interpreter {
    api: &'static Api,
    layout: &'static ConfigLayout,
    minor: u8,
    optimize: u8,
    config: Box<ConfigMemory>,
}

impl Interpreter {
    /// Pre-initialises CPython and makes the configuration, after checking that the ABI is as the table says.
    pub fn prepare(api: &'static Api, target: &Target) -> Result<Self, StartError> {
        let unknown = |what: &str| StartError::UnknownAbi(format!("CPython {}{what}", target.version));
        let (3, minor) = target.python else { return Err(unknown("")) };
        if target.abi_flags.contains('t') {
            return Err(unknown(", free-threaded"));
        }
        let layout = config_layout(minor).ok_or_else(|| unknown(""))?;

        let mut pre = [0; PRECONFIG_LENGTH];
        // SAFETY: PyPreConfig is ten ints; the functions are called in the documented order, on one thread.
        let status = unsafe {
            (api.PyPreConfig_InitPythonConfig)(pre.as_mut_ptr());
            pre[preconfig::PARSE_ARGV] = 0;
            pre[preconfig::ISOLATED] = 1;
            pre[preconfig::USE_ENVIRONMENT] = 0;
            (api.Py_PreInitialize)(pre.as_ptr())
        };
        check(&status)?;

        let mut config = Box::new(ConfigMemory([POISON; CONFIG_ROOM]));
        // SAFETY: the room is larger than any PyConfig.
        unsafe { (api.PyConfig_InitIsolatedConfig)(config.0.as_mut_ptr()) };
        // The function writes the whole struct and nothing more, so the last changed byte tells its size.
        let size = config.0.iter().rposition(|byte| *byte != POISON).map_or(0, |last| last + 1);
        if size != layout.size {
            return Err(unknown(&format!(": PyConfig has {size} bytes, not {}", layout.size)));
        }
        Ok(Self { api, layout, minor, optimize: target.optimize, config })
    }

    /// The C API.
    pub fn api(&self) -> &'static Api {
        self.api
    }

    /// Minor version of CPython.
    pub fn minor(&self) -> u8 {
        self.minor
    }

    /// Initialises CPython: `executable` is the running file, `root` the directory that the archive appears as.
    ///
    /// # Safety
    /// `argv` holds `argc` strings. Called once, on the main thread.
    pub unsafe fn initialise(
        &mut self,
        argc: c_int,
        argv: *const *const c_char,
        executable: &Path,
        root: &Path,
    ) -> Result<(), StartError> {
        let layout = self.layout;
        for (offset, value) in [
            (layout.install_signal_handlers, 1),
            (layout.configure_c_stdio, 1),
            (layout.site_import, 0),
            (layout.pathconfig_warnings, 0),
            (layout.optimization_level, c_int::from(self.optimize)),
            (layout.module_search_paths_set, 1),
        ] {
            self.set_int(offset, value);
        }
        let (executable, root) = (c_path(executable), c_path(root));
        for offset in [layout.executable, layout.base_executable, layout.program_name] {
            self.set_string(offset, &executable)?;
        }
        let prefixes =
            [layout.home, layout.prefix, layout.base_prefix, layout.exec_prefix, layout.base_exec_prefix];
        for offset in prefixes.into_iter().chain(layout.stdlib_dir) {
            self.set_string(offset, &root)?;
        }
        self.append_path(layout.module_search_paths, &root)?;
        // The name that Py_RunMain hands to runpy; the importer puts its own runpy in the way.
        self.set_string(layout.run_module, c"__main__")?;

        let config = self.config.0.as_mut_ptr();
        // SAFETY: the configuration was initialised by CPython and only set through it since; argv is the
        // caller's. CPython copies argv to orig_argv (3.10+) while it reads the configuration.
        unsafe {
            check(&(self.api.PyConfig_SetBytesArgv)(config, argc as isize, argv))?;
            let status = (self.api.Py_InitializeFromConfig)(config);
            (self.api.PyConfig_Clear)(config);
            if status.kind != 0 && !(self.api.PyErr_Occurred)().is_null() {
                (self.api.PyErr_Print)(); // the exception that the status only alludes to
            }
            check(&status)
        }
    }

    /// Runs the main module with `python`'s own handling of exits, and finalises. Returns the exit code.
    pub fn run_main(&self) -> c_int {
        // SAFETY: CPython is initialised, and this is the thread that initialised it.
        unsafe { (self.api.Py_RunMain)() }
    }

    fn set_int(&mut self, offset: usize, value: c_int) {
        self.config.0[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }

    fn set_string(&mut self, offset: usize, value: &CStr) -> Result<(), StartError> {
        let config = self.config.0.as_mut_ptr();
        // SAFETY: at this offset is a member of type `wchar_t *`, which CPython frees and replaces.
        check(&unsafe { (self.api.PyConfig_SetBytesString)(config, config.add(offset), value.as_ptr()) })
    }

    fn append_path(&mut self, offset: usize, value: &CStr) -> Result<(), StartError> {
        // SAFETY: at this offset is a PyWideStringList; it copies the string, which is CPython's to free.
        unsafe {
            let text = (self.api.Py_DecodeLocale)(value.as_ptr(), core::ptr::null_mut());
            let status = (self.api.PyWideStringList_Append)(self.config.0.as_mut_ptr().add(offset), text);
            (self.api.PyMem_RawFree)(text.cast());
            check(&status)
        }
    }
}

/// Turns a status that is not a success into an error.
fn check(status: &PyStatus) -> Result<(), StartError> {
    if status.kind == 0 {
        return Ok(());
    }
    let text = |pointer: *const c_char| {
        if pointer.is_null() {
            return String::new();
        }
        // SAFETY: CPython's messages are static NUL-terminated strings.
        unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
    };
    let (function, message) = (text(status.function), text(status.message));
    Err(StartError::Python(if function.is_empty() { message } else { format!("{function}: {message}") }))
}
