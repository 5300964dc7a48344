//! What a file seems to be that snapfreeze has not built: told by the first bytes, or the last.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::native::NativeNeeds;

/// How many bytes at the end are looked at.
const TAIL: u64 = 64 << 10;
/// What ends the archive that PyInstaller appends to its programs.
const PYINSTALLER: &[u8] = b"MEI\x0c\x0b\x0a\x0b\x0e";
/// The end of a zip archive's directory (APPNOTE.TXT, 4.3.16).
const ZIP_END: &[u8] = b"PK\x05\x06";

/// What a file seems to be, with an article.
///
/// # Errors
/// When it cannot be read.
pub fn seems(file: &mut File) -> io::Result<String> {
    let length = file.metadata()?.len();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(256).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    Read::by_ref(file).take(TAIL).read_to_end(&mut tail)?;
    let ends_with = |magic: &[u8]| memchr::memmem::rfind(&tail, magic).is_some();
    Ok(match head.as_slice() {
        [] => "an empty file".into(),
        _ if ends_with(PYINSTALLER) => "a program made by PyInstaller".into(),
        [0x7f, b'E', b'L', b'F', ..] if head.get(8..11) == Some(b"AI\x02") => "an AppImage".into(),
        [0x7f, b'E', b'L', b'F', ..] => match NativeNeeds::read(file) {
            Ok(needs) => format!("an ELF file for {}, without an archive", needs.machine),
            Err(error) => format!("an ELF file that {error}"),
        },
        [b'#', b'!', rest @ ..] if ends_with(ZIP_END) => {
            format!("a zip archive of Python code for {}", interpreter(rest))
        }
        [b'#', b'!', rest @ ..] => format!("a script for {}", interpreter(rest)),
        [b'P', b'K', 3, 4, ..] => "a zip archive".into(),
        [b'M', b'Z', ..] => "a program for Windows".into(),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a program for macOS".into(),
        _ if std::str::from_utf8(&head).is_ok() => "a text file".into(),
        _ => "no program".into(),
    })
}

/// The program that a script's first line names.
fn interpreter(line: &[u8]) -> String {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text: String = String::from_utf8_lossy(line).chars().filter(|one| !one.is_control()).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_of_others_are_named() {
        let of = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            seems(&mut file).unwrap()
        };
        assert_eq!(of(b""), "an empty file");
        assert_eq!(of(b"#!/bin/sh -e\necho\n"), "a script for /bin/sh -e");
        assert_eq!(
            of(b"#!/usr/bin/env python3\nPK\x05\x06"),
            "a zip archive of Python code for /usr/bin/env python3"
        );
        assert_eq!(of(b"print()\n"), "a text file");
        assert_eq!(of(b"\x00\xff"), "no program");
        assert_eq!(
            of(b"\x7fELF\x02\x01"),
            "an ELF file that is truncated: the ELF header lies beyond the end of the file"
        );
        let frozen = [b"\x7fELF".as_slice(), &[0; 200], PYINSTALLER, &[7; 80]].concat();
        assert_eq!(of(&frozen), "a program made by PyInstaller");
        assert!(seems(&mut File::open("/proc/self/exe").unwrap()).unwrap().starts_with("an ELF file for "));
    }
}
