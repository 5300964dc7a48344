//! The importer: a finder and loader over the archive, written against CPython's C API.
//!
//! [`install`] gets it into the interpreter, by way of [`frozen`], [`object`] is the Python object that `sys.meta_path` holds, [`finder`] its
//! method, [`loaders`] are the classes of the modules' loaders, [`arguments`] their arguments, [`specs`] makes module
//! specs, [`code`] code objects, [`load`] imports without Python code, with what [`native`] has found out and the [`locks`]
//! that others wait for, [`put_off`] keeps the garbage collector away meanwhile, [`last_collections`] shortens what it does at the end, [`main_module`] runs the entry, [`runtime_hooks`] what goes before it, [`open_code`]
//! opens modules' files, [`left_out`] says which option brings in a module that is not there.
//!
//! One `Importer` serves the process; what belongs to an interpreter (its `ModuleSpec` class and the like) is in
//! a [`session::Session`], made when `encodings` is first imported there, so that subinterpreters have theirs.

pub mod arguments;
pub mod blocks;
pub mod code;
pub mod finder;
pub mod frozen;
pub mod install;
pub mod last_collections;
pub mod left_out;
pub mod load;
pub mod loaders;
pub mod locks;
pub mod main_module;
pub mod names;
pub mod native;
pub mod object;
pub mod open_code;
pub mod put_off;
pub mod runtime_hooks;
pub mod session;
pub mod specs;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicPtr;

use crate::MappedArchive;
use crate::archive::{Module, NodeContent, Placement, Target};
use crate::command_line::CommandLine;
use crate::cpython::Api;
use crate::materialize::Materialized;
use crate::os::dynamic;
use blocks::BlockCache;
use session::Session;

/// Name of the directory that the archive appears as, below the executable's own path or beside it.
const ROOT_NAME: &str = "_internal";

/// The directory that the archive appears as: below the executable, or beside it.
pub fn root(target: &Target, executable: &Path) -> PathBuf {
    match target.placement {
        Placement::Archive => executable.join(ROOT_NAME),
        Placement::Beside => executable.with_file_name(ROOT_NAME),
    }
}

/// What the importer works with, for the life of the process.
pub struct Importer {
    api: &'static Api,
    archive: MappedArchive,
    target: Target<'static>,
    command_line: CommandLine,
    blocks: BlockCache,
    root: PathBuf,
    /// What is on the real disk though the tree is in the archive.
    materialized: Option<Materialized>,
    /// The session of the main interpreter, the first that is made.
    main_session: AtomicPtr<Session>,
    /// The session that was made last, the first of all sessions' list.
    sessions: AtomicPtr<Session>,
}

impl Importer {
    /// An importer over `archive`, which appears as the directory `root`. It lives as long as the process.
    pub fn new(
        api: &'static Api,
        archive: MappedArchive,
        target: &Target<'static>,
        root: PathBuf,
        command_line: CommandLine,
        materialized: Option<Materialized>,
    ) -> &'static Self {
        if let Some(materialized) = &materialized {
            dynamic::has_copies(materialized.clone());
        }
        Box::leak(Box::new(Self {
            api,
            archive,
            target: *target,
            command_line,
            blocks: BlockCache::default(),
            root,
            materialized,
            main_session: AtomicPtr::default(),
            sessions: AtomicPtr::default(),
        }))
    }

    /// The directory that the archive appears as: `sys._MEIPASS`, `sys.prefix`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the process is `python`, whose initialisation imports `site`.
    fn is_python(&self) -> bool {
        matches!(self.command_line, CommandLine::Python(..))
    }

    /// The module with this name. A damaged archive ends the process: a program must not take that for a
    /// module that is not there.
    fn find(&self, name: &str) -> Option<Module<'static>> {
        self.archive.find_module(name).unwrap_or_else(|error| fatal(error.into()))
    }
}

impl Importer {
    /// The directory on disk that stands for the root for this file, where there is one.
    fn materialized_root(&self, file: &str) -> Option<&Path> {
        self.materialized
            .as_ref()
            .filter(|materialized| materialized.has(file))
            .map(|found| found.root.as_path())
    }

    /// Whether a file, relative to the root, is on the real disk, so that the dynamic linker finds it there.
    fn is_on_disk(&self, file: &str) -> bool {
        self.target.placement == Placement::Beside || self.materialized_root(file).is_some()
    }

    /// Whether a module's file, relative to the root, holds its source.
    fn has_source(&self, file: &str) -> bool {
        if self.is_on_disk(file) {
            let root = self.materialized_root(file).unwrap_or(&self.root);
            return std::fs::metadata(root.join(file)).is_ok_and(|metadata| metadata.len() > 0);
        }
        if self.archive.node_count() == 0 {
            return false;
        }
        let mut node = self.archive.root().unwrap_or_else(|error| fatal(error.into()));
        for part in file.split('/') {
            match self.archive.find_child(&node, part.as_bytes()).unwrap_or_else(|error| fatal(error.into()))
            {
                Some(child) => node = child,
                None => return false,
            }
        }
        matches!(node.content, NodeContent::File(content) if content.length > 0)
    }

    /// The module whose file has this absolute path.
    fn module_at(&self, path: &str) -> Option<Module<'static>> {
        let below = |root: &Path| path.strip_prefix(root.to_str()?)?.strip_prefix('/');
        let materialized = || {
            let root = self.materialized.as_ref()?.root.as_path();
            below(root).filter(|file| self.materialized_root(file).is_some())
        };
        below(&self.root).or_else(materialized).and_then(|file| self.module_of(file))
    }

    /// The module with this file, relative to the root.
    fn module_of(&self, file: &str) -> Option<Module<'static>> {
        let (directory, name) =
            file.rsplit_once('/').map_or((None, file), |(directory, name)| (Some(directory), name));
        let stem = name.split('.').next().unwrap_or(name);
        let stem = (stem != "__init__" || directory.is_none()).then_some(stem);
        let path: Vec<&str> = directory.into_iter().chain(stem).collect();
        let is_it = |module: &Module| module.file == file;
        let entry = || self.find(self.target.entry).filter(is_it);
        self.find(&path.join("/").replace('/', ".")).filter(is_it).or_else(entry)
    }
}

/// Ends the process at once with the error's message and exit code.
pub fn fatal(error: crate::error::StartError) -> ! {
    let code = error.report();
    // SAFETY: ends the process; nothing of it runs on.
    unsafe { libc::_exit(code) }
}
