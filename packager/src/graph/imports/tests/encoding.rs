//! Sources in other encodings than UTF-8.

use super::{MODULE, linux, shown, try_read};
use crate::graph::imports::{ReadError, Request};

fn imported(source: &[u8]) -> Result<Vec<String>, ReadError> {
    try_read(source, &MODULE, &linux(11)).map(|found| shown(&found))
}

#[test]
fn reads_utf_8_with_and_without_mark_and_cookie() {
    for source in [
        "import é",
        "\u{feff}import é",
        "\u{feff}# coding: utf-8\nimport é",
        "#!/usr/bin/python\n# -*- coding: UTF8 -*-\nimport é",
        "# vim: set fileencoding=utf-8-unix :\nimport é",
        "\n  \x0c# coding=utf_8\nimport é",
    ] {
        assert_eq!(imported(source.as_bytes()), Ok(vec!["é".to_owned()]), "{source:?}");
    }
}

#[test]
fn reads_single_byte_encodings() {
    let source = |cookie: &str, byte: u8| [b"# coding: ", cookie.as_bytes(), b"\nimport m", &[byte]].concat();
    for (cookie, byte, expected) in [
        ("latin-1", 0xe9, "mé"),
        ("iso-8859-1", 0xe9, "mé"),
        ("ISO_8859-1-dos", 0xe9, "mé"),
        ("iso8859-15", 0xa8, "mš"),
        ("cp1252", 0x9a, "mš"),
        ("windows-1252", 0xe9, "mé"),
    ] {
        assert_eq!(imported(&source(cookie, byte)), Ok(vec![expected.to_owned()]), "{cookie}");
    }
    assert_eq!(imported(b"# coding: us-ascii\nimport m"), Ok(vec!["m".to_owned()]));
}

#[test]
fn refuses_what_only_the_interpreter_can_decode() {
    for source in [
        &b"# coding: euc-jp\nimport m"[..],
        b"# coding: nonsense\nimport m",
        b"\xef\xbb\xbf# coding: latin-1\nimport m",
        b"import m\xff",
        b"# coding: ascii\nimport m # \xc3\xa9",
        b"# coding: cp1252\nimport m # \x81",
        b"i\0m\0p\0\xff\xfe",
    ] {
        assert!(matches!(imported(source), Err(ReadError::Encoding(_))), "{source:?}");
    }
}

#[test]
fn a_cookie_counts_only_in_a_comment_of_the_first_two_lines() {
    for source in [
        "\n\n# coding: euc-jp\nimport m",
        "x = 1\n# coding: euc-jp\nimport m",
        "'# coding: euc-jp'\nimport m",
    ] {
        assert_eq!(imported(source.as_bytes()), Ok(vec!["m".to_owned()]), "{source}");
    }
    assert!(imported(b"#!/bin/sh\r\n# coding: euc-jp\nimport m").is_err());
}

#[test]
fn knows_the_line_after_a_mark() {
    let found = try_read("\u{feff}\nimport m".as_bytes(), &MODULE, &linux(11)).expect("the source is read");
    let found: Vec<_> = found.edges.into_iter().map(|edge| (edge.request, edge.line)).collect();
    assert_eq!(found, [(Request::Module("m".to_owned()), 2)]);
}
