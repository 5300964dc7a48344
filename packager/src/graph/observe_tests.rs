//! Observing the standard library's extensions of every CPython at hand, and small ones that crash, hang or fail.

use super::*;
use crate::compile::workers::tests::{interpreters, minor_version, python};

const MINUTE: Duration = Duration::from_secs(60);

/// `sys.path` of an isolated start, and the extension modules of the standard library in it.
fn standard_library(interpreter: &Path) -> (Vec<String>, Vec<String>) {
    let program = "import os, sys, sysconfig\n\
        paths = [path for path in sys.path if 'site-packages' not in path]\n\
        print('\\n'.join(paths))\n\
        print()\n\
        for path in paths:\n  \
          if path.endswith('lib-dynload'):\n    \
            for name in sorted(os.listdir(path)):\n      \
              if name.endswith('.so') and 'test' not in name: print(name.split('.')[0])";
    let text = String::from_utf8(python(interpreter, program, &[])).unwrap();
    let (paths, modules) = text.split_once("\n\n").unwrap();
    (paths.lines().map(str::to_owned).collect(), modules.lines().map(str::to_owned).collect())
}

fn request<'a>(python: &'a Path, sys_path: &'a [String], modules: &'a [String]) -> ObserveRequest<'a> {
    ObserveRequest {
        python,
        sys_path,
        needs_site: false,
        modules,
        isolate: true,
        time_limit: MINUTE,
        pycache_prefix: None,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn sees_what_the_standard_library_s_extensions_import() {
    for interpreter in interpreters() {
        let minor = minor_version(&interpreter);
        let (paths, modules) = standard_library(&interpreter);
        let begun = Instant::now();
        let observations = observe(&request(&interpreter, &paths, &modules)).unwrap();
        println!("{}: {} extensions in {:?}", interpreter.display(), modules.len(), begun.elapsed());
        for (name, observation) in &observations {
            if *observation != Observation::default() {
                println!("  {name}: {:?} {:?}", observation.imports, observation.failed);
            }
        }
        assert_eq!(observations.len(), modules.len());

        let expected: &[(&str, &[&str])] = &[
            ("_pickle", &["copyreg", "_compat_pickle", "codecs", "functools"]),
            ("_asyncio", &["asyncio.events", "asyncio.exceptions", "asyncio.base_futures", "traceback"]),
            ("_decimal", &["collections", "numbers"]),
            ("_elementtree", &["copy", "xml.etree.ElementPath", "pyexpat"]),
            ("_curses_panel", &["_curses"]),
        ];
        for (extension, imports) in expected {
            let Some(observation) = observations.get(*extension) else {
                println!("skipped: {extension} of {} is builtin", interpreter.display());
                continue;
            };
            for &import in *imports {
                // Events, in asyncio's own lazily imported traceback: not in all versions.
                let optional = ["traceback", "functools"].contains(&import);
                assert!(
                    optional || observation.imports.iter().any(|name| name == import),
                    "3.{minor} {extension} lacks {import}: {observation:?}"
                );
            }
        }
        for quiet in ["_json", "_bisect", "_heapq", "_random"] {
            if let Some(observation) = observations.get(quiet) {
                assert_eq!(*observation, Observation::default(), "3.{minor} {quiet}");
            }
        }
    }
}

#[test]
fn each_isolated_record_is_complete_by_itself_whatever_came_before() {
    for interpreter in interpreters() {
        let (paths, modules) = standard_library(&interpreter);
        let together = observe(&request(&interpreter, &paths, &modules)).unwrap();
        let shared =
            observe(&ObserveRequest { isolate: false, ..request(&interpreter, &paths, &modules) }).unwrap();
        for name in ["_pickle", "_asyncio", "_decimal", "_elementtree", "_datetime", "_zoneinfo", "_ctypes"] {
            let alone = [name.to_owned()];
            if !modules.contains(&alone[0]) {
                continue;
            }
            let single = observe(&request(&interpreter, &paths, &alone)).unwrap();
            assert_eq!(together[name], single[name], "{name} of {}", interpreter.display());
            // Without isolation, what is imported already is seen when it is asked for by name.
            let missing: Vec<_> =
                single[name].imports.iter().filter(|import| !shared[name].imports.contains(import)).collect();
            println!("{} {name}: only when alone {missing:?}", interpreter.display());
        }
    }
}

/// Builds a single-phase extension module for `interpreter`; `None`, named as skipped, without compiler or headers.
fn build(interpreter: &Path, folder: &Path, name: &str, init: &str) -> Option<()> {
    let program =
        "import sysconfig; print(sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX'))";
    let answer = String::from_utf8(python(interpreter, program, &[])).unwrap();
    let (include, suffix) = answer.trim().split_once(' ').unwrap();
    let source = folder.join(format!("{name}.c"));
    let text = format!(
        "#include <Python.h>\n#include <signal.h>\n#include <unistd.h>\n\
         static struct PyModuleDef def = {{PyModuleDef_HEAD_INIT, \"{name}\", NULL, -1, NULL}};\n\
         PyMODINIT_FUNC PyInit_{name}(void) {{ {init} return PyModule_Create(&def); }}\n"
    );
    fs::write(&source, text).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-I", include, "-o"]);
    let output = compiler.arg(folder.join(format!("{name}{suffix}"))).arg(&source).output();
    match output {
        Ok(output) if output.status.success() => Some(()),
        _ => {
            println!("skipped: {name} for {}: no cc or no headers", interpreter.display());
            None
        }
    }
}

#[test]
fn a_crash_a_hang_an_exit_or_an_exception_costs_one_record_only() {
    for interpreter in interpreters() {
        let (mut paths, _) = standard_library(&interpreter);
        let folder = tempfile::tempdir().unwrap();
        paths.push(folder.path().to_str().unwrap().to_owned());
        let extensions = [
            ("a_good", "if (!PyImport_ImportModule(\"base64\")) return NULL;".to_owned()),
            ("b_crash", "fputs(\"last\\033words\\n\", stderr); raise(SIGSEGV);".to_owned()),
            ("c_exit", "_exit(7);".to_owned()),
            ("d_raises", "PyErr_SetString(PyExc_OSError, \"no\\ndisplay\"); return NULL;".to_owned()),
            // It starts another process, which must not survive it, and holds the GIL for ever.
            (
                "e_hang",
                "if (fork() == 0) { setenv(\"MARK\", \"1\", 1); for (;;) pause(); } for (;;) pause();"
                    .to_owned(),
            ),
            ("f_good", "if (!PyImport_ImportModule(\"uses_fractions\")) return NULL;".to_owned()),
        ];
        fs::write(folder.path().join("uses_fractions.py"), "import fractions\n").unwrap();
        fs::write(folder.path().join("pure.py"), "import base64\n").unwrap();
        for (name, init) in &extensions {
            if build(&interpreter, folder.path(), name, init).is_none() {
                return;
            }
        }
        let modules =
            names(&["a_good", "b_crash", "c_exit", "d_raises", "e_hang", "f_good", "pure", "missing.module"]);
        let begun = Instant::now();
        let time_limit = Duration::from_secs(4);
        let request =
            ObserveRequest { isolate: false, time_limit, ..request(&interpreter, &paths, &modules) };
        let observations = observe(&request).unwrap();
        let elapsed = begun.elapsed();
        println!("{}: {elapsed:?} {observations:#?}", interpreter.display());
        assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");

        let reason = |name: &str| observations[name].failed.as_deref().unwrap_or_default();
        assert_eq!(observations["a_good"].failed, None);
        assert!(observations["a_good"].imports.contains(&"base64".to_owned()));
        assert!(
            observations["a_good"].imports.contains(&"struct".to_owned()),
            "what base64 imports came along"
        );
        assert!(reason("b_crash").contains("SIGSEGV") && reason("b_crash").ends_with("last words"));
        assert_eq!(reason("c_exit"), "the interpreter died: exit status: 7");
        assert_eq!(reason("d_raises"), "OSError: no display");
        assert_eq!(reason("e_hang"), "timed out");
        assert_eq!(observations["f_good"].failed, None);
        for import in ["uses_fractions", "fractions", "numbers", "decimal"] {
            assert!(observations["f_good"].imports.contains(&import.to_owned()), "{import}");
        }
        assert_eq!(reason("pure"), "imported, but not as an extension module");
        assert_eq!(reason("missing.module"), "ModuleNotFoundError: No module named 'missing'");
    }
}

#[test]
fn a_hang_takes_all_the_processes_it_started_with_it() {
    let Some(interpreter) = interpreters().pop() else { return };
    let (mut paths, _) = standard_library(&interpreter);
    let folder = tempfile::tempdir().unwrap();
    paths.push(folder.path().to_str().unwrap().to_owned());
    let pids = folder.path().join("pids");
    let init = format!(
        "if (fork() == 0) {{ FILE *f = fopen(\"{}\", \"w\"); fprintf(f, \"%d\", (int)getpid()); fclose(f); \
         for (;;) pause(); }} for (;;) pause();",
        pids.display()
    );
    if build(&interpreter, folder.path(), "forks", &init).is_none() {
        return;
    }
    let modules = names(&["forks"]);
    let time_limit = Duration::from_secs(1);
    let observations =
        observe(&ObserveRequest { time_limit, ..request(&interpreter, &paths, &modules) }).unwrap();
    assert_eq!(observations["forks"].failed.as_deref(), Some("timed out"));
    let pid = fs::read_to_string(pids).unwrap();
    // Reparented and dead, it is gone or waits for whoever reaps orphans here.
    thread::sleep(Duration::from_millis(100));
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(status.is_empty() || status.contains(") Z "), "{status}");
}

#[test]
fn a_module_imported_before_is_seen_when_an_extension_asks_for_it() {
    for interpreter in interpreters() {
        let (mut paths, _) = standard_library(&interpreter);
        let folder = tempfile::tempdir().unwrap();
        paths.push(folder.path().to_str().unwrap().to_owned());
        // As Cython does it: straight to the import machinery, past `builtins.__import__`.
        let init = "PyObject *l = Py_BuildValue(\"(s)\", \"client\");\
             if (!PyImport_ImportModuleLevel(\"base64\", NULL, NULL, NULL, 0)) return NULL;\
             if (!PyImport_ImportModuleLevel(\"http\", NULL, NULL, l, 0)) return NULL;\
             if (!PyImport_ImportModuleLevel(\"abc\", NULL, NULL, NULL, 0)) return NULL;";
        for name in ["first", "second"] {
            if build(&interpreter, folder.path(), name, init).is_none() {
                return;
            }
        }
        let modules = names(&["first", "second"]);
        let request = ObserveRequest { isolate: false, ..request(&interpreter, &paths, &modules) };
        let observations = observe(&request).unwrap();
        assert!(observations["first"].imports.contains(&"http.client".to_owned()), "{observations:?}");
        assert_eq!(observations["second"].imports, names(&["abc", "base64", "http", "http.client"]));
        assert_eq!(observations["second"].failed, None);
    }
}

#[test]
fn a_module_made_by_another_one_s_library_has_that_one_s_imports() {
    for interpreter in interpreters() {
        let (mut paths, _) = standard_library(&interpreter);
        let folder = tempfile::tempdir().unwrap();
        paths.push(folder.path().to_str().unwrap().to_owned());
        // As mypyc does it for the modules that it compiles together.
        let init = "PyRun_SimpleString(\"import base64, sys, types, importlib.machinery as m\\n\"\
             \"h = types.ModuleType('held')\\n\"\
             \"h.__spec__ = m.ModuleSpec('held', m.ExtensionFileLoader('held', 'held.so'))\\n\"\
             \"sys.modules['held'] = h\\n\");";
        if build(&interpreter, folder.path(), "holder", init).is_none() {
            return;
        }
        let modules = names(&["holder", "held"]);
        let request = ObserveRequest { isolate: false, ..request(&interpreter, &paths, &modules) };
        let observations = observe(&request).unwrap();
        assert_eq!(observations["held"].failed, None, "{}", interpreter.display());
        for import in ["base64", "holder"] {
            assert!(observations["held"].imports.contains(&import.to_owned()), "{observations:?}");
        }
    }
}

#[test]
fn site_and_a_bytecode_cache_are_used_on_request() {
    for interpreter in interpreters() {
        let (mut paths, _) = standard_library(&interpreter);
        let folder = tempfile::tempdir().unwrap();
        paths.push(folder.path().to_str().unwrap().to_owned());
        fs::write(folder.path().join("helper_of_it.py"), "import base64\n").unwrap();
        if build(
            &interpreter,
            folder.path(),
            "it",
            "if (!PyImport_ImportModule(\"helper_of_it\")) return NULL;",
        )
        .is_none()
        {
            return;
        }
        let modules = names(&["it"]);
        let cache = folder.path().join("cache");
        let plain = request(&interpreter, &paths, &modules);
        let observations = observe(&plain).unwrap();
        assert!(observations["it"].imports.contains(&"base64".to_owned()));
        assert!(!folder.path().join("__pycache__").exists());
        let observations =
            observe(&ObserveRequest { needs_site: true, pycache_prefix: Some(&cache), ..plain }).unwrap();
        assert!(observations["it"].imports.contains(&"helper_of_it".to_owned()), "{observations:?}");
        assert!(cache.exists() && !folder.path().join("__pycache__").exists());
    }
}

#[test]
fn an_interpreter_that_does_not_start_is_an_error() {
    let modules = names(&["_json"]);
    let missing = observe(&request(Path::new("/nonexistent/python"), &[], &modules));
    assert!(matches!(missing, Err(ObserveError::Start { .. })));
    let broken = observe(&request(Path::new("/bin/false"), &[], &modules));
    assert!(matches!(broken, Err(ObserveError::NotReady { .. })), "{broken:?}");
    assert_eq!(observe(&request(Path::new("/nonexistent/python"), &[], &[])).unwrap(), BTreeMap::new());
}

#[test]
fn without_time_nothing_is_tried() {
    let modules = names(&["_json"]);
    let request =
        ObserveRequest { time_limit: Duration::ZERO, ..request(Path::new("python3"), &[], &modules) };
    assert!(observe(&request).unwrap()["_json"].failed.as_deref().unwrap().starts_with("not tried"));
}

#[test]
fn strings_of_read_only_data_that_have_the_form_of_module_names() {
    for interpreter in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        let init = "if (!PyImport_ImportModule(\"xml.etree.ElementPath\")) return NULL;\
             PyErr_SetString(PyExc_OSError, \"not a module name\"); PyErr_SetString(PyExc_OSError, \"a..b\");";
        if build(&interpreter, folder.path(), "strings", init).is_none() {
            return;
        }
        let library = fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "so"))
            .unwrap();
        let file = fs::read(library).unwrap();
        let mut found = strings_that_look_like_modules(&file);
        found.retain(|name| name != "zR"); // the augmentation string in .eh_frame
        assert_eq!(found, names(&["strings", "xml.etree.ElementPath"]));
        // Cut anywhere, it is read without a panic.
        for length in (0..file.len()).step_by(97) {
            let _ = strings_that_look_like_modules(&file[..length]);
        }
    }
    let text = b"\x01numpy.core\0 1bad\0os\0x\0tail.";
    assert_eq!(strings_that_look_like_modules(text), names(&["numpy.core", "os"]));
    assert!(strings_that_look_like_modules(b"").is_empty());
}
