//! Questions to a small program.

use super::answer::{Question, answer};
use super::*;

/// `app.py` with one of each: rules, files, libraries, what is left out and what is missing.
pub fn small() -> Reasons {
    let modules = [
        ("__main__", "app.py"),
        ("_ext", "_ext.so"),
        ("a", "a/__init__.py"),
        ("a.b", "a/b.py"),
        ("a.c", "a/c.py"),
        ("hidden", "hidden.py"),
        ("os", "os.py"),
    ];
    let edges: &[(&str, &str, Rule, u32, Option<&str>)] = &[
        ("__main__", "a.b", Rule::Import, 3, None),
        ("__main__", "a.c", Rule::String, 2, Some("a.c:run")),
        ("__main__", "os", Rule::Deferred, 9, None),
        ("a.b", "a.c", Rule::Import, 1, None),
        ("a.c", "_ext", Rule::Optional, 7, None),
        ("a.c", "os", Rule::Import, 2, None),
    ];
    let place = |name: &str| modules.iter().position(|(other, _)| *other == name).unwrap();
    let module = |(name, file): &(&str, &str)| {
        let given = match *name {
            "__main__" => Some(Given::Entry),
            "os" => Some(Given::Start),
            "hidden" => Some(Given::Option("--hidden-import hidden".into())),
            _ => None,
        };
        let edges = edges.iter().filter(|edge| edge.0 == *name).map(|(_, to, rule, line, text)| {
            ReasonedEdge { to: place(to), rule: *rule, line: *line, text: text.map(Into::into) }
        });
        ReasonedModule {
            name: (*name).into(),
            file: (*file).into(),
            given: given.into_iter().collect(),
            edges: edges.collect(),
        }
    };
    let library = |name: &str, needs: &[usize], users: &[usize]| ReasonedLibrary {
        name: name.into(),
        file: name.into(),
        needs: needs.into(),
        users: users.into(),
    };
    let asker = |from: &str, line, rule| Asker { from: from.into(), line, rule };
    let optional = LeaveReason::Optional { distribution: "IPython".into() };
    let excluded = LeaveReason::Excluded { name: "a.d".into() };
    Reasons {
        entry: "__main__".into(),
        modules: modules.iter().map(module).collect(),
        left_out: BTreeMap::from([
            (
                "IPython.core".into(),
                NotFollowed {
                    reason: optional,
                    askers: (1..=12).map(|line| asker("a.b", line, Some(Rule::Optional))).collect(),
                },
            ),
            (
                "a.d".into(),
                NotFollowed { reason: excluded, askers: vec![asker("__main__", 4, Some(Rule::Import))] },
            ),
        ]),
        missing: BTreeMap::from([("absent".into(), asker("a.c", 5, None))]),
        files: BTreeMap::from([
            ("a/data.json".into(), "package".into()),
            ("a-1.0.dist-info/METADATA".into(), "distribution".into()),
            ("more.txt".into(), "option".into()),
        ]),
        metadata: BTreeMap::from([("a-1.0.dist-info".into(), "a".into())]),
        libraries: vec![
            library("liby.so.1", &[], &[]),
            library("libx.so.1", &[0], &[1]),
            library("libpython3.11.so.1.0", &[], &[]),
        ],
        origins: Some([("__main__".to_owned(), Origin::Own), ("a".to_owned(), Origin::Installed)].into()),
        options: Some(BuiltOptions { compress: "fast".into(), include_source: true, strip: false }),
    }
}

fn ask(name: &str) -> String {
    answer(&small(), &Question { name, all: false }).unwrap()
}

#[test]
fn the_way_is_the_shortest_and_of_two_the_stronger() {
    assert_eq!(ask("a.b"), "a.b is in the program:\n  app.py:3  imports a.b\n");
    // A string leads there at once; imports do in two steps.
    assert_eq!(ask("a.c"), "a.c is in the program:\n  app.py:2  names a.c in a string: \"a.c:run\"\n");
    // Given, and imported in a function: the stronger one of two ways of one step.
    assert_eq!(ask("os"), "os is in the program:\n  app.py:9  imports os, in a function\n");
    assert_eq!(ask("a"), "a is in the program:\n  app.py:3  imports a.b\n  a/b.py    is in the package a\n");
    assert_eq!(ask("__main__"), "__main__ is in the program:\n  the program  is __main__\n");
    assert_eq!(ask("hidden"), "hidden is in the program:\n  --hidden-import hidden  asks for hidden\n");
}

#[test]
fn files_and_libraries_have_the_way_of_what_needs_them() {
    let package = "  app.py:3  imports a.b\n  a/b.py    is in the package a\n";
    assert_eq!(
        ask("a/data.json"),
        format!("a/data.json is in the program: data of the package a\n{package}")
    );
    assert_eq!(
        ask("a-1.0.dist-info/METADATA"),
        format!(
            "a-1.0.dist-info/METADATA is in the program: metadata of the distribution that has a\n{package}"
        )
    );
    assert_eq!(ask("more.txt"), "more.txt is in the program: an option adds it\n");
    assert_eq!(ask("/opt/app/_internal/more.txt"), ask("more.txt"));
    assert_eq!(ask("a/b.py"), "a/b.py is in the program: the module a.b\n  app.py:3  imports a.b\n");
    assert_eq!(
        ask("liby.so.1"),
        "liby.so.1 is in the program: a library, liby.so.1\n  app.py:2   names a.c in a string: \"a.c:run\"\n  \
         a/c.py:7   imports _ext, in a try\n  _ext.so    needs libx.so.1\n  libx.so.1  needs liby.so.1\n"
    );
    assert_eq!(
        ask("libpython3.11.so.1.0"),
        "libpython3.11.so.1.0 is in the program: a library, libpython3.11.so.1.0\n  \
         CPython  is in libpython3.11.so.1.0\n"
    );
}

#[test]
fn what_is_not_there_has_the_imports_that_were_not_followed() {
    for name in ["IPython", "IPython.core", "IPython.core.formatters"] {
        let text = ask(name);
        let first = format!(
            "{name} is not in the program: it was left out as optional, these imports were not followed\n"
        );
        assert!(text.starts_with(&first), "{text}");
        assert_eq!(text.matches("imports IPython.core, in a try").count(), 10);
        assert!(text.ends_with("  and 2 more (-v)\n--follow-optional IPython brings it in\n"), "{text}");
    }
    assert_eq!(ask("ipython"), ask("IPython"));
    let lines: Vec<String> = ask("IPython").lines().skip(1).take(10).map(|line| line[..11].into()).collect();
    assert_eq!((lines[1].as_str(), lines[9].as_str()), ("  a/b.py:2 ", "  a/b.py:10"));
    let all = answer(&small(), &Question { name: "IPython", all: true }).unwrap();
    assert_eq!(all.matches("imports IPython.core, in a try").count(), 12);
    assert_eq!(
        ask("a.d"),
        "a.d is not in the program: it was excluded, these imports were not followed\n  app.py:4  imports a.d\n\
         --exclude-module a.d keeps it out\n"
    );
    assert_eq!(
        ask("absent.deep"),
        "absent.deep is not in the program: it was not found when it was built\n  a/c.py:5  asks for absent\n"
    );
}

#[test]
fn an_unknown_name_has_similar_ones() {
    let similar = |name: &str| answer(&small(), &Question { name, all: false }).unwrap_err().similar;
    assert_eq!(similar("data.json"), ["a/data.json"]);
    assert_eq!(similar("hiden"), ["hidden"]);
    assert_eq!(similar("qqq"), [""; 0]);
}

#[test]
fn names_cannot_command_the_terminal() {
    let mut reasons = small();
    reasons.files.insert("a/\u{1b}[2J".into(), "package".into());
    let text = answer(&reasons, &Question { name: "a/\u{1b}[2J", all: false }).unwrap();
    assert!(text.starts_with("a/\\u{1b}[2J is in the program"), "{text}");
    let unknown = answer(&reasons, &Question { name: "\u{7}", all: false }).unwrap_err();
    assert!(!unknown.to_string().contains('\u{7}'));
}

#[test]
fn an_import_fails_first_for_what_is_not_there() {
    let reasons = small();
    let missed = reasons.first_missed();
    assert_eq!(missed.keys().copied().collect::<Vec<_>>(), ["IPython", "a.d"]);
}
