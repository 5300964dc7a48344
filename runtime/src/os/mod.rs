//! The operating system below the runtime: the running file, memory files, the dynamic linker.

pub mod ahead;
pub mod cycles;
pub mod decompress;
pub mod dynamic;
pub mod futex;
pub mod late;
pub mod library;
pub mod memory_file;
pub mod on_demand;
pub mod own_segments;
pub mod pages;
pub mod processors;
pub mod recent;
pub mod relocations;
pub mod running_file;
pub mod threads;

/// Whether the process has rights that whoever started it has not: by a set-user-ID or set-group-ID bit, or by
/// capabilities of the file (`AT_SECURE`, getauxval(3)). Then its environment and its command line are a stranger's.
pub fn is_privileged() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Writes one line about this executable to stderr, past Python's own streams. A failure has no one to be told.
pub fn complain(message: &str) {
    let path = std::fs::read_link("/proc/self/exe").unwrap_or_else(|_| running_file::executed_path().into());
    let name = path.file_name().unwrap_or("snapfreeze".as_ref());
    let line = format!("{}: {message}\n", name.display());
    // SAFETY: the pointer and length are of one live string.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}
