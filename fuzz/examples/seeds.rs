//! Writes seeds for all targets into `corpus/`: a small archive, slots, and what interpreters give.
//!
//! The arguments are interpreters; `seeds.py` has each of them write marshal data and copies its smallest extension
//! modules.

use std::error::Error;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use snapfreeze_runtime::archive::slot::{ArchivePlace, EMPTY_SLOT, filled};
use snapfreeze_runtime::archive::writer::{
    ArchiveWriter, LeftOutRecord, LibraryRecord, ModuleRecord, NodeRecord, NodeRecordContent, TargetRecord,
    compress,
};
use snapfreeze_runtime::archive::{EntryKind, Extent, InterpreterMode, LeaveKind, ModuleKind, Placement};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("corpus");
    for target in ["archive", "slot", "marshal", "elf", "reasons"] {
        std::fs::create_dir_all(corpus.join(target))?;
    }
    std::fs::write(corpus.join("archive/small"), small_archive()?)?;
    std::fs::write(corpus.join("reasons/small"), include_bytes!("reasons.json"))?;
    std::fs::write(corpus.join("slot/empty"), EMPTY_SLOT)?;
    std::fs::write(corpus.join("slot/filled"), filled(ArchivePlace { offset: 0x1000, length: 77 }))?;
    for python in std::env::args_os().skip(1) {
        let status = Command::new(&python).arg(root.join("seeds.py")).arg(&corpus).status()?;
        if !status.success() {
            return Err(format!("{}: {status}", python.display()).into());
        }
    }
    Ok(())
}

/// One of each: a compressed and a stored block, a content over two blocks, each kind of module, two libraries.
fn small_archive() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()))?;
    let code = writer.add_block(&compress(&b"code of a module ".repeat(8), 3)?)?;
    let native = writer.add_block(&compress(b"\x7fELF\x02\x01\x01", 3)?)?;
    writer.add_block(&compress(&[0; 64], 3)?)?;
    let content = |block, offset, length| Extent { block, offset, length };
    let needs = vec![writer.add_library(LibraryRecord {
        name: "libx.so.1".into(),
        content: content(native, 0, 20),
        needs: vec![],
        file: "x.libs/libx.so.1".into(),
    })?];
    let libpython = writer.add_library(LibraryRecord {
        name: "libpython3.11.so.1.0".into(),
        content: content(native, 1, 30),
        needs: needs.clone(),
        file: String::new(),
    })?;
    for (name, file, kind, is_package, content, needs) in [
        ("a", "a/__init__.py", ModuleKind::Code, true, content(code, 0, 17), vec![]),
        ("a.b", "a/b.so", ModuleKind::Extension, false, content(native, 0, 71), needs),
        ("ns", "ns", ModuleKind::Namespace, true, content(0, 0, 0), vec![]),
    ] {
        let (name, file) = (name.into(), file.into());
        writer.add_module(ModuleRecord { name, file, kind, is_package, content, needs })?;
    }
    for (path, node) in [
        ("a/data.txt", NodeRecordContent::File(content(code, 3, 9))),
        ("a/link", NodeRecordContent::Symlink(b"data.txt".to_vec())),
        ("empty", NodeRecordContent::Directory),
    ] {
        let (path, materialize) = (path.into(), path == "empty");
        writer.add_node(NodeRecord { path, mode: 0o644, mtime: 1, materialize, content: node })?;
    }
    writer.set_reasons(content(code, 34, 17));
    for (name, subject, kind) in
        [("c", "C-dist", LeaveKind::Optional), ("a.left", "a.left", LeaveKind::Excluded)]
    {
        writer.add_left_out(LeftOutRecord { name: name.into(), subject: subject.into(), kind });
    }
    let (_, out) = writer.finish(&TargetRecord {
        python: (3, 11),
        version: "3.11.7".into(),
        abi_flags: String::new(),
        platform: "linux-x86_64-gnu".into(),
        cache_tag: "cpython-311".into(),
        optimize: 0,
        entry_kind: EntryKind::Script,
        entry: "a".into(),
        libpython: Some(libpython),
        bootstrap: content(code, 17, 17),
        interpreter: InterpreterMode::None,
        placement: Placement::Archive,
        collects_during_imports: false,
        ca_file: "/etc/cert.pem".into(),
        ca_directory: "/etc/certs".into(),
    })?;
    Ok(out.into_inner())
}
