//! What a frozen executable does at run time, and the archive format that it shares with the packager.
//!
//! [`archive`] is the format, and [`relr`] what a fused executable relocates itself; the packager uses nothing else of this
//! crate. With the feature `embed` (the stub's) there is also [`relocate`], by which a process begins, and [`start`], the
//! whole life of a frozen program, step by step.

#[cfg_attr(not(test), forbid(unsafe_code))]
pub mod archive;
#[cfg_attr(not(test), forbid(unsafe_code))]
pub mod relr;

#[cfg(feature = "embed")]
mod command_line;
#[cfg(feature = "embed")]
mod cpython;
#[cfg(feature = "embed")]
mod error;
#[cfg(feature = "embed")]
mod importer;
#[cfg(feature = "embed")]
mod materialize;
#[cfg(feature = "embed")]
mod os;
#[cfg(feature = "embed")]
mod profile;
#[cfg(feature = "embed")]
mod unmarshal;
mod vector;
#[cfg(feature = "embed")]
pub mod vfs;

#[cfg(feature = "embed")]
pub use embedded::{relocate, relocate_late, start};
#[cfg(feature = "embed")]
pub use error::{EXIT_DAMAGED, EXIT_UNSUPPORTED};
#[cfg(feature = "embed")]
pub use importer::last_collections::{after_another, before_another, collect};
#[cfg(feature = "embed")]
pub use os::ahead::stop_threads;
#[cfg(feature = "embed")]
pub use os::threads;

#[cfg(feature = "embed")]
mod embedded {
    use core::ffi::{c_char, c_int};
    use core::sync::atomic::{AtomicBool, Ordering};

    use crate::archive::slot::SLOT_LENGTH;
    use crate::archive::{Archive, ArchiveError, Placement};
    use crate::command_line::CommandLine;
    use crate::cpython::{Api, Interpreter, libpython};
    use crate::error::StartError;
    use crate::importer::{self, Importer, install};
    use crate::materialize::materialize;
    use crate::os::running_file::RunningFile;
    use crate::os::{ahead, dynamic, late, memory_file, own_segments, relocations};
    use crate::{profile, relr, vfs};

    /// Completes what the dynamic linker has begun: relocates what is packed, and makes read-only what is constant
    /// then. A program that is damaged ends here, with a message.
    ///
    /// # Safety
    /// `slot` is the program's own, in its file. To be called once, before any constructor of the program.
    pub unsafe fn relocate(slot: *const [u8; relr::SLOT_LENGTH]) {
        // SAFETY: passed on from this function's own contract.
        if let Err(error) = unsafe { relocations::apply(slot) } {
            let code = error.report();
            // SAFETY: ends the process without what has never begun.
            unsafe { libc::_exit(code) };
        }
        own_segments::protect();
    }

    /// Relocates what has waited for this; false for every call but the first. Whoever calls it at the same time must wait
    /// for the first: CPython's lock sees to that.
    ///
    /// # Safety
    /// `slot` is the program's own, in its file, and [`relocate`] has returned.
    pub unsafe fn relocate_late(slot: *const [u8; relr::SLOT_LENGTH]) -> bool {
        static IS_DONE: AtomicBool = AtomicBool::new(false);
        let is_first = !IS_DONE.swap(true, Ordering::AcqRel);
        if is_first {
            // SAFETY: passed on from this function's own contract.
            unsafe { relocations::apply_late(slot) };
        }
        is_first
    }

    /// Runs the program whose archive `slot` points to; returns the process's exit code.
    ///
    /// Errors before the program's first line are reported on stderr, and the exit code is
    /// [`StartError::exit_code`]; from then on every exit code is the program's own.
    ///
    /// # Safety
    /// `argv` holds `argc` strings and lives as long as the process; `slot` is the program's own, in its file. To be called
    /// once, on the main thread.
    pub unsafe fn start(argc: c_int, argv: *const *const c_char, slot: *const [u8; SLOT_LENGTH]) -> c_int {
        // SAFETY: passed on from this function's own contract.
        match unsafe { run(argc, argv, slot) } {
            Ok(code) => code,
            Err(error) => error.report(),
        }
    }

    /// The start, in order. What is mapped or loaded here lives as long as the process: it is leaked on purpose.
    unsafe fn run(
        argc: c_int,
        argv: *const *const c_char,
        slot: *const [u8; SLOT_LENGTH],
    ) -> Result<c_int, StartError> {
        profile::begin();
        let file = RunningFile::open()?;
        // SAFETY: the slot is what this function was given.
        let archive = match unsafe { file.archive(slot) } {
            // What there is of a program without an archive is to be sound.
            Err(StartError::Empty) => return Err(libpython::without_archive()),
            archive => archive?,
        };
        let identity = file.identity()?;
        let executable = file.close();
        let target = archive.target().map_err(StartError::Damaged)?;
        vfs::mount(archive, &target, &executable, identity);
        profile::phase("archive opened");
        let root = importer::root(&target, &executable);
        if target.placement == Placement::Beside {
            dynamic::load_from(root.clone());
        }
        let has_module = |name: &str| matches!(archive.find_module(name), Ok(Some(_)));
        // SAFETY: argv is what this function was given.
        let command_line = unsafe { CommandLine::read(argc, argv, target.interpreter, has_module) }?;

        late::called_with(argc, argv);
        if command_line.runs_program() {
            ahead::start(archive);
        }

        memory_file::ignore_size_signal();
        let library = libpython::load(archive, &target)?;
        let api = Api::resolve(&library)?;
        profile::phase("CPython loaded");
        let mut interpreter = Interpreter::prepare(api, &target, &command_line)?;

        let materialized = materialize(archive)?;
        let importer = Importer::new(api, archive, &target, root, command_line, materialized);
        install::before_initialisation(importer, &mut interpreter)?;
        // SAFETY: nothing of Python runs before this call.
        unsafe { interpreter.initialise(&executable, importer.root()) }?;
        profile::phase("CPython initialised");
        install::after_initialisation(importer)?;
        profile::phase("program prepared");
        let code = interpreter.run_main();
        profile::phase("program run and ended");
        profile::end();
        Ok(code)
    }

    impl From<ArchiveError> for StartError {
        fn from(error: ArchiveError) -> Self {
            match error {
                ArchiveError::OutOfMemory { .. } => Self::OutOfMemory(error),
                _ => Self::Damaged(error),
            }
        }
    }

    /// An archive that stays mapped until the process ends.
    pub(crate) type MappedArchive = &'static Archive<'static>;
}

#[cfg(feature = "embed")]
use embedded::MappedArchive;
