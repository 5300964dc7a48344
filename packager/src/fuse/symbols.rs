//! The symbols of all objects, merged into one table.
//!
//! The objects stand in the order in which the dynamic linker would search them, so the first definition of a name is
//! the one that all get; that is how the stub's functions stand in for libc's. What nobody defines is imported,
//! once for each version that is asked for.

use std::collections::{HashMap, HashSet};

use object::elf;

use super::image::{Image, Symbol};
use super::versions::Version;
use super::{FuseError, collect};

/// A symbol of an object.
#[derive(Debug, Clone, Copy)]
pub struct Owned<'a> {
    /// The object, by its place in the list.
    pub object: usize,
    /// The symbol.
    pub symbol: &'a Symbol<'a>,
}

/// What a reference leads to.
#[derive(Debug, Clone, Copy)]
pub enum Resolution<'a> {
    /// Something in the fused file. The number is that in the merged table, for what is in it.
    Inside(Owned<'a>, Option<u32>),
    /// Something that a library has: the number in the merged table.
    Imported(u32),
}

/// The merged table: the null symbol, imports, definitions.
#[derive(Debug, Default)]
pub struct Symbols<'a> {
    /// What libraries have to define, in the order in which it is first asked for.
    pub imports: Vec<Owned<'a>>,
    /// What others may ask for, in the order of the hash table's buckets.
    pub definitions: Vec<Owned<'a>>,
    by_name: HashMap<&'a [u8], usize>,
    /// Definitions that only those get who ask for their version.
    hidden: HashMap<(&'a [u8], &'a [u8]), Owned<'a>>,
    by_import: HashMap<ImportKey<'a>, usize>,
}

type ImportKey<'a> = (&'a [u8], Option<(Option<&'a [u8]>, &'a [u8])>);

/// Buckets of the hash table: about two symbols in each.
pub fn bucket_count(definitions: usize) -> u32 {
    u32::try_from(definitions / 2).unwrap_or(u32::MAX).max(1)
}

impl<'a> Symbols<'a> {
    /// Merges the symbols of objects.
    ///
    /// # Errors
    /// When one object asks another for what that does not have.
    pub fn merge(objects: &'a [Image<'a>]) -> Result<Self, FuseError> {
        let mut merged = Self::default();
        for (object, image) in objects.iter().enumerate() {
            for symbol in image.symbols.iter().skip(1).filter(|symbol| is_exported(symbol)) {
                merged.define(Owned { object, symbol });
            }
        }
        let buckets = bucket_count(merged.definitions.len());
        merged.definitions.sort_by_cached_key(|owned| elf::gnu_hash(owned.symbol.name) % buckets);
        merged.by_name =
            merged.definitions.iter().enumerate().map(|(at, owned)| (owned.symbol.name, at)).collect();

        let libraries: HashSet<&[u8]> = objects.iter().filter_map(|image| image.dynamic.soname).collect();
        for (object, image) in objects.iter().enumerate() {
            for symbol in image.symbols.iter().skip(1).filter(|symbol| !symbol.is_defined()) {
                if merged.defined(symbol).is_none() {
                    merged.import(Owned { object, symbol }, &libraries)?;
                }
            }
        }
        Ok(merged)
    }

    fn define(&mut self, owned: Owned<'a>) {
        let name = owned.symbol.name;
        if owned.symbol.is_hidden {
            if let Some(Version { name: version, library: None, .. }) = owned.symbol.version {
                self.hidden.entry((name, version)).or_insert(owned);
            }
        } else if let std::collections::hash_map::Entry::Vacant(place) = self.by_name.entry(name) {
            place.insert(self.definitions.len());
            self.definitions.push(owned);
        }
    }

    fn import(&mut self, owned: Owned<'a>, libraries: &HashSet<&[u8]>) -> Result<(), FuseError> {
        let symbol = owned.symbol;
        let is_weak = symbol.binding() == elf::STB_WEAK;
        if let Some(library) = symbol.version.and_then(|version| version.library)
            && libraries.contains(library)
            && !is_weak
        {
            let [symbol, library] =
                [symbol.name, library].map(|text| String::from_utf8_lossy(text).into_owned());
            return Err(FuseError::Symbol { symbol, library });
        }
        let known = *self.by_import.entry(key(symbol)).or_insert(self.imports.len());
        match self.imports.get_mut(known) {
            None => self.imports.push(owned),
            // One that must be there makes it so for all; an executable's address of a function is everybody's.
            Some(first) => {
                let was_weak = first.symbol.binding() == elf::STB_WEAK;
                if first.symbol.value == 0 && (symbol.value != 0 || was_weak && !is_weak) {
                    *first = owned;
                }
            }
        }
        Ok(())
    }

    fn defined(&self, symbol: &Symbol<'_>) -> Option<Resolution<'a>> {
        if let Some(version) = symbol.version
            && let Some(owned) = self.hidden.get(&(symbol.name, version.name))
        {
            return Some(Resolution::Inside(*owned, None));
        }
        let at = *self.by_name.get(symbol.name)?;
        Some(Resolution::Inside(*self.definitions.get(at)?, Some(self.definition_number(at))))
    }

    /// What the stub, the first object, has for a symbol that the base, the second, asks itself for.
    fn stand_in(&self, object: usize, symbol: &Symbol<'_>) -> Option<Resolution<'a>> {
        if object != 1 || symbol.name != collect::NAME || !symbol.is_defined() {
            return None;
        }
        let at = *self.by_name.get(collect::STAND_IN)?;
        let owned = *self.definitions.get(at).filter(|owned| owned.object == 0)?;
        Some(Resolution::Inside(owned, Some(self.definition_number(at))))
    }

    fn definition_number(&self, at: usize) -> u32 {
        u32::try_from(1 + self.imports.len() + at).unwrap_or(u32::MAX)
    }

    /// What a symbol of an object stands for.
    ///
    /// # Errors
    /// When the object has no such symbol.
    pub fn resolve(
        &self,
        objects: &'a [Image<'a>],
        object: usize,
        number: u32,
    ) -> Result<Resolution<'a>, FuseError> {
        let unknown = FuseError::Malformed("a relocation names a symbol that there is not");
        let image = objects.get(object).ok_or_else(|| unknown.clone())?;
        let symbol = image.symbols.get(number as usize).ok_or_else(|| unknown.clone())?;
        if let Some(stand_in) = self.stand_in(object, symbol) {
            return Ok(stand_in);
        }
        let binds_itself = symbol.binding() == elf::STB_LOCAL
            || symbol.other & 3 != elf::STV_DEFAULT
            || image.dynamic.is_symbolic;
        if symbol.is_defined() && binds_itself {
            let number = match self.defined(symbol) {
                Some(Resolution::Inside(owned, number)) if owned.object == object => number,
                _ => None,
            };
            return Ok(Resolution::Inside(Owned { object, symbol }, number));
        }
        if let Some(inside) = self.defined(symbol) {
            return Ok(inside);
        }
        let import = self.by_import.get(&key(symbol)).ok_or(unknown)?;
        Ok(Resolution::Imported(u32::try_from(1 + import).unwrap_or(u32::MAX)))
    }

    /// Whether an object defines a name.
    pub fn defines(&self, name: &[u8]) -> bool {
        self.by_name.contains_key(name)
    }

    /// How many symbols there are, the null symbol among them.
    pub fn len(&self) -> usize {
        1 + self.imports.len() + self.definitions.len()
    }

    /// All but the null symbol, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Owned<'a>> {
        self.imports.iter().chain(&self.definitions)
    }
}

fn key<'a>(symbol: &Symbol<'a>) -> ImportKey<'a> {
    (symbol.name, symbol.version.map(|version| (version.library, version.name)))
}

/// Whether others may find a symbol. The names of versions are symbols, too, with no address.
fn is_exported(symbol: &Symbol<'_>) -> bool {
    symbol.is_defined()
        && symbol.binding() != elf::STB_LOCAL
        && matches!(symbol.other & 3, elf::STV_DEFAULT | elf::STV_PROTECTED)
        && !(symbol.section == elf::SHN_ABS && symbol.value == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::STUB;

    /// A base that defines `PyGC_Collect`: the stub, with another name for one of its functions.
    fn base() -> Vec<u8> {
        let (name, new) = (b"\0posix_spawnp\0", b"\0PyGC_Collect\0");
        let mut base = STUB.to_vec();
        let at = base.windows(name.len()).position(|bytes| bytes == name).unwrap();
        base[at..at + new.len()].copy_from_slice(new);
        base
    }

    #[test]
    fn the_base_and_nobody_else_collects_by_way_of_the_stub() {
        let base = base();
        let objects = [STUB, &base, &base].map(|bytes| Image::read(bytes).unwrap());
        let symbols = Symbols::merge(&objects).unwrap();
        let leads_to = |object: usize| {
            let is_it = |symbol: &Symbol<'_>| symbol.name == b"PyGC_Collect";
            let number = objects[object].symbols.iter().position(is_it).unwrap();
            match symbols.resolve(&objects, object, number as u32).unwrap() {
                Resolution::Inside(owned, Some(_)) => (owned.object, owned.symbol.name),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(leads_to(1), (0, b"snapfreeze_collect".as_slice()));
        assert_eq!(leads_to(2), (1, b"PyGC_Collect".as_slice()), "a library of the base");
    }
}
