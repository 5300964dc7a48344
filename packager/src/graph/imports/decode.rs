//! Source bytes to text, as PEP 263 has it.
//!
//! A byte order mark means UTF-8; else a cookie in the first two lines names the encoding, the second counting
//! only if the first is blank or a comment; else UTF-8. The names are those of CPython's `encodings/aliases.py`,
//! the cookie that of `Lib/tokenize.py`. Only encodings that extend ASCII byte by byte and are in use are
//! decoded here. Imports are ASCII nearly always; what is not decoded faithfully must be refused, since a name
//! read wrongly would be a module not found.

use std::borrow::Cow;

/// Why the bytes could not be made text here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// An encoding that this module does not know.
    #[error("the source encoding {0:?} is not one that can be read without the interpreter")]
    Unknown(String),
    /// A byte order mark and a cookie that contradict each other.
    #[error("the source begins with a UTF-8 byte order mark but declares {0:?}")]
    Contradiction(String),
    /// A byte that the encoding does not define.
    #[error("byte {offset} of the source is not valid {encoding}")]
    Invalid {
        /// The encoding, declared or assumed.
        encoding: &'static str,
        /// In bytes, from 0.
        offset: usize,
    },
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    Latin9,
    Cp1252,
}

/// The text of a source, without byte order mark.
pub(super) fn decode(source: &[u8]) -> Result<Cow<'_, str>, EncodingError> {
    let (marked, body) = match source.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => (true, body),
        None => (false, source),
    };
    let encoding = match cookie(body) {
        None => Encoding::Utf8,
        Some(declared) => {
            let encoding = named(declared);
            if marked && encoding != Some(Encoding::Utf8) {
                return Err(EncodingError::Contradiction(shown(declared)));
            }
            encoding.ok_or_else(|| EncodingError::Unknown(shown(declared)))?
        }
    };
    let skipped = source.len() - body.len();
    let invalid = |encoding, offset: usize| EncodingError::Invalid { encoding, offset: offset + skipped };
    match encoding {
        Encoding::Utf8 => match std::str::from_utf8(body) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => Err(invalid("UTF-8", error.valid_up_to())),
        },
        Encoding::Ascii => match std::str::from_utf8(body) {
            Ok(text) if text.is_ascii() => Ok(Cow::Borrowed(text)),
            _ => Err(invalid("ASCII", body.iter().position(|byte| !byte.is_ascii()).unwrap_or(0))),
        },
        Encoding::Latin1 => {
            bytewise(body, |byte| Some(char::from(byte))).map_err(|at| invalid("Latin-1", at))
        }
        Encoding::Latin9 => bytewise(body, latin9).map_err(|at| invalid("ISO-8859-15", at)),
        Encoding::Cp1252 => bytewise(body, cp1252).map_err(|at| invalid("cp1252", at)),
    }
}

/// The encoding that the first two lines declare.
fn cookie(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    for _ in 0..2 {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        let comment = line.trim_ascii_start();
        if comment.first() == Some(&b'#') {
            if let Some(found) = cookie_in(comment) {
                return Some(found);
            }
        } else if !comment.is_empty() {
            return None;
        }
        rest = match after {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => return None,
        };
    }
    None
}

/// `coding[:=]\s*([-\w.]+)`, the leftmost that matches.
fn cookie_in(comment: &[u8]) -> Option<&[u8]> {
    let starts = comment.windows(6).enumerate().filter(|(_, window)| *window == b"coding").map(|(at, _)| at);
    for start in starts {
        let Some([b':' | b'=', rest @ ..]) = comment.get(start + 6..) else { continue };
        let blanks = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
        let value = rest.get(blanks..).unwrap_or_default();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let end = value.iter().position(|byte| !is_name(byte)).unwrap_or(value.len());
        if end > 0 {
            return value.get(..end);
        }
    }
    None
}

/// The encoding of a name, compared as `encodings.normalize_encoding` does: case and punctuation aside.
fn named(declared: &[u8]) -> Option<Encoding> {
    let name = shown(declared).to_ascii_lowercase().replace(['-', '.'], "_");
    match name.as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "utf8_ucs2" | "utf8_ucs4" | "cp65001" | "utf_8_sig" => {
            Some(Encoding::Utf8)
        }
        "ascii" | "us_ascii" | "us" | "646" | "ansi_x3_4_1968" | "iso646_us" | "cp367" => {
            Some(Encoding::Ascii)
        }
        "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "iso8859" | "8859" | "cp819" => {
            Some(Encoding::Latin1)
        }
        "iso_8859_15" | "iso8859_15" | "latin_9" | "latin9" | "l9" => Some(Encoding::Latin9),
        "cp1252" | "windows_1252" | "1252" => Some(Encoding::Cp1252),
        // As `tokenize.get_normal_name`: Emacs writes `utf-8-unix`, `latin-1-dos`.
        _ if name.starts_with("utf_8_") => Some(Encoding::Utf8),
        _ if ["latin_1_", "iso_8859_1_", "iso_latin_1_"].iter().any(|prefix| name.starts_with(prefix)) => {
            Some(Encoding::Latin1)
        }
        "iso_latin_1" => Some(Encoding::Latin1),
        _ => None,
    }
}

fn shown(declared: &[u8]) -> String {
    String::from_utf8_lossy(declared).into_owned()
}

/// Decodes byte by byte; the error is the offset of an undefined byte.
fn bytewise(body: &[u8], decode: impl Fn(u8) -> Option<char>) -> Result<Cow<'_, str>, usize> {
    if let Ok(text) = std::str::from_utf8(body)
        && text.is_ascii()
    {
        return Ok(Cow::Borrowed(text));
    }
    let characters = body.iter().enumerate().map(|(offset, &byte)| decode(byte).ok_or(offset));
    Ok(Cow::Owned(characters.collect::<Result<String, usize>>()?))
}

fn latin9(byte: u8) -> Option<char> {
    Some(match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    })
}

fn cp1252(byte: u8) -> Option<char> {
    const FROM_80: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’',
        '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80.get(usize::from(byte - 0x80)).copied().filter(|&character| character != '\0'),
        _ => Some(char::from(byte)),
    }
}
