//! What the user asks to freeze: a script, a package directory, a module, or a function of a module.

use std::path::{Path, PathBuf};

use crate::graph::absent::most_like;

use crate::config;

/// The program to freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `app.py`: as `python app.py`.
    Script(PathBuf),
    /// A directory with `__main__.py` and no `__init__.py`: as `python directory`.
    Directory(PathBuf),
    /// A package directory with `__init__.py` and `__main__.py`: as `python -m package` from beside it.
    Package(PathBuf),
    /// `-m module`: as `python -m module`.
    Module {
        /// Dotted name.
        module: String,
        /// Where `python` would be called.
        directory: PathBuf,
    },
    /// `module:function`: as the console script that an installer would make of it.
    Function {
        /// Dotted module name.
        module: String,
        /// Name of the function, dots allowed.
        function: String,
        /// The directory in which the module is looked for first.
        directory: PathBuf,
    },
}

/// Why there is nothing to freeze.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EntryError {
    /// Neither a path nor `module:function`.
    #[error("there is no file or directory {0}")]
    NotFound(PathBuf),
    /// A directory that cannot be run.
    #[error("the directory {0} has no __main__.py, so there is nothing to run in it")]
    NoMain(PathBuf),
    /// A special file.
    #[error("{0} is neither a file nor a directory")]
    NotAFile(PathBuf),
    /// What PyInstaller is given.
    #[error("{0} is a specification for PyInstaller, no program")]
    Specification(PathBuf),
    /// Not an identifier, or identifiers with dots.
    #[error("{0:?} is not the name of a Python module")]
    NotAModule(String),
}

impl EntryError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound(path) => {
                if let Some(nearest) = nearest_file(path) {
                    return Some(format!("there is {}", nearest.display()));
                }
                let is_module = |text: &&str| is_dotted_name(text) && !text.ends_with(".py");
                match path.to_str().filter(is_module) {
                    Some(text) => Some(format!("if {text} is a module, say `-m {text}`")),
                    None => Some(EXPECTED.to_owned()),
                }
            }
            Self::NotAFile(_) => Some(EXPECTED.to_owned()),
            Self::NotAModule(_) => Some("a module is named as in an import: `package.module`".to_owned()),
            Self::Specification(path) => Some(format!(
                "`snapfreeze import {}` writes its options into pyproject.toml, `snapfreeze build` builds it then",
                path.display()
            )),
            Self::NoMain(_) => Some("name the script to run, or `module:function`".into()),
        }
    }
}

/// What a program may be.
const EXPECTED: &str =
    "name a script, a directory with __main__.py, a module with -m, or a function as `module:function`";

/// How many files of a directory are compared with a name that is not there.
const MOST_FILES: usize = 10_000;

/// A script or directory beside which a path would be, and whose name is like its.
fn nearest_file(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(directory.unwrap_or(Path::new("."))).ok()?;
    let entries = entries.take(MOST_FILES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_program = |name: &String| {
        let path = directory.map_or_else(|| PathBuf::from(name), |directory| directory.join(name));
        name.ends_with(".py") || path.is_dir()
    };
    let mut names: Vec<String> = entries.filter(|name| !name.starts_with('.')).filter(is_program).collect();
    names.sort();
    let nearest = most_like(name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(nearest))
}

impl Entry {
    /// Reads the positional argument.
    ///
    /// # Errors
    /// When it is neither a script, nor a directory that can be run, nor `module:function`.
    pub fn from_argument(argument: &Path) -> Result<Self, EntryError> {
        let Ok(metadata) = std::fs::metadata(argument) else {
            return Self::from_object_reference(argument)
                .ok_or_else(|| EntryError::NotFound(argument.to_owned()));
        };
        let path = std::path::absolute(argument).unwrap_or_else(|_| argument.to_owned());
        if metadata.is_file() {
            if argument.extension().is_some_and(|extension| extension == "spec") {
                return Err(EntryError::Specification(argument.to_owned()));
            }
            return Ok(Self::Script(path));
        }
        if !metadata.is_dir() {
            return Err(EntryError::NotAFile(argument.to_owned()));
        }
        if !path.join("__main__.py").is_file() {
            return Err(EntryError::NoMain(argument.to_owned()));
        }
        // `.` and `..` have no name of their own.
        let path = if path.file_name().is_some() { path } else { path.canonicalize().unwrap_or(path) };
        let importable = path.file_name().and_then(|name| name.to_str()).is_some_and(is_identifier);
        Ok(if path.join("__init__.py").is_file() && importable {
            Self::Package(path)
        } else {
            Self::Directory(path)
        })
    }

    /// Reads the value of `-m`.
    ///
    /// # Errors
    /// When it is not a module's name.
    pub fn from_module(name: &str) -> Result<Self, EntryError> {
        if is_dotted_name(name) {
            Ok(Self::Module { module: name.to_owned(), directory: current_directory() })
        } else {
            Err(EntryError::NotAModule(name.to_owned()))
        }
    }

    fn from_object_reference(argument: &Path) -> Option<Self> {
        let (module, function) = argument.to_str()?.split_once(':')?;
        let (module_name, function_name) = (module.to_owned(), function.to_owned());
        (is_dotted_name(module) && is_dotted_name(function)).then(|| Self::Function {
            module: module_name,
            function: function_name,
            directory: current_directory(),
        })
    }

    /// The same program, if it is a module's, with the module looked for in this directory and not in the current one.
    pub fn within(self, place: &Path) -> Self {
        let directory = place.to_owned();
        match self {
            Self::Module { module, .. } => Self::Module { module, directory },
            Self::Function { module, function, .. } => Self::Function { module, function, directory },
            of_path => of_path,
        }
    }

    /// The module that has to be found by its name.
    pub fn module(&self) -> Option<&str> {
        match self {
            Self::Module { module, .. } | Self::Function { module, .. } => Some(module),
            Self::Script(_) | Self::Directory(_) | Self::Package(_) => None,
        }
    }

    /// Whether two are the same program: the same file, or the same name, wherever that is looked for.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same_file = |one: &Path, other: &Path| {
            one == other
                || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
        };
        match (self, other) {
            (Self::Script(one), Self::Script(other))
            | (Self::Directory(one) | Self::Package(one), Self::Directory(other) | Self::Package(other)) => {
                is_same_file(one, other)
            }
            (Self::Module { module: one, .. }, Self::Module { module: other, .. }) => one == other,
            (
                Self::Function { module, function, .. },
                Self::Function { module: other, function: called, .. },
            ) => module == other && function == called,
            _ => false,
        }
    }

    /// The executable's name: the script's stem, the directory's name, the module's.
    pub fn name(&self) -> String {
        let of_path = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = match self {
            Self::Script(path) => {
                of_path(path).map(|name| name.strip_suffix(".py").map(str::to_owned).unwrap_or(name))
            }
            Self::Directory(path) | Self::Package(path) => of_path(path),
            Self::Module { module, .. } => {
                let module = module.strip_suffix(".__main__").unwrap_or(module);
                module.rsplit('.').next().map(str::to_owned)
            }
            Self::Function { module, .. } => module.split('.').next().map(str::to_owned),
        };
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "app".into())
    }

    /// The directory that `python` would put first on `sys.path`.
    pub fn search_directory(&self) -> PathBuf {
        let above = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
        match self {
            // The script's own directory after symbolic links are followed, as `python` computes it.
            Self::Script(path) => above(&path.canonicalize().unwrap_or_else(|_| path.clone())),
            Self::Directory(path) => path.clone(),
            Self::Package(path) => above(path),
            Self::Module { directory, .. } | Self::Function { directory, .. } => directory.clone(),
        }
    }

    /// Where a project's own environment may be, the nearest first: beside the script or directory, and above, up to the
    /// directory with the pyproject.toml.
    pub fn project_directories(&self) -> Vec<PathBuf> {
        let beside = match self {
            Self::Directory(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            _ => self.search_directory(),
        };
        let file = config::find(&beside);
        let top = file.as_deref().and_then(Path::parent).unwrap_or(&beside);
        beside.ancestors().take_while(|directory| directory.starts_with(top)).map(Path::to_owned).collect()
    }
}

fn current_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && characters.all(|character| character == '_' || character.is_alphanumeric())
}

/// Identifiers with dots between.
pub fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_entry() {
        let module = |name: &str| Entry::from_module(name).unwrap();
        assert_eq!(Entry::Script("/a/tool.py".into()).name(), "tool");
        assert_eq!(Entry::Script("/a/tool".into()).name(), "tool");
        assert_eq!(Entry::Package("/a/pkg".into()).name(), "pkg");
        assert_eq!(module("http.server").name(), "server");
        assert_eq!(module("pkg.__main__").name(), "pkg");
        assert_eq!(Entry::from_argument(Path::new("pkg.cli:main")).unwrap().name(), "pkg");
    }

    #[test]
    fn tells_the_forms_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("with space.py"), "").unwrap();
        assert!(matches!(Entry::from_argument(&at("with space.py")), Ok(Entry::Script(_))));
        std::fs::create_dir(at("pkg")).unwrap();
        assert!(matches!(Entry::from_argument(&at("pkg")), Err(EntryError::NoMain(_))));
        std::fs::write(at("pkg/__main__.py"), "").unwrap();
        assert!(matches!(Entry::from_argument(&at("pkg")), Ok(Entry::Directory(_))));
        std::fs::write(at("pkg/__init__.py"), "").unwrap();
        assert!(matches!(Entry::from_argument(&at("pkg")), Ok(Entry::Package(_))));
        let directory = std::env::current_dir().unwrap();
        let function = Entry::Function { module: "a.b".into(), function: "c".into(), directory };
        assert_eq!(Entry::from_argument(Path::new("a.b:c")), Ok(function));
        for wrong in ["", "a.b:", ":c", "1a:c", "a b:c"] {
            assert!(
                matches!(Entry::from_argument(Path::new(wrong)), Err(EntryError::NotFound(_))),
                "{wrong}"
            );
        }
        assert_eq!(Entry::from_module("a..b"), Err(EntryError::NotAModule("a..b".into())));
        let hint = EntryError::NotFound("http.server".into()).hint();
        assert_eq!(hint.as_deref(), Some("if http.server is a module, say `-m http.server`"));
        assert_eq!(EntryError::NotFound("nowhere/server.py".into()).hint().as_deref(), Some(EXPECTED));
    }
}
