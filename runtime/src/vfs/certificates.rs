//! The certificates that OpenSSL looks for, found where this system has them.
//!
//! OpenSSL has the paths of its certificates compiled in. They are those of the system on which Python was built, or
//! of no system at all. A call that reads one of these paths and finds nothing there gets what this system has in its
//! place.

use core::ffi::c_int;

use super::Mount;
use super::path_buffer::PathBuffer;
use super::system::{self, Outcome, PathArgument, set_errno};
use crate::archive::Target;

/// Files of certificates: Debian, Fedora, Alpine, openSUSE, Fedora's source of its own.
const FILES: [&[u8]; 5] = [
    b"/etc/ssl/certs/ca-certificates.crt",
    b"/etc/pki/tls/certs/ca-bundle.crt",
    b"/etc/ssl/cert.pem",
    b"/etc/ssl/ca-bundle.pem",
    b"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Directories of certificates.
const DIRECTORIES: [&[u8]; 2] = [b"/etc/ssl/certs", b"/etc/pki/tls/certs"];

/// Where the OpenSSL in the archive looks; empty without one.
#[derive(Debug, Clone, Copy)]
pub struct Certificates {
    file: &'static [u8],
    directory: &'static [u8],
}

impl Certificates {
    /// As the archive says it.
    pub fn of(target: &Target<'static>) -> Self {
        Self { file: target.ca_file.as_bytes(), directory: target.ca_directory.as_bytes() }
    }
}

/// Calls `real` with the path of this system's certificates, when `path` is where OpenSSL was built to look for them;
/// else returns `missing`, the call's own failure with ENOENT.
#[cold]
pub fn instead<R: Outcome>(
    mount: &Mount,
    path: PathArgument,
    real: impl Fn(c_int, PathArgument) -> R,
    missing: R,
) -> R {
    let wanted = &mount.certificates;
    let is_file = path.below(wanted.file).is_some_and(<[u8]>::is_empty);
    let places: &[&[u8]] = if is_file { &FILES } else { &DIRECTORIES };
    let rest = if is_file { Some(&b""[..]) } else { path.below(wanted.directory) };
    let Some(rest) = rest else { return missing };
    for place in places {
        let mut found = PathBuffer::new();
        let fits = found.push(place).is_ok();
        if fits && system::faccessat(libc::AT_FDCWD, found.argument(), libc::F_OK, 0) == 0 {
            if found.push(rest).is_ok() {
                return real(libc::AT_FDCWD, found.argument());
            }
            break;
        }
    }
    set_errno(libc::ENOENT);
    missing
}
