//! Which libraries are not taken along.
//!
//! In comes a `DT_NEEDED` string; out goes whether the target system or the runtime provides it. glibc's own
//! libraries belong to one loader and one another in one exact version (ld.so and libc share private
//! symbols, `GLIBC_PRIVATE`): a copy of another version beside the system's loader crashes. libpython
//! is the runtime's: a second copy would be a second interpreter in the process.
//!
//! What must hold: names of other projects that resemble these are taken along: `libcrypt.so.1` and
//! `libnsl.so.2` left glibc, `libnss3.so` is Mozilla's.

use super::base_name;

/// The libraries that glibc installs, by the part of the name before `.so`.
const GLIBC: [&str; 15] = [
    "libc",
    "libm",
    "libdl",
    "libpthread",
    "librt",
    "libutil",
    "libresolv",
    "libanl",
    "libmvec",
    "libBrokenLocale",
    "libthread_db",
    "libmemusage",
    "libpcprofile",
    "libSegFault",
    "libc_malloc_debug",
];

/// Beginnings of names: name service modules, the loader itself, the kernel's page.
const GLIBC_PREFIXES: [&str; 5] = ["libnss_", "ld-linux", "ld64.so.", "linux-vdso", "linux-gate"];

/// Whether `name` is left out of the closure.
pub(super) fn is_provided(name: &str) -> bool {
    let name = base_name(name);
    is_glibc(name) || is_libpython(name)
}

fn is_glibc(name: &str) -> bool {
    let Some((stem, version)) = name.split_once(".so") else { return false };
    let is_library = version.is_empty() || version.starts_with('.');
    is_library && GLIBC.contains(&stem)
        || name == "libnsl.so.1"
        || GLIBC_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// `libpython3.so` and `libpython3.<minor>[flags].so*`.
fn is_libpython(name: &str) -> bool {
    name.strip_prefix("libpython3").is_some_and(|rest| rest.starts_with('.') && rest.contains(".so"))
}

#[cfg(test)]
mod tests {
    use super::is_provided;

    #[test]
    fn leaves_out_glibc_and_libpython_only() {
        let provided = [
            "libc.so.6",
            "libm.so.6",
            "libpthread.so.0",
            "libnsl.so.1",
            "libnss_dns.so.2",
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "linux-vdso.so.1",
            "libmvec.so.1",
            "libpython3.11.so.1.0",
            "libpython3.13t.so.1.0",
            "libpython3.so",
            "$ORIGIN/../lib/libpython3.12.so.1.0",
        ];
        let taken = [
            "libcrypt.so.1",
            "libnsl.so.2",
            "libnss3.so",
            "libcap.so.2",
            "libstdc++.so.6",
            "libgcc_s.so.1",
            "libmpi.so.40",
            "libc++.so.1",
            "libdl-1a2b.so.2",
            "libpython_helper.so",
        ];
        for name in provided {
            assert!(is_provided(name), "{name}");
        }
        for name in taken {
            assert!(!is_provided(name), "{name}");
        }
    }
}
