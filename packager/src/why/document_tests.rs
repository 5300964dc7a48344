//! What is written is read back; what is damaged is refused.

use super::super::tests::small;
use super::*;

#[test]
fn reads_back_what_was_written() {
    let reasons = small();
    let bytes = reasons.to_bytes().unwrap();
    assert_eq!(Reasons::from_bytes(&bytes).unwrap(), reasons);
    assert_eq!(bytes, small().to_bytes().unwrap(), "the same reasons give the same bytes");
}

#[test]
fn a_file_is_named_by_its_module() {
    for (name, file, short) in [
        ("a.b", "a/b.py", "*.py"),
        ("a.b", "a/b/__init__.py", "*/__init__.py"),
        ("__main__", "app.py", "app.py"),
        ("_io", "", ""),
    ] {
        assert_eq!(shortened(name, file), short);
        assert_eq!(lengthened(name, short), file);
    }
}

#[test]
fn numbers_that_lead_nowhere_are_refused() {
    let text = String::from_utf8(small().to_bytes().unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let refused = |pointer: &str, value: serde_json::Value| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        Reasons::from_bytes(&serde_json::to_vec(&document).unwrap()).unwrap_err().to_string()
    };
    for pointer in ["/edges/to/0", "/edges/rule/0", "/edges/text/0", "/edges/count/0", "/libraries/1/users/0"]
    {
        assert!(refused(pointer, 99.into()).contains("damaged"), "{pointer}");
    }
    assert!(refused("/edges/count/0", u32::MAX.into()).contains("damaged"));
    assert!(refused("/modules/0", "zz".into()).contains("not sorted"));
    assert!(refused("/version", 2.into()).contains("version 2"));
    assert!(refused("/edges/to/0", (-1).into()).contains("cannot be read"));
    assert!(Reasons::from_bytes(b"").is_err());
}
