//! The instructions that are read and written (AMD64; Intel, Software Developer's Manual, volume 2).

use crate::fuse::machine::relative;

/// endbr64, where indirect calls may lead.
const LANDING_PAD: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// lea rdi, [rip + …]: what comes before each call in `_Py_Deepfreeze_Init`.
const ARGUMENT: [u8; 3] = [0x48, 0x8d, 0x3d];
const ARGUMENT_LENGTH: usize = 7;

/// Returns 0 from `_Py_Deepfreeze_Init`, in the place of such an instruction.
pub const LEAVE: [u8; ARGUMENT_LENGTH] = [
    0x31, 0xc0, // xor eax, eax
    0x48, 0x83, 0xc4, 0x08, // add rsp, 8
    0xc3, // ret
];

/// Makes ready what has waited: the stub's part, then, if nobody had asked before, CPython's.
pub const GO_ON: [u8; 30] = [
    0x48, 0x83, 0xec, 0x08, // sub rsp, 8
    0xe8, 0, 0, 0, 0, // call the stub's function
    0x85, 0xc0, // test eax, eax
    0x74, 0x0c, // je to the end
    0x48, 0x8d, 0x3d, 0, 0, 0, 0, // lea rdi, the code object
    0xe9, 0, 0, 0, 0, // jmp behind LEAVE
    0x48, 0x83, 0xc4, 0x08, // add rsp, 8
    0xc3, // ret
];

/// Makes ready what has waited, then gets a code object.
pub const ASK: [u8; 12] = [
    0x50, // push rax
    0xe8, 0, 0, 0, 0,    // call GO_ON
    0x59, // pop rcx
    0xe9, 0, 0, 0, 0, // jmp to CPython's function
];

/// How much of a function that gets a code object is looked at, in bytes.
pub const GETTER: u64 = 32;

/// A call of `_Py_Deepfreeze_Init`.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it begins.
    pub address: u64,
    /// The code object that it is about.
    pub object: u64,
}

/// The calls in the code of `_Py_Deepfreeze_Init`, which is at an address: one after the other, each followed by a test of
/// what it returned; whatever follows the last one. None where there is anything else.
pub fn calls(code: &[u8], address: u64) -> Option<Vec<Call>> {
    let mut reader = Reader { code, next: address };
    reader.skip(&LANDING_PAD);
    // sub rsp, 8 or push rax
    if !reader.skip(&[0x48, 0x83, 0xec, 0x08]) && !reader.skip(&[0x50]) {
        return None;
    }
    let (mut calls, mut callee) = (Vec::new(), None);
    loop {
        let start = reader.next;
        if !reader.skip(&ARGUMENT) {
            return None;
        }
        let object = reader.distance()?;
        if !reader.skip(&[0xe8]) {
            return None;
        }
        let function = reader.distance()?;
        if *callee.get_or_insert(function) != function {
            return None;
        }
        calls.push(Call { address: start, object });
        // test eax, eax
        if !reader.skip(&[0x85, 0xc0]) {
            return Some(calls);
        }
        // js
        if reader.skip(&[0x0f, 0x88]) {
            reader.distance()?;
        } else if !reader.skip(&[0x78]) || reader.take::<1>().is_none() {
            return None;
        }
    }
}

/// The objects to which code at an address adds a reference: add qword ptr [rip + …], 1.
pub fn counted(code: &[u8], address: u64) -> impl Iterator<Item = u64> {
    let counts = move |(at, bytes): (usize, &[u8])| {
        let distance = bytes.strip_prefix(&[0x48, 0x83, 0x05])?.strip_suffix(&[1])?;
        let end = address.wrapping_add((at + bytes.len()) as u64);
        Some(end.wrapping_add_signed(i32::from_le_bytes(distance.try_into().ok()?).into()))
    };
    code.windows(8).enumerate().filter_map(counts)
}

/// [`GO_ON`] for an address; `rest` is where the calls go on.
pub fn go_on(address: u64, prepare: u64, object: u64, rest: u64) -> Option<[u8; GO_ON.len()]> {
    with_distances(
        GO_ON,
        address,
        [(5, prepare), (16, object), (21, rest.wrapping_add(ARGUMENT_LENGTH as u64))],
    )
}

/// What comes before a call, for an address.
pub fn argument(address: u64, object: u64) -> Option<[u8; ARGUMENT_LENGTH]> {
    let [first, second, third] = ARGUMENT;
    with_distances([first, second, third, 0, 0, 0, 0], address, [(3, object)])
}

/// [`ASK`] for an address.
pub fn ask(address: u64, go_on: u64, function: u64) -> Option<[u8; ASK.len()]> {
    with_distances(ASK, address, [(2, go_on), (8, function)])
}

fn with_distances<const LENGTH: usize>(
    mut code: [u8; LENGTH],
    address: u64,
    distances: impl IntoIterator<Item = (usize, u64)>,
) -> Option<[u8; LENGTH]> {
    for (at, target) in distances {
        let distance = relative(address.wrapping_add(at as u64), target)?;
        code.get_mut(at..at + distance.len())?.copy_from_slice(&distance);
    }
    Some(code)
}

/// Code that is read.
struct Reader<'a> {
    code: &'a [u8],
    /// Address of the next byte.
    next: u64,
}

impl Reader<'_> {
    /// Goes past these bytes, if they come next.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let rest = self.code.strip_prefix(bytes);
        if let Some(rest) = rest {
            self.code = rest;
            self.next = self.next.wrapping_add(bytes.len() as u64);
        }
        rest.is_some()
    }

    fn take<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (bytes, rest) = self.code.split_first_chunk()?;
        self.code = rest;
        self.next = self.next.wrapping_add(LENGTH as u64);
        Some(*bytes)
    }

    /// The last four bytes of an instruction, a distance from its end: the address that they mean.
    fn distance(&mut self) -> Option<u64> {
        let distance = i32::from_le_bytes(self.take()?);
        Some(self.next.wrapping_add_signed(distance.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 0x10_0000;

    /// The code of a `_Py_Deepfreeze_Init` that is about these objects, between a begin and an end.
    fn calling(objects: &[u64], begin: &[u8], end: &[u8]) -> Vec<u8> {
        let mut code = begin.to_vec();
        for object in objects {
            code.extend(argument(AT + code.len() as u64, *object).unwrap());
            code.push(0xe8);
            code.extend(relative(AT + code.len() as u64, AT - 64).unwrap());
            code.extend([0x85, 0xc0]);
            match object % 2 {
                0 => code.extend([0x0f, 0x88, 1, 0, 0, 0]),
                _ => code.extend([0x78, 1]),
            }
        }
        // The last call is followed by something else than a test.
        let last = code.len() - if objects.last().is_some_and(|object| object % 2 == 0) { 8 } else { 4 };
        code.truncate(last);
        [&code, end].concat()
    }

    #[test]
    fn calls_are_read_one_after_the_other() {
        let objects = [0x4000, 0x4101, 0x20_0000, 7];
        for begin in [&[0x50][..], &[0x48, 0x83, 0xec, 8], &[0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8]] {
            let calls = calls(&calling(&objects, begin, &[0xc1, 0xf8, 0x1f]), AT).unwrap();
            let found: Vec<u64> = calls.iter().map(|call| call.object).collect();
            assert_eq!(found, objects);
            assert_eq!(calls[0].address, AT + begin.len() as u64);
            assert_eq!(calls[1].address - calls[0].address, 20);
            assert_eq!(calls[2].address - calls[1].address, 16);
        }
    }

    #[test]
    fn other_code_is_not_taken_for_calls() {
        let good = calling(&[0x4000, 0x4100], &[0x50], &[0xc3]);
        assert_eq!(calls(&good, AT).map(|calls| calls.len()), Some(2));
        assert_eq!(calls(&good[1..], AT), None, "another begin");
        // Those of instructions; the last is of the second call's distance.
        for at in [0, 1, 2, 3, 8, 15, 16, 21, 22, 23, 28, 29] {
            let mut other = good.clone();
            other[at] ^= 0x40;
            assert_eq!(calls(&other, AT), None, "byte {at}");
        }
        // No test of what was returned: the last call.
        for at in [13, 14] {
            let mut shorter = good.clone();
            shorter[at] ^= 0x40;
            assert_eq!(calls(&shorter, AT).map(|calls| calls.len()), Some(1));
        }
        for length in (0..13).chain(15..good.len() - 1) {
            assert_eq!(calls(&good[..length], AT), None, "the first {length} bytes");
        }
    }

    #[test]
    fn the_object_that_gets_a_reference_is_found() {
        let counting = [0x48, 0x8d, 0x05, 1, 2, 3, 4, 0x48, 0x83, 0x05, 0xf1, 0xff, 0xff, 0xff, 0x01, 0xc3];
        assert_eq!(counted(&counting, AT).collect::<Vec<_>>(), [AT]);
        assert_eq!(counted(&counting[..14], AT).count(), 0);
        let by_two = counting.map(|byte| if byte == 0x01 { 2 } else { byte });
        assert_eq!(counted(&by_two, AT).count(), 0);
    }

    #[test]
    fn what_is_written_leads_where_it_should() {
        let whole = go_on(AT, AT + 0x100, AT + 0x200, AT + 0x300).unwrap();
        let at = |code: &[u8], at: usize| {
            let distance = i32::from_le_bytes(*code[at..].first_chunk().unwrap());
            (AT + at as u64 + 4).wrapping_add_signed(distance.into())
        };
        assert_eq!([5, 16, 21].map(|place| at(&whole, place)), [AT + 0x100, AT + 0x200, AT + 0x307]);
        assert_eq!(GO_ON[12] as usize, GO_ON.len() - 5 - 13, "the jump leads to what gives the stack back");
        let asking = ask(AT, AT - 8, AT + 64).unwrap();
        assert_eq!([2, 8].map(|place| at(&asking, place)), [AT - 8, AT + 64]);
        assert_eq!(ask(AT, AT, AT + (1 << 33)), None, "too far");
    }
}
