//! Tests of canonical marshal on inputs made by hand; those against installed interpreters are in `interpreters.rs`.
//!
//! The inputs use the layout of 3.11. `module` puts objects, given as marshal bytes, into the constants
//! of a code object; `constants` takes them out of canonical output again.

mod interpreters;

use super::{MarshalError, canonical};

const FILENAME: &str = "app/module.py";

fn integers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A code object of 3.11 with these constants; its names are `os.path` and `x`.
fn module(constants: &[&[u8]]) -> Vec<u8> {
    let count = [u8::try_from(constants.len()).unwrap()];
    let parts: &[&[u8]] = &[
        b"c",
        &integers(&[0, 0, 0, 2, 64]),
        b"s\x02\0\0\0\x97\0",
        b")",
        &count,
        &constants.concat(),
        b")\x02z\x07os.pathZ\x01x",
        b")\0",
        b"s\0\0\0\0",
        b"a\x0b\0\0\0/build/m.py",
        b"z\x08<module>",
        b"z\x08<module>",
        &integers(&[1]),
        b"s\x02\0\0\0\xf0\x03",
        b"s\0\0\0\0",
    ];
    parts.concat()
}

/// The canonical form of the constants of [`module`], and what is around them.
fn constants(input: &[&[u8]]) -> Vec<u8> {
    let output = canonical(&module(input), 11, FILENAME).unwrap();
    let end = find(&output, b")\x02Z\x07os.path");
    output[30..end].to_vec()
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).unwrap()
}

#[test]
fn replaces_the_file_name_and_shares_equal_fields() {
    let output = canonical(&module(&[b"N"]), 11, FILENAME).unwrap();
    let parts: &[&[u8]] = &[
        b"c",
        &integers(&[0, 0, 0, 2, 64]),
        b"s\x02\0\0\0\x97\0",
        b")\x01N",
        b")\x02Z\x07os.pathZ\x01x",
        b")\0",
        b"\xf3\0\0\0\0",
        b"Z\x0dapp/module.py",
        b"\xda\x08<module>",
        b"r\x01\0\0\0",
        &integers(&[1]),
        b"s\x02\0\0\0\xf0\x03",
        b"r\0\0\0\0",
    ];
    assert_eq!(output.escape_ascii().to_string(), parts.concat().escape_ascii().to_string());
}

#[test]
fn is_a_fixed_point() {
    let once = canonical(&module(&[b"z\x02a-", b"z\x02a-", b")\x01T"]), 11, FILENAME).unwrap();
    assert_eq!(canonical(&once, 11, FILENAME).unwrap(), once);
}

#[test]
fn every_type_code_has_one_canonical_form() {
    let long_text = [b"a\x00\x01\0\0".as_slice(), &[b'-'; 256]].concat();
    let long_name = [b"A\x00\x01\0\0".as_slice(), &[b'n'; 256]].concat();
    let long_tuple = [b"(\x00\x01\0\0".as_slice(), &[b'N'; 256]].concat();
    let one = 1f64.to_le_bytes();
    let binary = [b"g".as_slice(), &one].concat();
    let complex = [b"y".as_slice(), &one, &one].concat();
    let table: &[(&[u8], &[u8])] = &[
        (b"N", b"N"),
        (b"F", b"F"),
        (b"T", b"T"),
        (b"S", b"S"),
        (b".", b"."),
        (b"\xce", b"N"),
        (b"i\xff\xff\xff\xff", b"i\xff\xff\xff\xff"),
        (b"I\x07\0\0\0\0\0\0\0", b"i\x07\0\0\0"),
        (b"I\0\0\0\x80\0\0\0\0", b"l\x03\0\0\0\0\0\0\0\x02\0"),
        (b"I\xff\xff\xff\x7f\xff\xff\xff\xff", b"l\xfd\xff\xff\xff\x01\0\0\0\x02\0"),
        (b"l\0\0\0\0", b"i\0\0\0\0"),
        (b"l\xff\xff\xff\xff\x05\0", b"i\xfb\xff\xff\xff"),
        (b"l\xfd\xff\xff\xff\0\0\0\0\x02\0", b"i\0\0\0\x80"),
        (b"l\x05\0\0\0\x01\0\x02\0\x03\0\x04\0\x05\0", b"l\x05\0\0\0\x01\0\x02\0\x03\0\x04\0\x05\0"),
        (b"f\x011", &binary),
        (&binary, &binary),
        (b"x\x011\x031.0", &complex),
        (&complex, &complex),
        (b"s\x02\0\0\0\xff\0", b"s\x02\0\0\0\xff\0"),
        (b"t\x03\0\0\0a-b", b"z\x03a-b"),
        (b"u\x03\0\0\0a_b", b"Z\x03a_b"),
        (b"u\0\0\0\0", b"Z\0"),
        (b"t\x02\0\0\0\xc3\xa4", b"u\x02\0\0\0\xc3\xa4"),
        (b"u\x04\0\0\0\xed\xb3\xbf!", b"u\x04\0\0\0\xed\xb3\xbf!"),
        (&long_text, &long_text),
        (&long_name, &long_name),
        (b"Z\x03a-b", b"z\x03a-b"),
        (b"z\x07os.path", b"\xda\x07os.path"),
        (b"(\x01\0\0\0N", b")\x01N"),
        (&long_tuple, &long_tuple),
        (b"[\x01\0\0\0N", b"[\x01\0\0\0N"),
        (b"{NT0", b"{NT0"),
        (b"{0", b"{0"),
        (b"<\x01\0\0\0T", b"<\x01\0\0\0T"),
        (b">\x01\0\0\0T", b">\x01\0\0\0T"),
        (b">\0\0\0\0", b">\0\0\0\0"),
    ];
    for (input, expected) in table {
        let output = canonical(&module(&[input]), 11, FILENAME).unwrap();
        let constants = &output[28..];
        let shown = constants.escape_ascii().to_string();
        assert!(constants.starts_with(&[b")\x01", *expected].concat()), "{}: {shown}", input.escape_ascii());
    }
}

#[test]
fn constants_of_unequal_type_or_bits_stay_apart() {
    let (zero, minus_zero) =
        ([b"g".as_slice(), &0f64.to_le_bytes()].concat(), [b"g".as_slice(), &(-0f64).to_le_bytes()].concat());
    let input: &[&[u8]] = &[
        b"i\x01\0\0\0",
        b"T",
        &zero,
        &minus_zero,
        b"z\x01y",
        b"s\x01\0\0\0y",
        b")\x01T",
        b")\x01i\x01\0\0\0",
    ];
    let expected = [
        b"\xe9\x01\0\0\0".as_slice(),
        b"T",
        &zero,
        &minus_zero,
        b"Z\x01y",
        b"s\x01\0\0\0y",
        b")\x01T",
        b")\x01r\0\0\0\0",
    ];
    assert_eq!(constants(input), expected.concat());
}

#[test]
fn equal_constants_are_one_object_and_references_are_resolved() {
    assert_eq!(
        constants(&[b")\x01z\x02a-", b")\x01z\x02a-", b"z\x02a-"]),
        b"\xa9\x01\xfa\x02a-r\0\0\0\0r\x01\0\0\0"
    );
    assert_eq!(constants(&[b"\xfa\x02a-", b"r\0\0\0\0"]), b"\xfa\x02a-r\0\0\0\0");
    // The tuple takes its index before its element does.
    assert_eq!(constants(&[b"\xa9\x01\xfa\x02a-", b"r\x01\0\0\0"]), b")\x01\xfa\x02a-r\0\0\0\0");
}

#[test]
fn nans_and_mutable_objects_are_shared_only_where_the_input_shares_them() {
    let nan = [b"g".as_slice(), &f64::NAN.to_le_bytes()].concat();
    assert_eq!(constants(&[&nan, &nan]), [nan.as_slice(), &nan].concat());
    assert_eq!(constants(&[b"[\0\0\0\0", b"[\0\0\0\0"]), b"[\0\0\0\0[\0\0\0\0");
    assert_eq!(constants(&[b"\xdb\0\0\0\0", b"r\0\0\0\0"]), b"\xdb\0\0\0\0r\0\0\0\0");
}

#[test]
fn code_objects_are_shared_only_where_the_input_shares_them() {
    let inner = module(&[b"N"]);
    let twice = canonical(&module(&[&inner, &inner]), 11, FILENAME).unwrap();
    let shared = [&[inner[0] | 0x80], &inner[1..]].concat();
    let once = canonical(&module(&[&shared, b"r\0\0\0\0"]), 11, FILENAME).unwrap();
    assert!(once.len() + 20 < twice.len());
    for output in [once, twice] {
        assert!(!output.windows(7).any(|window| window == b"/build/"));
        assert_eq!(output.windows(FILENAME.len()).filter(|window| *window == FILENAME.as_bytes()).count(), 1);
    }
}

#[test]
fn a_frozenset_of_numbers_keeps_its_order_and_any_other_is_sorted() {
    let numbers = b">\x02\0\0\0i\x08\0\0\0i\0\0\0\0";
    assert_eq!(constants(&[numbers]), numbers);
    assert_eq!(
        constants(&[b">\x02\0\0\0)\x01i\x08\0\0\0)\x01i\0\0\0\0"]),
        b">\x02\0\0\0)\x01i\x08\0\0\0)\x01i\0\0\0\0"
    );
    assert_eq!(constants(&[b">\x02\0\0\0z\x02b-z\x02a-"]), b">\x02\0\0\0z\x02a-z\x02b-");
    assert_eq!(constants(&[b">\x02\0\0\0Z\x01yi\0\0\0\0"]), b">\x02\0\0\0i\0\0\0\0Z\x01y");
    assert_eq!(constants(&[b">\x02\0\0\0)\x02TZ\x01z)\x02TZ\x01y"]), b">\x02\0\0\0)\x02TZ\x01y)\x02TZ\x01z");
    // Two orders of one set are one constant.
    assert_eq!(constants(&[b">\x02\0\0\0.N", b">\x02\0\0\0N."]), b"\xbe\x02\0\0\0N.r\0\0\0\0");
}

#[test]
fn none_keeps_its_place_in_a_frozenset_from_3_12() {
    let input = module(&[b">\x02\0\0\0i\x08\0\0\0N"]);
    let at = |minor| canonical(&input, minor, FILENAME).unwrap()[30..42].to_vec();
    assert_eq!(at(11), b">\x02\0\0\0Ni\x08\0\0\0)");
    assert_eq!(at(12), b">\x02\0\0\0i\x08\0\0\0N)");
}

#[test]
fn refuses_malformed_input() {
    let refused = |constant: &[u8]| canonical(&module(&[constant]), 11, FILENAME).unwrap_err();
    let deep = [[b')', 1].repeat(2000), b"N".to_vec()].concat();
    assert_eq!(refused(b"?"), MarshalError::UnknownType { code: b'?', offset: 30 });
    assert_eq!(refused(b":NNN"), MarshalError::UnknownType { code: b':', offset: 30 });
    assert_eq!(refused(b"r\0\0\0\0"), MarshalError::BadReference { index: 0, offset: 30 });
    assert_eq!(refused(b"\xa9\x01r\0\0\0\0"), MarshalError::BadReference { index: 0, offset: 32 });
    assert_eq!(refused(b"0"), MarshalError::UnexpectedNull { offset: 31 });
    assert_eq!(refused(b"{N0"), MarshalError::UnexpectedNull { offset: 33 });
    assert_eq!(refused(b"s\xff\xff\xff\xff"), MarshalError::NegativeSize { offset: 35 });
    assert!(matches!(refused(b"(\xff\xff\xff\x7f"), MarshalError::Truncated { .. }));
    assert_eq!(refused(b"l\x01\0\0\0\0\x80"), MarshalError::BadInteger { offset: 37 });
    assert_eq!(refused(b"l\x01\0\0\0\0\0"), MarshalError::BadInteger { offset: 37 });
    assert_eq!(refused(b"f\x02 1"), MarshalError::BadFloat { offset: 34 });
    assert_eq!(refused(b"z\x01\x80"), MarshalError::BadString { offset: 33 });
    assert_eq!(refused(b"u\x02\0\0\0\xed\xa0"), MarshalError::BadString { offset: 37 });
    assert!(matches!(refused(&deep), MarshalError::TooDeep { limit: 2000, .. }));
    assert_eq!(canonical(b"N", 11, FILENAME), Err(MarshalError::NotCode));
    assert_eq!(
        canonical(&[&module(&[]), b"N".as_slice()].concat(), 11, FILENAME),
        Err(MarshalError::TrailingBytes { count: 1 })
    );
    assert_eq!(canonical(b"N", 14, FILENAME), Err(MarshalError::UnsupportedVersion { minor: 14 }));
    let mut names_are_numbers = module(&[]);
    let at = find(&names_are_numbers, b"Z\x01x");
    names_are_numbers.splice(at..at + 3, *b"i\0\0\0\0");
    assert!(matches!(
        canonical(&names_are_numbers, 11, FILENAME),
        Err(MarshalError::BadField { slot: "names", .. })
    ));
}

#[test]
fn deep_nesting_up_to_the_limit_of_the_interpreter_is_accepted() {
    // The code object and its constants are two of the 2000 levels, None is a third.
    let deep = [[b')', 1].repeat(1997), b"N".to_vec()].concat();
    assert_eq!(constants(&[&deep]), deep);
}

#[test]
fn no_truncation_or_changed_byte_panics() {
    let float = [b"y".as_slice(), &[1; 16]].concat();
    let inner = module(&[b"\xfa\x01-", b"{NT0", b"l\x03\0\0\0\x01\0\x02\0\x03\0"]);
    let input =
        module(&[&inner, b"\xbe\x02\0\0\0Z\x01yr\0\0\0\0", &float, b"x\x011\x031.0", b"u\x02\0\0\0\xc3\xa4"]);
    canonical(&input, 11, FILENAME).unwrap();
    for size in 0..input.len() {
        assert!(canonical(&input[..size], 11, FILENAME).is_err(), "{size}");
    }
    let mut changed = input.clone();
    for offset in 0..input.len() {
        for byte in 0..=255 {
            changed[offset] = byte;
            for minor in [10, 11] {
                if let Ok(output) = canonical(&changed, minor, FILENAME) {
                    assert_eq!(
                        canonical(&output, minor, FILENAME).as_ref(),
                        Ok(&output),
                        "{byte} at {offset}"
                    );
                }
            }
        }
        changed[offset] = input[offset];
    }
}
