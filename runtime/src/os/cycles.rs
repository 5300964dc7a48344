//! Libraries that need each other.
//!
//! Of two such libraries neither can be loaded before the other. So both are unpacked first, and where one names the
//! other (`DT_NEEDED`, and in its records of versions) the name is overwritten with the path of the other's memory file:
//! glibc opens a name with a slash as it is, and knows the library by it from then on. A name is overwritten wherever
//! it stands between null bytes, for string tables hold it so; one that is shorter than the path stays, and
//! then loading fails as it would have.

use std::ffi::CString;

use super::memory_file::MemoryFile;

/// A library of a cycle, unpacked, and not sealed yet.
pub struct Member {
    /// The name by which the others ask for it.
    pub name: String,
    /// The path by which they are to find it.
    pub path: CString,
    /// Its bytes.
    pub file: MemoryFile,
}

/// Lets each member find the others by their paths.
pub fn connect(members: &mut [Member]) {
    let names: Vec<(String, CString)> =
        members.iter().map(|member| (member.name.clone(), member.path.clone())).collect();
    for (number, member) in members.iter_mut().enumerate() {
        for (other, (name, path)) in names.iter().enumerate() {
            if other != number {
                overwrite(member.file.bytes(), name.as_bytes(), path.as_bytes());
            }
        }
    }
}

/// Overwrites a string wherever it stands between null bytes; what is left of it becomes null bytes.
fn overwrite(bytes: &mut [u8], name: &[u8], path: &[u8]) {
    if name.is_empty() || path.len() > name.len() {
        return;
    }
    let pattern = [b"\0", name, b"\0"].concat();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| position(rest, &pattern)) {
        let start = at + found + 1;
        let end = start + name.len();
        if let Some(place) = bytes.get_mut(start..end) {
            let (head, tail) = place.split_at_mut(path.len());
            head.copy_from_slice(path);
            tail.fill(0);
        }
        at = end;
    }
}

/// Where a pattern that begins with a null byte and has another one at its end stands first.
fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    // Names of libraries are rare, and so is their last letter's neighbourhood: the second byte is looked for first.
    let second = *pattern.get(1)?;
    let mut at = 0;
    loop {
        let found = bytes.get(at + 1..)?.iter().position(|byte| *byte == second)?;
        at += found;
        if bytes.get(at..)?.starts_with(pattern) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_overwritten_where_they_stand_alone() {
        let mut bytes = b"\0libb.so.1.2\0xlibb.so.1.2\0libb.so.1.2.3\0libb.so.1.2\0".to_vec();
        overwrite(&mut bytes, b"libb.so.1.2", b"/fd/7");
        let expected = b"\0/fd/7\0\0\0\0\0\0\0xlibb.so.1.2\0libb.so.1.2.3\0/fd/7\0\0\0\0\0\0\0";
        assert_eq!(bytes, expected);
        let before = bytes.clone();
        overwrite(&mut bytes, b"/fd/7", b"/fd/10");
        overwrite(&mut bytes, b"", b"");
        overwrite(&mut bytes, b"none", b"/");
        assert_eq!(bytes, before, "too long, nothing, not there");
        overwrite(&mut [], b"a", b"b");
    }

    #[test]
    fn each_member_finds_the_others_and_keeps_its_own_name() {
        let member = |name: &str, path: &str, text: &[u8]| {
            let mut file = MemoryFile::new(name, text.len()).unwrap();
            file.bytes().copy_from_slice(text);
            Member { name: name.into(), path: CString::new(path).unwrap(), file }
        };
        let mut members =
            [member("one.so", "/1", b"\0one.so\0two.so\0"), member("two.so", "/2", b"\0one.so\0two.so\0")];
        connect(&mut members);
        assert_eq!(members[0].file.bytes(), b"\0one.so\0/2\0\0\0\0\0");
        assert_eq!(members[1].file.bytes(), b"\0/1\0\0\0\0\0two.so\0");
    }
}
