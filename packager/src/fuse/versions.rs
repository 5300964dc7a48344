//! Versions of symbols (Linux Standard Base, "Symbol Versioning"): which one each symbol asks for or has.

use std::collections::BTreeMap;

use object::elf::{self, Verdaux, Verdef, Vernaux, Verneed};
use object::endian::LittleEndian as LE;
use object::pod::{self, Pod};

use super::FuseError;
use super::image::Image;

/// A version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version<'a> {
    /// The library that is to have it; none for what the object itself defines.
    pub library: Option<&'a [u8]>,
    /// Its name.
    pub name: &'a [u8],
    /// Whether the program may run where the library does not have it (`VER_FLG_WEAK`).
    pub is_weak: bool,
}

/// The versions of an object's symbols.
pub struct Versions<'a> {
    numbers: &'a [u8],
    names: BTreeMap<u16, Version<'a>>,
}

impl<'a> Versions<'a> {
    /// Reads the tables for so many symbols.
    ///
    /// # Errors
    /// When one ends outside of the file, or does not end.
    pub fn read(image: &Image<'a>, symbols: usize) -> Result<Self, FuseError> {
        let dynamic = &image.dynamic;
        let Some(numbers) = dynamic.version_numbers else {
            return Ok(Self { numbers: &[], names: BTreeMap::new() });
        };
        let numbers = image.at(numbers, symbols as u64 * 2, "the table of versions")?;
        let mut versions = Self { numbers, names: BTreeMap::new() };
        if let Some(address) = dynamic.versions_needed {
            versions.take_needed(image, image.from(address, WHAT)?)?;
        }
        if let Some(address) = dynamic.versions_defined {
            versions.take_defined(image, image.from(address, WHAT)?)?;
        }
        Ok(versions)
    }

    fn take_needed(&mut self, image: &Image<'a>, table: &[u8]) -> Result<(), FuseError> {
        let mut at = 0;
        loop {
            let library: &Verneed<LE> = entry(table, at)?;
            let file = image.dynamic.string(library.vn_file.get(LE).into())?;
            let mut version_at = next(at, library.vn_aux.get(LE))?;
            for _ in 0..library.vn_cnt.get(LE) {
                let version: &Vernaux<LE> = entry(table, version_at)?;
                let name = image.dynamic.string(version.vna_name.get(LE).into())?;
                let is_weak = version.vna_flags.get(LE) & elf::VER_FLG_WEAK != 0;
                let known = Version { library: Some(file), name, is_weak };
                self.names.insert(version.vna_other.get(LE) & elf::VERSYM_VERSION, known);
                version_at = next(version_at, version.vna_next.get(LE))?;
            }
            match library.vn_next.get(LE) {
                0 => return Ok(()),
                distance => at = next(at, distance)?,
            }
        }
    }

    fn take_defined(&mut self, image: &Image<'a>, table: &[u8]) -> Result<(), FuseError> {
        let mut at = 0;
        loop {
            let definition: &Verdef<LE> = entry(table, at)?;
            // The base version is the object's own name.
            if definition.vd_flags.get(LE) & elf::VER_FLG_BASE == 0 {
                let first: &Verdaux<LE> = entry(table, next(at, definition.vd_aux.get(LE))?)?;
                let name = image.dynamic.string(first.vda_name.get(LE).into())?;
                let known = Version { library: None, name, is_weak: false };
                self.names.insert(definition.vd_ndx.get(LE) & elf::VERSYM_VERSION, known);
            }
            match definition.vd_next.get(LE) {
                0 => return Ok(()),
                distance => at = next(at, distance)?,
            }
        }
    }

    /// The version of a symbol, and whether it is hidden.
    pub fn of(&self, symbol: usize) -> (Option<Version<'a>>, bool) {
        let bytes = self.numbers.get(symbol * 2..).and_then(<[u8]>::first_chunk);
        let number = bytes.map_or(1, |bytes| u16::from_le_bytes(*bytes));
        (self.names.get(&(number & elf::VERSYM_VERSION)).copied(), number & elf::VERSYM_HIDDEN != 0)
    }
}

const WHAT: &str = "a table of versions";

fn entry<T: Pod>(table: &[u8], at: usize) -> Result<&T, FuseError> {
    let bytes = table.get(at..).ok_or(FuseError::Truncated(WHAT))?;
    pod::from_bytes(bytes).map(|(entry, _)| entry).map_err(|()| FuseError::Truncated(WHAT))
}

/// Distances are positive, so that each chain ends.
fn next(at: usize, distance: u32) -> Result<usize, FuseError> {
    at.checked_add(distance as usize).ok_or(FuseError::Truncated(WHAT))
}
