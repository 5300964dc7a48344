//! Where the loader looks for a library, in its order.
//!
//! In come the object that asks, the objects that brought it into the process, and the configuration of
//! the machine; out go directories. The order is that of ld.so(8) and of `_dl_map_object` in
//! glibc's `elf/dl-load.c`:
//!
//! 1. `DT_RPATH` of the requester, of the object that loaded it, and so on up to the executable; only
//!    if the requester itself has no `DT_RUNPATH`;
//! 2. `LD_LIBRARY_PATH`;
//! 3. `DT_RUNPATH` of the requester, not of those above it;
//! 4. the directories of `/etc/ld.so.conf`, standing for `/etc/ld.so.cache`;
//! 5. the default directories. `DF_1_NODEFLIB` on the requester takes these out of 4 and 5.
//!
//! One difference is meant: the subdirectories `glibc-hwcaps/` are not searched. What is found there
//! fits the processor of the machine that builds, and the executable runs elsewhere; the plain
//! directory has the version for every processor.
//!
//! What must hold: the result depends on nothing but the arguments and the files read; a relative or
//! empty entry means the current directory, as it does to the loader.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::elf::{ElfFacts, ElfKind, Machine};
use super::{NativeError, ld_so_conf};

/// The configuration of the loader on the machine that builds.
#[derive(Clone, Debug)]
pub struct LibrarySearch {
    /// What the libraries must run on; `None`: what the first root runs on.
    pub(super) machine: Option<Machine>,
    library_path: Vec<PathBuf>,
    configured: Vec<PathBuf>,
    defaults: Vec<PathBuf>,
    inherited: Vec<Inherited>,
    lib: OsString,
    platform: OsString,
}

/// A `DT_RPATH` of an object that is in the process before any root.
#[derive(Clone, Debug)]
struct Inherited {
    rpath: OsString,
    origin: PathBuf,
}

/// An object as the search sees it: its own paths, and the directory `$ORIGIN` stands for.
#[derive(Clone, Copy)]
pub(super) struct Requester<'a> {
    pub(super) facts: &'a ElfFacts,
    pub(super) origin: &'a Path,
}

impl LibrarySearch {
    /// The loader of the machine this runs on, with an empty `LD_LIBRARY_PATH`.
    #[must_use]
    pub fn of_host() -> Self {
        let machine = Machine::host();
        let triplet = multiarch_triplet();
        let is_64 = machine.is_none_or(|machine| machine.is_64);
        let lib = match triplet {
            Some(triplet) if Path::new("/usr/lib").join(triplet).is_dir() => format!("lib/{triplet}"),
            _ if is_64 && Path::new("/lib64").is_dir() => "lib64".to_owned(),
            _ => "lib".to_owned(),
        };
        let multiarch = triplet.map(|triplet| format!("lib/{triplet}"));
        let names = multiarch.iter().map(String::as_str).chain(["lib64", "lib"]);
        let defaults = names.flat_map(|name| [Path::new("/").join(name), Path::new("/usr").join(name)]);
        Self {
            machine,
            configured: ld_so_conf::directories(Path::new("/etc/ld.so.conf")),
            defaults: defaults.collect(),
            lib: lib.into(),
            ..Self::isolated()
        }
    }

    /// A loader without configured and default directories: only the paths in the files count.
    #[must_use]
    pub fn isolated() -> Self {
        Self {
            machine: Machine::host(),
            library_path: Vec::new(),
            configured: Vec::new(),
            defaults: Vec::new(),
            inherited: Vec::new(),
            lib: "lib".into(),
            // `AT_PLATFORM` as the kernel gives it; on 32-bit x86 it depends on the processor.
            platform: std::env::consts::ARCH.into(),
        }
    }

    /// Adds the value of `LD_LIBRARY_PATH`, separated by colons or semicolons.
    #[must_use]
    pub fn with_library_path(mut self, value: &OsStr) -> Self {
        // An empty value means no directory; an empty entry in it means the current one.
        if !value.is_empty() {
            let entries = split(value, |byte| matches!(byte, b':' | b';'));
            self.library_path.extend(entries.into_iter().map(current_if_empty));
        }
        self
    }

    /// Adds directories after the default ones.
    #[must_use]
    pub fn with_directories(mut self, directories: &[PathBuf]) -> Self {
        self.defaults.extend_from_slice(directories);
        self
    }

    /// Lets the roots inherit `DT_RPATH` from what loads them in a running Python: `libpython`, if it
    /// is a shared one, and the executable. Interpreters of conda rely on it.
    ///
    /// # Errors
    /// [`NativeError::Unreadable`] if one of them is no ELF file.
    pub fn loaded_by(mut self, libpython: Option<&Path>, executable: &Path) -> Result<Self, NativeError> {
        for path in libpython.into_iter().chain([executable]) {
            let unreadable = |source| NativeError::Unreadable { path: path.to_path_buf(), source };
            let facts = ElfFacts::read(path).map_err(unreadable)?;
            let Some(rpath) = facts.rpath else { continue };
            // The kernel resolves symlinks of the executable, the loader none of a library.
            let real = match facts.kind {
                ElfKind::Executable => path.canonicalize(),
                _ => std::path::absolute(path),
            };
            let real = real.map_err(|error| unreadable(error.into()))?;
            let origin = real.parent().map(Path::to_path_buf).unwrap_or_default();
            self.inherited.push(Inherited { rpath, origin });
        }
        Ok(self)
    }

    /// The directories in which `chain[0]` looks for a name without a slash. `chain[1]` loaded
    /// `chain[0]`, and so on; the interpreter comes after the end. Each directory occurs once.
    pub(super) fn directories(&self, chain: &[Requester<'_>]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let Some(requester) = chain.first() else { return found };
        if requester.facts.runpath.is_none() {
            for object in chain {
                if let Some(rpath) = &object.facts.rpath {
                    found.extend(self.path_list(rpath, object.origin));
                }
            }
            for object in &self.inherited {
                found.extend(self.path_list(&object.rpath, &object.origin));
            }
        }
        found.extend_from_slice(&self.library_path);
        if let Some(runpath) = &requester.facts.runpath {
            found.extend(self.path_list(runpath, requester.origin));
        }
        if requester.facts.no_default_directories {
            let kept = |directory: &&PathBuf| !self.defaults.contains(directory);
            found.extend(self.configured.iter().filter(kept).cloned());
        } else {
            found.extend_from_slice(&self.configured);
            found.extend_from_slice(&self.defaults);
        }
        let mut seen = HashSet::new();
        found.retain(|directory| seen.insert(directory.clone()));
        found
    }

    /// The directories in which a library is looked for that an extension module of the interpreter opens by name.
    pub(super) fn for_programs(&self) -> Vec<PathBuf> {
        let inherited =
            self.inherited.iter().flat_map(|object| self.path_list(&object.rpath, &object.origin));
        let mut found: Vec<PathBuf> = inherited.collect();
        found.extend([&self.library_path, &self.configured, &self.defaults].into_iter().flatten().cloned());
        let mut seen = HashSet::new();
        found.retain(|directory| seen.insert(directory.clone()));
        found
    }

    fn path_list(&self, list: &OsStr, origin: &Path) -> Vec<PathBuf> {
        if list.is_empty() {
            return Vec::new();
        }
        let entries = split(list, |byte| byte == b':');
        entries.iter().map(|entry| current_if_empty(self.expand(entry, origin))).collect()
    }

    /// Replaces the dynamic string tokens `$ORIGIN`, `$LIB` and `$PLATFORM`, with braces or without
    /// (ld.so(8), "Dynamic string tokens"). What is no token stays, as in glibc's `is_dst`.
    pub(super) fn expand(&self, text: &OsStr, origin: &Path) -> OsString {
        let tokens = [
            ("ORIGIN", origin.as_os_str()),
            ("LIB", self.lib.as_os_str()),
            ("PLATFORM", self.platform.as_os_str()),
        ];
        let mut out = OsString::new();
        for (index, part) in split(text, |byte| byte == b'$').into_iter().enumerate() {
            if index == 0 {
                out.push(part);
                continue;
            }
            let bytes = part.as_encoded_bytes();
            let token = tokens.iter().find_map(|(name, value)| Some((token_length(bytes, name)?, value)));
            if let Some((length, value)) = token {
                out.push(value);
                out.push(after(&part, length));
            } else {
                out.push("$");
                out.push(part);
            }
        }
        out
    }
}

/// How many bytes at the start of `text` are the token `name`, or `{name}`.
fn token_length(text: &[u8], name: &str) -> Option<usize> {
    if let Some(braced) = text.strip_prefix(b"{") {
        let rest = braced.strip_prefix(name.as_bytes())?;
        return rest.starts_with(b"}").then_some(name.len() + 2);
    }
    let rest = text.strip_prefix(name.as_bytes())?;
    let goes_on = rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (!goes_on).then_some(name.len())
}

fn current_if_empty(entry: OsString) -> PathBuf {
    PathBuf::from(if entry.is_empty() { OsString::from(".") } else { entry })
}

/// Splits at ASCII bytes. Those are boundaries in every platform's encoding of `OsStr`, but only Unix
/// lets safe code say so; elsewhere what is not UTF-8 is replaced.
#[cfg(unix)]
fn split(text: &OsStr, at: impl Fn(u8) -> bool) -> Vec<OsString> {
    use std::os::unix::ffi::OsStrExt;
    let parts = text.as_bytes().split(|byte| at(*byte));
    parts.map(|part| OsStr::from_bytes(part).to_os_string()).collect()
}

#[cfg(not(unix))]
fn split(text: &OsStr, at: impl Fn(u8) -> bool) -> Vec<OsString> {
    let text = text.to_string_lossy();
    text.split(|letter: char| u8::try_from(letter).is_ok_and(&at)).map(OsString::from).collect()
}

#[cfg(unix)]
fn after(text: &OsStr, length: usize) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(text.as_bytes().get(length..).unwrap_or_default()).to_os_string()
}

#[cfg(not(unix))]
fn after(text: &OsStr, length: usize) -> OsString {
    OsString::from(text.to_string_lossy().get(length..).unwrap_or_default())
}

/// The directory name under `/usr/lib` on Debian and its descendants.
fn multiarch_triplet() -> Option<&'static str> {
    Some(match std::env::consts::ARCH {
        "x86" => "i386-linux-gnu",
        "x86_64" => "x86_64-linux-gnu",
        "arm" => "arm-linux-gnueabihf",
        "aarch64" => "aarch64-linux-gnu",
        "riscv64" => "riscv64-linux-gnu",
        "powerpc64" if cfg!(target_endian = "little") => "powerpc64le-linux-gnu",
        "s390x" => "s390x-linux-gnu",
        "loongarch64" => "loongarch64-linux-gnu",
        _ => return None,
    })
}
