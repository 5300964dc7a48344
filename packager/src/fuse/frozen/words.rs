//! The words of code objects that only some modules have.
//!
//! Objects of different modules stand side by side, and constants that are equal are one object (deepfreeze.py keeps those
//! that it has written), so what belongs to a module follows from what leads where: an object is of these
//! modules only if it can be reached from their code, and not from anything else.
//!
//! The objects are variables of one C file, in `.symtab` as local symbols with their sizes. What refers to one of them are
//! words of data, which all have relocations, and three kinds of functions of that file, whose ends of the matter are known: those that
//! get the code, `_Py_Deepfreeze_Init` and `_Py_Deepfreeze_Fini`.

use std::collections::BTreeSet;

use object::elf;
use object::endian::LittleEndian as LE;

use super::Targets;
use crate::fuse::image::{Image, Segment};
use crate::fuse::names::symbol_table;

/// Where an object has its type (CPython, Include/object.h).
pub const TYPE: u64 = 8;

/// Where a string has its length (`PyASCIIObject` in Include/cpython/unicodeobject.h).
pub const LENGTH: u64 = 16;

/// Length of what stands before an object that the collector knows (Include/internal/pycore_gc.h, `PyGC_Head`).
const GC_HEAD: u64 = 16;

/// The types of what is in code objects, and of themselves.
const TYPES: [&[u8]; 7] = [
    b"PyCode_Type",
    b"PyTuple_Type",
    b"PyUnicode_Type",
    b"PyBytes_Type",
    b"PyLong_Type",
    b"PyFloat_Type",
    b"PyComplex_Type",
];

/// What code objects have of the base.
pub struct Words<'a> {
    objects: Objects<'a>,
    /// What can be reached from those that are not to wait.
    early: BTreeSet<Variable>,
    /// What can be reached from those that are to wait.
    all: BTreeSet<Variable>,
    /// What of that can be reached in no other way.
    late: BTreeSet<Variable>,
    /// What is read-only when it is relocated.
    constant: Option<Segment>,
}

impl<'a> Words<'a> {
    /// Tells apart what code objects have: of some that are not to wait, and of others that are.
    pub fn find(base: &Image<'_>, targets: &'a Targets, early: &[u64], late: &[u64]) -> Self {
        Self::tell_apart(Objects::of(base, targets), base.relro, early, late)
    }

    fn tell_apart(objects: Objects<'a>, constant: Option<Segment>, early: &[u64], late: &[u64]) -> Self {
        let reached =
            |from: &[u64]| objects.reached(from.iter().filter_map(|object| objects.variable(*object)));
        let (early, all) = (reached(early), reached(late));
        let leads_in = |(word, target): (&u64, &u64)| {
            let is_outside = objects.variable_with(*word).is_none_or(|from| !all.contains(&from));
            objects.variable(*target).filter(|to| is_outside && all.contains(to))
        };
        let shared = objects.reached(objects.targets.iter().filter_map(leads_in));
        let is_other = |variable: &&Variable| early.contains(variable) || shared.contains(variable);
        let late = all.iter().filter(|variable| !is_other(variable)).copied().collect();
        Self { late, all, early, constant, objects }
    }

    /// Small ones of code objects that between them have every name of one character that no early object has.
    ///
    /// CPython has a second string for each character. A program sees, with `is`, which of the two was interned: the one
    /// that came first. So what this returns must not wait.
    pub fn with_short_names(&self, code: &[u64], is_short: impl Fn(u64) -> bool) -> Vec<u64> {
        let only_late = self.all.difference(&self.early);
        let mut wanted: BTreeSet<Variable> =
            only_late.filter(|(start, _)| is_short(*start)).copied().collect();
        let mut by_size: Vec<(Variable, u64)> =
            code.iter().filter_map(|object| Some((self.objects.variable(*object)?, *object))).collect();
        by_size.sort_unstable_by_key(|((start, end), _)| (end - start, *start));
        let mut chosen = Vec::new();
        for (variable, object) in by_size {
            let named: Vec<Variable> =
                self.objects.named(variable).filter(|it| wanted.contains(it)).collect();
            if !named.is_empty() {
                chosen.push(object);
            }
            for name in named {
                wanted.remove(&name);
            }
        }
        chosen
    }

    /// Whether an object can be reached from those that are not to wait.
    pub fn is_early(&self, object: u64) -> bool {
        self.objects.variable(object).is_some_and(|variable| self.early.contains(&variable))
    }

    /// Whether an object can be reached at all.
    pub fn is_reached(&self, object: u64) -> bool {
        let variable = self.objects.variable(object);
        variable.is_some_and(|variable| self.early.contains(&variable) || self.all.contains(&variable))
    }

    /// The words that may wait, ascending.
    pub fn late(&self) -> Vec<u64> {
        let is_constant = |word: &u64| self.constant.is_some_and(|constant| constant.holds(*word));
        let words = self.late.iter().flat_map(|variable| self.objects.words(*variable));
        words.map(|(word, _)| *word).filter(|word| !is_constant(word)).collect()
    }
}

/// A variable: its address and its end.
type Variable = (u64, u64);

/// The base's local variables, of which some are objects.
struct Objects<'a> {
    /// By address, none within another.
    variables: Vec<Variable>,
    types: Vec<u64>,
    targets: &'a Targets,
}

impl<'a> Objects<'a> {
    fn of(base: &Image<'_>, targets: &'a Targets) -> Self {
        let symbols = symbol_table(base.bytes).map_or(&[][..], |(symbols, _)| symbols);
        let variable = |symbol: &elf::Sym64<LE>| {
            let (start, size) = (symbol.st_value.get(LE), symbol.st_size.get(LE));
            let is_local = symbol.st_info == elf::STB_LOCAL << 4 | elf::STT_OBJECT;
            (is_local && size > 0).then(|| start.checked_add(size).map(|end| (start, end)))?
        };
        let mut variables: Vec<Variable> = symbols.iter().filter_map(variable).collect();
        variables.sort_unstable();
        variables.dedup_by(|next, first| next.0 < first.1);
        let of_type = |name| base.symbols.iter().find(|symbol| symbol.name == name);
        let types = TYPES.iter().filter_map(|name| of_type(*name)).map(|symbol| symbol.value).collect();
        Self { variables, types, targets }
    }

    /// The variable that has an address.
    fn variable_with(&self, address: u64) -> Option<Variable> {
        let after = self.variables.partition_point(|(start, _)| *start <= address);
        self.variables.get(after.checked_sub(1)?).copied().filter(|(_, end)| address < *end)
    }

    /// The variable that is the object at an address.
    fn variable(&self, object: u64) -> Option<Variable> {
        let variable = self.variable_with(object)?;
        let kind = self.targets.get(&object.checked_add(TYPE)?)?;
        let is_object = matches!(object - variable.0, 0 | GC_HEAD) && self.types.contains(kind);
        is_object.then_some(variable)
    }

    /// The words of a variable, and where they lead.
    fn words(&self, (start, end): Variable) -> impl Iterator<Item = (&u64, &u64)> {
        self.targets.range(start..end)
    }

    /// What a code object has in its tuples: names and constants.
    fn named(&self, code: Variable) -> impl Iterator<Item = Variable> {
        let inside = |variable| self.words(variable).filter_map(|(_, target)| self.variable(*target));
        inside(code).flat_map(inside)
    }

    /// All that can be reached from objects.
    fn reached(&self, from: impl Iterator<Item = Variable>) -> BTreeSet<Variable> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<Variable> = from.collect();
        while let Some(variable) = next.pop() {
            if reached.insert(variable) {
                next.extend(self.words(variable).filter_map(|(_, target)| self.variable(*target)));
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The type of everything here.
    const KIND: u64 = 0x9000;

    /// Objects by address, with where their words lead from the third on; all are 64 bytes long.
    fn targets(objects: &[(u64, &[u64])]) -> Targets {
        let words = objects.iter().flat_map(|(object, leads_to)| {
            let items =
                leads_to.iter().enumerate().map(move |(at, target)| (object + 16 + 8 * at as u64, *target));
            items.chain([(object + TYPE, KIND)])
        });
        words.collect()
    }

    fn told(targets: &Targets, starts: &[u64], constant: Option<Segment>) -> (Vec<u64>, Vec<bool>) {
        let variables = starts.iter().map(|start| (*start, start + 80)).collect();
        let objects = Objects { variables, types: vec![KIND], targets };
        let words = Words::tell_apart(objects, constant, &[0x100], &[0x400]);
        (words.late(), [0x100, 0x200, 0x310, 0x400, 0x500].map(|object| words.is_reached(object)).to_vec())
    }

    #[test]
    fn what_several_have_does_not_wait() {
        // 0x100 has 0x200; 0x400 has it, too, and alone a tuple at 0x310, which leads back, and 0x500, to which a word elsewhere leads.
        let objects: [(u64, &[u64]); 5] = [
            (0x100, &[0x200]),
            (0x200, &[]),
            (0x310, &[0x400]),
            (0x400, &[0x200, 0x310, 0x500]),
            (0x500, &[]),
        ];
        let starts = [0x100, 0x200, 0x300, 0x400, 0x500];
        let mut targets = targets(&objects);
        let of_both = [0x318, 0x320, 0x408, 0x410, 0x418, 0x420];
        assert_eq!(told(&targets, &starts, None), ([&of_both[..], &[0x508]].concat(), vec![true; 5]));
        targets.insert(0x7000, 0x500);
        assert_eq!(told(&targets, &starts, None).0, of_both);
        // A word elsewhere leads to one that leads to the other.
        targets.insert(0x7008, 0x310);
        assert_eq!(told(&targets, &starts, None).0, [0; 0]);
    }

    #[test]
    fn short_names_are_of_small_code() {
        // Two functions have the name 0x600, the early one has 0x700; what is at 0x500 is no name.
        let objects: [(u64, &[u64]); 7] = [
            (0x100, &[0x200]),
            (0x200, &[0x700]),
            (0x400, &[0x450, 0x300]),
            (0x450, &[0x500, 0x600, 0x700]),
            (0x300, &[0x450]),
            (0x500, &[]),
            (0x600, &[]),
        ];
        let mut targets = targets(&objects);
        targets.insert(0x700 + TYPE, KIND);
        let variables = [
            (0x100, 80),
            (0x200, 80),
            (0x300, 48),
            (0x400, 80),
            (0x450, 80),
            (0x500, 80),
            (0x600, 80),
            (0x700, 80),
        ];
        let variables = variables.iter().map(|(start, size)| (*start, start + size)).collect();
        let objects = Objects { variables, types: vec![KIND], targets: &targets };
        let words = Words::tell_apart(objects, None, &[0x100], &[0x400]);
        let chosen = |names: &[u64]| words.with_short_names(&[0x400, 0x300, 0x100], |it| names.contains(&it));
        assert_eq!(chosen(&[0x600, 0x700]), [0x300]);
        assert_eq!(chosen(&[0x700]), [0; 0]);
    }

    #[test]
    fn what_is_read_only_later_does_not_wait() {
        let targets = targets(&[(0x100, &[]), (0x400, &[])]);
        let constant =
            Segment { flags: 0, offset: 0, address: 0x400, file_size: 64, memory_size: 64, alignment: 8 };
        assert_eq!(told(&targets, &[0x100, 0x400], None).0, [0x408]);
        assert_eq!(told(&targets, &[0x100, 0x400], Some(constant)).0, [0; 0]);
    }

    #[test]
    fn what_is_no_variable_is_not_reached() {
        let targets = targets(&[(0x100, &[0x200]), (0x200, &[]), (0x400, &[])]);
        assert_eq!(told(&targets, &[0x100, 0x400], None).1, [true, false, false, true, false]);
        assert_eq!(told(&targets, &[0x100, 0x1f8, 0x400], None).1, [true, false, false, true, false]);
    }
}
