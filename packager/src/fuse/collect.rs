//! Has CPython's end collect by way of the stub, which takes out of the generations what a collection finds nothing in
//! (`runtime/src/importer/last_collections.rs`). Others who call `PyGC_Collect` get CPython's.
//!
//! A CPython that asks itself for the function by its symbol is given the stub's ([`super::symbols`]). One that calls it
//! directly, as interpreters do that have libpython inside, has the call in `Py_FinalizeEx` led to the stub here. The
//! collections that follow are of a function that is CPython's own, `_PyGC_CollectNoFail`: where the base's `.symtab` tells
//! where it is, what calls it at the end calls the stub before and after. All these functions call others through pointers, so
//! no compiler relies on registers beyond the ABI.

use super::functions::{Functions, Patch, Room, code};
use super::image::{Image, Symbol};
use super::layout::Layout;
use super::machine::{self, BETWEEN};

/// CPython's function.
pub const NAME: &[u8] = b"PyGC_Collect";

/// The stub's.
pub const STAND_IN: &[u8] = b"snapfreeze_collect";

/// What calls it directly.
const CALLER: &[u8] = b"Py_FinalizeEx";

/// `void _PyGC_CollectNoFail(PyThreadState *)`; from 3.10 on it returns what nobody wants.
const ANOTHER: &[u8] = b"_PyGC_CollectNoFail";

/// What of the stub goes before and after it.
const AROUND: [&[u8]; 2] = [b"snapfreeze_before_collection", b"snapfreeze_after_collection"];

/// What calls it when the modules go; compilers may have put one into the other.
const CALLERS: [&[u8]; 2] = [b"finalize_modules", CALLER];

/// The section of the stub that has room for [`machine::Machine::between`].
const ROOM: &[u8] = b".snapfreeze.collect";

/// What leads the collections to the stub. The base is the second object.
pub fn patches(objects: &[Image<'_>], layout: &Layout) -> Vec<Patch> {
    let [stub, base, ..] = objects else { return Vec::new() };
    let mut patches = first(stub, base, layout);
    patches.extend(others(stub, base, layout).unwrap_or_default());
    patches
}

/// What puts the stub's functions before and after another collection.
fn others(stub: &Image<'_>, base: &Image<'_>, layout: &Layout) -> Option<Vec<Patch>> {
    let functions = Functions::read(base, &[&CALLERS, &[ANOTHER]]);
    let another = functions.get(ANOTHER)?.address;
    let room = Room::of(stub, ROOM).filter(|room| room.left >= BETWEEN as u64)?;
    let way = layout.moved(0, room.address);
    let mut patches = Vec::new();
    for caller in CALLERS.iter().filter_map(|name| functions.get(name)) {
        for at in base.machine.calls(caller.code, caller.address, another) {
            let address = layout.moved(1, caller.address.wrapping_add(at as u64));
            let bytes = machine::relative(address, way)?.to_vec();
            patches.push(Patch { offset: layout.offset_of(address)?, bytes });
        }
    }
    let [before, after] = AROUND.map(|name| defined(stub, name).map(|own| layout.moved(0, own.value)));
    let code = base.machine.between(way, before?, layout.moved(1, another), after?)?;
    if !patches.is_empty() {
        patches.push(Patch { offset: layout.offset_of(way)?, bytes: code.to_vec() });
    }
    Some(patches)
}

/// What leads direct calls of the first to the stub.
fn first(stub: &Image<'_>, base: &Image<'_>, layout: &Layout) -> Vec<Patch> {
    let (Some(own), Some(function), Some(caller)) =
        (defined(stub, STAND_IN), defined(base, NAME), defined(base, CALLER))
    else {
        return Vec::new();
    };
    let body = code(base, caller.value, caller.size).unwrap_or_default();
    let calls = base.machine.calls(body, caller.value, function.value).into_iter();
    let patch = |at: usize| {
        let address = layout.moved(1, caller.value.wrapping_add(at as u64));
        let distance = machine::relative(address, layout.moved(0, own.value))?;
        Some(Patch { offset: layout.offset_of(address)?, bytes: distance.to_vec() })
    };
    calls.filter_map(patch).collect()
}

fn defined<'a>(image: &'a Image<'_>, name: &[u8]) -> Option<&'a Symbol<'a>> {
    image.symbols.iter().find(|symbol| symbol.name == name && symbol.is_defined())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::STUB;
    use crate::fuse::leave::tests::{code_start, layout, offset};

    #[test]
    fn a_direct_call_leads_to_the_stub() {
        let stub = Image::read(STUB).unwrap();
        let (caller, function) = (code_start(), code_start() + 64);
        let mut bytes = STUB.to_vec();
        bytes[offset(caller)..offset(caller) + 32].fill(0x90);
        let call = caller + 4;
        bytes[offset(call) - 1] = 0xe8;
        bytes[offset(call)..offset(call) + 4].copy_from_slice(&machine::relative(call, function).unwrap());
        let with = |name: &'static [u8], size: u64| {
            let mut base = Image::read(&bytes).unwrap();
            let both = [(name, caller, size), (NAME, function, 16)];
            for (symbol, (name, value, size)) in base.symbols.iter_mut().skip(1).zip(both) {
                (symbol.name, symbol.section, symbol.value, symbol.size) = (name, 1, value, size);
            }
            patches(&[Image::read(STUB).unwrap(), base], &layout(&stub))
        };
        let own = defined(&stub, STAND_IN).unwrap().value;
        let bytes = machine::relative(call, own).unwrap().to_vec();
        assert_eq!(with(CALLER, 32), [Patch { offset: offset(call) as u64, bytes }]);
        assert_eq!(with(CALLER, 0), [], "it has no code");
        assert_eq!(with(CALLER, u64::MAX), [], "it does not end");
        assert_eq!(with(b"Py_Finalize", 32), [], "another function");
        assert_eq!(patches(&[Image::read(STUB).unwrap()], &layout(&stub)), [], "no base");
    }
}
