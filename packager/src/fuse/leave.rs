//! What CPython need not do when a program ends: functions that only free memory of a process that is about to exit.
//!
//! `Py_FinalizeEx` ends with them, after everything that Python or C code could notice: atexit functions, flushes, the
//! collector, modules and the interpreter's own objects are behind it, `Py_AtExit` functions come after and may not use
//! Python. What is left are CPython's static types, its interned strings, the code objects compiled into it, caches. To
//! tidy them up takes up to a tenth of a small program's time.
//!
//! In: the base's `.symtab`. Out: bytes to write over its code. A function that CPython calls for the main interpreter
//! only returns at once. One that it calls for each interpreter is called by way of the stub, which leaves it out for the
//! main one: the end of a subinterpreter is untouched. Where there is no symbol table, or none that can be understood,
//! nothing is changed; nor in a CPython that has assertions.
//!
//! The one thing that a program could miss: callbacks of weak references to builtin types and to code compiled into CPython,
//! where the reference itself has leaked.
//!
//! The way through the stub changes no register that the function would not: each frees objects through pointers, so
//! a compiler knows of none that it keeps but those that the ABI has it keep.
//!
//! Sources: `finalize_interp_clear` and what it calls (CPython, Python/pylifecycle.c), in each version.

use super::functions::{Function, Functions, Patch, Room};
use super::image::Image;
use super::layout::Layout;
use super::machine::{self, Machine, UNLESS_MAIN};

/// The section of the stub that has room for [`Machine::unless_main`].
const ROOM: &[u8] = b".snapfreeze.leave";

/// `PyInterpreterState *PyInterpreterState_Main(void)`.
const MAIN: &[u8] = b"PyInterpreterState_Main";

/// What a CPython calls that was built with assertions: its functions assert that those before them have tidied up.
const ASSERTION: &[u8] = b"__assert_fail";

/// The functions that call what is left out; compilers may have put one into the other.
const CALLERS: [&[u8]; 4] =
    [b"finalize_interp_clear", b"finalize_interp_types", b"Py_FinalizeEx", b"Py_EndInterpreter"];

/// Functions that are left out, none of which returns anything.
#[derive(Debug, Clone, Copy, Default)]
struct LeftOut {
    /// Called for the main interpreter alone, or doing nothing for another.
    once: &'static [&'static [u8]],
    /// Called for each interpreter, which is the only argument.
    each: &'static [&'static [u8]],
}

/// By minor version. What a version does not have here does too little to matter, or more than free memory.
fn left_out(minor: u8) -> LeftOut {
    match minor {
        10 => LeftOut { once: &[b"_PyUnicode_ClearInterned"], each: &[b"_PyType_Fini"] },
        11 => LeftOut {
            once: &[
                b"_Py_Deepfreeze_Fini",
                b"_PyIO_Fini",
                // Of the functions before and after, and of `_PyExc_Fini`: their loops over static types remain.
                b"_PyStaticType_Dealloc",
                b"_PySys_Fini",
                b"_PyTypes_FiniTypes",
                b"_PyUnicode_ClearInterned",
            ],
            each: &[b"_PyExc_Fini", b"_PyTypes_Fini", b"_PyDict_Fini", b"_PyTuple_Fini"],
        },
        12 => LeftOut {
            once: &[b"_Py_Deepfreeze_Fini"],
            each: &[
                b"_PyExc_Fini",
                b"_PySys_FiniTypes",
                b"_PyTypes_FiniTypes",
                b"_PyTypes_Fini",
                b"_PyUnicode_ClearInterned",
                b"_PyDict_Fini",
                b"_PyTuple_Fini",
            ],
        },
        13 => LeftOut {
            once: &[],
            each: &[
                b"_PyExc_Fini",
                b"_PySys_FiniTypes",
                b"_PyTypes_FiniTypes",
                b"_PyTypes_Fini",
                b"_PyUnicode_ClearInterned",
            ],
        },
        _ => LeftOut::default(),
    }
}

/// What leaves CPython's last functions out. The base is the second object.
pub fn patches(objects: &[Image<'_>], minor: Option<u8>, layout: &Layout) -> Vec<Patch> {
    let ([stub, base, ..], Some(minor)) = (objects, minor) else { return Vec::new() };
    if has_assertions(base) {
        return Vec::new();
    }
    let LeftOut { once, each } = left_out(minor);
    let functions = Functions::read(base, &[once, each, &CALLERS, &[MAIN]]);
    let mut patches = Patches { layout, all: Vec::new() };
    for name in once {
        if let Some((address, bytes)) = only_return(base, &functions, name) {
            patches.add(1, address, bytes);
        }
    }
    let main = functions.get(MAIN).map(|main| layout.moved(1, main.address));
    if let (Some(main), Some(mut room)) = (main, Room::of(stub, ROOM)) {
        for name in each {
            let Some(function) = functions.get(name).filter(|function| function.is_local) else { continue };
            patches.go_round(base.machine, &functions, function, main, &mut room);
        }
    }
    patches.all
}

/// Whether a function of the base, which CPython calls for the main interpreter only, is left out.
pub fn is_left_out(base: &Image<'_>, minor: u8, name: &'static [u8]) -> bool {
    left_out(minor).once.contains(&name)
        && !has_assertions(base)
        && only_return(base, &Functions::read(base, &[&[name]]), name).is_some()
}

fn has_assertions(base: &Image<'_>) -> bool {
    base.symbols.iter().any(|symbol| symbol.name == ASSERTION)
}

/// What makes a function return at once, and where in the base to write it.
fn only_return(base: &Image<'_>, functions: &Functions<'_>, name: &[u8]) -> Option<(u64, &'static [u8])> {
    let function = functions.get(name).filter(|function| function.is_local)?;
    let (at, bytes) = base.machine.only_return(function.code)?;
    Some((function.address + at as u64, bytes))
}

struct Patches<'a> {
    layout: &'a Layout,
    all: Vec<Patch>,
}

impl Patches<'_> {
    /// Adds what is to be at an address of an object, if the file has it.
    fn add(&mut self, object: usize, address: u64, bytes: &[u8]) {
        if let Some(offset) = self.layout.offset_of(self.layout.moved(object, address)) {
            self.all.push(Patch { offset, bytes: bytes.to_vec() });
        }
    }

    /// Has a function called by way of the stub.
    fn go_round(
        &mut self,
        machine: Machine,
        functions: &Functions<'_>,
        function: &Function<'_>,
        main: u64,
        room: &mut Room,
    ) {
        let mut calls = Vec::new();
        for caller in CALLERS.iter().filter_map(|name| functions.get(name)) {
            let found = machine.calls(caller.code, caller.address, function.address);
            calls.extend(found.into_iter().map(|at| caller.address + at as u64));
        }
        if calls.is_empty() || room.left < UNLESS_MAIN as u64 {
            return;
        }
        let way = self.layout.moved(0, room.address);
        let Some(code) = machine.unless_main(way, main, self.layout.moved(1, function.address)) else {
            return;
        };
        let distances = calls.iter().map(|at| machine::relative(self.layout.moved(1, *at), way));
        let Some(distances) = distances.collect::<Option<Vec<_>>>() else { return };
        self.add(0, room.address, &code);
        for (at, distance) in calls.into_iter().zip(distances) {
            self.add(1, at, &distance);
        }
        room.address += UNLESS_MAIN as u64;
        room.left -= UNLESS_MAIN as u64;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
    use object::endian::LittleEndian as LE;
    use object::pod;

    use super::*;
    use crate::attach::STUB;
    use crate::fuse::layout::{Area, Placed};

    const ENTRY: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];

    /// A place in the stub's code that tests may call a function.
    pub fn code_start() -> u64 {
        let stub = Image::read(STUB).unwrap();
        stub.sections.iter().find(|section| section.name == b".text").unwrap().address
    }

    pub fn offset(address: u64) -> usize {
        layout(&Image::read(STUB).unwrap()).offset_of(address).unwrap() as usize
    }

    /// A layout that leaves everything where it is.
    pub fn layout(image: &Image<'_>) -> Layout {
        let placed = image.loads.iter().map(|segment| Placed {
            object: 0,
            segment: *segment,
            area: Area { address: segment.address, offset: segment.offset, size: segment.file_size },
        });
        let mut layout = Layout::default();
        layout.placed.extend(placed);
        layout
    }

    /// A file with a symbol table: names of functions, their bindings, addresses and sizes. Returns where the table begins.
    fn with_symbols(file: &[u8], symbols: &[(&str, u8, u64, u64)]) -> (Vec<u8>, usize) {
        let (mut table, mut strings) = (vec![0; size_of::<Sym64<LE>>()], vec![0]);
        for (name, binding, address, size) in symbols {
            table.extend_from_slice(&(strings.len() as u32).to_le_bytes());
            table.extend_from_slice(&[binding << 4 | elf::STT_FUNC, 0, 1, 0]);
            table.extend_from_slice(&address.to_le_bytes());
            table.extend_from_slice(&size.to_le_bytes());
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        }
        let mut file = file.to_vec();
        file.resize(file.len().next_multiple_of(8), 0);
        let at = file.len();
        let strings_at = at + table.len();
        file.extend([table, strings].concat());
        file.resize(file.len().next_multiple_of(8), 0);
        let headers_at = file.len();
        let sections =
            [(elf::SHT_SYMTAB, at, strings_at - at), (elf::SHT_STRTAB, strings_at, headers_at - strings_at)];
        file.resize(headers_at + size_of::<SectionHeader64<LE>>(), 0);
        for (kind, at, size) in sections {
            let mut header = [0; size_of::<SectionHeader64<LE>>()];
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(size as u64).to_le_bytes());
            header[40..44].copy_from_slice(&2_u32.to_le_bytes());
            file.extend_from_slice(&header);
        }
        let (header, _) = pod::from_bytes_mut::<FileHeader64<LE>>(&mut file).unwrap();
        header.e_shoff.set(LE, headers_at as u64);
        header.e_shnum.set(LE, 3);
        header.e_shstrndx.set(LE, 2);
        (file, at)
    }

    fn patches_of(base: &[u8], minor: u8) -> Vec<Patch> {
        let objects = [Image::read(STUB).unwrap(), Image::read(base).unwrap()];
        patches(&objects, Some(minor), &layout(&objects[0]))
    }

    #[test]
    fn a_function_of_the_main_interpreter_only_returns() {
        let at = code_start();
        let one = |binding, address, size| [("_Py_Deepfreeze_Fini", binding, address, size)];
        let of = |symbols: &[(&str, u8, u64, u64)], minor| patches_of(&with_symbols(STUB, symbols).0, minor);
        let expected = Patch { offset: offset(at) as u64, bytes: vec![0xc3] };
        let local = one(elf::STB_LOCAL, at, 32);
        assert_eq!(of(&local, 11), [expected]);
        assert_eq!(of(&local, 10), [], "no function of that version");
        assert_eq!(of(&local, 14), [], "nothing is known of that version");
        assert_eq!(of(&one(elf::STB_GLOBAL, at, 32), 11), [], "others can call it");
        assert_eq!(of(&one(elf::STB_LOCAL, at, 0), 11), [], "it has no code");
        assert_eq!(of(&one(elf::STB_LOCAL, at, u64::MAX), 11), [], "it does not end");
        assert_eq!(of(&one(elf::STB_LOCAL, 64, 32), 11), [], "it is no code");
        assert_eq!(of(&[local[0], local[0]], 11), [], "there are two of the name");
        assert_eq!(of(&[("_Py_Deepfreeze_Fini.part.0", elf::STB_LOCAL, at, 32)], 11), [], "a part");
        assert_eq!(patches_of(STUB, 11), [], "no symbols");
    }

    #[test]
    fn a_cpython_with_assertions_is_left_alone() {
        let (mut base, _) = with_symbols(STUB, &[("_PyIO_Fini", elf::STB_LOCAL, code_start(), 32)]);
        assert_eq!(patches_of(&base, 11).len(), 1);
        let name = b"\0pthread_sigmask\0";
        let at = base.windows(name.len()).position(|bytes| bytes == name).unwrap();
        base[at + 1..at + 1 + ASSERTION.len()].copy_from_slice(ASSERTION);
        base[at + 1 + ASSERTION.len()] = 0;
        assert_eq!(patches_of(&base, 11), []);
    }

    #[test]
    fn a_landing_pad_stays() {
        let at = code_start();
        let mut base = STUB.to_vec();
        base[offset(at)..offset(at) + 4].copy_from_slice(ENTRY);
        let (base, _) = with_symbols(&base, &[("_PyIO_Fini", elf::STB_LOCAL, at, 5)]);
        assert_eq!(patches_of(&base, 11), [Patch { offset: offset(at) as u64 + 4, bytes: vec![0xc3] }]);
        let (small, _) = with_symbols(&base, &[("_PyIO_Fini", elf::STB_LOCAL, at, 4)]);
        assert_eq!(patches_of(&small, 11), []);
    }

    #[test]
    fn a_function_of_each_interpreter_is_called_by_way_of_the_stub() {
        let caller = code_start();
        let (function, main) = (caller + 64, caller + 128);
        let mut base = STUB.to_vec();
        base[offset(caller)..offset(caller) + 32].fill(0x90);
        for (at, code) in [(3, 0xe8), (20, 0xe9)] {
            let at = caller + at;
            base[offset(at)] = code;
            let distance = machine::relative(at + 1, function).unwrap();
            base[offset(at + 1)..offset(at + 5)].copy_from_slice(&distance);
        }
        let symbols = [
            ("finalize_interp_clear", elf::STB_LOCAL, caller, 32),
            ("_PyTypes_Fini", elf::STB_LOCAL, function, 32),
            ("PyInterpreterState_Main", elf::STB_GLOBAL, main, 16),
        ];
        let patches = patches_of(&with_symbols(&base, &symbols).0, 13);
        let stub = Image::read(STUB).unwrap();
        let room = stub.sections.iter().find(|section| section.name == ROOM).unwrap();
        let way = Machine::X86_64.unless_main(room.address, main, function).unwrap();
        let mut expected = vec![Patch { offset: offset(room.address) as u64, bytes: way.to_vec() }];
        for at in [caller + 4, caller + 21] {
            let bytes = machine::relative(at, room.address).unwrap().to_vec();
            expected.push(Patch { offset: offset(at) as u64, bytes });
        }
        assert_eq!(patches, expected);
        for missing in 0..symbols.len() {
            let rest: Vec<_> = symbols.iter().enumerate().filter(|(at, _)| *at != missing).collect();
            let rest: Vec<_> = rest.into_iter().map(|(_, symbol)| *symbol).collect();
            assert_eq!(patches_of(&with_symbols(&base, &rest).0, 13), [], "without {}", symbols[missing].0);
        }
    }

    #[test]
    fn the_stub_has_room_for_each_version() {
        let stub = Image::read(STUB).unwrap();
        let room = Room::of(&stub, ROOM).unwrap();
        for minor in crate::probe::SUPPORTED {
            assert!(left_out(minor).each.len() * UNLESS_MAIN <= room.left as usize, "3.{minor}");
        }
    }

    #[test]
    fn damaged_symbol_tables_cause_no_panic() {
        let at = code_start();
        let symbols = [("_PyIO_Fini", elf::STB_LOCAL, at, 32), ("_PySys_Fini", elf::STB_LOCAL, at + 32, 32)];
        let (mut file, start) = with_symbols(STUB, &symbols);
        assert_eq!(patches_of(&file, 11).len(), 2);
        for at in start..file.len() {
            for value in [0xff, file[at] ^ 0x01, file[at] ^ 0x80] {
                let good = std::mem::replace(&mut file[at], value);
                let is_inside = |patch: &Patch| patch.offset + patch.bytes.len() as u64 <= STUB.len() as u64;
                assert!(patches_of(&file, 11).iter().all(is_inside));
                file[at] = good;
            }
        }
    }
}
