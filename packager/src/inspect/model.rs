//! The inventory of a program: what `inspect --json` prints, and what every other view is made of.
//!
//! All sizes are in bytes. *Size* is what the program sees, *stored* is the share of the file that it takes, compressed.
//! In an executable the parts of [`Sizes`] add up to the file, and so does what modules, libraries and files have stored
//! to the parts that are theirs. Of a program that is not built nothing is stored yet.

use std::collections::BTreeSet;

use serde::Serialize;

use super::native::NativeNeeds;
use super::portability::Portability;
use crate::graph::{Given, LeaveReason, Origin, Rule};

/// Version of the document; a field that is added does not change it.
pub const SCHEMA: u32 = 1;

/// What is in a program.
#[derive(Debug, Clone, Serialize)]
pub struct Contents {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The program.
    pub program: Program,
    /// For which Python and machine.
    pub target: Target,
    /// How it was built.
    pub options: Options,
    /// The size of the file and of its parts.
    pub sizes: Sizes,
    /// What it asks of the system that it runs on.
    pub portability: Portability,
    /// The distributions that parts are of, by name.
    pub distributions: Vec<Distribution>,
    /// All modules, those inside of CPython too, by name.
    pub modules: Vec<Module>,
    /// Native libraries, in the order of the archive; CPython's last.
    pub libraries: Vec<Library>,
    /// Files that are neither modules nor libraries, by path.
    pub files: Vec<File>,
    /// Modules that were found and left out, by name.
    pub left_out: Vec<LeftOut>,
    /// Names that imports ask for and that were not found, by name.
    pub missing: Vec<Missing>,
    /// What the user should know. Of an executable: what could not be read of it.
    pub warnings: Vec<String>,
}

/// The program.
#[derive(Debug, Clone, Serialize)]
pub struct Program {
    /// The name of the executable's file.
    pub name: String,
    /// Whether it was read from an executable; if not, it is a program that is not built.
    pub is_built: bool,
    /// The module that runs as `__main__`.
    pub entry: String,
    /// Whether it runs as `python -m` does.
    pub entry_is_module: bool,
    /// The format of the archive.
    pub format: u32,
    /// Checksum of the archive's index, which covers all that the archive holds: 16 hexadecimal digits. None where
    /// nothing is built.
    pub checksum: Option<String>,
    /// BLAKE3 checksum of the executable before its archive: 64 hexadecimal digits. None where nothing is built.
    pub base_checksum: Option<String>,
    /// Whether CPython is part of the executable's own code. If not, it is a library of the archive.
    pub is_fused: bool,
    /// Whether the files are a real directory beside the executable.
    pub is_directory: bool,
}

/// For which Python and machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `linux-x86_64-gnu`.
    pub platform: String,
    /// CPython's version: `3.11.7`.
    pub python: String,
    /// `sys.abiflags`.
    pub abi_flags: String,
    /// `sys.implementation.cache_tag`.
    pub cache_tag: String,
}

/// How it was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Level of optimisation of the bytecode: 0, 1, 2.
    pub optimize: u8,
    /// When the executable is `python`, too: `none`, `argv`, `env`.
    pub interpreter: &'static str,
    /// How hard contents are compressed: `fast`, `balanced`, `small`. None in an executable that does not say.
    pub compress: Option<String>,
    /// Whether sources of modules are in it. None in an executable that does not say.
    pub include_source: Option<bool>,
    /// Whether native files were stripped. None in an executable that does not say.
    pub strip: Option<bool>,
    /// Whether the garbage collector runs as ever while modules are imported.
    pub gc_during_imports: bool,
}

/// How large the file is, and what takes how much of it. Without `size` and `total` all parts add up to `total`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// All of it: the file, or the files of a directory.
    pub total: u64,
    /// What its contents take when they are unpacked.
    pub unpacked: u64,
    /// CPython and snapfreeze's own part; without CPython where that is a library of the archive.
    pub base: u64,
    /// Zeros between the base and the archive.
    pub alignment: u64,
    /// Bytecode of modules, their sources, and extension modules.
    pub modules: u64,
    /// Native libraries.
    pub libraries: u64,
    /// Other files.
    pub files: u64,
    /// The archive's header and index.
    pub index: u64,
    /// Why everything is there, for `snapfreeze why`.
    pub reasons: u64,
    /// What nothing in the index refers to.
    pub other: u64,
}

/// What an installer calls a distribution.
#[derive(Debug, Clone, Serialize)]
pub struct Distribution {
    /// Its name, as its metadata spell it.
    pub name: String,
    /// Its version; empty where the metadata have none.
    pub version: String,
    /// In one line what it is.
    pub summary: Option<String>,
    /// Its licence.
    pub licence: Licence,
    /// Where its project is: label and address, as its metadata name them.
    pub urls: Vec<(String, String)>,
    /// What it requires (`Requires-Dist`), as its metadata say it.
    pub requires: Vec<String>,
    /// The directory of its metadata.
    pub metadata: String,
    /// How many modules of it are in the program.
    pub modules: usize,
    /// How many libraries.
    pub libraries: usize,
    /// How many other files.
    pub files: usize,
    /// What its parts take when they are unpacked.
    pub size: u64,
    /// The share of the file that they take.
    pub stored: Option<u64>,
}

/// What a distribution says of its licence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Licence {
    /// `License-Expression`, an SPDX expression.
    pub expression: Option<String>,
    /// `License`, any text; of one with several lines the first that is not empty.
    pub text: Option<String>,
    /// `Classifier`s of licences, without the `License ::`.
    pub classifiers: Vec<String>,
    /// Files with its text, in the tree.
    pub files: Vec<String>,
}

/// What a module is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleKind {
    /// Bytecode.
    Code,
    /// A native extension.
    Extension,
    /// A namespace package.
    Namespace,
    /// A part of CPython.
    Builtin,
}

/// A module.
#[derive(Debug, Clone, Serialize)]
pub struct Module {
    /// Dotted name.
    pub name: String,
    /// What it is made of.
    pub kind: ModuleKind,
    /// Whether it is a package.
    pub is_package: bool,
    /// Whose it is; none where an executable does not say.
    pub origin: Option<Origin>,
    /// The distribution that it is of.
    pub distribution: Option<String>,
    /// Its file in the tree; empty for a part of CPython.
    pub file: String,
    /// Size of its bytecode or native file. Of a program that is not built: of its source.
    pub size: u64,
    /// Size of its source, where that is included.
    pub source: u64,
    /// The share of the file that both take.
    pub stored: Option<u64>,
    /// BLAKE3 checksum of its code or native file, 64 hexadecimal digits; where its source is included, of the checksums
    /// of both. None where contents were not read.
    pub blake3: Option<String>,
    /// Why it is there though no module imports it.
    pub given: BTreeSet<Given>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// Names of the libraries that it needs directly.
    pub needs: Vec<String>,
    /// What its native file asks for.
    pub native: Option<NativeNeeds>,
}

/// An import that was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The module.
    pub module: String,
    /// How it was found.
    pub rule: Rule,
    /// The line of the importing module's source; 0 where there is none.
    pub line: u32,
}

/// A native library.
#[derive(Debug, Clone, Serialize)]
pub struct Library {
    /// The name by which others ask for it.
    pub name: String,
    /// Its file in the tree; empty for none.
    pub file: String,
    /// The distribution that it is of; none for the system's.
    pub distribution: Option<String>,
    /// Whether it is part of the executable's own code: CPython's.
    pub is_fused: bool,
    /// Its size.
    pub size: u64,
    /// The share of the file that it takes.
    pub stored: Option<u64>,
    /// BLAKE3 checksum of it. None where contents were not read.
    pub blake3: Option<String>,
    /// Names of the libraries that it needs directly.
    pub needs: Vec<String>,
    /// The modules that need it directly.
    pub users: Vec<String>,
    /// What it asks for.
    pub native: Option<NativeNeeds>,
}

/// A file that is neither a module nor a library.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// Its path in the tree; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// Where it leads, if it is a symbolic link.
    pub link: Option<String>,
    /// The distribution that it is of.
    pub distribution: Option<String>,
    /// Why it is there: `package`, `distribution`, `option`, `trace`, `hook`; empty in an executable that does not say.
    pub reason: String,
    /// Its size.
    pub size: u64,
    /// The share of the file that it takes; 0 where it is the content of another one.
    pub stored: Option<u64>,
    /// Of files with the same content, which are stored once: the one that it is stored for.
    pub same_as: Option<String>,
    /// BLAKE3 checksum of its content. None where contents were not read.
    pub blake3: Option<String>,
}

/// A module that was found and left out.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: LeaveReason,
    /// Who imports it.
    pub askers: Vec<Asker>,
}

/// A name that was not found.
#[derive(Debug, Clone, Serialize)]
pub struct Missing {
    /// The name.
    pub name: String,
    /// Who imports it, first.
    pub asker: Asker,
}

/// Who asks for a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asker {
    /// The module.
    pub module: String,
    /// The line of its source; 0 where there is none.
    pub line: u32,
}
