//! Configuring, initialising and running CPython.
//!
//! The configuration is CPython's isolated one, which ignores `PYTHON*` variables, with what `python` does put
//! back: signal handlers, C streams, the locale-dependent encodings of the preconfiguration. Where the process is
//! `python` itself, the configuration is `python`'s, with the environment and the command line. All paths are
//! given, so that nothing is searched for. Members are written by offset ([`super::offsets`]).

use core::ffi::{CStr, c_char, c_int};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::api::Api;
use super::arenas;
use super::offsets::{ConfigLayout, config_layout};
use super::types::{PRECONFIG_LENGTH, PyStatus, preconfig};
use crate::archive::Target;
use crate::command_line::{CommandLine, Helper, Options};
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
    command_line: CommandLine,
    config: Box<ConfigMemory>,
}

impl Interpreter {
    /// Pre-initialises CPython and makes the configuration, after checking that the ABI is as the table says.
    pub fn prepare(
        api: &'static Api,
        target: &Target,
        command_line: &CommandLine,
    ) -> Result<Self, StartError> {
        let unknown = |what: &str| StartError::UnknownAbi(format!("CPython {}{what}", target.version));
        let (3, minor) = target.python else { return Err(unknown("")) };
        if target.abi_flags.contains('t') {
            return Err(unknown(", free-threaded"));
        }
        let layout = config_layout(minor).ok_or_else(|| unknown(""))?;
        pre_initialise(api, command_line)?;
        // The first collection of 3.12 moves what is immortal to the permanent generation, which `gc.get_freeze_count()` tells.
        let rests = !target.collects_during_imports && minor != 12;
        // SAFETY: nothing of CPython runs yet but its preconfiguration, which takes no arena.
        unsafe { arenas::provide(api, rests) };

        let mut config = Box::new(ConfigMemory([POISON; CONFIG_ROOM]));
        // SAFETY: the room is larger than any PyConfig.
        unsafe { (api.PyConfig_InitIsolatedConfig)(config.0.as_mut_ptr()) };
        // The function writes the whole struct and nothing more, so the last changed byte tells its size.
        let size = config.0.iter().rposition(|byte| *byte != POISON).map_or(0, |last| last + 1);
        if size != layout.size {
            return Err(unknown(&format!(": PyConfig has {size} bytes, not {}", layout.size)));
        }
        let command_line = command_line.clone();
        if matches!(command_line, CommandLine::Python(..)) {
            // SAFETY: as above.
            unsafe { (api.PyConfig_InitPythonConfig)(config.0.as_mut_ptr()) };
        }
        Ok(Self { api, layout, minor, optimize: target.optimize, command_line, config })
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
    /// Ends the process where `python`'s own command line asks for that (`--version`) or is wrong.
    ///
    /// # Safety
    /// Called once, on the main thread.
    pub unsafe fn initialise(&mut self, executable: &Path, root: &Path) -> Result<(), StartError> {
        let layout = self.layout;
        self.set_int(layout.pathconfig_warnings, 0);
        self.set_int(layout.optimization_level, c_int::from(self.optimize));
        self.set_int(layout.module_search_paths_set, 1);
        let (executable, root) = (c_path(executable), c_path(root));
        for offset in [layout.executable, layout.base_executable, layout.program_name] {
            self.set_string(offset, &executable)?;
        }
        let prefixes =
            [layout.home, layout.prefix, layout.base_prefix, layout.exec_prefix, layout.base_exec_prefix];
        for offset in prefixes.into_iter().chain(layout.stdlib_dir) {
            self.set_string(offset, &root)?;
        }
        match self.command_line.clone() {
            CommandLine::Python(arguments, options) => {
                self.set_int(layout.user_site_directory, 0);
                for entry in python_path(&options) {
                    self.append(layout.module_search_paths, &entry)?;
                }
                self.set_arguments(&arguments)?;
            }
            CommandLine::Program(arguments) | CommandLine::Helper(Helper::Spawned(arguments)) => {
                self.set_program(&arguments)?;
            }
            CommandLine::Helper(Helper::Call { options, arguments, .. }) => {
                self.set_int(layout.dev_mode, c_int::from(options.has_extra(c"dev")));
                for (offset, values) in
                    [(layout.warnoptions, options.warnings), (layout.xoptions, options.extra)]
                {
                    for value in values {
                        self.append(offset, value)?;
                    }
                }
                self.set_program(&arguments)?;
            }
            CommandLine::Helper(Helper::Worker { arguments, .. }) => {
                let arguments: Vec<&CStr> =
                    core::iter::once(executable.as_c_str()).chain(arguments).collect();
                self.set_program(&arguments)?;
            }
        }
        self.append(layout.module_search_paths, &root)?;

        let config = self.config.0.as_mut_ptr();
        // SAFETY: the configuration was initialised by CPython and only set through it since. CPython copies argv to
        // orig_argv (3.10+) while it reads the configuration.
        unsafe {
            let status = (self.api.Py_InitializeFromConfig)(config);
            (self.api.PyConfig_Clear)(config);
            if status.kind != 0 && matches!(self.command_line, CommandLine::Python(..)) {
                (self.api.Py_ExitStatusException)(status); // does not return
                return Ok(());
            }
            if status.kind != 0 && !(self.api.PyErr_Occurred)().is_null() {
                (self.api.PyErr_Print)(); // the exception that the status only alludes to
            }
            check(&status)
        }
    }

    /// The configuration of a program, which runs isolated, and the strings of `sys.argv`.
    fn set_program(&mut self, arguments: &[&CStr]) -> Result<(), StartError> {
        let layout = self.layout;
        self.set_int(layout.install_signal_handlers, 1);
        self.set_int(layout.configure_c_stdio, 1);
        self.set_int(layout.site_import, 0);
        // The name that Py_RunMain hands to runpy; the importer puts its own runpy in the way.
        self.set_string(layout.run_module, c"__main__")?;
        self.set_arguments(arguments)
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

    fn set_arguments(&mut self, arguments: &[&CStr]) -> Result<(), StartError> {
        let pointers: Vec<*const c_char> = arguments.iter().map(|argument| argument.as_ptr()).collect();
        let (config, count) = (self.config.0.as_mut_ptr(), pointers.len() as isize);
        // SAFETY: as many strings as the count says; CPython copies them.
        check(&unsafe { (self.api.PyConfig_SetBytesArgv)(config, count, pointers.as_ptr()) })
    }

    /// Appends to a list of strings.
    fn append(&mut self, offset: usize, value: &CStr) -> Result<(), StartError> {
        // SAFETY: at this offset is a PyWideStringList; it copies the string, which is CPython's to free.
        unsafe {
            let text = (self.api.Py_DecodeLocale)(value.as_ptr(), core::ptr::null_mut());
            if text.is_null() {
                return Err(StartError::Python("a path or option cannot be decoded".into()));
            }
            let status = (self.api.PyWideStringList_Append)(self.config.0.as_mut_ptr().add(offset), text);
            (self.api.PyMem_RawFree)(text.cast());
            check(&status)
        }
    }
}

/// Pre-initialises CPython: locale, encodings, memory allocator.
fn pre_initialise(api: &Api, command_line: &CommandLine) -> Result<(), StartError> {
    let mut pre = [0; PRECONFIG_LENGTH];
    // SAFETY: PyPreConfig is ten ints; the functions are called in the documented order, on one thread.
    unsafe {
        (api.PyPreConfig_InitPythonConfig)(pre.as_mut_ptr());
        if let CommandLine::Python(arguments, _) = command_line {
            let pointers: Vec<*const c_char> = arguments.iter().map(|argument| argument.as_ptr()).collect();
            let count = pointers.len() as isize;
            let status = (api.Py_PreInitializeFromBytesArgs)(pre.as_ptr(), count, pointers.as_ptr());
            if status.kind != 0 {
                (api.Py_ExitStatusException)(status); // does not return
            }
            return Ok(());
        }
        pre[preconfig::PARSE_ARGV] = 0;
        pre[preconfig::ISOLATED] = 1;
        pre[preconfig::USE_ENVIRONMENT] = 0;
        if let CommandLine::Helper(Helper::Call { options, .. }) = command_line {
            if options.has_extra(c"utf8") || options.has_extra(c"utf8=1") {
                pre[preconfig::UTF8_MODE] = 1;
            }
            pre[preconfig::DEV_MODE] = c_int::from(options.has_extra(c"dev"));
        }
        check(&(api.Py_PreInitialize)(pre.as_ptr()))
    }
}

/// The entries of `PYTHONPATH`, unless an option says that the environment is ignored.
fn python_path(options: &Options) -> Vec<CString> {
    let value =
        std::env::var_os("PYTHONPATH").filter(|value| !options.ignores_environment && !value.is_empty());
    let entries = |value: OsString| {
        let entries = value.as_bytes().split(|byte| *byte == b':');
        entries.filter_map(|entry| CString::new(entry).ok()).collect()
    };
    value.map(entries).unwrap_or_default()
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
