//! Validity and names of cache files, compared with what each CPython at hand writes itself.

use super::*;
use crate::compile::workers::Workers;
use crate::compile::workers::tests::{interpreters, python};
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

/// A source with its cache file, written by one interpreter.
struct Cached {
    interpreter: PathBuf,
    folder: tempfile::TempDir,
    magic: [u8; 4],
}

impl Cached {
    /// `mode` is a member of `py_compile.PycInvalidationMode`.
    fn new(interpreter: PathBuf, mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("module.py");
        fs::write(&source, "x = 1\n").unwrap();
        let cached = Cached { interpreter, folder, magic: [0; 4] };
        cached.write_pyc(mode);
        let program = "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)";
        Cached { magic: python(&cached.interpreter, program, &[]).try_into().unwrap(), ..cached }
    }

    fn write_pyc(&self, mode: &str) {
        let program = format!(
            "import py_compile as p, sys; \
             p.compile(sys.argv[1], sys.argv[2], doraise=True, invalidation_mode=p.PycInvalidationMode.{mode})"
        );
        python(&self.interpreter, &program, &[&self.source(), &self.pyc()]);
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("module.py")
    }

    fn pyc(&self) -> PathBuf {
        self.folder.path().join("module.pyc")
    }

    fn load(&self) -> Option<Vec<u8>> {
        let workers = Workers::new(&self.interpreter, 1);
        load_valid_pyc(&self.pyc(), &self.source(), self.magic, || {
            workers.source_hash(&fs::read(self.source()).ok()?, "module.py").ok()
        })
    }

    fn set_source_time(&self, time: SystemTime) {
        let file = File::options().write(true).open(self.source()).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }

    fn edit_pyc(&self, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.pyc()).unwrap();
        edit(&mut bytes);
        fs::write(self.pyc(), bytes).unwrap();
    }
}

#[test]
fn a_timestamp_pyc_is_valid_until_the_source_is_touched_or_edited() {
    for interpreter in interpreters() {
        let cached = Cached::new(interpreter, "TIMESTAMP");
        assert_eq!(cached.load().unwrap(), fs::read(cached.pyc()).unwrap()[16..]);
        let written = fs::metadata(cached.source()).unwrap().modified().unwrap();
        cached.set_source_time(written + Duration::from_secs(1));
        assert_eq!(cached.load(), None);
        cached.set_source_time(written);
        assert!(cached.load().is_some());
        fs::write(cached.source(), "x = 12\n").unwrap();
        cached.set_source_time(written);
        assert_eq!(cached.load(), None, "same time, other size");
    }
}

#[test]
fn source_times_are_rounded_as_python_rounds_them() {
    let epoch = UNIX_EPOCH;
    let times = [
        epoch + Duration::new(1_700_000_000, 999_999_999),
        epoch + Duration::new(1_700_000_000, 999_999_000),
        epoch + Duration::new((1 << 32) + 5, 500_000_000),
        epoch - Duration::from_millis(1500),
        epoch - Duration::from_secs(2),
    ];
    for interpreter in interpreters() {
        let cached = Cached::new(interpreter, "TIMESTAMP");
        for time in times {
            cached.set_source_time(time);
            let program = "import os, sys\n\
                mtime = int(os.stat(sys.argv[1]).st_mtime) & 0xFFFFFFFF\n\
                sys.stdout.buffer.write(mtime.to_bytes(4, 'little'))";
            let mtime = python(&cached.interpreter, program, &[&cached.source()]);
            cached.edit_pyc(|bytes| bytes[8..12].copy_from_slice(&mtime));
            assert!(cached.load().is_some(), "{time:?} {mtime:?}");
        }
    }
}

#[test]
fn a_hash_pyc_checked_or_not_is_valid_as_long_as_the_source_has_that_hash() {
    for interpreter in interpreters() {
        for mode in ["CHECKED_HASH", "UNCHECKED_HASH"] {
            let cached = Cached::new(interpreter.clone(), mode);
            cached.set_source_time(UNIX_EPOCH);
            assert!(cached.load().is_some(), "{mode}: the time does not matter");
            fs::write(cached.source(), "x = 2\n").unwrap();
            assert_eq!(cached.load(), None, "{mode}");
            assert_eq!(load_valid_pyc(&cached.pyc(), &cached.source(), cached.magic, || None), None);
        }
    }
}

#[test]
fn anything_wrong_with_the_file_makes_it_invalid() {
    let Some(interpreter) = interpreters().pop() else { return };
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 8] = [
        ("other magic", |bytes| bytes[0] ^= 1),
        ("unknown flag", |bytes| bytes[4] |= 4),
        ("unknown high flag", |bytes| bytes[7] |= 0x80),
        ("checked without hash", |bytes| bytes[8] ^= 1),
        ("header only", |bytes| bytes.truncate(16)),
        ("short header", |bytes| bytes.truncate(15)),
        ("empty", Vec::clear),
        ("not code", |bytes| bytes[16] = b'N'),
    ];
    for (name, damage) in damages {
        let cached = Cached::new(interpreter.clone(), "TIMESTAMP");
        cached.edit_pyc(damage);
        assert_eq!(cached.load(), None, "{name}");
    }
    let cached = Cached::new(interpreter, "TIMESTAMP");
    assert!(cached.load().is_some());
    fs::remove_file(cached.source()).unwrap();
    assert_eq!(cached.load(), None, "no source");
    fs::remove_file(cached.pyc()).unwrap();
    fs::create_dir(cached.pyc()).unwrap();
    assert_eq!(cached.load(), None, "a folder");
}

#[test]
fn candidates_are_named_as_cache_from_source_names_them() {
    // A source in the root folder itself is left out: CPython 3.9 loses the slash there.
    let sources = ["pkg/module.py", "/usr/lib/a.b.py", "here.pyw", "./pkg/../m.py"];
    let program = "import importlib.util as u, os, sys\n\
        sys.pycache_prefix = sys.argv[3] if len(sys.argv) > 3 else None\n\
        level = '' if sys.argv[2] == '0' else sys.argv[2]\n\
        path = u.cache_from_source(sys.argv[1], optimization=level)\n\
        sys.stdout.write(os.path.normpath(path) + '\\n' + sys.implementation.cache_tag)";
    for interpreter in interpreters() {
        for source in sources {
            for optimize in [0, 1, 2] {
                for prefix in [None, Some(Path::new("/var/cache/py"))] {
                    let level = optimize.to_string();
                    let mut arguments = vec![Path::new(source), Path::new(&level)];
                    arguments.extend(prefix);
                    let answer = String::from_utf8(python(&interpreter, program, &arguments)).unwrap();
                    let (path, tag) = answer.split_once('\n').unwrap();
                    let found = candidates(Path::new(source), tag, optimize, prefix);
                    assert_eq!(found.len(), 1 + usize::from(prefix.is_some()));
                    assert_eq!(normal(&found[0]), Path::new(path));
                }
            }
        }
    }
    assert!(candidates(Path::new("/usr/bin/tool"), "cpython-311", 0, None).is_empty());
}

/// The path without `.` and `..`, as `os.path.normpath` gives it.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(result.pop()),
            Component::CurDir => {}
            part => result.push(part),
        }
    }
    result
}
