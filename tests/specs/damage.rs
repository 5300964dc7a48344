//! A damaged executable says so and exits with 125; one that this system cannot run says why and exits with 126.
//! Never a signal, never a panic.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use snapfreeze::fuse::archive::{ArchiveRange, find};
use snapfreeze_runtime::archive::slot::{EMPTY_SLOT, SLOT_LENGTH};
use snapfreeze_runtime::relr;
use snapfreeze_tests::execution::plain_command;
use snapfreeze_tests::jail::fill_root;
use snapfreeze_tests::{Fixtures, Interpreter, Outcome, execute};

const PROGRAM: &str = "exits/exits.py";
const DAMAGED: i32 = 125;
const UNSUPPORTED: i32 = 126;

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let slot = fixtures.preferred();
    let trial = |name: &str| fixtures.trial(format!("damage::{name}"), &slot);
    vec![
        // These write to an executable and run it: a child that another trial forks meanwhile would hold it open.
        trial("a truncated file").alone().runs(truncated),
        trial("a flipped bit in slot, header or index").alone().runs(flipped_bits),
        trial("a flipped bit in what the program relocates itself")
            .alone()
            .needs(fixtures.needs_fusion().and_then(|()| has("readelf")))
            .runs(flipped_relocations),
        trial("a damaged block, needed or not").alone().runs(damaged_blocks),
        trial("bytes after the archive").alone().runs(longer),
        trial("the bare stub").runs(bare_stub),
        trial("a stripped file").needs(has("strip")).runs(stripped),
        trial("an unreadable file").needs(can_drop_rights(fixtures)).runs(unreadable),
        trial("no /proc").needs(has("chroot").and_then(|()| is_root())).runs(no_proc),
        trial("memfd_create refused").runs(no_memory_files),
        trial("memory files that must not be executed")
            .needs(memfd_noexec())
            .runs(no_executable_memory_files),
        trial("a limit on file sizes").runs(limited_file_size),
        trial("too little memory").runs(little_memory),
    ]
}

/// A copy of the executable, to be damaged.
struct Copy {
    path: PathBuf,
    bytes: Vec<u8>,
    slot: usize,
    archive: ArchiveRange,
}

impl Copy {
    fn new(fixtures: &Fixtures, python: &Interpreter) -> Self {
        let path = fixtures.folder("damaged").join("program");
        std::fs::copy(fixtures.frozen(PROGRAM, python), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (slot, archive) = find(&bytes).unwrap();
        Self { path, bytes, slot: slot as usize, archive }
    }

    fn open(&self) -> File {
        OpenOptions::new().write(true).open(&self.path).unwrap()
    }

    fn run(&self) -> Outcome {
        execute(plain_command(&self.path).arg("exit_int"))
    }

    /// Runs it with one bit flipped.
    fn run_flipped(&self, at: usize, bit: u8) -> Outcome {
        let byte = self.bytes[at];
        self.open().write_all_at(&[byte ^ (1 << bit)], at as u64).unwrap();
        let outcome = self.run();
        self.open().write_all_at(&[byte], at as u64).unwrap();
        outcome
    }
}

/// One line that says what is wrong, and the exit code.
#[track_caller]
fn complains(outcome: &Outcome, code: i32, words: &[&str]) {
    let message = outcome.err();
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    assert!(outcome.stdout.is_empty() && message.lines().count() == 1, "{outcome:?}");
    assert!(message.starts_with("program: ") && !message.contains("panicked"), "{outcome:?}");
    assert!(words.iter().any(|word| message.contains(word)), "none of {words:?}: {outcome:?}");
}

fn truncated(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    let (start, end) = (copy.archive.offset, copy.archive.offset + copy.archive.length);
    let mut lengths = vec![start, start + 1, start + 63, start + 64, start + 4096, start + 5000];
    lengths.extend((1..8).map(|part| (start + part * copy.archive.length / 8) & !4095));
    lengths.extend([end - 4096, end - 1]);
    for length in lengths.into_iter().rev() {
        copy.open().set_len(length).unwrap();
        complains(&copy.run(), DAMAGED, &["archive is missing"]);
    }
}

fn flipped_bits(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    assert_eq!(copy.run().code, Some(3));
    // The magic stays: it is what the packager finds the slot by, and part of its checksum like the rest.
    for at in 0..SLOT_LENGTH {
        let outcome = copy.run_flipped(copy.slot + at, (at % 8) as u8);
        complains(&outcome, DAMAGED, &["does not match its checksum"]);
    }
    let start = usize::try_from(copy.archive.offset).unwrap();
    let length = usize::try_from(copy.archive.length).unwrap();
    let word = |at: usize| {
        let bytes = copy.bytes[start + at..].first_chunk().copied().unwrap();
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    };
    use snapfreeze_runtime::archive::layout::{HEADER_LENGTH, header};
    for at in 0..HEADER_LENGTH {
        complains(&copy.run_flipped(start + at, (at % 8) as u8), DAMAGED, &["damaged"]);
    }
    let (index, index_length) = (word(header::INDEX_OFFSET), word(header::INDEX_LENGTH));
    assert!(index + index_length <= length);
    for step in 0..40 {
        let at = index + step * (index_length - 1) / 39;
        complains(&copy.run_flipped(start + at, (step % 8) as u8), DAMAGED, &["damaged"]);
    }
}

/// Where a section is in a file, as readelf prints it.
fn section(file: &Path, name: &str) -> Option<std::ops::Range<usize>> {
    let out = execute(plain_command("readelf").arg("-SW").arg(file)).succeeded("readelf").out();
    // [NN] NAME TYPE ADDRESS OFFSET SIZE
    let columns =
        out.lines().find_map(|line| line.split_once(&format!(" {name} ")).map(|(_, columns)| columns));
    let columns: Vec<&str> = columns?.split_whitespace().collect();
    let number = |at: usize| usize::from_str_radix(columns.get(at)?, 16).ok();
    Some(number(2)?..number(2)? + number(3)?)
}

fn flipped_relocations(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    assert_eq!(copy.run().code, Some(3));
    let slot = section(&copy.path, &format!("{}.0", relr::SLOT_SECTION)).unwrap();
    let table = section(&copy.path, relr::TABLE_SECTION).unwrap();
    assert!(table.len() > 1000, "{table:?}");
    let in_slot = slot.start..slot.start + relr::SLOT_LENGTH;
    for at in in_slot.chain(table.step_by(997)) {
        complains(&copy.run_flipped(at, (at % 8) as u8), DAMAGED, &["does not match its checksum"]);
    }
}

/// A block that the program reads is noticed whenever that is; one that it does not read is not.
fn damaged_blocks(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    let start = usize::try_from(copy.archive.offset).unwrap();
    let length = usize::try_from(copy.archive.length).unwrap();
    let run = |at: usize| {
        let byte = copy.bytes[at];
        copy.open().write_all_at(&[byte ^ 0x10], at as u64).unwrap();
        let outcome = execute(plain_command(&copy.path).arg("asyncio_exits"));
        copy.open().write_all_at(&[byte], at as u64).unwrap();
        outcome
    };
    let (mut noticed, mut unread) = (0, 0);
    for step in 1..80 {
        let outcome = run(start + step * length / 80);
        if outcome.code == Some(13) && outcome.stderr.is_empty() {
            unread += 1;
        } else {
            complains(&outcome, DAMAGED, &["damaged"]);
            noticed += 1;
        }
    }
    assert!(noticed > 5 && unread > 5, "{noticed} noticed, {unread} not read");
}

fn longer(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    copy.open().write_all_at(b"a signature, say", copy.bytes.len() as u64).unwrap();
    assert_eq!(copy.run().code, Some(3));
}

fn bare_stub(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    let mut stub = copy.bytes[..usize::try_from(copy.archive.offset).unwrap()].to_vec();
    stub[copy.slot..copy.slot + SLOT_LENGTH].copy_from_slice(&EMPTY_SLOT);
    let path = fixtures.folder("bare").join("program");
    std::fs::write(&path, stub).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    complains(&retried(&path), DAMAGED, &["empty"]);
}

/// Runs a file that was just written: as long as a child of another trial holds it open, it is busy.
fn retried(path: &Path) -> Outcome {
    let run = || execute(plain_command("sh").args(["-c", r#""$0""#]).arg(path));
    let is_busy = |outcome: &Outcome| outcome.code == Some(126) && outcome.err().contains("Text file busy");
    let mut outcome = run();
    for _ in 0..50 {
        if !is_busy(&outcome) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        outcome = run();
    }
    outcome
}

fn stripped(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    execute(plain_command("strip").arg(&copy.path)).succeeded("strip");
    assert_eq!(copy.run().code, Some(3));
}

fn unreadable(fixtures: &Fixtures, python: &Interpreter) {
    let copy = Copy::new(fixtures, python);
    std::fs::set_permissions(&copy.path, Permissions::from_mode(0o111)).unwrap();
    let outcome = execute(without_rights(&copy.path).arg("exit_int"));
    complains(&outcome, UNSUPPORTED, &["readable"]);
}

/// The program with its libpython in a memory file: one that is fused needs none of what is missing here.
fn from_memory(fixtures: &Fixtures, python: &Interpreter) -> PathBuf {
    fixtures.freeze(["--no-fuse".into(), fixtures.spec(PROGRAM)], python)
}

fn no_proc(fixtures: &Fixtures, python: &Interpreter) {
    let root = fixtures.folder("root");
    fill_root(&root, &from_memory(fixtures, python));
    let outcome = execute(plain_command("chroot").arg(&root).args(["/program", "exit_int"]));
    complains(&outcome, UNSUPPORTED, &["/proc"]);
    if fixtures.fuses() {
        let root = fixtures.folder("root");
        fill_root(&root, &fixtures.frozen(PROGRAM, python));
        let outcome = execute(plain_command("chroot").arg(&root).args(["/program", "exit_int"]));
        assert_eq!(outcome.code, Some(3), "{outcome:?}");
    }
}

fn no_memory_files(fixtures: &Fixtures, python: &Interpreter) {
    let mut command = plain_command(from_memory(fixtures, python));
    command.arg("exit_int");
    // SAFETY: between fork and exec only system calls are made.
    unsafe { command.pre_exec(|| refuse(libc::SYS_memfd_create)) };
    complains(&execute(&mut command), UNSUPPORTED, &["memfd_create"]);
    if fixtures.fuses() {
        let mut command = plain_command(fixtures.frozen(PROGRAM, python));
        command.arg("exit_int");
        // SAFETY: as above.
        unsafe { command.pre_exec(|| refuse(libc::SYS_memfd_create)) };
        assert_eq!(execute(&mut command).code, Some(3));
    }
}

/// Makes a system call fail with EPERM from now on (seccomp(2), a filter of classic BPF).
fn refuse(call: libc::c_long) -> std::io::Result<()> {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: call as u32,
        },
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the filter lives until the kernel has copied it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// A setting of the process namespace (Documentation/admin-guide/sysctl/vm.rst): the dynamic linker is not concerned.
const MEMFD_NOEXEC: &str = r#"echo "$1" >/proc/sys/vm/memfd_noexec && shift && exec "$@""#;

fn in_process_namespace(level: &str) -> Command {
    let mut command = plain_command("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "sh", "-c", MEMFD_NOEXEC, "sh", level]);
    command
}

fn memfd_noexec() -> Result<(), String> {
    is_root()?;
    let mut attempt = in_process_namespace("0");
    let works = attempt.arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if works { Ok(()) } else { Err("no vm.memfd_noexec to set".into()) }
}

fn no_executable_memory_files(fixtures: &Fixtures, python: &Interpreter) {
    for level in ["0", "1", "2"] {
        let program = fixtures.frozen(PROGRAM, python);
        let outcome = execute(in_process_namespace(level).arg(program).arg("asyncio_exits"));
        assert!(outcome.code == Some(13) && outcome.stderr.is_empty(), "{level}: {outcome:?}");
    }
}

fn limited_file_size(fixtures: &Fixtures, python: &Interpreter) {
    let script = r#"ulimit -f 0; exec "$0" exit_int"#;
    let outcome = execute(plain_command("sh").args(["-c", script]).arg(from_memory(fixtures, python)));
    complains(&outcome, UNSUPPORTED, &["ulimit -f"]);
}

/// From too little to enough, beyond what the kernel maps before the first instruction: each attempt ends with a message,
/// Python's own or ours, or with the program's exit.
/// CPython itself aborts, with its message, when memory is gone before there is an exception to raise.
fn little_memory(fixtures: &Fixtures, python: &Interpreter) {
    let frozen = from_memory(fixtures, python);
    let mut ended_well = false;
    for kilobytes in (14_000..80_000).step_by(2_000) {
        let script = format!(r#"ulimit -v {kilobytes}; exec "$0" exit_int"#);
        let outcome = execute(plain_command("sh").args(["-c", &script]).arg(&frozen));
        ended_well = outcome.code == Some(3);
        let ended_orderly = outcome.code.is_some() || outcome.err().contains("Fatal Python error");
        let is_told = ended_orderly && !outcome.stderr.is_empty() && !outcome.err().contains("panicked");
        assert!(ended_well || is_told, "{kilobytes} kB: {outcome:?}");
    }
    assert!(ended_well);
}

/// A command without root's rights.
fn without_rights(program: &Path) -> Command {
    if is_root().is_err() {
        return plain_command(program);
    }
    let mut command = plain_command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program);
    command
}

fn can_drop_rights(fixtures: &Fixtures) -> Result<(), String> {
    if is_root().is_err() {
        return Ok(());
    }
    has("setpriv")?;
    // The folder of this run must be within another user's reach.
    let mut attempt = without_rights(Path::new("test"));
    attempt.args(["-x".as_ref(), fixtures.command_path().as_os_str()]);
    let works = attempt.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if works { Ok(()) } else { Err("another user cannot reach the folder".into()) }
}

fn is_root() -> Result<(), String> {
    // SAFETY: geteuid has no conditions.
    if unsafe { libc::geteuid() } == 0 { Ok(()) } else { Err("not root".into()) }
}

pub fn has(program: &str) -> Result<(), String> {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if found { Ok(()) } else { Err(format!("no {program}")) }
}
