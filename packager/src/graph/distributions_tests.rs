//! Metadata of made-up distributions, as installers write it.

use super::*;
use crate::graph::build::tests::tree;

fn read(folder: &tempfile::TempDir) -> Distributions {
    Distributions::read(&[folder.path().join("site-packages")], &Environment::for_tests())
}

fn names(all: &Distributions, module: &str) -> Vec<String> {
    let owners = all.owners(module);
    owners.iter().map(|number| all.get(*number).unwrap().name.clone()).collect()
}

#[test]
fn modules_belong_to_the_distribution_that_lists_them() {
    let folder = tree(&[
        ("site-packages/one-1.dist-info/METADATA", "Name: One\n"),
        (
            "site-packages/one-1.dist-info/RECORD",
            "google/cloud/one/__init__.py,,\ngoogle/flat.py,,\ngoogle/_c.cpython-311-x86_64-linux-gnu.so,,\n../../bin/one,,\n",
        ),
        ("site-packages/two-1.dist-info/METADATA", "Name: two\n"),
        (
            "site-packages/two-1.dist-info/RECORD",
            "google/cloud/two/__init__.py,,\ntwo/__init__.py,,\ntwo/data.json,,\n",
        ),
    ]);
    let all = read(&folder);
    assert_eq!(names(&all, "google.cloud.one"), ["One"]);
    assert_eq!(names(&all, "google.cloud.one.made.later"), ["One"]);
    assert_eq!(names(&all, "google.flat"), ["One"]);
    assert_eq!(names(&all, "google._c"), ["One"]);
    assert_eq!(names(&all, "google.cloud.two.x"), ["two"]);
    for nobodys in ["google", "google.cloud", "google.mine", "google.flat.x", "data", "bin.one"] {
        assert_eq!(names(&all, nobodys), Vec::<String>::new(), "{nobodys}");
    }
}

#[test]
fn distributions_without_a_list_of_files_have_their_top_level_modules() {
    let folder = tree(&[
        ("site-packages/Old_Egg-1.egg-info/PKG-INFO", "Name: Old_Egg\n"),
        ("site-packages/Old_Egg-1.egg-info/top_level.txt", "egg\nother/inner\n"),
        (
            "site-packages/Old_Egg-1.egg-info/requires.txt",
            "first\n\n[more]\nsecond\n\n[:python_version < '3']\nthird\n",
        ),
        ("site-packages/file.egg-info", "Name: of-file\n"),
        ("site-packages/first-1.dist-info/METADATA", "Name: first\n"),
        ("site-packages/second-1.dist-info/METADATA", "Name: second\n"),
        ("site-packages/third-1.dist-info/METADATA", "Name: third\n"),
        ("project/mine.egg-info/PKG-INFO", "Name: mine\n"),
        ("project/mine.egg-info/top_level.txt", "mine\n"),
    ]);
    let all = read(&folder);
    assert_eq!(names(&all, "egg.x"), ["Old_Egg"]);
    assert_eq!(names(&all, "other.inner"), ["Old_Egg"]);
    assert_eq!(names(&all, "of_file"), ["of-file"]);
    assert!(all.requires("egg", "first") && all.requires_always("egg", "first"));
    assert!(all.requires("egg", "second") && !all.requires_always("egg", "second"));
    assert!(!all.requires("egg", "third"));
    let own = Distributions::read(&[folder.path().join("project")], &Environment::for_tests());
    assert!(own.owners("mine").is_empty() && own.find("Mine").is_some());
}

#[test]
fn reads_requirements_under_any_spelling_and_with_their_conditions() {
    let metadata = "Name: My.Tool\nRequires-Dist: Other_Thing[x]>=1; extra == 'y'\n\
        Requires-Dist: fourth; sys_platform == 'win32'\n\nRequires-Dist: third\n";
    let folder = tree(&[
        ("site-packages/My.Tool-1.dist-info/METADATA", metadata),
        ("site-packages/My.Tool-1.dist-info/RECORD", "tool/__init__.py,,\nsingle.py,,\n"),
        ("site-packages/other_thing-1.dist-info/METADATA", "Name: other-thing\n"),
        ("site-packages/other_thing-1.dist-info/RECORD", "other/__init__.py,,\n"),
        ("site-packages/third-1.dist-info/METADATA", "Name: third\n"),
        ("site-packages/fourth-1.dist-info/METADATA", "Name: fourth\n"),
    ]);
    let all = read(&folder);
    assert!(all.requires("tool", "other") && all.requires("single", "other"));
    assert!(all.requires("tool", "single"));
    assert!(!all.requires("tool", "third") && !all.requires("tool", "fourth"));
    assert!(!all.requires_always("tool", "other"));
    assert!(!all.requires("other", "tool"));
    assert!(all.requires("unknown", "tool") && !all.requires_always("unknown", "tool"));
    assert_eq!(all.find("MY_tool"), all.find("my-tool"));
}

#[test]
fn editable_installations_say_where_their_sources_are() {
    let url = r#"{"dir_info": {"editable": true}, "url": "file:///home/me/my%20tool"}"#;
    let folder = tree(&[
        ("site-packages/a-1.dist-info/METADATA", "Name: a\nRequires-Dist: b\n"),
        ("site-packages/a-1.dist-info/RECORD", "__editable___a_finder.py,,\n"),
        ("site-packages/a-1.dist-info/direct_url.json", url),
        ("site-packages/b-1.dist-info/METADATA", "Name: b\n"),
        ("site-packages/b-1.dist-info/direct_url.json", r#"{"dir_info": {}, "url": "file:///x"}"#),
    ]);
    let all = read(&folder);
    let editable = |name: &str| all.get(all.find(name).unwrap()).unwrap().editable.clone();
    assert_eq!(editable("a"), Some(PathBuf::from("/home/me/my tool")));
    assert_eq!(editable("b"), None);
}

#[test]
fn a_line_of_blanks_continues_a_header() {
    let text = "Name: one\nLicense: Do\n        \n        what you like.\nRequires-Dist: two\n\nRequires-Dist: three\n";
    let folder = tree(&[
        ("site-packages/one-1.dist-info/METADATA", text),
        ("site-packages/one-1.dist-info/RECORD", "one/__init__.py,,\n"),
        ("site-packages/two-1.dist-info/METADATA", "Name: two\n"),
        ("site-packages/two-1.dist-info/RECORD", "two/__init__.py,,\n"),
        ("site-packages/three-1.dist-info/METADATA", "Name: three\n"),
        ("site-packages/three-1.dist-info/RECORD", "three/__init__.py,,\n"),
    ]);
    let all = read(&folder);
    assert!(all.requires("one", "two"));
    assert!(!all.requires("one", "three"), "a description requires nothing");
}
