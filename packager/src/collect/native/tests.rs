//! The closure of small libraries linked for the purpose, and of the extension modules of installed Pythons.
//!
//! Each test builds what it needs with the C compiler in a directory of its own; without a compiler it
//! prints `skipped: no C compiler` and passes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// A directory in which libraries are linked.
struct Workshop {
    temp: tempfile::TempDir,
}

impl Workshop {
    fn open() -> Option<Self> {
        if Command::new("cc").arg("--version").output().is_err() {
            eprintln!("skipped: no C compiler");
            return None;
        }
        Some(Self { temp: tempfile::tempdir().expect("a temporary directory") })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().canonicalize().expect("the directory exists").join(name)
    }

    /// Links `name` in the workshop; `flags` may name libraries in it as `-l:file` after `-L`.
    fn link(&self, name: &str, flags: &[&str]) -> PathBuf {
        let output = self.path(name);
        fs::create_dir_all(output.parent().expect("a parent")).expect("mkdir");
        let status = Command::new("cc")
            .current_dir(self.path(""))
            .args(["-shared", "-nostdlib", "-fPIC", "-x", "c", "/dev/null", "-x", "none", "-o"])
            .arg(&output)
            .args(["-Wl,--no-as-needed", "-Wl,--enable-new-dtags"])
            .args(flags)
            .status()
            .expect("cc runs");
        assert!(status.success(), "cc {name} {flags:?}");
        output
    }
}

fn close(roots: &[&Path]) -> NativeClosure {
    close_with(roots, &LibrarySearch::isolated())
}

fn close_with(roots: &[&Path], search: &LibrarySearch) -> NativeClosure {
    let roots: Vec<PathBuf> = roots.iter().map(|path| path.to_path_buf()).collect();
    close_over(&roots, search).expect("the roots are fine")
}

/// The load names of what must be loaded before a root.
fn before(closure: &NativeClosure, root: usize) -> Vec<&str> {
    closure.roots[root].iter().map(|id| closure.files[*id].load_name.as_str()).collect()
}

const BESIDE: &str = "-Wl,-rpath,$ORIGIN";

#[test]
fn a_runpath_with_origin_leads_to_the_library_dependencies_first() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libs/libb.so.2", &["-Wl,-soname,libb.so.2"]);
    shop.link("libs/liba.so.1", &["-Wl,-soname,liba.so.1", "-Llibs", "-l:libb.so.2", BESIDE]);
    let root = shop.link("pkg/ext.so", &["-Llibs", "-l:liba.so.1", "-Wl,-rpath,${ORIGIN}/../libs"]);
    let closure = close(&[&root]);
    assert_eq!(before(&closure, 0), ["libb.so.2", "liba.so.1"]);
    assert_eq!(closure.files[0].path, shop.path("libs/liba.so.1"));
    assert_eq!(closure.files[0].needs, [1]);
    assert!(closure.missing.is_empty() && closure.warnings.is_empty(), "{closure:?}");
}

#[test]
fn an_rpath_is_inherited_and_a_runpath_is_not() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libs/libb.so", &["-Wl,-soname,libb.so"]);
    shop.link("libs/liba.so", &["-Wl,-soname,liba.so", "-Llibs", "-l:libb.so"]);
    let path = "-Wl,-rpath,$ORIGIN/libs";
    let old = shop.link("old.so", &["-Llibs", "-l:liba.so", "-Wl,--disable-new-dtags", path]);
    let new = shop.link("new.so", &["-Llibs", "-l:liba.so", path]);
    assert_eq!(before(&close(&[&old]), 0), ["libb.so", "liba.so"]);
    let closure = close(&[&new]);
    assert_eq!(before(&closure, 0), ["liba.so"]);
    assert_eq!(closure.missing.len(), 1);
    assert_eq!(closure.missing[0].name, "libb.so");
    assert_eq!(closure.missing[0].needed_by, shop.path("libs/liba.so"));
}

#[test]
fn a_requester_with_runpath_ignores_the_rpaths_above_it() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libs/libb.so", &["-Wl,-soname,libb.so"]);
    let elsewhere = "-Wl,-rpath,$ORIGIN/elsewhere";
    shop.link("libs/liba.so", &["-Wl,-soname,liba.so", "-Llibs", "-l:libb.so", elsewhere]);
    let flags = ["-Llibs", "-l:liba.so", "-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/libs"];
    let closure = close(&[&shop.link("ext.so", &flags)]);
    assert_eq!(closure.missing[0].searched, [shop.path("libs/elsewhere")]);
}

#[test]
fn the_rpath_of_the_interpreter_is_inherited_by_extensions() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("lib/liba.so", &["-Wl,-soname,liba.so"]);
    let root = shop.link("lib/python/ext.so", &["-Llib", "-l:liba.so"]);
    let python = shop.link("bin/python", &["-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../lib"]);
    let search = LibrarySearch::isolated().loaded_by(None, &python).expect("it is ELF");
    assert_eq!(before(&close_with(&[&root], &search), 0), ["liba.so"]);
    assert_eq!(close(&[&root]).missing.len(), 1);
}

#[test]
fn the_library_path_comes_after_rpath_and_before_runpath() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("one/liba.so", &["-Wl,-soname,liba.so"]);
    shop.link("two/liba.so", &["-Wl,-soname,liba.so", "-Wl,-z,now"]);
    let rpath = ["-Lone", "-l:liba.so", "-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/one"];
    let old = shop.link("old.so", &rpath);
    let new = shop.link("new.so", &["-Lone", "-l:liba.so", "-Wl,-rpath,$ORIGIN/one"]);
    let search = LibrarySearch::isolated().with_library_path(shop.path("two").as_os_str());
    assert_eq!(close_with(&[&old], &search).files[0].path, shop.path("one/liba.so"));
    assert_eq!(close_with(&[&new], &search).files[0].path, shop.path("two/liba.so"));
}

#[test]
fn a_cycle_of_needs_ends_and_each_file_has_the_other() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libb.so", &["-Wl,-soname,libb.so"]);
    shop.link("liba.so", &["-Wl,-soname,liba.so", "-L.", "-l:libb.so", BESIDE]);
    shop.link("libb.so", &["-Wl,-soname,libb.so", "-L.", "-l:liba.so", BESIDE]);
    let closure = close(&[&shop.link("ext.so", &["-L.", "-l:liba.so", BESIDE])]);
    assert_eq!(before(&closure, 0), ["libb.so", "liba.so"]);
    assert_eq!((&closure.files[0].needs[..], &closure.files[1].needs[..]), (&[1][..], &[0][..]));
}

#[test]
fn a_library_without_soname_is_kept() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libplain.so", &[]);
    let root = shop.link("ext.so", &["-L.", "-l:libplain.so", BESIDE]);
    let closure = close(&[&root]);
    assert_eq!(before(&closure, 0), ["libplain.so"]);
    assert_eq!((closure.files[0].load_name.as_str(), &closure.warnings[..]), ("libplain.so", &[][..]));
}

#[cfg(unix)]
#[test]
fn a_symlink_gives_the_real_path_and_keeps_the_name_asked_for() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("store/liba.so.1.2.3", &["-Wl,-soname,liba.so.1"]);
    fs::create_dir(shop.path("libs")).expect("mkdir");
    std::os::unix::fs::symlink("../store/liba.so.1.2.3", shop.path("libs/liba.so.1")).expect("ln");
    let root = shop.link("ext.so", &["-Llibs", "-l:liba.so.1", "-Wl,-rpath,$ORIGIN/libs"]);
    let file = &close(&[&root]).files[0];
    assert_eq!(file.path, shop.path("store/liba.so.1.2.3"));
    assert_eq!((file.load_name.as_str(), file.soname.as_deref()), ("liba.so.1", Some("liba.so.1")));
}

#[test]
fn of_two_files_with_one_soname_the_first_wins_with_a_warning() {
    let Some(shop) = Workshop::open() else { return };
    let first = shop.link("one/liba.so", &["-Wl,-soname,liba.so"]);
    let second = shop.link("two/liba.so", &["-Wl,-soname,liba.so", "-Wl,-z,now"]);
    let one = shop.link("one/ext.so", &["-Lone", "-l:liba.so", BESIDE]);
    let two = shop.link("two/ext.so", &["-Ltwo", "-l:liba.so", BESIDE]);
    let closure = close(&[&one, &two]);
    assert_eq!(closure.roots, [[0], [0]]);
    assert_eq!(closure.files[0].path, first);
    let name = "liba.so".to_owned();
    let warning = NativeWarning::SameName {
        name,
        used: first.clone(),
        ignored: second.clone(),
        needed_by: two.clone(),
    };
    assert_eq!(closure.warnings, [warning]);
    fs::copy(&first, &second).expect("copy");
    assert!(close(&[&one, &two]).warnings.is_empty(), "copies of one file are no conflict");
}

#[test]
fn a_root_satisfies_another_root_by_soname_or_by_file() {
    let Some(shop) = Workshop::open() else { return };
    let named = shop.link("core/named.so", &["-Wl,-soname,named.so"]);
    let plain = shop.link("plain.so", &[]);
    let user = shop.link("user.so", &["-Lcore", "-l:named.so", "-L.", "-l:plain.so", BESIDE]);
    let closure = close(&[&user, &named, &plain]);
    assert_eq!(before(&closure, 0), ["named.so", "plain.so"]);
    assert_eq!(closure.files.iter().map(|file| file.root).collect::<Vec<_>>(), [Some(1), Some(2)]);
}

#[test]
fn a_library_only_another_search_path_leads_to_is_bound_with_a_warning() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("libs/liba.so", &["-Wl,-soname,liba.so"]);
    let lost = shop.link("lost.so", &["-Llibs", "-l:liba.so"]);
    let sure = shop.link("sure.so", &["-Llibs", "-l:liba.so", "-Wl,-rpath,$ORIGIN/libs"]);
    let closure = close(&[&lost, &sure]);
    assert_eq!(closure.roots, [[0], [0]]);
    assert!(closure.missing.is_empty());
    assert!(matches!(closure.warnings[..], [NativeWarning::FoundElsewhere { .. }]), "{:?}", closure.warnings);
}

#[test]
fn what_is_no_library_is_passed_over_and_another_machine_is_skipped() {
    let Some(shop) = Workshop::open() else { return };
    let library = shop.link("three/liba.so", &["-Wl,-soname,liba.so"]);
    let path = "-Wl,-rpath,$ORIGIN/one:$ORIGIN/two:$ORIGIN/three";
    let root = shop.link("ext.so", &["-Lthree", "-l:liba.so", path]);
    let mut foreign = fs::read(&library).expect("read");
    foreign[18] ^= 0x40; // e_machine
    for (directory, bytes) in [("one", b"GROUP ( libx.a )\n".to_vec()), ("two", foreign.clone())] {
        fs::create_dir(shop.path(directory)).expect("mkdir");
        fs::write(shop.path(directory).join("liba.so"), bytes).expect("write");
    }
    let closure = close(&[&root]);
    assert_eq!(closure.files[0].path, library);
    let [NativeWarning::PassedOver { path, reason, .. }] = &closure.warnings[..] else {
        unreachable!("{:?}", closure.warnings)
    };
    assert_eq!((path, reason.as_str()), (&shop.path("one/liba.so"), "is not an ELF file"));

    let error = close_over(&[shop.path("two/liba.so")], &LibrarySearch::isolated());
    assert!(matches!(error, Err(NativeError::OtherMachine { .. })), "{error:?}");
    let error = close_over(&[shop.path("one/liba.so")], &LibrarySearch::isolated());
    assert!(matches!(error, Err(NativeError::Unreadable { source: ElfError::NotElf, .. })));
    fs::write(shop.path("short.so"), &foreign[..200]).expect("write");
    let error = close_over(&[shop.path("short.so")], &LibrarySearch::isolated());
    assert!(matches!(error, Err(NativeError::Unreadable { source: ElfError::Truncated(_), .. })));
}

#[test]
fn dynamic_string_tokens_are_expanded_as_in_ld_so_8() {
    let search = LibrarySearch::isolated();
    let expand = |text: &str| search.expand(OsStr::new(text), Path::new("/o"));
    assert_eq!(expand("$ORIGIN/a:${ORIGIN}b"), OsStr::new("/o/a:/ob"));
    assert_eq!(expand("/x/$LIB-$LIB"), OsStr::new("/x/lib-lib"));
    assert_eq!(expand("$ORIGINAL ${ORIGIN $ $$ORIGIN"), OsStr::new("$ORIGINAL ${ORIGIN $ $/o"));
}

/// Every file that changes at random is read or refused, and quickly.
#[test]
fn damaged_files_are_refused_without_panic_or_large_allocation() {
    let Some(shop) = Workshop::open() else { return };
    shop.link("liba.so", &["-Wl,-soname,liba.so"]);
    let sound = fs::read(shop.link("ext.so", &["-L.", "-l:liba.so", BESIDE])).expect("read");
    for length in 0..sound.len().min(4096) {
        assert!(ElfFacts::read_from(&mut Cursor::new(&sound[..length])).is_err(), "{length}");
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |limit: usize| {
        // xorshift64: the same bytes on every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap_or(0)
    };
    let mut refused = 0;
    for round in 0..20_000 {
        let mut bytes = sound.clone();
        // Half of the rounds damage the headers only, where every byte counts.
        let region = if round % 2 == 0 { 0x400 } else { bytes.len() };
        for _ in 0..=random(8) {
            let at = random(region.min(bytes.len()));
            bytes[at] = [0, 0xff, 0x7f, 0x80, u8::try_from(random(256)).unwrap_or(0)][random(5)];
        }
        refused += usize::from(ElfFacts::read_from(&mut Cursor::new(&bytes)).is_err());
    }
    assert!((1..20_000).contains(&refused), "{refused}");
}

/// Extension modules named `stem` of the Pythons that pyenv installed.
fn installed_extensions(stem: &str) -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let list = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let versions = root.into_iter().flat_map(|root| list(root.join("versions")));
    let libraries = versions.flat_map(|version| list(version.join("lib")));
    let extensions = libraries.flat_map(|library| list(library.join("lib-dynload")));
    let named = |path: &PathBuf| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| name.starts_with(&format!("{stem}.cpython-")))
    };
    let mut found: Vec<PathBuf> = extensions.filter(named).collect();
    found.sort();
    found
}

/// The files `ldd` would map for `path`, without those that are left to the system.
fn ldd(path: &Path) -> Option<BTreeSet<PathBuf>> {
    let output = Command::new("ldd").arg(path).env_remove("LD_LIBRARY_PATH").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let arrows = text.lines().filter_map(|line| line.trim().split_once(" => "));
    let taken = arrows.filter(|(name, _)| !system::is_provided(name));
    let files = taken.filter_map(|(_, rest)| Path::new(rest.split(" (").next()?).canonicalize().ok());
    Some(files.collect())
}

#[test]
fn the_closure_of_installed_extensions_is_that_of_ldd() {
    let search = LibrarySearch::of_host();
    let mut compared = 0;
    for stem in
        ["_ssl", "_hashlib", "_sqlite3", "_ctypes", "_curses", "readline", "_tkinter", "_lzma", "_crypt"]
    {
        for path in installed_extensions(stem) {
            let Some(expected) = ldd(&path) else { return };
            let closure = close_with(&[&path], &search);
            let found: BTreeSet<PathBuf> = closure.files.iter().map(|file| file.path.clone()).collect();
            assert_eq!(found, expected, "{}", path.display());
            if stem == "_ssl" && closure.missing.is_empty() {
                let names = before(&closure, 0);
                assert!(
                    names[0].starts_with("libcrypto.so") && names[1].starts_with("libssl.so"),
                    "{names:?}"
                );
            }
            compared += 1;
        }
    }
    if compared == 0 {
        eprintln!("skipped: no Python installed by pyenv");
    }
}
