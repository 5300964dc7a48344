//! What a program writes while it runs, also if it removes it before it ends.
//!
//! The folders that it may write to are its own, and are listed every few milliseconds by a thread. So neither root nor
//! a tracer is needed, and the program runs as always. What is extracted stays until the program ends, so it is seen; what
//! lives for less than a few milliseconds may not be. A file is known by its inode: one that is renamed counts once.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Files, links and other things that are no directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Written {
    /// How many are new or changed.
    pub files: u64,
    /// Their sizes in bytes, each at its largest.
    pub bytes: u64,
}

/// Device and inode.
type File = (u64, u64);

/// Size in bytes and the time of the last change.
type State = (u64, (i64, i64));

/// Runs something and says what was written below the folders meanwhile.
pub fn watch<T>(folders: &[&Path], run: impl FnOnce() -> T) -> (T, Written) {
    let mut before = BTreeMap::new();
    list(folders, &mut |file, state| {
        before.insert(file, state);
    });
    let mut written = BTreeMap::new();
    let mut look = || {
        list(folders, &mut |file, state| {
            if before.get(&file) != Some(&state) {
                let size: &mut u64 = written.entry(file).or_default();
                *size = state.0.max(*size);
            }
        });
    };
    let is_over = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                look();
                std::thread::sleep(PAUSE);
            }
            look();
        });
        let result = run();
        is_over.store(true, Ordering::Relaxed);
        result
    });
    (result, Written { files: written.len() as u64, bytes: written.values().sum() })
}

/// Tells of each file below the folders. What vanishes meanwhile is passed over.
fn list(folders: &[&Path], tell: &mut impl FnMut(File, State)) {
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                list(&[&entry.path()], tell);
            } else if let Ok(data) = entry.metadata() {
                tell((data.dev(), data.ino()), (data.size(), (data.mtime(), data.mtime_nsec())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Written, watch};

    #[test]
    fn what_is_removed_again_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("old"), "old").unwrap();
        std::fs::write(path("changed"), "before").unwrap();
        let ((), written) = watch(&[folder.path()], || {
            std::fs::create_dir(path("extracted")).unwrap();
            std::fs::write(path("extracted/library"), [0; 1000]).unwrap();
            std::fs::write(path("changed"), "afterwards").unwrap();
            std::thread::sleep(Duration::from_millis(300));
            std::fs::remove_dir_all(path("extracted")).unwrap();
        });
        assert_eq!(written, Written { files: 2, bytes: 1010 });
    }

    #[test]
    fn reading_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old"), "old").unwrap();
        let (text, written) = watch(&[folder.path()], || std::fs::read(folder.path().join("old")).unwrap());
        assert_eq!((text.as_slice(), written), (&b"old"[..], Written::default()));
    }
}
