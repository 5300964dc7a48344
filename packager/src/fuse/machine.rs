//! What depends on the machine: its relocation types, its page size, where thread-local storage lies.
//!
//! Sources: System V ABI, AMD64 supplement, table 4.9; ELF for the Arm 64-bit Architecture, "Relocation types".

use object::elf;

/// A machine that objects are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    X86_64,
    /// AArch64.
    Aarch64,
}

/// What a relocation does, whatever its number on the machine. S is the symbol's address, A the addend, B the distance
/// of the file from the addresses in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelocationKind {
    /// Nothing.
    None,
    /// S + A.
    Absolute,
    /// S, of a slot of the global offset table; see [`Machine::slots_have_addends`].
    Slot,
    /// B + A.
    Relative,
    /// The bytes of the symbol, from the library that has it.
    Copy,
    /// Number of the module that has the thread-local symbol.
    TlsModule,
    /// Offset of the thread-local symbol in its module's block.
    TlsOffset,
    /// Offset of the thread-local symbol from the thread pointer.
    ThreadOffset,
    /// A descriptor of the thread-local symbol: two words.
    TlsDescriptor,
    /// What the function at B + A returns.
    IRelative,
}

/// Where the thread-local block of the program lies (Drepper, "ELF Handling For Thread-Local Storage", variants).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVariant {
    /// Variant I: it begins after the thread pointer.
    AfterThreadPointer,
    /// Variant II: it ends at the thread pointer.
    BeforeThreadPointer,
}

use RelocationKind as Kind;

/// The first entry of a kind is the one that is written.
const X86_64: &[(u32, RelocationKind)] = &[
    (elf::R_X86_64_NONE, Kind::None),
    (elf::R_X86_64_64, Kind::Absolute),
    (elf::R_X86_64_GLOB_DAT, Kind::Slot),
    (elf::R_X86_64_JUMP_SLOT, Kind::Slot),
    (elf::R_X86_64_RELATIVE, Kind::Relative),
    (elf::R_X86_64_COPY, Kind::Copy),
    (elf::R_X86_64_DTPMOD64, Kind::TlsModule),
    (elf::R_X86_64_DTPOFF64, Kind::TlsOffset),
    (elf::R_X86_64_TPOFF64, Kind::ThreadOffset),
    (elf::R_X86_64_TLSDESC, Kind::TlsDescriptor),
    (elf::R_X86_64_IRELATIVE, Kind::IRelative),
];

const AARCH64: &[(u32, RelocationKind)] = &[
    (elf::R_AARCH64_NONE, Kind::None),
    (elf::R_AARCH64_ABS64, Kind::Absolute),
    (elf::R_AARCH64_GLOB_DAT, Kind::Slot),
    (elf::R_AARCH64_JUMP_SLOT, Kind::Slot),
    (elf::R_AARCH64_RELATIVE, Kind::Relative),
    (elf::R_AARCH64_COPY, Kind::Copy),
    (elf::R_AARCH64_TLS_DTPMOD, Kind::TlsModule),
    (elf::R_AARCH64_TLS_DTPREL, Kind::TlsOffset),
    (elf::R_AARCH64_TLS_TPREL, Kind::ThreadOffset),
    (elf::R_AARCH64_TLSDESC, Kind::TlsDescriptor),
    (elf::R_AARCH64_IRELATIVE, Kind::IRelative),
];

/// Length of [`Machine::unless_main`], in bytes.
pub const UNLESS_MAIN: usize = 18;

/// Length of [`Machine::between`], in bytes.
pub const BETWEEN: usize = 19;

/// The four bytes at an address that say how far a function is from their end (AMD64: a call's or a jump's operand).
pub fn relative(address: u64, function: u64) -> Option<[u8; 4]> {
    let distance = function.wrapping_sub(address.wrapping_add(4)).cast_signed();
    i32::try_from(distance).ok().map(i32::to_le_bytes)
}

impl Machine {
    /// The machine with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        match number {
            elf::EM_X86_64 => Some(Self::X86_64),
            elf::EM_AARCH64 => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// The machine that this program runs on.
    pub fn host() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// `e_machine`.
    pub fn number(self) -> u16 {
        match self {
            Self::X86_64 => elf::EM_X86_64,
            Self::Aarch64 => elf::EM_AARCH64,
        }
    }

    fn relocations(self) -> &'static [(u32, RelocationKind)] {
        match self {
            Self::X86_64 => X86_64,
            Self::Aarch64 => AARCH64,
        }
    }

    /// What a type of relocation does.
    pub fn kind(self, number: u32) -> Option<RelocationKind> {
        self.relocations().iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind)
    }

    /// The type of relocation that does this.
    pub fn number_of(self, kind: RelocationKind) -> u32 {
        self.relocations().iter().find(|(_, known)| *known == kind).map_or(0, |(number, _)| *number)
    }

    /// Whether the addend of a [`RelocationKind::Slot`] counts: the AMD64 supplement has S, Arm's has S + A.
    pub fn slots_have_addends(self) -> bool {
        self == Self::Aarch64
    }

    /// The largest page that a kernel for it may have: segments must not share one.
    pub fn page(self) -> u64 {
        match self {
            Self::X86_64 => 0x1000,
            Self::Aarch64 => 0x1_0000,
        }
    }

    /// How a function that begins with `code` is made one that only returns: where to write what. A landing pad for
    /// indirect calls (`endbr64`, `bti c`) stays.
    pub fn only_return(self, code: &[u8]) -> Option<(usize, &'static [u8])> {
        let (pad, ret): (&[u8], &'static [u8]) = match self {
            Self::X86_64 => (&[0xf3, 0x0f, 0x1e, 0xfa], &[0xc3]),
            Self::Aarch64 => (&[0x5f, 0x24, 0x03, 0xd5], &[0xc0, 0x03, 0x5f, 0xd6]),
        };
        let at = if code.starts_with(pad) { pad.len() } else { 0 };
        (code.len() >= at + ret.len()).then_some((at, ret))
    }

    /// Where code at an address calls the function at another, or jumps there at its end: offsets of the four bytes
    /// that say how far it is from their end. None on AArch64, whose stub has no [`Self::unless_main`] yet.
    pub fn calls(self, code: &[u8], address: u64, function: u64) -> Vec<usize> {
        const CALL: u8 = 0xe8;
        const JUMP: u8 = 0xe9;
        if self == Self::Aarch64 {
            return Vec::new();
        }
        let leads = |(at, bytes): (usize, &[u8])| {
            let (CALL | JUMP, distance) = (*bytes.first()?, bytes.last_chunk()?) else { return None };
            let end = address.wrapping_add(at as u64 + 5);
            let target = end.wrapping_add_signed(i32::from_le_bytes(*distance).into());
            (target == function).then_some(at + 1)
        };
        code.windows(5).enumerate().filter_map(leads).collect()
    }

    /// Code for an address: it calls a function with the interpreter that is its argument, unless that is the main
    /// interpreter. `main` and `function` are addresses, too. None where they are too far off.
    pub fn unless_main(self, address: u64, main: u64, function: u64) -> Option<[u8; UNLESS_MAIN]> {
        if self == Self::Aarch64 {
            return None;
        }
        let mut code = [
            0x57, // push rdi
            0xe8, 0, 0, 0, 0,    // call main
            0x5f, // pop rdi
            0x48, 0x39, 0xf8, // cmp rax, rdi
            0x74, 0x05, // je to the end
            0xe9, 0, 0, 0, 0,    // jmp function
            0xc3, // ret
        ];
        for (at, target) in [(2, main), (13, function)] {
            let distance = relative(address.wrapping_add(at as u64), target)?;
            code.get_mut(at..at + 4)?.copy_from_slice(&distance);
        }
        Some(code)
    }

    /// Code for an address: it calls three functions in turn, the first two with the argument that it has itself; nobody is to
    /// want what they return. None where they are too far off.
    pub fn between(self, address: u64, before: u64, function: u64, after: u64) -> Option<[u8; BETWEEN]> {
        if self == Self::Aarch64 {
            return None;
        }
        let mut code = [
            0x57, // push rdi
            0xe8, 0, 0, 0, 0,    // call before
            0x5f, // pop rdi
            0x57, // push rdi
            0xe8, 0, 0, 0, 0,    // call function
            0x5f, // pop rdi
            0xe9, 0, 0, 0, 0, // jmp after
        ];
        for (at, target) in [(2, before), (9, function), (15, after)] {
            let distance = relative(address.wrapping_add(at as u64), target)?;
            code.get_mut(at..at + 4)?.copy_from_slice(&distance);
        }
        Some(code)
    }

    /// Where the program's thread-local block lies.
    pub fn tls_variant(self) -> TlsVariant {
        match self {
            Self::X86_64 => TlsVariant::BeforeThreadPointer,
            Self::Aarch64 => TlsVariant::AfterThreadPointer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_functions_are_called_in_turn() {
        let code = Machine::X86_64.between(0x1000, 0x2000, 0x3000, 0x4000).unwrap();
        assert_eq!(
            (code[0], code[1], code[6], code[7], code[8], code[13], code[14]),
            (0x57, 0xe8, 0x5f, 0x57, 0xe8, 0x5f, 0xe9)
        );
        for (at, function) in [(2, 0x2000), (9, 0x3000), (15, 0x4000)] {
            assert_eq!(code[at..at + 4], relative(0x1000 + at as u64, function).unwrap());
        }
        assert_eq!(Machine::X86_64.between(0x1000, 1 << 40, 0x3000, 0x4000), None, "too far");
        assert_eq!(Machine::Aarch64.between(0x1000, 0x2000, 0x3000, 0x4000), None);
    }

    #[test]
    fn each_number_and_kind_has_one_meaning() {
        for machine in [Machine::X86_64, Machine::Aarch64] {
            assert_eq!(Machine::from_number(machine.number()), Some(machine));
            for (number, kind) in machine.relocations() {
                assert_eq!(machine.kind(*number), Some(*kind));
                assert_eq!(machine.kind(machine.number_of(*kind)), Some(*kind));
            }
            assert_eq!(machine.kind(0xffff), None);
        }
    }
}
