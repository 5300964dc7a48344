//! Code that goes by way of the global offset table to what is in the fused file goes there directly.
//!
//! In a shared library each call of a function that others may replace leads to a jump through a slot of the table, which
//! the dynamic linker fills in; the address of a variable is loaded from such a slot. Fused, nobody can replace any of
//! what was bound here, and all distances are known: a call is led to the function itself, and the address is reckoned
//! instead of loaded. That is what a linker does where it knows as much (AMD64 supplement, B.2, "Optimize GOTPCRELX
//! Relocations"), and so are the instructions. The slots stay, filled in, for whatever else looks at them.
//!
//! Which bytes are instructions is found by decoding each function from its beginning, which the unwind tables tell, to the
//! beginning of the next one. What does not decode, or does not end there, is left as it is.

use std::collections::HashMap;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};
use rayon::prelude::*;

use super::fixups::{Fixups, Place, Value};
use super::functions::{Patch, code};
use super::image::Image;
use super::layout::Layout;
use super::machine::{Machine, RelocationKind, relative};
use super::unwind::Index;

/// What is written over the instructions of all objects. Calls of one function of the base, the second object, that are direct
/// lead to another place: `instead` has its address there, and that of the place in the fused file.
pub fn patches(
    objects: &[Image<'_>],
    fixups: &Fixups,
    unwind: &Index,
    layout: &Layout,
    instead: Option<(u64, u64)>,
) -> Vec<Patch> {
    let values: HashMap<Place, Value> = fixups.all.iter().map(|fixup| (fixup.place, fixup.value)).collect();
    let mut patches = Vec::new();
    for (object, image) in objects.iter().enumerate() {
        if image.machine != Machine::X86_64 {
            continue;
        }
        let bound = |slot: u64| match values.get(&Place::Object(object, slot)) {
            Some(Value::Address(place)) => Some((slot, layout.address_of(*place))),
            _ => None,
        };
        let slots = image.relocations.iter().filter(|slot| slot.kind == RelocationKind::Slot);
        let slots: HashMap<u64, u64> = slots.filter_map(|slot| bound(slot.address)).collect();
        let instead = instead.filter(|_| object == BASE);
        let object = Object { image, number: object, slots, instead, layout };
        let mut starts = unwind.functions(object.number);
        starts.sort_unstable();
        let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
        let functions: Vec<(u64, Option<u64>)> = starts.iter().copied().zip(ends).collect();
        patches.par_extend(functions.par_iter().flat_map_iter(|(start, end)| object.function(*start, *end)));
    }
    patches
}

/// The object that `instead` is of.
const BASE: usize = 1;

/// One that is fused.
struct Object<'a> {
    image: &'a Image<'a>,
    number: usize,
    /// Slots of its global offset table, and what each leads to in the fused file.
    slots: HashMap<u64, u64>,
    /// A function, and where calls of it lead in the fused file.
    instead: Option<(u64, u64)>,
    layout: &'a Layout,
}

impl Object<'_> {
    /// What is written over a function's instructions; nothing where they cannot all be told.
    fn function(&self, start: u64, end: Option<u64>) -> Vec<Patch> {
        let load = self.image.loads.iter().find(|load| load.holds(start));
        let rest = load.map_or(0, |load| load.file_size.saturating_sub(start - load.address));
        let size = end.map_or(rest, |end| (end - start).min(rest));
        let Some(bytes) = code(self.image, start, size) else { return Vec::new() };
        let moved = self.layout.moved(self.number, start);
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        let (mut patches, mut instruction) = (Vec::new(), Instruction::default());
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            if instruction.is_invalid() {
                return Vec::new();
            }
            let at = (instruction.ip() - start) as usize;
            let Some(bytes) = bytes.get(at..at + instruction.len()) else { return Vec::new() };
            let moved = moved.wrapping_add(at as u64);
            let better = self.better(&instruction, bytes, moved);
            patches.extend(
                better.and_then(|bytes| Some(Patch { offset: self.layout.offset_of(moved)?, bytes })),
            );
        }
        patches
    }

    /// What an instruction becomes that will be at an address: as long as it was.
    fn better(&self, instruction: &Instruction, bytes: &[u8], moved: u64) -> Option<Vec<u8>> {
        let is_branch = instruction.op0_kind() == OpKind::NearBranch64;
        // The opcode of the better one, and where it leads. Distances are what ends all of these.
        let (opcode, target): (Vec<u8>, u64) = if is_branch {
            let (opcode, distance) = bytes.split_last_chunk::<4>()?;
            let leads_to = instruction.near_branch_target();
            if *distance != relative(instruction.next_ip() - 4, leads_to)? {
                return None;
            }
            let instead = self.instead.filter(|(function, _)| *function == leads_to);
            (opcode.to_vec(), instead.map(|(_, place)| place).or_else(|| self.behind_jump(leads_to))?)
        } else if instruction.is_ip_rel_memory_operand() && instruction.segment_prefix() == Register::None {
            let target = *self.slots.get(&instruction.ip_rel_memory_address())?;
            match (instruction.code(), bytes) {
                // call [slot]: addr32 call.
                (Code::Call_rm64, [0xff, 0x15, ..]) => (vec![0x67, 0xe8], target),
                // jmp [slot]: jmp, nop.
                (Code::Jmp_rm64, [0xff, 0x25, ..]) => {
                    let distance = relative(moved.wrapping_add(1), target)?;
                    return Some([&[0xe9][..], &distance, &[0x90]].concat());
                }
                // mov register, [slot]: lea.
                (Code::Mov_r64_rm64, [rex, 0x8b, modrm, ..]) if bytes.len() == 7 => {
                    (vec![*rex, 0x8d, *modrm], target)
                }
                _ => return None,
            }
        } else {
            return None;
        };
        let distance = relative(moved.wrapping_add(opcode.len() as u64), target)?;
        let better = [opcode.as_slice(), &distance].concat();
        (better.len() == bytes.len()).then_some(better)
    }

    /// Where code leads that does nothing but jump through a slot, as an entry of a procedure linkage table does.
    fn behind_jump(&self, address: u64) -> Option<u64> {
        /// `endbr64`, and the prefix `bnd`.
        const PADS: [&[u8]; 2] = [&[0xf3, 0x0f, 0x1e, 0xfa], &[0xf2]];
        let mut bytes = code(self.image, address, LONGEST_ENTRY)?;
        let mut end = address;
        for pad in PADS {
            if let Some(rest) = bytes.strip_prefix(pad) {
                bytes = rest;
                end += pad.len() as u64;
            }
        }
        let distance = bytes.strip_prefix(&[0xff, 0x25])?.first_chunk()?;
        let slot = (end + 6).wrapping_add_signed(i32::from_le_bytes(*distance).into());
        self.slots.get(&slot).copied()
    }
}

/// Most bytes of an entry that are looked at: `endbr64`, `bnd`, `jmp [slot]`.
const LONGEST_ENTRY: u64 = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::STUB;
    use crate::fuse::leave::tests::{code_start, layout, offset};

    /// Instructions, as bytes: opcode and so on, and the address that the last four bytes say the distance of.
    type Line<'a> = (&'a [u8], Option<u64>);

    /// Where a slot of the table is, and another word.
    const SLOT: u64 = 0x1_0000;
    const OTHER: u64 = 0x1_0008;

    /// A function that another one stands in for.
    const FUNCTION: u64 = 0x2_0000;

    /// What is there, from an address on.
    fn assembled(start: u64, lines: &[Line<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (opcode, target) in lines {
            bytes.extend_from_slice(opcode);
            let at = start + bytes.len() as u64;
            bytes.extend(target.map(|target| relative(at, target).unwrap()).into_iter().flatten());
        }
        bytes
    }

    /// A function of these lines, with what is written over it, where the slot leads to a target.
    fn after(lines: &[Line<'_>], target: u64) -> Vec<u8> {
        let (start, entries) = (code_start(), code_start() + 256);
        let mut file = STUB.to_vec();
        let code = assembled(start, lines);
        file[offset(start)..offset(start) + code.len()].copy_from_slice(&code);
        let table = assembled(
            entries,
            &[
                (&[0xff, 0x25], Some(SLOT)),
                (&[0x66, 0x90, 0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25], Some(SLOT)),
                (&[0x90, 0xff, 0x25], Some(OTHER)),
            ],
        );
        file[offset(entries)..offset(entries) + table.len()].copy_from_slice(&table);
        let image = Image::read(&file).unwrap();
        let layout = layout(&image);
        let slots = [(SLOT, target)].into();
        let instead = Some((FUNCTION, target));
        let object = Object { image: &image, number: 0, slots, instead, layout: &layout };
        let mut after = file.clone();
        for Patch { offset, bytes } in object.function(start, Some(start + code.len() as u64)) {
            after[offset as usize..offset as usize + bytes.len()].copy_from_slice(&bytes);
        }
        after[offset(start)..offset(start) + code.len()].to_vec()
    }

    #[test]
    fn what_leads_through_a_slot_is_made_direct() {
        let (start, entry) = (code_start(), code_start() + 256);
        let target = start + 512;
        let before: &[Line<'_>] = &[
            (&[0xe8], Some(entry)),
            (&[0xe9], Some(entry)),
            (&[0x0f, 0x85], Some(entry)),
            (&[0xe8], Some(entry + 8)),
            (&[0xe8], Some(FUNCTION)),
            (&[0xff, 0x15], Some(SLOT)),
            (&[0xff, 0x25], Some(SLOT)),
            (&[0x48, 0x8b, 0x05], Some(SLOT)),
            (&[0x4c, 0x8b, 0x0d], Some(SLOT)),
        ];
        let expected: &[Line<'_>] = &[
            (&[0xe8], Some(target)),
            (&[0xe9], Some(target)),
            (&[0x0f, 0x85], Some(target)),
            (&[0xe8], Some(target)),
            (&[0xe8], Some(target)),
            (&[0x67, 0xe8], Some(target)),
            (&[0xe9], Some(target)),
            (&[0x90], None),
            (&[0x48, 0x8d, 0x05], Some(target)),
            (&[0x4c, 0x8d, 0x0d], Some(target)),
        ];
        assert_eq!(after(before, target), assembled(start, expected));
    }

    #[test]
    fn all_else_is_left_as_it_is() {
        let (start, entry) = (code_start(), code_start() + 256);
        let lines: &[Line<'_>] = &[
            (&[0xe8], Some(entry + 512)),
            (&[0xe8], Some(FUNCTION + 1)),
            (&[0xe8], Some(entry + 23)),
            (&[0xe8], Some(0)),
            (&[0xff, 0x15], Some(OTHER)),
            (&[0x48, 0x8b, 0x05], Some(OTHER)),
            // cmp [slot], rax; mov eax, [slot]; mov [slot], rax; mov rax, fs:[slot]; jmp 2.
            (&[0x48, 0x39, 0x05], Some(SLOT)),
            (&[0x8b, 0x05], Some(SLOT)),
            (&[0x48, 0x89, 0x05], Some(SLOT)),
            (&[0x64, 0x48, 0x8b, 0x05], Some(SLOT)),
            (&[0xeb, 0x02], None),
            // mov eax, 0xe8000000: with what follows, the last byte looks like a call.
            (&[0xb8, 0, 0, 0, 0xe8], Some(entry)),
        ];
        let code = assembled(start, lines);
        assert_eq!(after(lines, start + 512), code);
        let far: &[Line<'_>] = &[(&[0xe8], Some(entry)), (&[0xff, 0x25], Some(SLOT))];
        assert_eq!(after(far, start + (1 << 40)), assembled(start, far));
    }

    #[test]
    fn a_function_that_cannot_be_told_is_left_as_it_is() {
        let (start, entry) = (code_start(), code_start() + 256);
        for rest in [&[0x06][..], &[0x48, 0x8b]] {
            let lines: &[Line<'_>] = &[(&[0xe8], Some(entry)), (rest, None)];
            assert_eq!(after(lines, start + 512), assembled(start, lines), "{rest:?}");
        }
    }
}
