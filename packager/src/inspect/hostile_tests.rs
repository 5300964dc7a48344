//! Archives that no packager has written: nothing of them leads astray, and what adds up still does.

use std::io::{Cursor, Write};
use std::path::Path;

use snapfreeze_runtime::archive::layout::checksum;
use snapfreeze_runtime::archive::writer::{
    ArchiveWriter, ModuleRecord, NodeRecord, NodeRecordContent, TargetRecord, compress,
};
use snapfreeze_runtime::archive::{EntryKind, Extent, InterpreterMode, ModuleKind, Placement};

use super::extract::{ExtractError, extract};
use super::*;

/// A target for Python 3.11 that runs `app`.
fn target(bootstrap: Extent) -> TargetRecord {
    TargetRecord {
        python: (3, 11),
        version: "3.11.7".into(),
        abi_flags: String::new(),
        platform: "linux-x86_64-gnu".into(),
        cache_tag: "cpython-311".into(),
        optimize: 0,
        entry_kind: EntryKind::Script,
        entry: "app".into(),
        libpython: None,
        bootstrap,
        interpreter: InterpreterMode::None,
        placement: Placement::Archive,
        collects_during_imports: false,
        ca_file: String::new(),
        ca_directory: String::new(),
    }
}

/// An archive with a module, files and a link; of the files two have the same content.
fn archive(link: &str) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let text: Vec<u8> = (0..3_000_u32).flat_map(u32::to_le_bytes).collect();
    let block = writer.add_block(&compress(&text, 3).unwrap()).unwrap();
    let other = writer.add_block(&compress(b"second block", 3).unwrap()).unwrap();
    let extent = |offset, length| Extent { block, offset, length };
    writer
        .add_module(ModuleRecord {
            name: "app".into(),
            file: "app.py".into(),
            kind: ModuleKind::Code,
            is_package: false,
            content: extent(16, 1_000),
            needs: vec![],
        })
        .unwrap();
    // Goes on in the second block.
    let long = Extent { block, offset: 11_000, length: 1_005 };
    for (path, content) in [
        ("app.py", NodeRecordContent::File(extent(0, 0))),
        ("data/a.bin", NodeRecordContent::File(extent(2_000, 500))),
        ("data/b.bin", NodeRecordContent::File(extent(2_000, 500))),
        ("data/long.bin", NodeRecordContent::File(long)),
        ("data/link", NodeRecordContent::Symlink(link.into())),
    ] {
        let path = path.as_bytes().to_vec();
        writer.add_node(NodeRecord { path, mode: 0o644, mtime: 0, materialize: false, content }).unwrap();
    }
    let bootstrap = Extent { block: other, offset: 6, length: 1 };
    writer.finish(&target(bootstrap)).unwrap().1.into_inner()
}

/// A file with these bytes, opened.
fn opened(bytes: &[u8]) -> (tempfile::NamedTempFile, Result<Executable, InspectError>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let executable = Executable::open(file.path());
    (file, executable)
}

/// An archive with its index changed, and checksums that fit.
fn with_index(archive: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
    let at = word(&bytes, 24) as usize;
    change(&mut bytes[at..]);
    let sum = checksum(&bytes[at..]);
    bytes[40..48].copy_from_slice(&sum.to_le_bytes());
    let sum = checksum(&bytes[..56]);
    bytes[56..64].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Where a section is in the index, by its id.
fn section(index: &[u8], id: u32) -> usize {
    let count = u32::from_le_bytes(*index.first_chunk().unwrap()) as usize;
    let mut entries = (0..count).map(|number| &index[8 + 24 * number..]);
    let entry = entries.find(|entry| entry[..4] == id.to_le_bytes()).unwrap();
    u64::from_le_bytes(*entry[8..].first_chunk().unwrap()) as usize
}

fn entries_below(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        walk(folder).into_iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name: std::path::PathBuf = entry.file_name().into();
        if entry.file_type().unwrap().is_dir() {
            all.extend(walk(&entry.path()).into_iter().map(|path| name.join(path)));
        }
        all.push(name);
    }
    all
}

#[test]
fn shares_add_up_and_equal_contents_are_stored_for_one() {
    let bytes = archive("a.bin");
    let (_file, executable) = opened(&bytes);
    let contents = built::contents(&executable.unwrap()).unwrap();
    let sizes = &contents.sizes;
    assert_eq!((sizes.total, sizes.base, sizes.alignment), (bytes.len() as u64, 0, 0));
    assert_eq!(sizes.modules + sizes.files + sizes.index + sizes.other, sizes.total);
    let stored: Vec<u64> = contents.files.iter().map(|file| file.stored.unwrap()).collect();
    assert_eq!(
        contents.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["data/a.bin", "data/b.bin", "data/link", "data/long.bin"]
    );
    assert!(stored[0] > 0 && stored[3] > 0 && stored[1] == 0 && stored[2] == 0, "{stored:?}");
    assert_eq!(contents.files[1].same_as.as_deref(), Some("data/a.bin"));
    assert_eq!(contents.files[2].link.as_deref(), Some("a.bin"));
    assert_eq!(stored.iter().sum::<u64>(), sizes.files);
}

#[test]
fn extracts_what_is_there_and_the_entrys_code() {
    let (_file, executable) = opened(&archive("a.bin"));
    let (executable, folder) = (executable.unwrap(), tempfile::tempdir().unwrap());
    let to = folder.path().join("a new/täg");
    let extracted = extract(&executable, &to, false).unwrap();
    assert_eq!((extracted.files, extracted.size), (6, 500 + 500 + 1_005 + 1_016));
    assert_eq!(
        entries_below(&to),
        [
            "__pycache__",
            "__pycache__/app.cpython-311.pyc",
            "app.py",
            "data",
            "data/a.bin",
            "data/b.bin",
            "data/link",
            "data/long.bin"
        ]
    );
    let long = std::fs::read(to.join("data/long.bin")).unwrap();
    assert_eq!(&long[1_000..], b"secon");
    assert_eq!(std::fs::read_link(to.join("data/link")).unwrap(), Path::new("a.bin"));
    // Once more: not without force, and then over what is there.
    assert!(matches!(extract(&executable, &to, false), Err(ExtractError::NotEmpty(_))));
    std::fs::write(to.join("data/a.bin"), "mine").unwrap();
    std::fs::write(to.join("mine"), "mine").unwrap();
    extract(&executable, &to, true).unwrap();
    assert_eq!(std::fs::read(to.join("data/a.bin")).unwrap().len(), 500);
    assert_eq!(entries_below(&to).len(), 9, "what was there stays, and nothing else is left");
}

#[test]
fn nothing_is_written_outside_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out");
    let refused = |bytes: &[u8]| {
        let (_file, executable) = opened(bytes);
        let error = extract(&executable.unwrap(), &to, false).unwrap_err();
        assert_eq!(entries_below(folder.path()), [""; 0], "{error}");
        error
    };
    for link in ["/etc", "../../x", "a.bin/../../.."] {
        assert!(matches!(refused(&archive(link)), ExtractError::Hostile { .. }), "{link}");
    }
    // The name of a file becomes another: `long.bin` is `../x.bin`, or that of the link beside it.
    let plain = archive("a.bin");
    let renamed = |from: &[u8], to: &[u8]| {
        with_index(&plain, |index| {
            let at = index.windows(from.len()).position(|bytes| bytes == from).unwrap();
            index[at..at + to.len()].copy_from_slice(to);
        })
    };
    for name in [b"../x.bin".as_slice(), b"/etc/abc", b"x/../../", b"\0ong.bin"] {
        assert!(matches!(refused(&renamed(b"long.bin", name)), ExtractError::Hostile { .. }), "{name:?}");
    }
    assert!(matches!(refused(&renamed(b"b.bin", b"a.bin")), ExtractError::Hostile { .. }));
    // A damaged block.
    let mut bytes = plain.clone();
    bytes[70] ^= 1;
    assert!(matches!(refused(&bytes), ExtractError::Inspect(InspectError::Archive { .. })));
}

#[test]
fn every_changed_word_of_the_index_is_refused_or_read() {
    let plain = archive("a.bin");
    let at = u64::from_le_bytes(*plain[24..].first_chunk().unwrap()) as usize;
    let mut read = 0;
    for offset in (0..plain.len() - at - 4).step_by(4) {
        for value in [0, 1, 7, 0x7fff_ffff, u32::MAX] {
            let bytes =
                with_index(&plain, |index| index[offset..offset + 4].copy_from_slice(&value.to_le_bytes()));
            let (_file, executable) = opened(&bytes);
            let Ok(executable) = executable else { continue };
            if let Ok(contents) = built::contents(&executable) {
                read += 1;
                let sizes = &contents.sizes;
                let parts =
                    [sizes.base, sizes.alignment, sizes.modules, sizes.libraries, sizes.files, sizes.index];
                let all = parts.iter().sum::<u64>() + sizes.reasons + sizes.other;
                assert_eq!(all, sizes.total, "{value:#x} at {offset}");
                let _ = show::show(&contents, show::View { all: true, depth: 9 });
            }
        }
    }
    assert!(read > 100, "only {read} were read at all");
}

#[test]
fn a_directory_in_two_places_is_refused() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let block = writer.add_block(&compress(b"x", 3).unwrap()).unwrap();
    let extent = Extent { block, offset: 0, length: 1 };
    for path in ["a/x/1", "b/y/2"] {
        let (path, content) = (path.as_bytes().to_vec(), NodeRecordContent::File(extent));
        writer.add_node(NodeRecord { path, mode: 0o644, mtime: 0, materialize: false, content }).unwrap();
    }
    let plain = writer.finish(&target(extent)).unwrap().1.into_inner();
    // Breadth first: the root, a, b, x, y. What a has becomes what b has.
    let bytes = with_index(&plain, |index| {
        let nodes = section(index, 7);
        let children: Vec<u8> = index[nodes + 2 * 40 + 24..nodes + 2 * 40 + 32].to_vec();
        index[nodes + 40 + 24..nodes + 40 + 32].copy_from_slice(&children);
    });
    let (_file, executable) = opened(&bytes);
    let error = built::contents(&executable.unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("the tree of files has a value that the format does not define"), "{error}");
}
