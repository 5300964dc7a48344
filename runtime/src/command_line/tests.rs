use std::ffi::CString;

use super::*;

fn line(arguments: &[&str]) -> Arguments {
    let strings = core::iter::once("program").chain(arguments.iter().copied());
    strings
        .map(|text| Box::leak(CString::new(text).unwrap_or_default().into_boxed_c_str()) as &'static CStr)
        .collect()
}

fn helper(arguments: &[&str]) -> Option<Helper> {
    Helper::of(&line(arguments))
}

const TRACKER: &str = "from multiprocessing.resource_tracker import main;main(5)";

#[test]
fn knows_every_form_of_multiprocessing() {
    assert!(matches!(
        helper(&["--multiprocessing-fork", "tracker_fd=4", "pipe_handle=6"]),
        Some(Helper::Spawned(_))
    ));
    assert!(helper(&["--multiprocessing-fork", "parent_pid=None", "pipe_handle=6"]).is_some());
    let texts = [
        TRACKER,
        "from multiprocessing.forkserver import main; main(4, 7, ['__main__'], **{'sys_path': ['/a b', '']})",
        r#"from multiprocessing.forkserver import main; main(3, 4, [], **{'main_path': "/it's/\\x.py"})"#,
        "import sys; from multiprocessing.forkserver import main; main(3, 5, ['a', 'b'], authkey_r=7, **{})",
        "from multiprocessing.forkserver import main; main(1, 2, (), **{'k': (b'\\x00', -1.5, None, True)})",
        "from loky.backend.resource_tracker import main; main(9, False)",
        "from joblib.externals.loky.backend.resource_tracker import main; main(9, 1)",
    ];
    for text in texts {
        assert!(matches!(helper(&["-c", text]), Some(Helper::Call { .. })), "{text}");
    }
    for flags in [&["-I", "-S"][..], &["-OO", "-bb", "-Wignore", "-X", "dev"], &["-Xutf8=1", "-W", "error"]] {
        let arguments: Vec<&str> = flags.iter().copied().chain(["-c", TRACKER]).collect();
        assert!(helper(&arguments).is_some(), "{arguments:?}");
    }
}

#[test]
fn a_helper_has_its_options_and_arguments() {
    let found = helper(&["-I", "-Wa", "-W", "b", "-X", "dev", "-c", TRACKER, "x", "-y"]);
    let Some(Helper::Call { options, arguments, text }) = found else { panic!("{found:?}") };
    assert_eq!(options.warnings, [c"a", c"b"]);
    assert_eq!((options.ignores_environment, options.has_extra(c"dev")), (true, true));
    assert_eq!(arguments, [c"-c", c"x", c"-y"]);
    assert_eq!(text.to_str(), Ok(TRACKER));
}

#[test]
fn knows_lokys_workers() {
    let module = "joblib.externals.loky.backend.popen_loky_posix";
    let found = helper(&["-m", module, "--process-name", "LokyProcess-1", "--pipe", "16"]);
    assert!(matches!(found, Some(Helper::Worker { .. })), "{found:?}");
    for other in [
        &["-m", "json.tool"][..],
        &["-m", module],
        &["-m", module, "--process-name", "x", "--pipe", "16", "more"],
        &["-m", module, "--process-name", "x", "--pipe", "a"],
        &["-m", "my.loky.backend.popen_loky_posix", "--process-name", "x", "--pipe", "16"],
    ] {
        assert_eq!(helper(other), None, "{other:?}");
    }
}

#[test]
fn what_differs_in_anything_is_the_users() {
    let texts = [
        "",
        "x",
        "print(1)",
        "from multiprocessing.resource_tracker import main;main(5);print(1)",
        "from multiprocessing.resource_tracker import main;main(print(1))",
        "from multiprocessing.resource_tracker import main;main(5)\nprint(1)",
        "from multiprocessing.resource_tracker import main;main(5) ",
        " from multiprocessing.resource_tracker import main;main(5)",
        "from multiprocessing.resource_tracker import main;  main(5)",
        "from multiprocessing.resource_tracker import main as main;main(5)",
        "from multiprocessing.resource_tracker import main;main(5",
        "from multiprocessing.resource_tracker import main;main",
        "from multiprocessing.resource_tracker import main;main(x)",
        "from multiprocessing.resource_tracker import main;main('a' 'b')",
        "from multiprocessing.resource_tracker import main;main('a)",
        "from multiprocessing.resource_tracker import main;main(007)",
        "from multiprocessing.resource_tracker import main;main(1+1)",
        "from multiprocessing.resource_tracker import main;main([[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]])",
        "from multiprocessing. import main;main(5)",
        "from multiprocessing.a.b import main;main(5)",
        "from multiprocessing import main;main(5)",
        "from multiprocessingx.resource_tracker import main;main(5)",
        "from mine.resource_tracker import main;main(5)",
    ];
    for text in texts {
        assert_eq!(helper(&["-c", text]), None, "{text}");
    }
    for own in [
        &[][..],
        &["-c"],
        &["x", "-c", TRACKER],
        &["--", "-c", TRACKER],
        &["-Z", "-c", TRACKER],
        &["--multiprocessing-fork"],
        &["--multiprocessing-fork", "x"],
        &["--multiprocessing-fork", "pipe_handle=6", "--other"],
        &["--", "--multiprocessing-fork", "pipe_handle=6"],
        &["--multiprocessing-fork=1", "pipe_handle=6"],
    ] {
        assert_eq!(helper(own), None, "{own:?}");
    }
}

#[test]
fn the_programs_code_runs_in_all_helpers_but_trackers() {
    let runs = |arguments: &[&str]| helper(arguments).unwrap().runs_program();
    assert!(runs(&["--multiprocessing-fork", "pipe_handle=6"]));
    assert!(runs(&["-c", "from multiprocessing.forkserver import main; main(4)"]));
    assert!(!runs(&["-c", TRACKER]));
    assert!(!runs(&[
        "-c",
        "from joblib.externals.loky.backend.resource_tracker import main; main(4, False)"
    ]));
}

/// A byte that differs makes another text: what is still taken for a helper calls the same function of the same module.
#[test]
fn no_changed_byte_leads_elsewhere() {
    let text = "import sys; from multiprocessing.forkserver import main; main(4, ['a\\n'], **{'k': -1.5})";
    for at in 0..text.len() {
        for byte in 1..=127 {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap_or_default();
            let is_helper = helper(&["-c", &changed]).is_some();
            let (start, end) = ("import sys; from multiprocessing.", " import main; main(");
            let is_alike = changed.starts_with(start) && changed.contains(end) && changed.ends_with(')');
            assert!(!is_helper || is_alike, "{changed}");
            // Without its last byte no call is closed.
            assert!(
                helper(&["-c", &changed[..changed.len() - 1]]).is_none() || changed.contains("))"),
                "{changed}"
            );
        }
    }
}

#[test]
fn pythons_command_line_begins_with_an_option_of_pythons() {
    let is_python = |arguments: &[&str], interpreter| {
        matches!(CommandLine::of(line(arguments), interpreter, |_| true), CommandLine::Python(..))
    };
    for own in [&[][..], &["x"], &["x", "-c", "y"], &["--multiprocessing"], &["--"], &["-Z"], &["-1"]] {
        assert!(!is_python(own, Interpreter::ByOption), "{own:?}");
        assert!(is_python(own, Interpreter::Always), "{own:?}");
    }
    for python in
        [&["-"][..], &["-c", "x"], &["-m", "x"], &["-Xdev"], &["-I", "x.py"], &["-V"], &["--version"]]
    {
        assert!(is_python(python, Interpreter::ByOption), "{python:?}");
        assert!(!is_python(python, Interpreter::Never), "{python:?}");
    }
    assert!(!is_python(&["--multiprocessing-fork", "pipe_handle=6"], Interpreter::Always));
    assert!(!is_python(&["-c", TRACKER], Interpreter::ByOption));
    assert!(is_python(&["-E", "-c", TRACKER], Interpreter::ByOption));
}

#[test]
fn pythons_command_line_is_the_programs_only_for_its_helpers() {
    let read =
        |arguments: &[&str]| CommandLine::of(line(arguments), Interpreter::ByOption, |_| true).is_program();
    assert!(read(&[]) && read(&["-I", "-c", TRACKER]) && !read(&["-c", "print(1)"]));
}

#[test]
fn helpers_are_the_users_arguments_where_none_are_served() {
    let tracker = line(&["-c", TRACKER]);
    assert_eq!(
        CommandLine::of(tracker.clone(), Interpreter::Never, |_| false),
        CommandLine::Program(tracker)
    );
}
