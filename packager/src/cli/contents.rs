//! Options that say what goes into the executable: modules, and what else.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::collect::data::additions::Addition;
use crate::collect::data::{CopiedMetadata, DataOptions};
use crate::entry::is_dotted_name;
use crate::graph::Given;
use crate::graph::build::Root;
use crate::request::{BuildRequest, FollowOptional, HookOptions};

/// Which modules go into the executable.
#[derive(Debug, Args)]
#[command(next_help_heading = "Modules")]
pub struct ModuleArguments {
    /// Include a module that no import shows
    #[arg(long, alias = "hiddenimport", value_name = "MODULE", value_parser = parse_module)]
    hidden_import: Vec<String>,

    /// Leave out a module and all below it, whatever imports it
    #[arg(long, value_name = "MODULE", value_parser = parse_module)]
    exclude_module: Vec<String>,

    /// Follow optional imports of a distribution, or of all
    #[arg(long, value_name = "DIST|all")]
    follow_optional: Vec<String>,

    /// Include all modules of a package
    #[arg(long, value_name = "PACKAGE", value_parser = parse_module)]
    collect_submodules: Vec<String>,

    /// Look for modules in these directories, too, after the program's own
    #[arg(short, long, value_name = "DIR[:DIR]", value_parser = parse_directories())]
    paths: Vec<Directories>,

    /// Run a Python file before the program, may be given more than once
    #[arg(long, value_name = "FILE")]
    runtime_hook: Vec<PathBuf>,

    /// Use the PyInstaller hooks in a directory
    #[arg(long, value_name = "DIR")]
    additional_hooks_dir: Vec<PathBuf>,

    /// Use the PyInstaller hooks that are installed
    #[arg(long)]
    pyinstaller_hooks: bool,
}

/// What goes into the executable beside what the program imports.
#[derive(Debug, Args)]
#[command(next_help_heading = "Contents")]
pub struct ContentArguments {
    /// Add files: SRC is a file, a directory or a pattern, DEST a directory below the program's root
    #[arg(long, value_name = "SRC:DEST", value_parser = parse_addition())]
    add_data: Vec<Addition>,

    /// Add shared libraries with what they need
    #[arg(long, value_name = "SRC:DEST", value_parser = parse_addition())]
    add_binary: Vec<Addition>,

    /// Keep the source in the files of modules, for tracebacks and inspect
    #[arg(long)]
    include_source: bool,

    /// Include all data files of a package
    #[arg(long, alias = "collect-datas", value_name = "PACKAGE", value_parser = parse_module)]
    collect_data: Vec<String>,

    /// Include all shared libraries of a package
    #[arg(long, value_name = "PACKAGE", value_parser = parse_module)]
    collect_binaries: Vec<String>,

    /// Include all modules, data files, shared libraries and metadata of a package
    #[arg(long, value_name = "PACKAGE", value_parser = parse_module)]
    collect_all: Vec<String>,

    /// Include the metadata of a distribution
    #[arg(long, value_name = "DIST")]
    copy_metadata: Vec<String>,

    /// Include the metadata of a distribution and of all that it requires
    #[arg(long, value_name = "DIST")]
    recursive_copy_metadata: Vec<String>,

    /// Put a package on the real disk, in the user's cache, before it is used
    #[arg(long, value_name = "PACKAGE", value_parser = parse_module)]
    materialize: Vec<String>,
}

/// What one `--paths` names.
#[derive(Debug, Clone)]
struct Directories(Vec<PathBuf>);

impl ModuleArguments {
    /// Fills in what the request says of modules.
    pub fn apply(self, request: &mut BuildRequest) {
        request.roots.extend(self.hidden_import.iter().map(|name| asked(name, "--hidden-import")));
        let whole = self.collect_submodules.iter().map(|name| asked(name, "--collect-submodules"));
        request.roots.extend(whole.map(Root::with_submodules));
        request.excluded = self.exclude_module;
        let mut packages: BTreeSet<String> = self.follow_optional.into_iter().collect();
        request.follow_optional = FollowOptional { all: packages.remove("all"), packages };
        request.paths = self.paths.into_iter().flat_map(|paths| paths.0).collect();
        request.runtime_hooks = self.runtime_hook;
        request.hooks =
            HookOptions { directories: self.additional_hooks_dir, installed: self.pyinstaller_hooks };
    }
}

impl ContentArguments {
    /// Fills in what the request says of data, and adds to it the packages whose data are wanted.
    pub fn apply(self, request: &mut BuildRequest) {
        request.roots.extend(self.collect_data.iter().map(|name| asked(name, "--collect-data")));
        request.roots.extend(self.collect_binaries.iter().map(|name| asked(name, "--collect-binaries")));
        let whole = self.collect_all.iter().map(|name| asked(name, "--collect-all"));
        request.roots.extend(whole.map(Root::with_submodules));
        request.include_source = self.include_source;
        let copied = |recursive| move |name: String| CopiedMetadata { name, recursive };
        request.data = DataOptions {
            data: self.add_data,
            binaries: self.add_binary,
            packages: self.collect_data.into_iter().chain(self.collect_all.iter().cloned()).collect(),
            with_binaries: self
                .collect_binaries
                .into_iter()
                .chain(self.collect_all.iter().cloned())
                .collect(),
            metadata: self.collect_all,
            copied_metadata: (self.copy_metadata.into_iter().map(copied(false)))
                .chain(self.recursive_copy_metadata.into_iter().map(copied(true)))
                .collect(),
            materialized: self.materialize,
        };
    }
}

/// A module that an option names.
fn asked(name: &str, option: &str) -> Root {
    Root { name: name.to_owned(), with_submodules: false, given: Given::Option(format!("{option} {name}")) }
}

fn parse_addition() -> impl TypedValueParser<Value = Addition> {
    OsStringValueParser::new().try_map(|argument| Addition::parse(&argument))
}

fn parse_directories() -> impl TypedValueParser<Value = Directories> {
    OsStringValueParser::new().map(|argument: OsString| {
        let is_named = |directory: &PathBuf| directory.as_os_str() != OsStr::new("");
        Directories(std::env::split_paths(&argument).filter(is_named).collect())
    })
}

fn parse_module(text: &str) -> Result<String, String> {
    if is_dotted_name(text) { Ok(text.to_owned()) } else { Err("the name of a module is expected".into()) }
}
