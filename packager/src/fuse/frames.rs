//! `.debug_frame`: for debuggers, how to find the caller of each function of the stub and of libraries.
//!
//! A debugger reads one section named `.eh_frame`, and that is the base's; without the others' tables it finds nothing
//! below the first frame of the stub, which is in every import. So those are written once more, in the form that
//! DWARF has for debuggers (DWARF 5, 6.4.1), which differs from that of exceptions (Linux Standard Base, "The .eh_frame
//! section") in how a record names what it belongs to, and in addresses, which are whole. It is compressed, to a quarter (gABI, "Section Compression"). `strip`
//! removes it.

use std::collections::HashMap;

use miniz_oxide::deflate::compress_to_vec_zlib;
use object::elf::{self, CompressionHeader64};
use object::endian::{LittleEndian as LE, U32, U64};
use object::pod;

use super::image::Image;
use super::layout::Layout;

/// The section's name.
pub const SECTION: &str = ".debug_frame";

/// How a record says that it is not of a function, but has what those of several share (a "common information entry").
const COMMON: u32 = u32::MAX;

/// The section's content; empty where no object but the base has tables. Tables that are damaged, or of a form that is
/// unknown here, are left out from there on: the program does not depend on them.
pub fn debug_frame(objects: &[Image<'_>], layout: &Layout) -> Vec<u8> {
    let mut output = Vec::new();
    for (object, image) in objects.iter().enumerate().filter(|(object, _)| *object != BASE) {
        let Some(section) = image.sections.iter().find(|section| section.name == b".eh_frame") else {
            continue;
        };
        let Ok(bytes) = image.at(section.address, section.size, "the unwind tables") else { continue };
        let mut table =
            Table { bytes, address: section.address, commons: HashMap::new(), output: &mut output };
        let moved = |address| layout.moved(object, address);
        let mut at = 0;
        while let Some(next) = table.convert(at, moved) {
            at = next;
        }
    }
    output
}

/// The content of a section with `SHF_COMPRESSED`; nothing for nothing.
pub fn compressed(content: &[u8]) -> Vec<u8> {
    if content.is_empty() {
        return Vec::new();
    }
    let header = CompressionHeader64 {
        ch_type: U32::new(LE, elf::ELFCOMPRESS_ZLIB),
        ch_reserved: U32::new(LE, 0),
        ch_size: U64::new(LE, content.len() as u64),
        ch_addralign: U64::new(LE, ALIGNMENT),
    };
    [pod::bytes_of(&header), &compress_to_vec_zlib(content, LEVEL)].concat()
}

/// How zlib compresses: the hardest.
const LEVEL: u8 = 9;

/// Records are padded to this.
const ALIGNMENT: u64 = 8;

/// The object whose tables keep their name: see [`super::sections`].
const BASE: usize = 1;

/// What records of functions have from the one that they belong to.
#[derive(Debug, Clone, Copy)]
struct Common {
    /// Where it is in the output.
    offset: u32,
    /// How addresses are written.
    encoding: u8,
    /// Whether records have a part of a length of its own, which debuggers do not need.
    is_augmented: bool,
}

struct Table<'a, 'b> {
    bytes: &'a [u8],
    address: u64,
    /// By where they are in the table.
    commons: HashMap<usize, Common>,
    output: &'b mut Vec<u8>,
}

impl Table<'_, '_> {
    /// Converts the record at an offset; returns the next one's. None at the end, and where there is no more sense.
    fn convert(&mut self, at: usize, moved: impl Fn(u64) -> u64) -> Option<usize> {
        let mut reader = Reader { bytes: self.bytes, at };
        let length = reader.word()? as usize;
        // Zero is the end; the 64-bit form is for tables that nobody has.
        let end = reader.at.checked_add(length).filter(|_| length >= 4)?;
        let owner_at = reader.at;
        let record = Reader { bytes: self.bytes.get(..end)?, at: owner_at };
        match reader.word()? as usize {
            0 => self.convert_common(at, record)?,
            distance => {
                let owner = owner_at.checked_sub(distance)?;
                let common = *self.commons.get(&owner)?;
                self.convert_function(common, record, moved)?;
            }
        }
        Some(end)
    }

    fn convert_common(&mut self, at: usize, mut record: Reader<'_>) -> Option<()> {
        record.word()?;
        let version = record.byte()?;
        let augmentation = record.string()?;
        let numbers = record.at;
        record.skip_number()?;
        record.skip_number()?;
        // The return address column is a byte in the first version.
        match version {
            1 => record.skip(1)?,
            _ => record.skip_number()?,
        }
        let numbers = record.bytes.get(numbers..record.at)?;
        let mut encoding = 0;
        let is_augmented = match augmentation {
            [] => false,
            [b'z', kinds @ ..] => {
                let length = record.number()?;
                let end = record.at.checked_add(length)?;
                for kind in kinds {
                    match kind {
                        b'R' => encoding = record.byte()?,
                        b'L' => record.skip(1)?,
                        b'P' => {
                            let form = record.byte()?;
                            record.pointer(form, 0)?;
                        }
                        _ => return None,
                    }
                }
                record.at = end;
                true
            }
            _ => return None,
        };
        let offset = u32::try_from(self.output.len()).ok()?;
        self.commons.insert(at, Common { offset, encoding, is_augmented });
        self.put(COMMON, &[&[version, 0], numbers, record.rest()?])
    }

    fn convert_function(
        &mut self,
        common: Common,
        mut record: Reader<'_>,
        moved: impl Fn(u64) -> u64,
    ) -> Option<()> {
        record.word()?;
        let start = record.pointer(common.encoding, self.address)?;
        // The length has the address's form, and is not relative to anything.
        let length = record.pointer(common.encoding & FORMAT, 0)?;
        if common.is_augmented {
            let length = record.number()?;
            record.skip(length)?;
        }
        self.put(common.offset, &[&moved(start).to_le_bytes(), &length.to_le_bytes(), record.rest()?])
    }

    /// Writes a record, padded with instructions that do nothing (`DW_CFA_nop`).
    fn put(&mut self, owner: u32, parts: &[&[u8]]) -> Option<()> {
        let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
        let padded = (4 + length).next_multiple_of(8) - 4;
        self.output.extend(u32::try_from(padded).ok()?.to_le_bytes());
        self.output.extend(owner.to_le_bytes());
        parts.iter().for_each(|part| self.output.extend_from_slice(part));
        self.output.resize(self.output.len() + padded - length, 0);
        Some(())
    }
}

/// The bits of an encoding that say how long a pointer is (Linux Standard Base, "DWARF Exception Header Encoding").
const FORMAT: u8 = 0x0f;

/// The bits that say what it is relative to: nothing, or itself.
const RELATION: u8 = 0x70;
const TO_ITSELF: u8 = 0x10;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let text = self.bytes.get(self.at..)?;
        let text = text.get(..memchr::memchr(0, text)?)?;
        self.at += text.len() + 1;
        Some(text)
    }

    /// A LEB128 number (DWARF 5, 7.6).
    fn number(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        Some(())
    }

    fn skip_number(&mut self) -> Option<()> {
        while self.byte()? & 0x80 != 0 {}
        Some(())
    }

    /// A pointer in a table at an address.
    fn pointer(&mut self, encoding: u8, table: u64) -> Option<u64> {
        let own = table.wrapping_add(self.at as u64);
        let value = match encoding & FORMAT {
            0x03 => u64::from(self.word()?),
            0x0b => i64::from(self.word()?.cast_signed()).cast_unsigned(),
            0x00 | 0x04 | 0x0c => u64::from_le_bytes(self.take()?),
            _ => return None,
        };
        match encoding & RELATION {
            0 => Some(value),
            TO_ITSELF => Some(value.wrapping_add(own)),
            _ => None,
        }
    }

    fn rest(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.at..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of what functions share, in the form of GCC's for C ("zR"), and one of a function.
    const TABLE: &[u8] = &[
        20, 0, 0, 0, 0, 0, 0, 0, 1, b'z', b'R', 0, 1, 0x78, 16, 1, 0x1b, 12, 7, 8, 0x90, 1, 0, 0, //
        16, 0, 0, 0, 28, 0, 0, 0, 0xe0, 0xff, 0xff, 0xff, 0x40, 0, 0, 0, 0, 0x41, 14, 16, //
        0, 0, 0, 0,
    ];

    fn converted(bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        let mut table = Table { bytes, address: 0x1000, commons: HashMap::new(), output: &mut output };
        let mut at = 0;
        while let Some(next) = table.convert(at, |address| address.wrapping_add(0x70_0000)) {
            assert!(next > at);
            at = next;
        }
        output
    }

    #[test]
    fn a_table_for_exceptions_becomes_one_for_debuggers() {
        let common =
            [20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0x78, 16, 12, 7, 8, 0x90, 1, 0, 0, 0, 0, 0, 0];
        // The function is 32 bytes before the place in the table that says so, which is at 0x1020.
        let start = 0x70_1000_u64;
        let function =
            [&[28, 0, 0, 0, 0, 0, 0, 0][..], &start.to_le_bytes(), &0x40_u64.to_le_bytes()].concat();
        let instructions = [0x41, 14, 16, 0, 0, 0, 0, 0];
        assert_eq!(converted(TABLE), [&common[..], &function, &instructions].concat());
    }

    #[test]
    fn damaged_tables_end_early_without_a_panic() {
        let whole = converted(TABLE).len();
        for length in 0..TABLE.len() {
            assert!(converted(&TABLE[..length]).len() <= whole);
        }
        for bit in 0..TABLE.len() * 8 {
            let mut table = TABLE.to_vec();
            table[bit / 8] ^= 1 << (bit % 8);
            converted(&table);
        }
    }
}
