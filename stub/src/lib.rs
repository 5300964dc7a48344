//! The prebuilt executable of every frozen program.
//!
//! It is a shared object with an interpreter segment and an entry point of its own, as glibc's libc.so.6 is:
//! the kernel can start it, and a linker can still join it to the ELF file that carries CPython. What it does
//! is in `snapfreeze_runtime::start`; here is only what must be in the file itself: the entry, the ELF
//! interpreter's path and the slot in which the packager notes where the archive is.
//!
//! Exported C names that stand in for libc functions belong here and nowhere else: in a crate that the
//! packager also links they would interpose the packager's own input and output.

mod allocator;
mod exports;

use core::ffi::{c_char, c_int};

use snapfreeze_runtime::archive::slot::{EMPTY_SLOT, SLOT_LENGTH};
use snapfreeze_runtime::relr;

/// The ELF interpreter that the kernel loads first (System V ABI, AMD64 supplement, "Program Interpreter").
#[used]
#[unsafe(link_section = ".interp")]
static INTERPRETER: [u8; 28] = *b"/lib64/ld-linux-x86-64.so.2\0";

/// Where the archive is in this file: empty here, filled in by the packager.
#[used]
#[unsafe(link_section = ".snapfreeze")]
static SLOT: [u8; SLOT_LENGTH] = EMPTY_SLOT;

/// What this file relocates itself: nothing here, filled in by the packager.
#[used]
#[unsafe(link_section = ".snapfreeze.packed")]
static PACKED: [u8; relr::SLOT_LENGTH] = relr::EMPTY_SLOT;

// The process entry (System V ABI, AMD64 supplement, 3.4.1): the argument count is on the stack, rdx holds the
// dynamic linker's termination function. `init` is null: glibc 2.34 and later then runs the constructors itself.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl snapfreeze_entry",
    ".type snapfreeze_entry,@function",
    "snapfreeze_entry:",
    // It has no caller: here debuggers stop.
    ".cfi_startproc",
    ".cfi_undefined rip",
    "xor ebp, ebp",
    // Both are preserved by what is called.
    "mov rbx, rdx",
    "mov r12, rsp",
    "and rsp, -16",
    "call {relocate}",
    "mov rsp, r12",
    "mov r9, rbx",
    "pop rsi",
    "mov rdx, rsp",
    "and rsp, -16",
    "push rax",
    "push rsp",
    "xor r8d, r8d",
    "xor ecx, ecx",
    "lea rdi, [rip + {main}]",
    "call [rip + __libc_start_main@GOTPCREL]",
    "hlt",
    ".cfi_endproc",
    relocate = sym stub_relocate,
    main = sym stub_main,
);

// Room for the code that the packager puts between CPython and its last functions (`packager/src/fuse/leave.rs`):
// breakpoints until then. "R" keeps it though nothing here refers to it.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .snapfreeze.leave, \"axR\", @progbits",
    ".fill 256, 1, 0xcc",
    ".popsection",
);

// Room for the code by which CPython's frozen code objects are asked for (`packager/src/fuse/frozen`).
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .snapfreeze.frozen, \"axR\", @progbits",
    ".fill 256, 1, 0xcc",
    ".popsection",
);

// Room for the code that calls the functions around CPython's last collections (`packager/src/fuse/collect.rs`).
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .snapfreeze.collect, \"axR\", @progbits",
    ".fill 32, 1, 0xcc",
    ".popsection",
);

/// Relocates what has waited until somebody asks for code that is compiled into CPython. Returns 1 for the first call, then 0.
#[unsafe(no_mangle)]
extern "C" fn snapfreeze_prepare_frozen() -> c_int {
    // SAFETY: the slot is this file's, and the entry has relocated the rest of what it leads to.
    unsafe { snapfreeze_runtime::relocate_late(&raw const PACKED) }.into()
}

/// Called before anything else of this file, and of what it is fused with.
extern "C" fn stub_relocate() {
    // SAFETY: the slot is this file's; the entry calls this once, and the constructors run after it.
    unsafe { snapfreeze_runtime::relocate(&raw const PACKED) }
}

/// C's `main`, called by `__libc_start_main`; what it returns is the process's exit code.
extern "C" fn stub_main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: glibc passes the process's own argument vector, which lives as long as the process; the slot is this
    // file's.
    unsafe { snapfreeze_runtime::start(argc, argv, &raw const SLOT) }
}
