//! Has CPython's end collect by way of the stub, which takes out of the generations what a collection finds nothing in
//! (`runtime/src/importer/last_collections.rs`). Others who call `PyGC_Collect` get CPython's.
//!
//! A CPython that asks itself for the function by its symbol is given the stub's ([`super::symbols`]). In one that calls it
//! directly, as interpreters do that have libpython inside, [`super::direct`] leads the calls to the stub. The
//! collections that follow are of a function that is CPython's own, `_PyGC_CollectNoFail`: where the base's `.symtab` tells
//! where it is, what calls it at the end calls the stub before and after. All these functions call others through pointers, so
//! no compiler relies on registers beyond the ABI.

use super::functions::{Functions, Patch, Room};
use super::image::{Image, Symbol};
use super::layout::Layout;
use super::machine::{self, BETWEEN};

/// CPython's function.
pub const NAME: &[u8] = b"PyGC_Collect";

/// The stub's.
pub const STAND_IN: &[u8] = b"snapfreeze_collect";

/// `void _PyGC_CollectNoFail(PyThreadState *)`; from 3.10 on it returns what nobody wants.
const ANOTHER: &[u8] = b"_PyGC_CollectNoFail";

/// What of the stub goes before and after it.
const AROUND: [&[u8]; 2] = [b"snapfreeze_before_collection", b"snapfreeze_after_collection"];

/// What calls it when the modules go; compilers may have put one into the other.
const CALLERS: [&[u8]; 2] = [b"finalize_modules", b"Py_FinalizeEx"];

/// The section of the stub that has room for [`machine::Machine::between`].
const ROOM: &[u8] = b".snapfreeze.collect";

/// Where the base has its function, and where the stub's is in the fused file. The base is the second object.
pub fn stand_in(objects: &[Image<'_>], layout: &Layout) -> Option<(u64, u64)> {
    let [stub, base, ..] = objects else { return None };
    Some((defined(base, NAME)?.value, layout.moved(0, defined(stub, STAND_IN)?.value)))
}

/// What puts the stub's functions before and after another collection, where that can be done.
pub fn patches(objects: &[Image<'_>], layout: &Layout) -> Option<Vec<Patch>> {
    let [stub, base, ..] = objects else { return None };
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

fn defined<'a>(image: &'a Image<'_>, name: &[u8]) -> Option<&'a Symbol<'a>> {
    image.symbols.iter().find(|symbol| symbol.name == name && symbol.is_defined())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::STUB;
    use crate::fuse::leave::tests::{code_start, layout};

    #[test]
    fn the_stub_has_what_stands_in() {
        let stub = || Image::read(STUB).unwrap();
        let own = defined(&stub(), STAND_IN).unwrap().value;
        let mut base = stub();
        let symbol = base.symbols.get_mut(1).unwrap();
        (symbol.name, symbol.section, symbol.value) = (NAME, 1, code_start());
        let layout = layout(&stub());
        assert_eq!(stand_in(&[stub(), base], &layout), Some((code_start(), own)));
        assert_eq!(stand_in(&[stub(), stub()], &layout), None, "it has no such function");
        assert_eq!(stand_in(&[stub()], &layout), None, "no base");
    }
}
