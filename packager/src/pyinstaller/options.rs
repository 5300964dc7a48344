//! PyInstaller's options that are none here: each is accepted with a note why it has no effect, or refused with what to do
//! instead. Those that both have (`--add-data`, `--hidden-import`, `--name`, …) are ordinary options of `build`.
//!
//! The names are those of PyInstaller 4 to 6 (`pyinstaller --help`, <https://pyinstaller.org/en/stable/usage.html>).

use Answer::{Depends, Note, Refused, Served};

/// An option of PyInstaller's.
#[derive(Debug)]
pub struct ForeignOption {
    /// Its long names without dashes, at least one.
    pub names: &'static [&'static str],
    /// Its short name.
    pub short: Option<char>,
    /// Whether a value follows.
    pub takes_value: bool,
    /// What is done about it.
    answer: Answer,
}

/// What is done about an option.
#[derive(Debug)]
enum Answer {
    /// What it asks for is so anyway.
    Served,
    /// It has no effect, and why.
    Note(&'static str),
    /// It cannot be served: why, and what to do instead.
    Refused(&'static str, &'static str),
    /// The value tells.
    Depends(fn(&str) -> Answer),
}

/// An option cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--{name}{}{value} cannot be served: {why}", if value.is_empty() { "" } else { " " })]
pub struct UnservedOption {
    /// Its name without dashes.
    pub name: &'static str,
    /// What the user has given it; empty, where it takes no value.
    pub value: String,
    /// Why not.
    pub why: &'static str,
    /// What to do instead.
    pub hint: &'static str,
}

const NO_UPX: &str = "nothing is packed with UPX: the executable's contents are compressed already";
const NO_WORK: &str = "nothing is written but the executable and the build cache";
const NO_UNPACKING: &str = "nothing is unpacked: modules and libraries are loaded from the executable itself";
const NO_SPLASH: &str = "nothing is unpacked before the program starts, so there is nothing to wait for";
const WINDOWS: &str = "it is for Windows executables, this one is for Linux";
const MACOS: &str = "it is for macOS applications, this executable is for Linux";
const NO_CONSOLE: &str = "a Linux executable has no console of its own, PyInstaller ignores it there, too";

/// All of them.
pub const OPTIONS: &[ForeignOption] = &[
    valued(&["workpath"], Note(NO_WORK)),
    valued(&["specpath"], Note("there is no .spec file: options are kept in pyproject.toml")),
    flag(&["clean"], Note("what is in the build cache is used only where its inputs are the same")),
    flag(&["noconfirm"], Served).short('y'),
    valued(&["log-level"], Note("-q says less and -v more")),
    valued(&["contents-directory"], Depends(contents_directory)),
    valued(&["splash"], Note(NO_SPLASH)),
    valued(&["splash-center"], Note(NO_SPLASH)),
    valued(&["debug"], Depends(debug)).short('d'),
    valued(&["python-option"], Depends(python_option)),
    flag(&["strip"], Note("native files are stripped unless --no-strip is given")).short('s'),
    flag(&["noupx"], Note(NO_UPX)),
    valued(&["upx-exclude"], Note(NO_UPX)),
    valued(&["upx-dir"], Note(NO_UPX)),
    flag(&["console", "nowindowed"], Served).short('c'),
    flag(&["windowed", "noconsole"], Note(NO_CONSOLE)).short('w'),
    valued(&["hide-console"], Note(WINDOWS)),
    valued(&["icon"], Note("a Linux executable has no icon: name it in a .desktop file")).short('i'),
    flag(&["disable-windowed-traceback"], Note(NO_CONSOLE)),
    valued(&["version-file"], Note(WINDOWS)),
    valued(&["manifest"], Note(WINDOWS)),
    flag(&["no-embed-manifest"], Note(WINDOWS)),
    valued(&["resource"], Note(WINDOWS)).short('r'),
    flag(&["uac-admin"], Note(WINDOWS)),
    flag(&["uac-uiaccess"], Note(WINDOWS)),
    flag(&["win-private-assemblies"], Note(WINDOWS)),
    flag(&["win-no-prefer-redirects"], Note(WINDOWS)),
    flag(&["argv-emulation"], Note(MACOS)),
    valued(&["osx-bundle-identifier"], Note(MACOS)),
    valued(&["target-architecture", "target-arch"], Depends(architecture)),
    valued(&["codesign-identity"], Note(MACOS)),
    valued(&["osx-entitlements-file"], Note(MACOS)),
    valued(&["runtime-tmpdir"], Note(NO_UNPACKING)),
    flag(
        &["bootloader-ignore-signals"],
        Note("there is no second process: signals reach the program itself"),
    ),
    valued(
        &["key"],
        Refused(
            "what an executable runs can be read out of it",
            "leave it out: PyInstaller 6 has no such option either",
        ),
    ),
    flag(&["ascii"], Served).short('a'),
];

const fn valued(names: &'static [&'static str], answer: Answer) -> ForeignOption {
    ForeignOption { names, short: None, takes_value: true, answer }
}

const fn flag(names: &'static [&'static str], answer: Answer) -> ForeignOption {
    ForeignOption { names, short: None, takes_value: false, answer }
}

impl ForeignOption {
    const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// What is said about it, if anything.
    ///
    /// # Errors
    /// When it cannot be served.
    pub fn answer(&self, value: &str) -> Result<Option<String>, UnservedOption> {
        let name = self.names.first().copied().unwrap_or_default();
        let answer = match &self.answer {
            Depends(decide) => &decide(value),
            answer => answer,
        };
        match answer {
            Served | Depends(_) => Ok(None),
            Note(why) => Ok(Some(format!("--{name} has no effect: {why}"))),
            Refused(why, hint) => {
                // A key is a secret: it is not shown.
                let value = if name == "key" { String::new() } else { value.to_owned() };
                Err(UnservedOption { name, value, why, hint })
            }
        }
    }
}

/// Why an option with this value is not carried over; none where what it asks for is so anyway.
pub fn reason(name: &str, value: &str) -> Option<String> {
    let option = OPTIONS.iter().find(|option| option.names.contains(&name))?;
    match option.answer(value) {
        Ok(note) => note.map(|note| note.split_once(": ").map_or(note.clone(), |(_, why)| why.to_owned())),
        Err(UnservedOption { why, hint, .. }) => Some(format!("{why}: {hint}")),
    }
}

fn contents_directory(name: &str) -> Answer {
    match name {
        "_internal" => Served,
        _ => Refused("the files of a --onedir build are in `_internal`", "leave it out"),
    }
}

fn debug(what: &str) -> Answer {
    match what {
        "noarchive" => Refused(
            "modules are always in the executable",
            "leave it out, --onedir has their files beside it",
        ),
        "imports" => Note("`snapfreeze why` tells how each module got in, `python -v` what a run imports"),
        _ => Note("a start has no messages of its own but errors"),
    }
}

fn python_option(option: &str) -> Answer {
    let why = "no options of the interpreter are kept in an executable";
    match option.split([' ', '=']).next() {
        Some("v") => Refused(why, "leave it out, `python -v` shows what the program imports"),
        Some("u") => Refused(why, "call `sys.stdout.reconfigure(write_through=True)` in the program"),
        Some("W") => Refused(why, "call `warnings.filterwarnings` in the program, or in a --runtime-hook"),
        Some("O" | "OO") => Refused(why, "use --optimize"),
        _ => Refused(why, "set it in the program, or in a --runtime-hook"),
    }
}

fn architecture(name: &str) -> Answer {
    match name {
        "x86_64" => Served,
        _ => Refused("executables are for x86-64 so far", "leave it out"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn answer(name: &str, value: &str) -> Result<Option<String>, UnservedOption> {
        OPTIONS.iter().find(|option| option.names.contains(&name)).unwrap().answer(value)
    }

    #[test]
    fn names_are_there_once() {
        let (mut long, mut short) = (BTreeSet::new(), BTreeSet::new());
        for option in OPTIONS {
            assert!(!option.names.is_empty());
            assert!(option.names.iter().all(|name| long.insert(name)), "{option:?}");
            assert!(option.short.is_none_or(|name| short.insert(name)), "{option:?}");
        }
    }

    #[test]
    fn each_is_served_noted_or_refused() {
        assert_eq!(answer("noconfirm", ""), Ok(None));
        let note = answer("runtime-tmpdir", "/x").unwrap().unwrap();
        assert!(note.starts_with("--runtime-tmpdir has no effect: nothing is unpacked"), "{note}");
        let refused = answer("python-option", "W ignore").unwrap_err();
        assert!(refused.to_string().starts_with("--python-option W ignore cannot be served: "), "{refused}");
        assert!(refused.hint.contains("warnings"));
        assert_eq!(answer("contents-directory", "_internal"), Ok(None));
        assert!(answer("contents-directory", ".").is_err());
        assert!(answer("key", "").unwrap_err().to_string().starts_with("--key cannot be served"));
    }

    /// Every option of the table is on the page for who moves.
    #[test]
    fn the_page_has_every_option() {
        let page = include_str!("../../../docs/moving-from-pyinstaller.md");
        for option in OPTIONS {
            for name in option.names {
                assert!(page.contains(&format!("`--{name}")), "--{name} is not on the page");
            }
        }
    }
}
