//! What each relocation becomes.
//!
//! A reference to what is inside the fused file is decided here and now: it becomes an address, to which the dynamic
//! linker only adds where the file was loaded, or nothing at all where the file has a fixed address. What is left for it
//! to look up is what libc has.

use std::collections::{HashMap, HashSet};

use object::elf;

use super::FuseError;
use super::image::Image;
use super::machine::RelocationKind;
use super::relocations::Relocation;
use super::symbols::{Owned, Resolution, Symbols};
use super::thread_local::Block;

/// A place in the fused file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// What an object has at an address of its own.
    Object(usize, u64),
    /// An offset in the merged thread-local block's content.
    Tls(u64),
    /// An offset in the merged array of constructors.
    Init(u64),
    /// An offset in the merged array of destructors.
    Fini(u64),
}

/// What is to be written to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The address of another place.
    Address(Place),
    /// A number.
    Constant(u64),
    /// What the dynamic linker finds: with a symbol of the merged table, or 0 for the fused file itself.
    Dynamic(RelocationKind, u32, i64),
    /// What a function at a place returns.
    Resolver(Place),
}

/// A place and what is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixup {
    /// The place.
    pub place: Place,
    /// What is to be there.
    pub value: Value,
}

/// All fixups, and the merged arrays.
#[derive(Debug, Default)]
pub struct Fixups {
    /// In the order of the objects.
    pub all: Vec<Fixup>,
    /// Length of the merged array of constructors, in entries.
    pub init: usize,
    /// Length of the merged array of destructors, in entries.
    pub fini: usize,
}

/// Makes the fixups of all objects.
///
/// # Errors
/// When a relocation cannot be carried over.
pub fn fixups<'a>(
    objects: &'a [Image<'a>],
    symbols: &Symbols<'a>,
    block: &Block,
) -> Result<Fixups, FuseError> {
    let mut fixups = Fixups::default();
    for (object, image) in objects.iter().enumerate() {
        let maker = Maker { objects, symbols, block, object };
        let relocated: HashSet<u64> = image.relocations.iter().map(|relocation| relocation.address).collect();
        for relocation in &image.relocations {
            let place = maker.place(relocation.address);
            fixups.all.push(Fixup { place, value: maker.value(relocation)? });
            let second = relocation.address.wrapping_add(8);
            if relocation.kind == RelocationKind::TlsModule
                && relocation.symbol == 0
                && !relocated.contains(&second)
            {
                // The word after it is an offset in the object's own block ("local dynamic").
                let offset = image.word(second, "an offset in thread-local storage")?;
                let value = Value::Constant(offset.wrapping_add(block.offset_of(object)));
                fixups.all.push(Fixup { place: maker.place(second), value });
            }
        }
    }
    add_arrays(objects, &mut fixups)?;
    Ok(fixups)
}

struct Maker<'a, 'b> {
    objects: &'a [Image<'a>],
    symbols: &'b Symbols<'a>,
    block: &'b Block,
    object: usize,
}

impl<'a> Maker<'a, '_> {
    /// Where the object's address is: the content of its thread-local block is in another place.
    fn place(&self, address: u64) -> Place {
        let tls = self.objects.get(self.object).and_then(|image| image.tls);
        let inside =
            tls.and_then(|tls| address.checked_sub(tls.address).filter(|inside| *inside < tls.file_size));
        match inside {
            Some(inside) => Place::Tls(self.block.offset_of(self.object) + inside),
            None => Place::Object(self.object, address),
        }
    }

    fn value(&self, relocation: &Relocation) -> Result<Value, FuseError> {
        use RelocationKind as Kind;
        let Relocation { kind, symbol, addend, .. } = *relocation;
        let own = |addend: i64| Place::Object(self.object, addend.cast_unsigned());
        match kind {
            Kind::None => Err(FuseError::RelocationForm("it does nothing")),
            Kind::Relative => Ok(Value::Address(own(addend))),
            Kind::IRelative => Ok(Value::Resolver(own(addend))),
            Kind::Absolute | Kind::Slot if symbol == 0 => {
                Err(FuseError::RelocationForm("an address without a symbol"))
            }
            Kind::Absolute => self.address(kind, symbol, addend),
            Kind::Slot => {
                let machine = self.objects.get(self.object).map(|image| image.machine);
                let counts = machine.is_some_and(super::machine::Machine::slots_have_addends);
                self.address(kind, symbol, if counts { addend } else { 0 })
            }
            Kind::Copy => self.copy(symbol),
            Kind::TlsModule | Kind::TlsOffset | Kind::ThreadOffset | Kind::TlsDescriptor => {
                self.thread_local(kind, symbol, addend)
            }
        }
    }

    fn resolve(&self, symbol: u32) -> Result<Resolution<'a>, FuseError> {
        self.symbols.resolve(self.objects, self.object, symbol)
    }

    fn address(&self, kind: RelocationKind, symbol: u32, addend: i64) -> Result<Value, FuseError> {
        match self.resolve(symbol)? {
            Resolution::Imported(number) => Ok(Value::Dynamic(kind, number, addend)),
            Resolution::Inside(owned, number) => match owned.symbol.kind() {
                elf::STT_TLS => Err(FuseError::RelocationForm("the address of what each thread has")),
                elf::STT_GNU_IFUNC => match number {
                    Some(number) => Ok(Value::Dynamic(kind, number, addend)),
                    None => {
                        Err(FuseError::RelocationForm("a private function that is chosen when it is loaded"))
                    }
                },
                _ => {
                    let value = owned.symbol.value.wrapping_add_signed(addend);
                    let is_number = owned.symbol.section == elf::SHN_ABS;
                    Ok(if is_number {
                        Value::Constant(value)
                    } else {
                        Value::Address(Place::Object(owned.object, value))
                    })
                }
            },
        }
    }

    /// An executable's own copy of a library's variable. The dynamic linker looks for the original outside of the
    /// program, so that must not be inside.
    fn copy(&self, symbol: u32) -> Result<Value, FuseError> {
        let Resolution::Inside(Owned { object, symbol }, Some(number)) = self.resolve(symbol)? else {
            return Err(FuseError::RelocationForm("a copy of what it does not define"));
        };
        let is_defined_elsewhere = self.objects.iter().enumerate().any(|(other, image)| {
            let same = |known: &super::image::Symbol<'_>| known.is_defined() && known.name == symbol.name;
            other != object && image.symbols.iter().any(same)
        });
        if object != self.object || is_defined_elsewhere {
            return Err(FuseError::RelocationForm("a copy of a variable of what is fused with it"));
        }
        Ok(Value::Dynamic(RelocationKind::Copy, number, 0))
    }

    fn thread_local(&self, kind: RelocationKind, symbol: u32, addend: i64) -> Result<Value, FuseError> {
        let (object, value) = match symbol {
            0 => (self.object, 0),
            _ => match self.resolve(symbol)? {
                Resolution::Imported(number) => return Ok(Value::Dynamic(kind, number, addend)),
                Resolution::Inside(owned, _) if owned.symbol.kind() == elf::STT_TLS => {
                    (owned.object, owned.symbol.value)
                }
                Resolution::Inside(..) => {
                    return Err(FuseError::RelocationForm("the offset of what is not thread-local"));
                }
            },
        };
        if kind == RelocationKind::TlsModule {
            return Ok(Value::Dynamic(kind, 0, 0));
        }
        let offset = self.block.offset_of(object).wrapping_add(value).wrapping_add_signed(addend);
        Ok(Value::Dynamic(kind, 0, offset.cast_signed()))
    }
}

/// Merges the arrays of constructors and destructors, with the functions that came before there were arrays.
///
/// Constructors run the stub's first, whose functions the others may call; then those of libraries, then the base's,
/// which needs them. Destructors run from the end of their array to its beginning.
fn add_arrays(objects: &[Image<'_>], fixups: &mut Fixups) -> Result<(), FuseError> {
    let known: HashMap<Place, Value> = fixups.all.iter().map(|fixup| (fixup.place, fixup.value)).collect();
    let base = objects.len().min(2) - 1;
    let order = std::iter::once(0).chain(2..objects.len()).chain((base > 0).then_some(base));
    let (mut init, mut fini) = (Vec::new(), Vec::new());
    for object in order {
        let Some(image) = objects.get(object) else { continue };
        let dynamic = &image.dynamic;
        let function = |address: u64| Value::Address(Place::Object(object, address));
        init.extend(array(image, object, dynamic.preinit_array, &known)?);
        init.extend(dynamic.init.map(function));
        init.extend(array(image, object, dynamic.init_array, &known)?);
        fini.extend(dynamic.fini.map(function));
        fini.extend(array(image, object, dynamic.fini_array, &known)?);
    }
    (fixups.init, fixups.fini) = (init.len(), fini.len());
    let at = |place: fn(u64) -> Place| move |(at, value)| Fixup { place: place(8 * at as u64), value };
    fixups.all.extend(init.into_iter().enumerate().map(at(Place::Init)));
    fixups.all.extend(fini.into_iter().enumerate().map(at(Place::Fini)));
    Ok(())
}

/// The functions in an array: what relocations put there, else what is there.
fn array(
    image: &Image<'_>,
    object: usize,
    (address, size): (u64, u64),
    known: &HashMap<Place, Value>,
) -> Result<Vec<Value>, FuseError> {
    // The array is in the file.
    image
        .at(address, size, "an array of functions")
        .or_else(|error| if size == 0 { Ok(&[][..]) } else { Err(error) })?;
    let mut functions = Vec::new();
    for at in (address..address.saturating_add(size)).step_by(8) {
        match known.get(&Place::Object(object, at)) {
            Some(value) => functions.push(*value),
            None => match image.word(at, "an array of functions")? {
                // crtbegin.o writes such marks (GCC, crtstuff.c).
                0 | u64::MAX => {}
                function if image.is_fixed => functions.push(Value::Address(Place::Object(object, function))),
                _ => return Err(FuseError::RelocationForm("an array has an address without one")),
            },
        }
    }
    Ok(functions)
}
