//! OpenSSL finds the certificates of the system that a frozen program runs on, wherever the one of the build machine had
//! them.

use std::path::Path;

use libtest_mimic::Trial;
use snapfreeze_tests::jail::{Jail, fill_root};
use snapfreeze_tests::{Fixtures, Interpreter, execute};

const PROGRAM: &str = "certificates/store.py";

/// Where distributions keep the authorities' certificates in one file.
const LAYOUTS: &[(&str, &str)] = &[
    ("Debian", "etc/ssl/certs/ca-certificates.crt"),
    ("Fedora", "etc/pki/tls/certs/ca-bundle.crt"),
    ("Alpine", "etc/ssl/cert.pem"),
    ("openSUSE", "etc/ssl/ca-bundle.pem"),
];

pub fn trials(fixtures: &Fixtures) -> Vec<Trial> {
    let jail = Jail::find();
    let mut trials = Vec::new();
    for slot in fixtures.each() {
        for (system, file) in LAYOUTS {
            let (jail, file) = (jail.clone(), *file);
            let may_jail = jail.as_ref().map(|_| ()).map_err(Clone::clone);
            let name = format!("certificates::are found as {system} has them");
            trials.push(fixtures.trial(name, slot).needs(may_jail).runs(move |fixtures, python| {
                are_found(&jail.unwrap(), file, fixtures, python);
            }));
        }
    }
    trials
}

fn are_found(jail: &Jail, file: &str, fixtures: &Fixtures, python: &Interpreter) {
    let root = fixtures.folder("certificates");
    fill_root(&root, &fixtures.frozen(PROGRAM, python));
    let run = || execute(&mut jail.command(&root, "/program")).succeeded("the program").out();
    assert_eq!(run(), "0 False\n[]\n[]\n", "without any certificates");

    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/certificates/authority.pem");
    let place = root.join(file);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::copy(authority, &place).unwrap();
    assert_eq!(run(), "1 True\n['Snapfreeze test authority']\n[]\n");
}
