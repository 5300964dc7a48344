//! What goes of a cache, and what stays.

use super::super::{Key, Shelf, TAG};
use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn cache(folder: &Path) -> Cache {
    Cache::of_user(|name| (name == "SNAPFREEZE_CACHE_DIR").then(|| folder.into()))
}

fn age(path: &Path, age: Duration) {
    let file = std::fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

fn everything() -> Policy {
    Policy { unused: Some(Duration::ZERO), ..Policy::default() }
}

#[test]
fn what_was_not_used_for_long_goes_and_what_is_used_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let [old, young, used] = ["old", "young", "used"].map(|name| Key::of([name.as_bytes()]));
    for key in [&old, &young, &used] {
        cache.put(Shelf::Code, key, b"content");
    }
    for key in [&old, &used] {
        age(&cache.path(Shelf::Code, key).unwrap(), 100 * HOUR);
    }
    assert!(cache.get(Shelf::Code, &used).is_some());
    let policy = Policy { unused: Some(50 * HOUR), dry_run: true, ..Policy::default() };
    let would = cache.prune(&policy).unwrap();
    assert_eq!((would.removed.files, would.kept.files), (1, 2));
    assert!(cache.get(Shelf::Facts, &old).is_none() && cache.contents().unwrap().total.files == 3);
    let pruned = cache.prune(&Policy { dry_run: false, ..policy }).unwrap();
    assert_eq!((pruned.removed, pruned.kept.files), (would.removed, 2));
    assert!(cache.get(Shelf::Code, &old).is_none() && cache.get(Shelf::Code, &used).is_some());
    assert_eq!(cache.prune(&everything()).unwrap().removed.files, 2);
    assert_eq!(cache.contents().unwrap().total, Amount::default());
}

#[test]
fn what_is_too_much_goes_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let keys = [1, 2, 3, 4u32].map(|number| (number, Key::of([number.to_le_bytes().as_slice()])));
    for (number, key) in &keys {
        cache.put(Shelf::Blocks, key, &[0; 68]);
        age(&cache.path(Shelf::Blocks, key).unwrap(), HOUR * *number);
    }
    let pruned = cache.prune(&Policy { largest: Some(250), ..Policy::default() }).unwrap();
    assert_eq!((pruned.removed.bytes, pruned.kept.bytes), (200, 200));
    let left = keys.map(|(_, key)| cache.get(Shelf::Blocks, &key).is_some());
    assert_eq!(left, [true, true, false, false]);
}

#[test]
fn what_is_not_ours_is_never_touched() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache");
    let cache = cache(&place);
    cache.put(Shelf::Code, &Key::of([]), b"content");
    let outside = folder.path().join("outside");
    std::fs::create_dir_all(outside.join("ab")).unwrap();
    let materialized = place.join("0123456789abcdef/package/tool");
    std::fs::create_dir_all(materialized.parent().unwrap()).unwrap();
    std::fs::write(&materialized, "a program runs it").unwrap();
    let foreign = ["thesis.txt", "code/notes.txt", "code/ab/notes.txt", "run/notes/x", "pycache/x.txt"];
    for name in foreign {
        let path = place.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    std::fs::write(outside.join("ab").join("0".repeat(62)), "mine").unwrap();
    std::os::unix::fs::symlink(&outside, place.join("blocks")).unwrap();
    let pruned = cache.prune(&everything()).unwrap();
    assert_eq!((pruned.removed.files, pruned.foreign.files), (1, foreign.len() as u64 + 1));
    assert!(materialized.exists() && pruned.kept.files == 1);
    assert!(foreign.iter().all(|name| place.join(name).exists()));
    assert!(outside.join("ab").join("0".repeat(62)).exists());
}

#[test]
fn a_directory_without_our_tag_is_not_pruned() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let cache = cache(folder.path());
    cache.put(Shelf::Code, &Key::of([]), b"content");
    assert!(matches!(cache.prune(&everything()), Err(TidyError::NotOurs(_))));
    assert!(cache.get(Shelf::Code, &Key::of([])).is_some(), "it serves as a cache all the same");
    std::fs::write(folder.path().join(TAG), "Signature: 8a477f597d28d172789f06886806bc55\n").unwrap();
    assert!(matches!(cache.prune(&everything()), Err(TidyError::NotOurs(_))), "another program's tag");
    assert!(matches!(Cache::none().prune(&everything()), Err(TidyError::NoCache)));
}

#[test]
fn what_may_be_in_the_making_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let run = cache.folder("run").unwrap().join("0123456789abcdef");
    let draft = folder.path().join("code/ab/.tmpxyz");
    for path in [run.join("app"), draft.clone()] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    assert_eq!(cache.prune(&everything()).unwrap().removed.files, 0);
    age(&run.join("app"), 2 * HOUR);
    age(&draft, 2 * HOUR);
    assert_eq!(cache.prune(&everything()).unwrap().removed.files, 2);
    assert!(run.exists(), "a build may be about to write into it");
    age(&run, 2 * HOUR);
    cache.prune(&everything()).unwrap();
    assert!(!run.exists());
}

#[test]
fn the_cache_looks_after_itself_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let put = |name: &str| {
        let key = Key::of([name.as_bytes()]);
        cache.put(Shelf::Code, &key, b"content");
        age(&cache.path(Shelf::Code, &key).unwrap(), UNUSED * 2);
    };
    let files = || cache.contents().unwrap().total.files;
    put("one");
    cache.look_after();
    assert_eq!(files(), 1, "a new one has nothing to tidy");
    age(&folder.path().join(STAMP), INTERVAL * 2);
    cache.look_after();
    assert_eq!(files(), 0);
    put("two");
    cache.look_after();
    assert_eq!(files(), 1, "it did so today");
    Cache::none().look_after();
}
