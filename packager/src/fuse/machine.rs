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
