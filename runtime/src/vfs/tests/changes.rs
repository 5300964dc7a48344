//! Refused changes, real changes, and the functions beside open and stat.

use super::*;
use crate::vfs::modify::{self, At};
use crate::vfs::{attributes, streams};

#[test]
fn changes_are_refused_in_the_order_of_the_kernel() {
    use libc::{EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EROFS, EXDEV};
    type Change = fn(PathArgument) -> c_int;
    let real = c("/proc/self/status");
    let changes: [(&str, Change, [c_int; 4]); 9] = [
        // an existing file, an existing directory, a missing name, a missing directory
        ("mkdir", |path| modify::mkdir(AT_FDCWD, path, 0o777), [EEXIST, EEXIST, EROFS, ENOENT]),
        ("mknod", |path| modify::mknod(AT_FDCWD, path, 0o666, 0), [EEXIST, EEXIST, EROFS, ENOENT]),
        ("symlink", |path| modify::symlink(path, AT_FDCWD, path), [EEXIST, EEXIST, EROFS, ENOENT]),
        ("unlink", |path| modify::unlink(AT_FDCWD, path, 0), [EROFS, EROFS, EROFS, ENOENT]),
        ("remove", modify::remove, [EROFS, EROFS, EROFS, ENOENT]),
        ("chmod", |path| modify::chmod(AT_FDCWD, path, 0, 0), [EROFS, EROFS, ENOENT, ENOENT]),
        ("chown", |path| modify::chown(AT_FDCWD, path, 0, 0, 0), [EROFS, EROFS, ENOENT, ENOENT]),
        (
            "utimensat",
            |path| unsafe { modify::set_times(AT_FDCWD, path, core::ptr::null(), 0) },
            [EROFS, EROFS, ENOENT, ENOENT],
        ),
        ("truncate", |path| modify::truncate(path, 0), [EROFS, EISDIR, ENOENT, ENOENT]),
    ];
    for (name, change, errors) in changes {
        let paths = ["pkg/data.txt", "pkg/sub", "pkg/new", "nothing/new"];
        for (path, error) in paths.into_iter().zip(errors) {
            let path = c(&inside(path));
            assert_eq!(result(|| change(path.as_c_str().into())), -error, "{name} {path:?}");
        }
    }
    let at = |path: &'static core::ffi::CStr| At { directory: AT_FDCWD, path: path.into() };
    let file = &*Box::leak(c(&inside("pkg/data.txt")).into_boxed_c_str());
    let new = &*Box::leak(c(&inside("pkg/new")).into_boxed_c_str());
    let outside = &*Box::leak(real.into_boxed_c_str());
    let rename = |from, to| result(|| modify::rename(at(from), at(to), 0));
    assert_eq!(rename(file, new), -EROFS);
    assert_eq!(rename(file, outside), -EXDEV);
    assert_eq!(rename(outside, new), -EXDEV);
    let link = |from, to| result(|| modify::link(at(from), at(to), 0));
    assert_eq!(link(file, new), -EROFS);
    assert_eq!(link(new, file), -ENOENT);
    assert_eq!(link(file, file), -EEXIST);
    assert_eq!(link(file, outside), -EXDEV);
    let rmdir = |path: &str| {
        let path = c(&inside(path));
        result(|| modify::unlink(AT_FDCWD, path.as_c_str().into(), libc::AT_REMOVEDIR))
    };
    assert_eq!(rmdir("pkg/sub"), -EROFS);
    assert_eq!(rmdir("pkg/sub/."), -EINVAL);
    assert_eq!(rmdir("pkg/sub/.."), -ENOTEMPTY);
    assert_eq!(rmdir("pkg/data.txt/x"), -ENOTDIR);
    let open = open_flags(&inside("pkg/data.txt"), 0);
    assert_eq!(result(|| modify::fchmod(open, 0)), -EROFS);
    assert_eq!(result(|| modify::fchown(open, 0, 0)), -EROFS);
    assert_eq!(result(|| unsafe { modify::set_descriptor_times(open, core::ptr::null()) }), -EROFS);
    crate::vfs::system::close(open);
}

#[test]
fn real_files_are_changed_as_ever() {
    let folder = std::env::temp_dir().join(format!("snapfreeze-vfs-changes-{}", std::process::id()));
    let (first, second) = (folder.join("first"), folder.join("second"));
    let path = |path: &std::path::Path| c(path.to_str().unwrap());
    mount();
    let (one, two, folder_path) = (path(&first), path(&second), path(&folder));
    assert_eq!(modify::mkdir(AT_FDCWD, folder_path.as_c_str().into(), 0o755), 0);
    let file = descriptor::open(AT_FDCWD, one.as_c_str().into(), libc::O_CREAT | libc::O_WRONLY, 0o640);
    assert_eq!(crate::vfs::system::write_all(file, b"text"), Ok(()));
    assert_eq!(modify::fchmod(file, 0o600), 0);
    crate::vfs::system::close(file);
    let at = |path| At { directory: AT_FDCWD, path };
    assert_eq!(modify::rename(at(one.as_c_str().into()), at(two.as_c_str().into()), 0), 0);
    assert_eq!(modify::link(at(two.as_c_str().into()), at(one.as_c_str().into()), 0), 0);
    assert_eq!(modify::truncate(one.as_c_str().into(), 2), 0);
    assert_eq!(std::fs::read(&second).unwrap(), b"te");
    let times = [libc::timeval { tv_sec: 5, tv_usec: 6 }; 2];
    assert_eq!(unsafe { modify::set_times_micro(AT_FDCWD, one.as_c_str().into(), times.as_ptr(), 0) }, 0);
    assert_eq!(stat(first.to_str().unwrap()).unwrap().st_mtime_nsec, 6000);
    assert_eq!(modify::unlink(AT_FDCWD, one.as_c_str().into(), 0), 0);
    assert_eq!(modify::remove(two.as_c_str().into()), 0);
    assert_eq!(modify::unlink(AT_FDCWD, folder_path.as_c_str().into(), libc::AT_REMOVEDIR), 0);
    assert!(!folder.exists());
}

#[test]
fn streams_are_opened_and_reopened() {
    let line = |stream: *mut libc::FILE| unsafe {
        let mut buffer = [0u8; 20];
        let read = libc::fread(buffer.as_mut_ptr().cast(), 1, buffer.len(), stream);
        buffer[..read].to_vec()
    };
    let path = c(&inside("pkg/data.txt"));
    let open = |mode: &core::ffi::CStr| {
        set_errno(0);
        let stream = streams::fopen(path.as_c_str().into(), mode);
        if stream.is_null() { Err(errno()) } else { Ok(stream) }
    };
    let stream = open(c"rb").unwrap();
    assert_eq!(line(stream), b"hello");
    let tool = c(&inside("pkg/tool"));
    let stream = unsafe { streams::freopen(tool.as_c_str().into(), c"r", stream) };
    assert_eq!(line(stream), b"world");
    let stream = unsafe { streams::freopen(c"/proc/self/comm".into(), c"r", stream) };
    assert!(!line(stream).is_empty());
    unsafe { libc::fclose(stream) };
    assert_eq!(open(c"w").err(), Some(libc::EROFS));
    assert_eq!(open(c"a+").err(), Some(libc::EROFS));
    assert_eq!(open(c"r+").err(), Some(libc::EROFS));
    assert_eq!(open(c"wx").err(), Some(libc::EEXIST));
    assert_eq!(open(c"?").err(), Some(libc::EINVAL));
}

#[test]
fn the_tree_says_that_it_is_read_only_and_has_no_attributes() {
    use attributes::Subject;
    let path = c(&inside("pkg/data.txt"));
    let path: PathArgument = path.as_c_str().into();
    let file = descriptor::open(AT_FDCWD, path, 0, 0);
    unsafe {
        let mut by_path: libc::statvfs64 = core::mem::zeroed();
        let mut by_file: libc::statvfs64 = core::mem::zeroed();
        assert_eq!(attributes::statvfs(path, &raw mut by_path), 0);
        assert_eq!(attributes::fstatvfs(file, &raw mut by_file), 0);
        assert_eq!(by_path.f_flag & libc::ST_RDONLY, libc::ST_RDONLY);
        assert_eq!((by_path.f_blocks, by_path.f_files), (by_file.f_blocks, by_file.f_files));
        assert_eq!(attributes::statvfs(c"/".into(), &raw mut by_path), 0);
        for subject in [Subject::Path(path), Subject::Link(path), Subject::Descriptor(file)] {
            let (value, name) = (core::ptr::null_mut(), c"user.x".as_ptr());
            assert_eq!(result(|| attributes::get(subject, name, value, 0) as c_int), -libc::ENODATA);
            assert_eq!(attributes::list(subject, core::ptr::null_mut(), 0), 0);
            assert_eq!(result(|| attributes::set(subject, name, value, 0, 0)), -libc::EROFS);
            assert_eq!(result(|| attributes::remove(subject, name)), -libc::EROFS);
        }
    }
    assert_eq!(attributes::pathconf(path, libc::_PC_NAME_MAX), 255);
    assert_eq!(result(|| attributes::pathconf(path, 12345) as c_int), -libc::EINVAL);
    crate::vfs::system::close(file);
}

#[test]
fn missing_certificates_are_those_of_the_system() {
    let system = "/etc/ssl/certs";
    let bundle = format!("{system}/ca-certificates.crt");
    let has = |path: &str| std::path::Path::new(path).exists();
    mount();
    match stat(&bundle) {
        Ok(real) => {
            assert_eq!(stat("/nowhere/ssl/cert.pem").map(|status| status.st_ino), Ok(real.st_ino));
            assert_eq!(read("/nowhere/ssl/cert.pem"), std::fs::read(&bundle).unwrap());
            assert_eq!(
                stat("/nowhere/ssl/certs/ca-certificates.crt").map(|status| status.st_ino),
                Ok(real.st_ino)
            );
        }
        Err(_) => eprintln!("the file is not tested: this system has no {bundle}"),
    }
    if has(system) {
        let path = c("/nowhere/ssl/certs");
        let stream = directory::opendir(path.as_c_str().into());
        assert!(!stream.is_null());
        unsafe { directory::closedir(stream) };
    } else {
        eprintln!("the directory is not tested: this system has no {system}");
    }
    assert_eq!(stat("/nowhere/ssl").err(), Some(libc::ENOENT));
    assert_eq!(stat("/nowhere/ssl/certs/nothing").err(), Some(libc::ENOENT));
    assert_eq!(open_flags("/nowhere/ssl/cert.pem", libc::O_CREAT | libc::O_WRONLY), -libc::ENOENT);
}
