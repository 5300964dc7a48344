//! Modules that the program's own code cannot do without and that are not there: where they are imported, what could be
//! meant, and which distribution has them.

use std::path::PathBuf;

use super::build::Builder;
use super::{ModuleKind, Origin};

/// A module that is not there though the program's own code imports it wherever it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Its name up to the first part that is not there: what `ModuleNotFoundError` names.
    pub name: String,
    /// The module that imports it.
    pub from: String,
    /// The file of that module, if it has one.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: u32,
    /// The name most like it of those that are there.
    pub nearest: Option<String>,
}

impl Absent {
    /// What to do about it.
    pub fn advice(&self) -> String {
        let known = advice(&self.name, self.nearest.as_deref());
        known.unwrap_or_else(|| {
            "install it, or import it in a `try` where the program can do without".to_owned()
        })
    }
}

/// What to do about a module that is not there, if there is more to say than to install it.
pub fn advice(name: &str, nearest: Option<&str>) -> Option<String> {
    Some(match (distribution_of(name), nearest) {
        (Some(OF_PYTHON), _) => {
            format!("{name} is part of Python, but this one was built or packaged without it")
        }
        (Some(distribution), _) => format!("install {distribution}, the distribution that has it"),
        (None, Some(nearest)) => format!("the nearest name that is installed is {nearest}"),
        (None, None) => return None,
    })
}

/// What stands for modules of the standard library that systems package apart or leave out.
const OF_PYTHON: &str = "";

/// Well-known modules whose distribution has another name, as PyPI has them. Sorted by module.
const DISTRIBUTIONS: [(&str, &str); 66] = [
    ("Crypto", "pycryptodome"),
    ("Cryptodome", "pycryptodomex"),
    ("Cython", "Cython"),
    ("Levenshtein", "Levenshtein"),
    ("MySQLdb", "mysqlclient"),
    ("OpenGL", "PyOpenGL"),
    ("OpenSSL", "pyOpenSSL"),
    ("PIL", "Pillow"),
    ("Xlib", "python-xlib"),
    ("_tkinter", OF_PYTHON),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("bson", "pymongo"),
    ("bz2", OF_PYTHON),
    ("cairo", "pycairo"),
    ("curses", OF_PYTHON),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dbm.gnu", OF_PYTHON),
    ("decouple", "python-decouple"),
    ("discord", "discord.py"),
    ("dns", "dnspython"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("faiss", "faiss-cpu"),
    ("fitz", "PyMuPDF"),
    ("flask_sqlalchemy", "Flask-SQLAlchemy"),
    ("gi", "PyGObject"),
    ("git", "GitPython"),
    ("github", "PyGithub"),
    ("google.protobuf", "protobuf"),
    ("gridfs", "pymongo"),
    ("grpc", "grpcio"),
    ("jose", "python-jose"),
    ("jwt", "PyJWT"),
    ("kafka", "kafka-python"),
    ("ldap", "python-ldap"),
    ("lzma", OF_PYTHON),
    ("magic", "python-magic"),
    ("memcache", "python-memcached"),
    ("mpl_toolkits", "matplotlib"),
    ("multipart", "python-multipart"),
    ("nacl", "PyNaCl"),
    ("pkg_resources", "setuptools"),
    ("pptx", "python-pptx"),
    ("psycopg2", "psycopg2-binary"),
    ("pydantic_core", "pydantic"),
    ("pylab", "matplotlib"),
    ("readline", OF_PYTHON),
    ("ruamel.yaml", "ruamel.yaml"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("slugify", "python-slugify"),
    ("socks", "PySocks"),
    ("sqlite3", OF_PYTHON),
    ("telegram", "python-telegram-bot"),
    ("tkinter", OF_PYTHON),
    ("tree_sitter", "tree-sitter"),
    ("usb", "pyusb"),
    ("websocket", "websocket-client"),
    ("wx", "wxPython"),
    ("yaml", "PyYAML"),
    ("zmq", "pyzmq"),
    ("zoneinfo", OF_PYTHON),
    ("zstandard", "zstandard"),
];

/// The distribution that has a well-known module of another name.
fn distribution_of(name: &str) -> Option<&'static str> {
    let names = std::iter::successors(Some(name), |name| Some(name.rsplit_once('.')?.0));
    let mut found =
        names.filter_map(|name| DISTRIBUTIONS.binary_search_by_key(&name, |(module, _)| module).ok());
    found.next().and_then(|at| DISTRIBUTIONS.get(at)).map(|(_, distribution)| *distribution)
}

impl Builder<'_> {
    /// Modules that the program's own code imports when it runs, outside of functions and `try`, and that are not there:
    /// each once, where it is imported first.
    pub(super) fn absent(&self) -> Vec<Absent> {
        let missing = self.graph.missing.iter();
        let needed = missing.filter(|(_, missing)| missing.is_required && missing.origin == Origin::Own);
        let mut all: Vec<Absent> = Vec::new();
        for (name, missing) in needed {
            let name = self.first_absent(name);
            let place = (&missing.from, missing.line);
            match all.iter_mut().find(|known| known.name == name) {
                Some(known) if place < (&known.from, known.line) => {
                    (known.from, known.line) = (missing.from.clone(), missing.line);
                }
                Some(_) => {}
                None => {
                    let (from, line) = (missing.from.clone(), missing.line);
                    let nearest = self.nearest(&name);
                    all.push(Absent { name, from, file: None, line, nearest });
                }
            }
        }
        for absent in &mut all {
            let module = self.graph.modules.get(&absent.from);
            absent.file = module.and_then(|module| match &module.kind {
                ModuleKind::Source { path, .. } => path.clone(),
                _ => None,
            });
        }
        all
    }

    /// The part of a name up to the first module that is not there.
    pub(super) fn first_absent(&self, name: &str) -> String {
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        let mut parts = ends.filter_map(|end| name.get(..end));
        parts.find(|part| !self.graph.modules.contains_key(*part)).unwrap_or(name).to_owned()
    }

    /// The module most like a name of those beside which it would be.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        let (parent, last) =
            name.rsplit_once('.').map_or((None, name), |(parent, last)| (Some(parent), last));
        let directories = match parent {
            Some(parent) => &self.graph.modules.get(parent)?.directories,
            None => &self.path,
        };
        let mut known: Vec<String> =
            directories.iter().flat_map(|directory| self.resolver.modules_in(directory)).collect();
        if parent.is_none() {
            known.extend(self.request.facts.builtins.iter().cloned());
        }
        let nearest = most_like(last, known.iter().map(String::as_str))?;
        Some(parent.map_or_else(|| nearest.to_owned(), |parent| format!("{parent}.{nearest}")))
    }
}

/// Of names the one that may be meant: a slip or two away, in short names one, and in the shortest none.
pub fn most_like<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = match name.chars().count() {
        ..=2 => return None,
        3..=4 => 1,
        _ => 2,
    };
    let lower = name.to_lowercase();
    let is_private = name.starts_with('_');
    let distances = known
        .filter(|known| *known != name && known.starts_with('_') == is_private)
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, nearest)| nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(DISTRIBUTIONS.is_sorted_by_key(|(module, _)| module));
    }

    #[test]
    fn well_known_modules_have_their_distribution() {
        assert_eq!(distribution_of("yaml"), Some("PyYAML"));
        assert_eq!(distribution_of("PIL.Image"), Some("Pillow"));
        assert_eq!(distribution_of("google.protobuf.message"), Some("protobuf"));
        assert_eq!(distribution_of("google"), None);
        assert!(advice("tkinter", None).unwrap().contains("part of Python"));
        assert_eq!(
            advice("requets", Some("requests")).as_deref(),
            Some("the nearest name that is installed is requests")
        );
        assert_eq!(advice("no_such_thing", None), None);
    }

    #[test]
    fn a_slip_is_seen_and_a_stranger_is_none() {
        let known = ["json", "requests", "_json", "click", "os"];
        let most_like = |name| most_like(name, known.into_iter());
        assert_eq!(most_like("jsom"), Some("json"));
        assert_eq!(most_like("JSON"), Some("json"));
        assert_eq!(most_like("request"), Some("requests"));
        assert_eq!(most_like("_jsom"), Some("_json"));
        assert_eq!(most_like("numpy"), None);
        assert_eq!([most_like("x"), most_like("so")], [None, None]);
        assert_eq!(most_like(""), None);
    }
}
