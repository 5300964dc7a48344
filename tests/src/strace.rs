//! Which paths a program writes to, read out of what strace printed.
//!
//! In: the lines of `strace -f -y -e trace=file,desc -o FILE`. Out: the set of paths that a successful call created,
//! opened for writing, changed or removed. Not files, and so not in the set: memory files, `/dev/null`, `/dev/tty`.
//! A line that this does not understand is an error: a set that lacks something would prove nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The paths that a traced program wrote to. `directory` is where it was started.
///
/// # Errors
/// The first line that is not understood.
pub fn written_paths(trace: &str, directory: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let mut paths = BTreeSet::new();
    for line in whole_calls(trace)? {
        let Some(call) = Call::parse(&line)? else { continue };
        for path in call.written(directory)? {
            if !is_no_file(&path) {
                paths.insert(path);
            }
        }
    }
    Ok(paths)
}

/// Lines without their process numbers; calls that another thread's interrupted are put together again.
fn whole_calls(trace: &str) -> Result<Vec<String>, String> {
    let mut calls = Vec::new();
    let mut unfinished: BTreeMap<&str, String> = BTreeMap::new();
    for line in trace.lines().filter(|line| !line.trim().is_empty()) {
        let (process, rest) =
            line.split_once(char::is_whitespace).ok_or_else(|| format!("no process number: {line}"))?;
        if process.parse::<u32>().is_err() {
            return Err(format!("no process number: {line}"));
        }
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            unfinished.insert(process, start.trim_end().to_owned());
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>").ok_or_else(|| format!("resumed how? {line}"))?;
            // exec in a thread ends under the number of its process; such a call has no beginning here.
            if let Some(start) = unfinished.remove(process) {
                calls.push(format!("{start}{end}"));
            }
        } else {
            calls.push(rest.to_owned());
        }
    }
    Ok(calls)
}

/// Memory files have no place in the file system; the two devices keep nothing.
fn is_no_file(path: &Path) -> bool {
    path.starts_with("/dev/null")
        || path.starts_with("/dev/tty")
        || path.to_string_lossy().starts_with("/memfd:")
}

/// A system call that succeeded.
#[derive(Debug)]
struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: &'a str,
}

impl<'a> Call<'a> {
    /// Reads a line; none for a call that failed or never returned, and for signals and exits.
    fn parse(line: &'a str) -> Result<Option<Self>, String> {
        // The last is a call that the end of the process has cut short, in the middle of its arguments maybe.
        if line.starts_with("+++") || line.starts_with("---") || line.ends_with("<unfinished ...>) = ?") {
            return Ok(None);
        }
        let unclear = || format!("not understood: {line}");
        let (name, rest) = line.split_once('(').ok_or_else(unclear)?;
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(unclear());
        }
        let (arguments, rest) = split_arguments(rest).ok_or_else(unclear)?;
        let result = rest.trim_start().strip_prefix("= ").ok_or_else(unclear)?;
        if result.starts_with(['-', '?']) {
            return Ok(None);
        }
        Ok(Some(Self { name, arguments, result }))
    }

    /// What the call wrote to, created or removed.
    fn written(&self, directory: &Path) -> Result<Vec<PathBuf>, String> {
        let at = |position: usize| self.path(None, position, directory);
        let at_descriptor = |descriptor: usize| self.path(Some(descriptor), descriptor + 1, directory);
        match self.name {
            "open" => self.opened(at(0)?, 1),
            "openat" | "openat2" => self.opened(at_descriptor(0)?, 2),
            "creat" | "mkdir" | "mknod" | "unlink" | "rmdir" | "truncate" | "chmod" | "chown" | "lchown"
            | "utime" | "utimes" | "setxattr" | "lsetxattr" | "removexattr" | "lremovexattr" => {
                Ok(vec![at(0)?])
            }
            "mkdirat" | "mknodat" | "unlinkat" | "fchmodat" | "fchmodat2" | "fchownat" | "futimesat" => {
                Ok(vec![at_descriptor(0)?])
            }
            // With no path the descriptor's own file is meant, and that was opened before.
            "utimensat" if self.argument(1)? == "NULL" => Ok(Vec::new()),
            "utimensat" => Ok(vec![at_descriptor(0)?]),
            "symlink" | "link" => Ok(vec![at(1)?]),
            "symlinkat" => Ok(vec![at_descriptor(1)?]),
            "linkat" => Ok(vec![at_descriptor(2)?]),
            "rename" => Ok(vec![at(0)?, at(1)?]),
            "renameat" | "renameat2" => Ok(vec![at_descriptor(0)?, at_descriptor(2)?]),
            _ => Ok(Vec::new()),
        }
    }

    fn opened(&self, path: PathBuf, flags: usize) -> Result<Vec<PathBuf>, String> {
        let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let mut words = self.argument(flags)?.split(|character| !is_word(character));
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
        if !words.any(|word| writes.contains(&word)) {
            return Ok(Vec::new());
        }
        // The descriptor's own path: `/proc/self/fd/5` says nothing.
        Ok(vec![descriptor_path(self.result).filter(|path| path.is_absolute()).unwrap_or(path)])
    }

    /// The path in an argument, made absolute: with the directory's descriptor before it, or the start directory.
    fn path(&self, descriptor: Option<usize>, position: usize, start: &Path) -> Result<PathBuf, String> {
        let text = self.argument(position)?;
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let path = decoded(quoted.ok_or_else(|| format!("{} without a path: {text}", self.name))?);
        let directory = match descriptor {
            Some(descriptor) => descriptor_path(self.argument(descriptor)?),
            None => None,
        };
        Ok(directory.as_deref().unwrap_or(start).join(path))
    }

    fn argument(&self, position: usize) -> Result<&'a str, String> {
        self.arguments
            .get(position)
            .copied()
            .ok_or_else(|| format!("{} with {:?}", self.name, self.arguments))
    }
}

/// The arguments up to the closing parenthesis, and what follows it. Commas and parentheses inside of strings,
/// brackets and the paths of descriptors (`3</a,b>`) separate nothing.
fn split_arguments(text: &str) -> Option<(Vec<&str>, &str)> {
    let mut arguments = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => while characters.next()?.1 != '"' || is_escaped(text, characters.offset() - 1) {},
            // Only a descriptor is followed by its path; elsewhere `<` is an operator: `1<<20`.
            '<' if text[at + 1..].starts_with(['/', 'p', 's', 'a']) => while characters.next()?.1 != '>' {},
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                let last = text[start..at].trim();
                if !last.is_empty() {
                    arguments.push(last);
                }
                return Some((arguments, &text[at + 1..]));
            }
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                arguments.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// The path that `-y` prints after a descriptor: `3</a>`, `4</dev/null<char 1:3>>`. Inside of it `<` and `>` are escaped.
fn descriptor_path(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once('<')?;
    rest.split(['<', '>']).next().map(decoded)
}

/// Whether an odd number of backslashes stands before a position.
fn is_escaped(text: &str, at: usize) -> bool {
    text.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// A path without C's escapes.
fn decoded(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut path = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' || at + 1 == bytes.len() {
            path.push(bytes[at]);
            at += 1;
            continue;
        }
        let digits = bytes[at + 1..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if digits > 0 {
            let octal = &bytes[at + 1..at + 1 + digits];
            let value = octal.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            path.push((value & 0xff) as u8);
            at += 1 + digits;
        } else {
            path.push(match bytes[at + 1] {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'v' => 0x0b,
                b'f' => 0x0c,
                other => other,
            });
            at += 2;
        }
    }
    PathBuf::from(OsString::from_vec(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(trace: &str) -> Vec<String> {
        let paths = written_paths(trace, Path::new("/start")).unwrap();
        paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn reads_what_is_opened_for_writing_and_not_what_is_opened_for_reading() {
        let trace = r#"
7 execve("/bin/true", ["true"...], 0x7ffc /* 3 vars */) = 0
7 openat(AT_FDCWD</start>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>
7 openat(AT_FDCWD</start>, "out.txt", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 4</start/out.txt>
7 open("log", O_RDWR) = 5
7 openat2(3</d>, "new", {flags=O_RDWR|O_CREAT, mode=0600, resolve=0}, 24) = 6
7 creat("/made", 0644) = 8</made>
7 read(3</etc/ld.so.cache>, ""..., 10) = 10
7 +++ exited with 0 +++
"#;
        assert_eq!(written(trace), ["/d/new", "/made", "/start/log", "/start/out.txt"]);
    }

    #[test]
    fn calls_that_failed_and_signals_count_for_nothing() {
        let trace = r#"
7 openat(AT_FDCWD, "/a", O_WRONLY|O_CREAT, 0666) = -1 EROFS (Read-only file system)
7 mkdir("/b", 0777) = -1 EEXIST (File exists)
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8} ---
7 exit_group(0 <unfinished ...>
8 <... ioctl resumed> <unfinished ...>) = ?
8 ioctl(5<anon_inode:[x]>, UFFDIO_COPY, {dst=0x7f00, mode=0 <unfinished ...>) = ?
7 <... exit_group resumed>) = ?
"#;
        assert_eq!(written(trace), [""; 0]);
    }

    #[test]
    fn puts_interrupted_calls_together_again() {
        let trace = r#"
7 openat(AT_FDCWD, "/first", O_WRONLY|O_CREAT <unfinished ...>
8 openat(AT_FDCWD, "/second", O_RDONLY <unfinished ...>
7 <... openat resumed>, 0666) = 3</first>
8 <... openat resumed>) = 4</second>
9 <... execve resumed>) = 0
"#;
        assert_eq!(written(trace), ["/first"]);
    }

    #[test]
    fn follows_the_descriptor_and_leaves_out_what_is_no_file() {
        let trace = r#"
7 openat(AT_FDCWD, "/proc/self/fd/5", O_RDWR) = 6</memfd:library (deleted)>
7 openat(AT_FDCWD, "/proc/self/fd/5", O_RDWR) = 6</memfd:library>(deleted)
7 openat(AT_FDCWD, "/dev/null", O_RDWR) = 6</dev/null<char 1:3>>
7 openat(AT_FDCWD, "/dev/tty", O_RDWR) = 6</dev/tty<char 5:0>>
7 openat(AT_FDCWD, "/proc/self/fd/8", O_RDWR) = 6</tmp/real>
7 memfd_create("x", MFD_CLOEXEC) = 9</memfd:x>(deleted)
"#;
        assert_eq!(written(trace), ["/tmp/real"]);
    }

    #[test]
    fn names_are_read_with_their_escapes_commas_and_parentheses() {
        let trace = r#"
7 mkdir("/a, \"b\" (c)\303\244\n", 0777) = 0
7 openat(3</x,y(z>, "\\", O_WRONLY) = 4
7 mmap(NULL, 8, PROT_READ, MAP_PRIVATE|1<<20, 3</x>, 0) = 0x7f
7 ioctl(1<pipe:[12]>, TCGETS, {c_iflag=0, ...}) = 0
"#;
        assert_eq!(written(trace), ["/a, \"b\" (c)ä\n", "/x,y(z/\\"]);
    }

    #[test]
    fn moving_linking_and_removing_are_changes() {
        let trace = r#"
7 rename("/old", "/new") = 0
7 renameat2(AT_FDCWD</w>, "a", 3</d>, "b", RENAME_NOREPLACE) = 0
7 symlink("/target", "/link") = 0
7 symlinkat("/target", AT_FDCWD</w>, "link") = 0
7 linkat(AT_FDCWD</w>, "/from", 3</d>, "hard", 0) = 0
7 unlinkat(AT_FDCWD</w>, "gone", 0) = 0
7 utimensat(4</open>, NULL, NULL, 0) = 0
"#;
        let all = ["/d/b", "/d/hard", "/link", "/new", "/old", "/w/a", "/w/gone", "/w/link"];
        assert_eq!(written(trace), all);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        for line in ["open(\"/a\") = 1", "7 strange", "7 open(\"/a", "7 mkdir(0x7f, 0777) = 0", "7 <... odd"]
        {
            assert!(written_paths(line, Path::new("/")).is_err(), "{line}");
        }
    }
}
