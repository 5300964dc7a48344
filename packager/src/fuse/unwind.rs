//! The index of the unwind tables, merged: the search for the function that an exception passes through
//! (Linux Standard Base, "The .eh_frame_hdr section").
//!
//! The tables themselves stay where they are. The index is sorted pairs of addresses, of a function and of its entry
//! in the table, both as distances from the index.

use super::FuseError;
use super::fixups::Place;
use super::image::Image;

/// Length of the index before its pairs.
const HEADER: usize = 12;

/// Version 1; a PC-relative pointer to the table, a count, and pairs relative to the index, each in 4 bytes.
const FORM: [u8; 4] = [1, 0x1b, 0x03, 0x3b];

/// The merged index before its place is known.
#[derive(Debug, Default)]
pub struct Index {
    /// The table of the last object that has one.
    table: Option<Place>,
    /// Functions and their entries.
    pairs: Vec<(Place, Place)>,
}

impl Index {
    /// Reads the indexes of all objects.
    ///
    /// # Errors
    /// When one has another form, or is damaged.
    pub fn merge(objects: &[Image<'_>]) -> Result<Self, FuseError> {
        let mut merged = Self::default();
        for (object, image) in objects.iter().enumerate() {
            let Some(segment) = image.unwind else { continue };
            let bytes = image.at(segment.address, segment.file_size, "the index of the unwind tables")?;
            let (header, pairs) = bytes.split_first_chunk::<HEADER>().ok_or(FuseError::Unwind)?;
            if header[..4] != FORM {
                return Err(FuseError::Unwind);
            }
            let word = |bytes: &[u8], at: usize| {
                bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| i32::from_le_bytes(*bytes))
            };
            let place =
                |from: u64, distance: i32| Place::Object(object, from.wrapping_add_signed(distance.into()));
            let count = word(header, 8).cast_unsigned() as usize;
            let pairs = count.checked_mul(8).and_then(|size| pairs.get(..size)).ok_or(FuseError::Unwind)?;
            merged.table = Some(place(segment.address + 4, word(header, 4)));
            merged.pairs.extend(
                pairs.chunks_exact(8).map(|pair| {
                    (place(segment.address, word(pair, 0)), place(segment.address, word(pair, 4)))
                }),
            );
        }
        Ok(merged)
    }

    /// Where an object's functions begin, by its own addresses.
    pub fn functions(&self, object: usize) -> Vec<u64> {
        let start = |(function, _): &(Place, Place)| match *function {
            Place::Object(number, address) if number == object => Some(address),
            _ => None,
        };
        self.pairs.iter().filter_map(start).collect()
    }

    /// Its length in bytes, or 0 where no object has one.
    pub fn size(&self) -> u64 {
        if self.table.is_some() { (HEADER + 8 * self.pairs.len()) as u64 } else { 0 }
    }

    /// The index at an address; `address_of` tells where places are.
    ///
    /// # Errors
    /// When something is too far away.
    pub fn encode(&self, address: u64, address_of: impl Fn(Place) -> u64) -> Result<Vec<u8>, FuseError> {
        let Some(table) = self.table else { return Ok(Vec::new()) };
        let distance = |from: u64, place: Place| {
            let distance = address_of(place).wrapping_sub(from).cast_signed();
            i32::try_from(distance).map_err(|_| FuseError::Unwind)
        };
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for (function, entry) in &self.pairs {
            pairs.push((distance(address, *function)?, distance(address, *entry)?));
        }
        pairs.sort_unstable();
        let mut bytes = FORM.to_vec();
        bytes.extend(distance(address + 4, table)?.to_le_bytes());
        bytes.extend(u32::try_from(pairs.len()).map_err(|_| FuseError::Unwind)?.to_le_bytes());
        for (function, entry) in pairs {
            bytes.extend(function.to_le_bytes());
            bytes.extend(entry.to_le_bytes());
        }
        Ok(bytes)
    }
}
