//! The functions that the stub exports, against a tree that this process has mounted below its own executable.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "C functions by the dozen, each with descriptors, strings and buffers of the test's own"
)]

mod changes;

use std::ffi::CString;
use std::io::Cursor;
use std::sync::OnceLock;

use libc::{AT_FDCWD, c_int};

use super::resolve::{Place, READS, Resolver};
use super::system::{PathArgument, errno, set_errno};
use super::{Mount, descriptor, directory, paths, status};
use crate::archive::tests::no_target;
use crate::archive::writer::{ArchiveWriter, NodeRecord, NodeRecordContent, TargetRecord, compress};
use crate::archive::{Archive, Extent};
use crate::os::running_file::FileIdentity;

/// A tree with each kind of node; `large` is of several blocks.
fn archive() -> &'static Archive<'static> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.add_block(&compress(b"hello world", 3).unwrap()).unwrap();
    for block in large().chunks(200_000) {
        writer.add_block(&compress(block, 3).unwrap()).unwrap();
    }
    let file = |block, offset, length| NodeRecordContent::File(Extent { block, offset, length });
    let link = |target: &str| NodeRecordContent::Symlink(target.as_bytes().to_vec());
    for (path, mode, mtime, content) in [
        ("pkg/data.txt", 0o644, 1_500_000_000, file(0, 0, 5)),
        ("pkg/tool", 0o755, 0, file(0, 6, 5)),
        ("pkg/large", 0o644, 0, file(1, 0, large().len() as u64)),
        ("pkg/sub/deep.txt", 0o600, 7, file(0, 3, 2)),
        ("pkg/link", 0o777, 0, link("data.txt")),
        ("pkg/up", 0o777, 0, link("../pkg/sub/../link")),
        ("pkg/loop", 0o777, 0, link("loop")),
        ("pkg/broken", 0o777, 0, link("nothing")),
        ("pkg/dir", 0o777, 0, link("sub")),
        ("pkg/out", 0o777, 0, link("/etc/passwd")),
        ("pkg/empty", 0o755, 0, NodeRecordContent::Directory),
        ("ab", 0o644, 0, file(0, 0, 1)),
    ] {
        let path = path.as_bytes().to_vec();
        writer.add_node(NodeRecord { path, mode, mtime, materialize: false, content }).unwrap();
    }
    let target = TargetRecord {
        ca_file: "/nowhere/ssl/cert.pem".into(),
        ca_directory: "/nowhere/ssl/certs".into(),
        ..no_target()
    };
    let bytes = writer.finish(&target).unwrap().1.into_inner().leak();
    Box::leak(Box::new(Archive::open(bytes).unwrap()))
}

fn large() -> Vec<u8> {
    (0..700_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect()
}

/// The root's path, after mounting.
fn root() -> &'static str {
    static ROOT: OnceLock<String> = OnceLock::new();
    ROOT.get_or_init(|| {
        use std::os::unix::fs::MetadataExt;
        let executable = std::env::current_exe().unwrap();
        let status = executable.metadata().unwrap();
        let archive = archive();
        let identity = FileIdentity {
            device: status.dev(),
            inode: status.ino(),
            owner: status.uid(),
            group: status.gid(),
            changed: (status.mtime(), status.mtime_nsec()),
        };
        super::mount(archive, &archive.target().unwrap(), &executable, identity);
        format!("{}/_internal", executable.display())
    })
}

fn mount() -> &'static Mount {
    root();
    super::mounted().unwrap()
}

fn c(path: &str) -> CString {
    CString::new(path).unwrap()
}

/// -errno or the result.
fn result(of: impl FnOnce() -> c_int) -> c_int {
    set_errno(0);
    match of() {
        -1 => -errno(),
        value => value,
    }
}

fn open_flags(path: &str, flags: c_int) -> c_int {
    result(|| descriptor::open(AT_FDCWD, PathArgument::from(c(path).as_c_str()), flags, 0))
}

fn stat_at(directory: c_int, path: &str, flags: c_int) -> Result<libc::stat64, c_int> {
    let mut buffer: libc::stat64 = unsafe { core::mem::zeroed() };
    let path = c(path);
    match result(|| unsafe {
        status::stat(directory, PathArgument::from(path.as_c_str()), &raw mut buffer, flags)
    }) {
        0 => Ok(buffer),
        error => Err(-error),
    }
}

fn stat(path: &str) -> Result<libc::stat64, c_int> {
    stat_at(AT_FDCWD, path, 0)
}

fn inside(path: &str) -> String {
    format!("{}/{path}", root())
}

/// All that can be read from a descriptor, which is closed.
fn read_all(file: c_int) -> Vec<u8> {
    use std::io::Read;
    use std::os::fd::FromRawFd;
    assert!(file >= 0, "errno {}", -file);
    let mut bytes = Vec::new();
    unsafe { std::fs::File::from_raw_fd(file) }.read_to_end(&mut bytes).unwrap();
    bytes
}

fn read(path: &str) -> Vec<u8> {
    read_all(open_flags(path, libc::O_RDONLY | libc::O_CLOEXEC))
}

#[test]
fn files_are_read_through_every_spelling_of_their_path() {
    for path in [
        "pkg/data.txt",
        "pkg//data.txt",
        "./pkg/./data.txt",
        "/pkg/sub/../data.txt",
        "pkg/link",
        "pkg/up",
        "pkg/dir/../data.txt",
        "../_internal/pkg/data.txt",
    ] {
        assert_eq!(read(&inside(path)), b"hello", "{path}");
    }
    assert_eq!(read(&inside("pkg/dir/deep.txt")), b"lo");
    assert_eq!(read(&inside("pkg/large")), large());
    assert_eq!(read(&inside("pkg/out")), std::fs::read("/etc/passwd").unwrap());
    assert_eq!(
        read(&inside("../../../../../../../../../../etc/passwd")),
        std::fs::read("/etc/passwd").unwrap()
    );
}

#[test]
fn a_path_that_only_leads_there_is_followed() {
    let folder = std::env::temp_dir().join(format!("snapfreeze-vfs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let executable = std::env::current_exe().unwrap();
    std::os::unix::fs::symlink(&executable, folder.join("program")).unwrap();
    std::os::unix::fs::symlink(root().to_owned() + "/pkg", folder.join("package")).unwrap();
    let folder_name = folder.to_str().unwrap();
    assert_eq!(read(&format!("{folder_name}/program/_internal/pkg/link")), b"hello");
    assert_eq!(read(&format!("{folder_name}/package/data.txt")), b"hello");
    assert_eq!(stat(&format!("{folder_name}/program/other")).err(), Some(libc::ENOTDIR));
    let directory = open_flags(folder_name, libc::O_DIRECTORY);
    assert!(directory >= 0);
    assert_eq!(stat_at(directory, "program/_internal/pkg/data.txt", 0).unwrap().st_size, 5);
    super::system::close(directory);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn errors_are_those_of_a_read_only_file_system() {
    use libc::{ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EROFS};
    let long = "n".repeat(256);
    for (path, error) in [
        ("nothing", ENOENT),
        ("pkg/nothing/more", ENOENT),
        ("pkg/data.txt/", ENOTDIR),
        ("pkg/data.txt/more", ENOTDIR),
        ("pkg/link/", ENOTDIR),
        ("pkg/loop", ELOOP),
        ("pkg/broken", ENOENT),
        (&long, ENAMETOOLONG),
        (&"a/".repeat(2048), ENAMETOOLONG),
    ] {
        assert_eq!(stat(&inside(path)).err(), Some(error), "{path}");
        assert_eq!(open_flags(&inside(path), libc::O_RDONLY), -error, "{path}");
    }
    for (path, flags, error) in [
        ("pkg/data.txt", libc::O_WRONLY, EROFS),
        ("pkg/data.txt", libc::O_RDWR, EROFS),
        ("pkg/data.txt", libc::O_RDONLY | libc::O_TRUNC, EROFS),
        ("pkg/data.txt", libc::O_RDONLY | libc::O_DIRECTORY, ENOTDIR),
        ("pkg/data.txt", libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL, libc::EEXIST),
        ("pkg/new", libc::O_WRONLY | libc::O_CREAT, EROFS),
        ("pkg/new", libc::O_WRONLY, ENOENT),
        ("nothing/new", libc::O_WRONLY | libc::O_CREAT, ENOENT),
        ("pkg", libc::O_WRONLY, libc::EISDIR),
        ("pkg", libc::O_RDONLY | libc::O_CREAT, libc::EISDIR),
        ("pkg", libc::O_WRONLY | libc::O_TMPFILE, EROFS),
        ("pkg/link", libc::O_RDONLY | libc::O_NOFOLLOW, ELOOP),
    ] {
        assert_eq!(open_flags(&inside(path), flags), -error, "{path} {flags:o}");
    }
    let access = |path: &str, mode| {
        let path = c(&inside(path));
        result(|| paths::access(AT_FDCWD, PathArgument::from(path.as_c_str()), mode, 0))
    };
    assert_eq!(access("pkg/data.txt", libc::R_OK), 0);
    assert_eq!(access("pkg/data.txt", libc::X_OK), -libc::EACCES);
    assert_eq!(access("pkg/tool", libc::X_OK), 0);
    assert_eq!(access("pkg", libc::X_OK | libc::R_OK), 0);
    assert_eq!(access("pkg/data.txt", libc::W_OK), -EROFS);
    assert_eq!(access("pkg/nothing", libc::W_OK), -ENOENT);
}

#[test]
fn fstat_agrees_with_stat_on_every_kind_of_descriptor() {
    let all = |s: &libc::stat64| {
        let ids = (s.st_dev, s.st_ino, s.st_nlink, s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_blocks);
        (ids, (s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_atime, s.st_blksize))
    };
    for path in ["pkg/data.txt", "pkg/tool", "pkg/large", "pkg/sub/deep.txt", "pkg", "", "pkg/empty", "ab"] {
        let expected = all(&stat(&inside(path)).unwrap());
        for flags in [libc::O_RDONLY, libc::O_CLOEXEC, libc::O_PATH] {
            let file = open_flags(&inside(path), flags);
            assert!(file >= 0, "{path}: {}", -file);
            let copy = unsafe { libc::dup(file) };
            for file in [file, copy] {
                let mut buffer: libc::stat64 = unsafe { core::mem::zeroed() };
                assert_eq!(unsafe { status::fstat(file, &raw mut buffer) }, 0);
                assert_eq!(all(&buffer), expected, "{path} {flags:o}");
                assert_eq!(all(&stat_at(file, "", libc::AT_EMPTY_PATH).unwrap()), expected, "{path}");
                let is_inherited = unsafe { libc::fcntl(file, libc::F_GETFD) } & libc::FD_CLOEXEC == 0;
                assert_eq!(is_inherited, file == copy || flags & libc::O_CLOEXEC == 0);
                assert_eq!(unsafe { libc::write(file, c"x".as_ptr().cast(), 1) }, -1);
                assert_eq!(errno(), libc::EBADF);
                super::system::close(file);
            }
        }
    }
    assert_eq!(stat(&inside("pkg/data.txt")).unwrap().st_mtime, 1_500_000_000);
    assert_eq!(stat(&inside("pkg")).unwrap().st_nlink, 4);
    let link = stat_at(AT_FDCWD, &inside("pkg/link"), libc::AT_SYMLINK_NOFOLLOW).unwrap();
    assert_eq!((link.st_mode & libc::S_IFMT, link.st_size), (libc::S_IFLNK, 8));
}

#[test]
fn a_descriptor_of_something_else_is_left_alone() {
    use std::os::fd::AsRawFd;
    let other = crate::os::memory_file::create(c"other", false).unwrap();
    let mut buffer: libc::stat64 = unsafe { core::mem::zeroed() };
    mount();
    unsafe { status::fstat(other.as_raw_fd(), &raw mut buffer) };
    assert_eq!(buffer.st_nlink, 0);
    assert_eq!(result(|| unsafe { status::fstat(12345, &raw mut buffer) }), -libc::EBADF);
}

/// Names in a directory, in order, as readdir gives them.
fn names(stream: *mut libc::DIR) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        set_errno(0);
        let entry = unsafe { directory::readdir(stream) };
        if entry.is_null() {
            assert_eq!(errno(), 0);
            return names;
        }
        let name = unsafe { core::ffi::CStr::from_ptr((*entry).d_name.as_ptr()) };
        names.push(name.to_str().unwrap().to_owned());
    }
}

const IN_PACKAGE: [&str; 12] =
    [".", "..", "broken", "data.txt", "dir", "empty", "large", "link", "loop", "out", "sub", "tool"];

#[test]
fn directories_are_listed_by_path_and_by_descriptor() {
    let path = c(&inside("pkg"));
    let stream = directory::opendir(PathArgument::from(path.as_c_str()));
    let mut expected: Vec<&str> = IN_PACKAGE.to_vec();
    expected.push("up");
    assert_eq!(names(stream), expected);
    unsafe {
        directory::rewinddir(stream);
        directory::readdir(stream);
        let place = directory::telldir(stream);
        assert_eq!(names(stream), expected[1..]);
        directory::seekdir(stream, place);
        assert_eq!(names(stream), expected[1..]);
        let file = directory::dirfd(stream);
        assert_eq!(stat_at(file, "sub/deep.txt", 0).unwrap().st_size, 2);
        assert_eq!(stat_at(file, "data.txt/", 0).err(), Some(libc::ENOTDIR));
        let again = directory::fdopendir(libc::dup(file));
        assert_eq!(names(again), expected);
        assert_eq!(directory::closedir(again), 0);
        assert_eq!(directory::closedir(stream), 0);
        let mut list = core::ptr::null_mut();
        let path = PathArgument::from(path.as_c_str());
        let count = directory::scandir(AT_FDCWD, path, &raw mut list, None, None);
        assert_eq!(count, 13);
        for at in 0..13 {
            libc::free((*list.add(at)).cast());
        }
        libc::free(list.cast());
    }
    let real = directory::opendir(PathArgument::from(c"/proc/self"));
    assert!(names(real).contains(&"maps".to_owned()));
    assert_eq!(unsafe { directory::closedir(real) }, 0);
}

#[test]
fn entries_have_the_type_and_number_that_stat_gives() {
    let path = c(&inside("pkg"));
    let stream = directory::opendir(PathArgument::from(path.as_c_str()));
    loop {
        let entry = unsafe { directory::readdir(stream).as_ref() };
        let Some(entry) = entry else { break };
        let name = unsafe { core::ffi::CStr::from_ptr(entry.d_name.as_ptr()) }.to_str().unwrap();
        let status = stat_at(AT_FDCWD, &inside(&format!("pkg/{name}")), libc::AT_SYMLINK_NOFOLLOW).unwrap();
        assert_eq!(entry.d_ino, status.st_ino, "{name}");
        assert_eq!(u32::from(entry.d_type) << 12, status.st_mode & libc::S_IFMT, "{name}");
    }
    unsafe { directory::closedir(stream) };
}

#[test]
fn links_are_read_and_resolved() {
    let mut buffer = [0u8; 100];
    let read = |path: &str, buffer: &mut [u8]| {
        let path = c(path);
        let pointer = buffer.as_mut_ptr().cast();
        unsafe { paths::readlink(AT_FDCWD, PathArgument::from(path.as_c_str()), pointer, buffer.len()) }
    };
    assert_eq!(read(&inside("pkg/link"), &mut buffer), 8);
    assert_eq!(&buffer[..8], b"data.txt");
    assert_eq!(read(&inside("pkg/link"), &mut buffer[..3]), 3);
    assert_eq!(read(&inside("pkg/data.txt"), &mut buffer), -1);
    assert_eq!(errno(), libc::EINVAL);
    let resolved = |path: &str| unsafe {
        let path = c(path);
        let real = paths::realpath(PathArgument::from(path.as_c_str()), core::ptr::null_mut());
        let text = (!real.is_null()).then(|| core::ffi::CStr::from_ptr(real).to_str().unwrap().to_owned());
        libc::free(real.cast());
        text
    };
    assert_eq!(resolved(&inside("pkg/up")), Some(inside("pkg/data.txt")));
    assert_eq!(resolved(&inside("./")), Some(root().to_owned()));
    assert_eq!(resolved(&inside("pkg/out")).as_deref(), Some("/etc/passwd"));
    assert_eq!(resolved(&inside("pkg/broken")), None);
    assert_eq!(resolved("/proc/../etc").as_deref(), Some("/etc"));
}

#[test]
fn above_the_root_is_the_executable() {
    let executable = std::env::current_exe().unwrap();
    let above = stat(&inside("..")).unwrap();
    assert_eq!(above.st_mode & libc::S_IFMT, libc::S_IFREG);
    assert_eq!(above.st_size as u64, executable.metadata().unwrap().len());
    let beside = stat(&inside("../..")).unwrap();
    assert_eq!(beside.st_mode & libc::S_IFMT, libc::S_IFDIR);
    assert_eq!(stat(&inside("../pkg")).err(), Some(libc::ENOTDIR));
    let path = c(&inside("pkg"));
    let place = Resolver::new(mount()).resolve(AT_FDCWD, PathArgument::from(path.as_c_str()), READS);
    assert!(
        matches!(place, Ok(Place::Inside(found)) if found.node.as_ref().is_some_and(|node| node.name == b"pkg"))
    );
}
