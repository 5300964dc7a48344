//! Hostile nesting: refused beyond the limits, read without exhausting the stack at them.

use std::fmt::Write as _;

use super::{MODULE, linux, try_read};
use crate::graph::imports::ReadError;
use crate::graph::imports::depth::{MAX_BRACKETS, MAX_BYTES, MAX_INDENTATION, MAX_LINKS};

fn outcome(source: &str) -> &'static str {
    match try_read(source.as_bytes(), &MODULE, &linux(11)) {
        Ok(_) => "read",
        Err(ReadError::TooDeep) => "too deep",
        Err(ReadError::Syntax { .. }) => "syntax",
        Err(ReadError::Encoding(_)) => "encoding",
    }
}

/// A repeated part of a source that adds `links` to the depth each time, and what stands around the whole.
struct Shape {
    before: &'static str,
    part: &'static str,
    after: &'static str,
    links: usize,
}

const fn shape(before: &'static str, part: &'static str, after: &'static str, links: usize) -> Shape {
    Shape { before, part, after, links }
}

const SHAPES: &[Shape] = &[
    shape("", "-", "1", 1),
    shape("", "~", "1", 1),
    shape("", "not ", "1", 1),
    shape("", "lambda: ", "1", 1),
    shape("", "lambda a: ", "a", 1),
    shape("", "lambda a, b: ", "a", 1),
    shape("", "lambda a=1, *b: ", "[a, b]", 3),
    shape("", "1 ** ", "1", 1),
    shape("", "1 + ", "1", 1),
    shape("", "'x' + ", "'x'", 1),
    shape("", "1 if 1 else ", "1", 2),
    shape("", "x if y else ", "1", 2),
    shape("", "a and b or ", "c", 2),
    shape("if ", "not ", "1: import x", 1),
    shape("", "x or not ", "1", 2),
    shape("x", ".y", "", 1),
    shape("x", "()", "", 1),
    shape("x", "[0]", "", 1),
    shape("x", "(a, b=1)[c].d", "", 3),
    shape("__all__ = ['x']", " + ['x']", "", 2),
    shape("import sys\nif sys.platform", ".lower()", " == 'x': pass", 2),
    shape("match x:\n    case ", "1 | ", "1: pass", 1),
    shape("@", "x.", "y\ndef f(): pass", 1),
];

#[test]
fn reads_chains_up_to_the_limit_and_refuses_longer_ones() {
    for shape in SHAPES {
        let source = |count: usize| format!("{}{}{}\n", shape.before, shape.part.repeat(count), shape.after);
        let most = MAX_LINKS / shape.links - 10;
        assert_eq!(outcome(&source(most)), "read", "{:?} × {most}", shape.part);
        assert_eq!(outcome(&source(MAX_LINKS + 1)), "too deep", "{:?}", shape.part);
    }
}

#[test]
fn reads_brackets_up_to_the_limit_and_refuses_more() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{1: ", "}"), ("f(", ")"), ("x[", "]"), ("(x, ", ")"), ("{*", "}")]
    {
        let source = |depth: usize| format!("{}{{}}{}\n", open.repeat(depth), close.repeat(depth));
        assert_eq!(outcome(&source(MAX_BRACKETS - 1)), "read", "{open}");
        assert_eq!(outcome(&source(MAX_BRACKETS)), "too deep", "{open}");
        assert_eq!(outcome(&open.repeat(1_000_000)), "too deep", "{open}");
    }
}

#[test]
fn nested_format_strings_count_as_brackets() {
    let source = |depth: usize| format!("{}1{}\n", "f\"{".repeat(depth), "}\"".repeat(depth));
    assert_eq!(outcome(&source(MAX_BRACKETS / 2)), "read");
    assert_eq!(outcome(&source(MAX_BRACKETS / 2 + 1)), "too deep");
}

#[test]
fn reads_indentation_up_to_the_limit_and_refuses_more() {
    for header in ["if x:", "def f():", "class C:", "while x:", "with x:", "for x in y:", "try:", "match x:"]
    {
        let source = |depth: usize| {
            let mut source = String::new();
            for level in 0..depth {
                let header = if header == "match x:" && level % 2 == 1 { "case 1:" } else { header };
                let _ = writeln!(source, "{}{header}", " ".repeat(level));
            }
            let _ = writeln!(source, "{}import x", " ".repeat(depth));
            if header == "try:" {
                for level in (0..depth).rev() {
                    let _ = writeln!(source, "{0}except E:\n{0} pass", " ".repeat(level));
                }
            }
            source
        };
        assert_eq!(outcome(&source(MAX_INDENTATION)), "read", "{header}");
        assert_eq!(outcome(&source(MAX_INDENTATION + 2)), "too deep", "{header}");
    }
}

#[test]
fn brackets_indentation_and_chains_together_do_not_exhaust_the_stack() {
    let mut source = String::new();
    for level in 0..MAX_INDENTATION {
        let _ = writeln!(source, "{}def f(a, b):", " ".repeat(level));
    }
    let chain = "lambda a: [".repeat(MAX_BRACKETS - 1) + &"lambda b: ".repeat(MAX_LINKS - 2 * MAX_BRACKETS);
    let _ = writeln!(source, "{}{chain}1{}", " ".repeat(MAX_INDENTATION), "]".repeat(MAX_BRACKETS - 1));
    assert_eq!(outcome(&source), "read");
}

#[test]
fn long_tables_are_not_deep() {
    let count = 100_000;
    assert_eq!(outcome(&format!("x = [{}]\n", "-1, ".repeat(count))), "read");
    assert_eq!(outcome(&format!("x = {{{}}}\n", "'k': (a.b, f(-2)),\n".repeat(count))), "read");
    assert_eq!(outcome(&"x.y = -z.w(1)\n".repeat(count)), "read");
    assert_eq!(outcome(&format!("x = ({})\n", "'line'\n".repeat(count))), "read");
}

#[test]
fn large_sources_are_refused() {
    assert_eq!(outcome(&"#\n".repeat(MAX_BYTES / 2)), "read");
    assert_eq!(outcome(&"#\n".repeat(MAX_BYTES / 2 + 1)), "too deep");
}

/// What recovers from errors must not nest deeper than what the limits see.
#[test]
fn broken_sources_end_in_an_error_not_in_a_crash() {
    let words = "async await class def lambda yield from if elif else for while with try except match case type \
                 return raise not and or in is import global del print x 1 ' \" \"\"\" f' f\"{ { ( [ ) ] } : := , ; . ... \
                 = == -> + - * ** / @ ~ ! ? $ \\ # | & % < yield, lambda, *, **, x, (\n f\"{x: {x";
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        for separator in ["", " ", "\n", ":\n ", ", "] {
            let part = format!("{word}{separator}");
            let source = part.repeat(100_000 / part.len());
            let outcome = outcome(&source);
            assert!(matches!(outcome, "read" | "too deep" | "syntax"), "{part:?}: {outcome}");
        }
    }
}
