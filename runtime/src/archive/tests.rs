//! An archive is written, read back, and then damaged in every way that a byte can be.

use std::io::Cursor;

use super::layout::{self, checksum};
use super::parts::{Part, PartKind, rewrite};
use super::reader::Archive;
use super::writer::{
    AheadRecord, ArchiveWriter, LeftOutRecord, LibraryRecord, ModuleRecord, NodeRecord, NodeRecordContent,
    TargetRecord, compress,
};
use super::{
    Ahead, ArchiveError, EntryKind, Extent, InterpreterMode, LeaveKind, ModuleKind, NodeContent, Placement,
};

/// Two packed modules, an extension over three blocks, a namespace package, two libraries and a tree of files.
fn small_archive() -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let packed = writer
        .add_block(&compress(b"code of acode of b, and more of the same same same", 3).unwrap())
        .unwrap();
    let large: Vec<u8> = (0..300u32).map(|n| (n * n) as u8).collect();
    let first = writer.add_block(&compress(&large[..128], 3).unwrap()).unwrap();
    writer.add_block(&compress(&large[128..256], 3).unwrap()).unwrap();
    writer.add_block(&compress(&large[256..], 3).unwrap()).unwrap();
    let content = |block, offset, length| Extent { block, offset, length };
    for (name, file, kind, is_package, content, needs) in [
        ("b", "b.py", ModuleKind::Code, false, content(packed, 9, 9), vec![]),
        ("a", "a/__init__.py", ModuleKind::Code, true, content(packed, 0, 9), vec![]),
        ("a.ext", "a/ext.so", ModuleKind::Extension, false, content(first, 0, 300), vec![0, 1]),
        ("ns", "ns", ModuleKind::Namespace, true, content(0, 0, 0), vec![]),
    ] {
        let (name, file) = (name.to_owned(), file.to_owned());
        writer.add_module(ModuleRecord { name, file, kind, is_package, content, needs }).unwrap();
    }
    for (name, needs) in [("libx.so.1", vec![]), ("libpython3.11.so.1.0", vec![0])] {
        writer
            .add_library(LibraryRecord {
                name: name.into(),
                content: content(first, 1, 200),
                needs,
                file: name.into(),
            })
            .unwrap();
    }
    for (path, mode, mtime, node) in [
        ("a/b.txt", 0o644, 1, NodeRecordContent::File(content(packed, 1, 4))),
        ("a/link", 0o777, 0, NodeRecordContent::Symlink(b"b.txt".to_vec())),
        ("a", 0o700, 2, NodeRecordContent::Directory),
        ("z\u{f6}", 0o600, -3, NodeRecordContent::File(content(0, 0, 0))),
    ] {
        let (path, materialize) = (path.as_bytes().to_vec(), path == "a");
        writer.add_node(NodeRecord { path, mode, mtime, materialize, content: node }).unwrap();
    }
    for (name, subject, kind) in
        [("q", "Q-dist", LeaveKind::Optional), ("a.left", "a.left", LeaveKind::Excluded)]
    {
        writer.add_left_out(LeftOutRecord { name: name.into(), subject: subject.into(), kind });
    }
    writer.set_reasons(content(packed, 2, 5));
    writer.set_ahead(vec![
        AheadRecord::Block(packed),
        AheadRecord::Library(1),
        AheadRecord::Extension("unknown".into()),
        AheadRecord::Extension("a.ext".into()),
    ]);
    let target = TargetRecord {
        python: (3, 11),
        version: "3.11.7".into(),
        abi_flags: String::new(),
        platform: "linux-x86_64-gnu".into(),
        cache_tag: "cpython-311".into(),
        optimize: 0,
        entry_kind: EntryKind::Script,
        entry: "b".into(),
        libpython: Some(1),
        bootstrap: content(packed, 0, 4),
        interpreter: InterpreterMode::Environment,
        placement: Placement::Archive,
        collects_during_imports: true,
        ca_file: "/etc/cert.pem".into(),
        ca_directory: String::new(),
    };
    let (length, out) = writer.finish(&target).unwrap();
    let bytes = out.into_inner();
    assert_eq!(length, bytes.len() as u64);
    bytes
}

/// A target that says nothing, for archives of which only files and blocks count. They have a first block.
pub(crate) fn no_target() -> TargetRecord {
    TargetRecord {
        python: (3, 11),
        version: String::new(),
        abi_flags: String::new(),
        platform: String::new(),
        cache_tag: String::new(),
        optimize: 0,
        entry_kind: EntryKind::Script,
        entry: String::new(),
        libpython: None,
        bootstrap: Extent { block: 0, offset: 0, length: 1 },
        interpreter: InterpreterMode::None,
        placement: Placement::Archive,
        collects_during_imports: false,
        ca_file: String::new(),
        ca_directory: String::new(),
    }
}

/// Reads everything there is to read.
fn read_all(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let archive = Archive::open(bytes)?;
    let target = archive.target()?;
    let mut contents = vec![archive.read(target.bootstrap)?];
    for number in 0..archive.module_count() {
        let module = archive.module(number)?;
        archive.find_module(module.name)?;
        contents.push(archive.read(module.content)?);
        for library in module.needs.iter() {
            archive.library(library)?;
        }
    }
    for number in 0..archive.library_count() {
        contents.push(archive.read(archive.library(number as u32)?.content)?);
    }
    for number in 0..archive.node_count() {
        let node = archive.node(number as u32)?;
        archive.find_child(&node, b"b.txt")?;
        match node.content {
            NodeContent::Directory(children) => assert!(children.end as usize <= archive.node_count()),
            NodeContent::File(content) => contents.push(archive.read(content)?),
            NodeContent::Symlink(target) => contents.push(target.to_vec()),
        }
    }
    for number in 0..archive.left_out_count() {
        archive.find_left_out(archive.left_out(number)?.name)?;
    }
    for place in 0..archive.ahead_count() {
        archive.ahead(place)?;
    }
    if let Some(reasons) = archive.reasons()? {
        contents.push(archive.read(reasons)?);
    }
    Ok(contents)
}

#[test]
fn a_block_of_positions_reads_as_the_distances_that_were_there() {
    let calls: Vec<u8> = (0..400i32).flat_map(|n| [&[0xe8], &(-5 * n).to_le_bytes()[..]].concat()).collect();
    let mut positions = calls.clone();
    let list = rewrite(&mut positions, &[Part { kind: PartKind::Code, range: 0..calls.len() }], Some(64));
    let block = compress(&positions, 3).unwrap().with_parts(&list).unwrap();
    assert!(block.stored().len() * 10 < compress(&calls, 3).unwrap().stored().len());
    assert!(compress(b"short", 3).unwrap().with_parts(&list).is_none(), "it is stored as it is");
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let block = writer.add_block(&block).unwrap();
    let bytes = writer.finish(&no_target()).unwrap().1.into_inner();
    let content = Extent { block, offset: 0, length: calls.len() as u64 };
    assert!(Archive::open(&bytes).unwrap().read(content).unwrap() == calls);
}

#[test]
fn a_block_with_a_bad_list_of_parts_cannot_be_decompressed() {
    let bytes = [7; 400];
    for list in [&[][..], &[1, 0, 0, 0], &[[1, 1, 0, 401].map(u32::to_le_bytes).as_flattened()].concat()] {
        let block = compress(&bytes, 3).unwrap().with_parts(list).unwrap();
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        let block = writer.add_block(&block).unwrap();
        let written = writer.finish(&no_target()).unwrap().1.into_inner();
        let read = Archive::open(&written).unwrap().read(Extent { block, offset: 0, length: 400 });
        assert_eq!(read, Err(ArchiveError::Decompress { block }));
    }
}

#[test]
fn reads_back_what_was_written() {
    let bytes = small_archive();
    let archive = Archive::open(&bytes).unwrap();
    let target = archive.target().unwrap();
    assert_eq!(
        (target.python, target.version, target.entry, target.libpython),
        ((3, 11), "3.11.7", "b", Some(1))
    );
    assert_eq!((archive.module_count(), archive.library_count(), archive.block_count()), (4, 2, 4));

    let ext = archive.find_module("a.ext").unwrap().unwrap();
    assert_eq!((ext.kind, ext.is_package, ext.file), (ModuleKind::Extension, false, "a/ext.so"));
    assert_eq!(ext.needs.iter().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(archive.read(ext.content).unwrap(), (0..300u32).map(|n| (n * n) as u8).collect::<Vec<_>>());
    assert_eq!(archive.read(archive.find_module("a").unwrap().unwrap().content).unwrap(), b"code of a");
    assert_eq!(archive.read(archive.find_module("b").unwrap().unwrap().content).unwrap(), b"code of b");
    assert_eq!(archive.find_module("ns").unwrap().unwrap().kind, ModuleKind::Namespace);
    for missing in ["", "A", "aa", "a.", "zz"] {
        assert_eq!(archive.find_module(missing).unwrap(), None, "{missing}");
    }
}

#[test]
fn tells_what_was_left_out_and_where_the_reasons_are() {
    let bytes = small_archive();
    let archive = Archive::open(&bytes).unwrap();
    let reasons = archive.reasons().unwrap().unwrap();
    assert_eq!(archive.read(reasons).unwrap(), b"de of");
    let names = (0..archive.left_out_count()).map(|number| archive.left_out(number).unwrap().name);
    assert_eq!(names.collect::<Vec<_>>(), ["a.left", "q"]);
    let found = archive.find_left_out("q").unwrap().unwrap();
    assert_eq!((found.subject, found.kind), ("Q-dist", LeaveKind::Optional));
    assert_eq!(archive.find_left_out("q.q").unwrap(), None);
}

#[test]
fn tells_what_a_start_is_expected_to_want_in_order() {
    let bytes = small_archive();
    let archive = Archive::open(&bytes).unwrap();
    let wanted = (0..archive.ahead_count()).map(|place| archive.ahead(place).unwrap());
    // Modules are numbered in the order of names: a, a.ext, b, ns.
    assert_eq!(wanted.collect::<Vec<_>>(), [Ahead::Block(0), Ahead::Library(1), Ahead::Extension(1)]);
    assert!(archive.ahead(3).is_err());
}

/// An archive whose directory calls a section by an id that no reader knows.
fn without_section(section: layout::Section) -> Vec<u8> {
    let mut bytes = small_archive();
    let index_offset = u64::from_le_bytes(bytes[24..32].try_into().unwrap()) as usize;
    let entry = index_offset + 8 + (section as usize - 1) * layout::SECTION_ENTRY_LENGTH;
    assert_eq!(bytes[entry..entry + 4], (section as u32).to_le_bytes());
    bytes[entry..entry + 4].copy_from_slice(&99u32.to_le_bytes());
    let sum = checksum(&bytes[index_offset..]);
    bytes[40..48].copy_from_slice(&sum.to_le_bytes());
    let sum = checksum(&bytes[..56]);
    bytes[56..64].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn only_sections_that_are_required_must_be_there() {
    for section in layout::SECTIONS {
        let bytes = without_section(section);
        assert_eq!(Archive::open(&bytes).is_ok(), !section.is_required(), "{section:?}");
    }
    let bytes = without_section(layout::Section::Reasons);
    assert_eq!(Archive::open(&bytes).unwrap().reasons().unwrap(), None);
    let bytes = without_section(layout::Section::LeftOut);
    assert_eq!(Archive::open(&bytes).unwrap().find_left_out("q").unwrap(), None);
}

#[test]
fn finds_files_in_the_tree() {
    let bytes = small_archive();
    let archive = Archive::open(&bytes).unwrap();
    let root = archive.root().unwrap();
    assert_eq!((root.name, root.mode, root.content.clone()), (&b""[..], 0o755, NodeContent::Directory(1..3)));
    assert!(root.leads_to_materialized && !root.materialize);
    let a = archive.find_child(&root, b"a").unwrap().unwrap();
    assert_eq!((a.mode, a.mtime, a.materialize), (0o700, 2, true));
    let file = archive.find_child(&a, b"b.txt").unwrap().unwrap();
    let NodeContent::File(content) = file.content else { panic!("{file:?}") };
    assert_eq!((file.mode, file.mtime, archive.read(content).unwrap()), (0o644, 1, b"ode ".to_vec()));
    let link = archive.find_child(&a, b"link").unwrap().unwrap();
    assert_eq!(link.content, NodeContent::Symlink(b"b.txt"));
    assert_eq!(archive.find_child(&root, "z\u{f6}".as_bytes()).unwrap().unwrap().mtime, -3);
    for missing in [&b""[..], b"A", b"b.txt", b"zz"] {
        assert_eq!(archive.find_child(&root, missing).unwrap(), None);
    }
    assert_eq!(archive.find_child(&link, b"b.txt").unwrap(), None);
}

#[test]
fn a_path_is_taken_once() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let extent = Extent { block: 0, offset: 0, length: 0 };
    let mut add = |path: &str, content| {
        let path = path.as_bytes().to_vec();
        writer.add_node(NodeRecord { path, mode: 0o644, mtime: 0, materialize: false, content }).is_ok()
    };
    assert!(add("a/b", NodeRecordContent::File(extent)));
    assert!(!add("a/b", NodeRecordContent::File(extent)));
    assert!(!add("a/b/c", NodeRecordContent::File(extent)));
    assert!(!add("a", NodeRecordContent::File(extent)));
    assert!(add("a", NodeRecordContent::Directory));
    assert!(!add("a/b", NodeRecordContent::Directory));
    assert!(add("", NodeRecordContent::Directory));
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    assert_eq!(small_archive(), small_archive());
}

#[test]
fn an_archive_cut_at_any_byte_is_refused() {
    let bytes = small_archive();
    for length in 0..bytes.len() {
        assert!(read_all(&bytes[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn any_flipped_bit_is_noticed() {
    let bytes = small_archive();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(read_all(&damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
}

/// Checksums keep accidents out; whoever forges an archive computes them anew. Then nothing may crash.
#[test]
fn a_forged_index_never_crashes_the_reader() {
    let bytes = small_archive();
    let index_offset = u64::from_le_bytes(bytes[24..32].try_into().unwrap()) as usize;
    let (mut refused, mut accepted) = (0, 0);
    for at in (0..bytes.len()).filter(|at| *at < layout::header::CHECKSUM || *at >= index_offset) {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut forged = bytes.clone();
            forged[at] = value;
            let sum = checksum(&forged[index_offset..]);
            forged[40..48].copy_from_slice(&sum.to_le_bytes());
            let sum = checksum(&forged[..56]);
            forged[56..64].copy_from_slice(&sum.to_le_bytes());
            match read_all(&forged) {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 300 && accepted > 300, "{refused} refused, {accepted} accepted");
}

#[test]
fn another_format_version_is_named() {
    let mut bytes = small_archive();
    bytes[8] = 9;
    let sum = checksum(&bytes[..56]);
    bytes[56..64].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(
        Archive::open(&bytes).unwrap_err(),
        ArchiveError::Version { found: 9, expected: layout::FORMAT_VERSION }
    );
}
