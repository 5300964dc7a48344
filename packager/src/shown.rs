//! How messages show what the system gives: paths as short as they can be, errors without places of our own.

use std::io;
use std::path::Path;

/// A path for people: relative to the working directory where it is below that.
pub fn shown(path: &Path) -> String {
    let below = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok());
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or(path).display().to_string()
}

/// The system's own error, where another one that names a temporary file is around it: nobody knows that file.
pub fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((message, _)) if error.raw_os_error().is_none() => io::Error::new(error.kind(), message),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_is_relative() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(shown(&here.join("a/b")), "a/b");
        assert_eq!(shown(&here), here.display().to_string());
        assert_eq!(shown(Path::new("/nowhere/x")), "/nowhere/x");
        assert_eq!(shown(Path::new("x")), "x");
    }

    #[test]
    fn a_temporary_file_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = tempfile::NamedTempFile::new_in(folder.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("none"));
        let error = plain(error);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("none"), "{error}");
        assert_eq!(plain(io::Error::other("x")).to_string(), "x");
    }
}
