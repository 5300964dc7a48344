//! Namespaces of mounts: a root directory with almost nothing in it, and directories that not even root can write to.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What glibc installs for programs to load at run time, by soname. libstdc++ and libgcc_s are not its own.
pub const GLIBC: &[&str] = &[
    "libBrokenLocale.so.1",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libmvec.so.1",
    "libnss_compat.so.2",
    "libnss_dns.so.2",
    "libnss_files.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// The loader's place in every x86-64 program.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// `unshare` with what this user may do with it.
#[derive(Debug, Clone)]
pub struct Jail {
    unshare: PathBuf,
    flags: Vec<&'static str>,
    chroot: PathBuf,
}

impl Jail {
    /// Looks whether namespaces can be made here: as root, else as an unprivileged user where the kernel lets him.
    ///
    /// # Errors
    /// Why not.
    pub fn find() -> Result<Self, String> {
        let unshare = program("unshare").ok_or("no unshare")?;
        let chroot = program("chroot").ok_or("no chroot")?;
        let as_root = vec!["--mount", "--pid", "--fork"];
        let as_user = vec!["--map-root-user", "--mount", "--pid", "--fork"];
        for flags in [as_root, as_user] {
            let mut attempt = Command::new(&unshare);
            attempt.args(&flags).args(["--mount-proc", "true"]);
            attempt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if attempt.status().is_ok_and(|status| status.success()) {
                return Ok(Self { unshare, flags, chroot });
            }
        }
        Err("no right to make namespaces".into())
    }

    /// Runs `program` with `root` as its root directory, `/proc` mounted and an empty environment.
    pub fn command(&self, root: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut proc = std::ffi::OsString::from("--mount-proc=");
        proc.push(root.join("proc"));
        let mut command = Command::new(&self.unshare);
        command.args(&self.flags).arg(proc).arg(&self.chroot).arg(root).arg(program).env_clear();
        command
    }

    /// Makes a command one for which `folder` is mounted read-only. Its environment is kept.
    pub fn read_only(&self, folder: &Path, inner: &Command) -> Command {
        const SCRIPT: &str =
            r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@""#;
        let mut command = Command::new(&self.unshare);
        command.args(&self.flags);
        with_mounts(command, SCRIPT, folder, inner)
    }

    /// Makes a command one for which `folder` is empty. Its environment is kept, and it has its usual process number.
    pub fn without(&self, folder: &Path, inner: &Command) -> Command {
        const SCRIPT: &str = r#"mount -t tmpfs -o ro none "$1" && shift && exec "$@""#;
        let mut command = Command::new(&self.unshare);
        command.args(self.flags.iter().filter(|flag| !["--pid", "--fork"].contains(flag)));
        with_mounts(command, SCRIPT, folder, inner)
    }
}

/// Completes the command of `unshare`: a script that mounts something at `folder`, then what `inner` says.
fn with_mounts(mut command: Command, script: &str, folder: &Path, inner: &Command) -> Command {
    command.args(["sh", "-c", script, "sh"]).arg(folder);
    command.arg(inner.get_program()).args(inner.get_args()).env_clear();
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    if let Some(directory) = inner.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

/// Fills a root directory with the executable as `/program`, glibc and an empty `/proc`, and nothing else.
///
/// # Panics
/// When a file cannot be copied.
pub fn fill_root(root: &Path, executable: &Path) {
    std::fs::create_dir_all(root.join("proc")).unwrap();
    std::fs::copy(executable, root.join("program")).unwrap();
    let copy = |from: &Path, to: &Path| {
        let place = root.join(to.strip_prefix("/").unwrap());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(from, place).unwrap();
    };
    copy(Path::new(LOADER), Path::new(LOADER));
    let directory = glibc_directory();
    for name in GLIBC {
        let file = directory.join(name);
        if file.exists() {
            copy(&file, &file);
        }
    }
    // Where /lib is a link to /usr/lib, the loader may know the directory by either name.
    if directory.starts_with("/usr") && !root.join("lib").exists() {
        symlink("usr/lib", root.join("lib")).unwrap();
    }
}

/// The directory from which this process has its C library.
fn glibc_directory() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.split_once('/')).map(|(_, path)| format!("/{path}"));
    let libc = paths.map(PathBuf::from).find(|path| path.ends_with("libc.so.6"));
    libc.and_then(|libc| libc.parent().map(Path::to_owned))
        .unwrap_or_else(|| panic!("this process has no libc.so.6"))
}

/// A program of PATH or of the administrator's directories, which a user's PATH need not hold.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrators)
        .map(|entry| entry.join(name))
        .find(|file| file.is_file())
}
