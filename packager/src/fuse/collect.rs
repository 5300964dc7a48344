//! Has CPython's end begin to collect by way of the stub, which takes out of the generations what no collection finds anything
//! in (`runtime/src/importer/last_collections.rs`). Others who call `PyGC_Collect` get CPython's.
//!
//! A CPython that asks itself for the function by its symbol is given the stub's ([`super::symbols`]). One that calls it
//! directly, as interpreters do that have libpython inside, has the call in `Py_FinalizeEx` led to the stub here. Both
//! functions call others through pointers, so no compiler relies on registers beyond the ABI.

use super::functions::{Patch, code};
use super::image::{Image, Symbol};
use super::layout::Layout;
use super::machine;

/// CPython's function.
pub const NAME: &[u8] = b"PyGC_Collect";

/// The stub's.
pub const STAND_IN: &[u8] = b"snapfreeze_collect";

/// What calls it directly.
const CALLER: &[u8] = b"Py_FinalizeEx";

/// What leads direct calls to the stub. The base is the second object.
pub fn patches(objects: &[Image<'_>], layout: &Layout) -> Vec<Patch> {
    let [stub, base, ..] = objects else { return Vec::new() };
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
