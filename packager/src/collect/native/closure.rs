//! The walk from the roots over `DT_NEEDED` to all libraries.
//!
//! In come the roots and a [`LibrarySearch`]; out goes a [`NativeClosure`]. Each root is what one `dlopen`
//! would load: its libraries breadth first (gABI, "Shared Object Dependencies"), in a process that has
//! all roots before it already. As in glibc's `_dl_map_object`, a request is answered first by
//! an object that has the name, be it its `DT_SONAME` or the name by which it was asked for before; then by
//! searching; and a search that ends at a file that is loaded gives that object.
//!
//! What must hold: each real file is one object, so the walk ends whatever cycles the requests form;
//! the SONAMEs of all roots count from the start, for the order of imports is not known here.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::elf::{ElfError, ElfFacts, ElfKind, Machine};
use super::search::{LibrarySearch, Requester};
use super::{MissingLibrary, NativeClosure, NativeError, NativeFile, NativeWarning, system};

/// A file in the process.
struct Object {
    facts: ElfFacts,
    path: PathBuf,
    /// The directory of the path by which it was found, symlinks kept: `$ORIGIN`.
    origin: PathBuf,
    /// The object that asked for it first.
    loader: Option<usize>,
    names: Vec<String>,
    needs: Vec<usize>,
    root: Option<usize>,
}

/// What a search gave.
struct Search {
    found: Option<Found>,
    searched: Vec<PathBuf>,
    passed_over: Vec<(PathBuf, ElfError)>,
}

struct Found {
    path: PathBuf,
    origin: PathBuf,
    facts: ElfFacts,
}

/// The state of one walk.
pub(super) struct Walk<'a> {
    search: &'a LibrarySearch,
    machine: Option<Machine>,
    objects: Vec<Object>,
    by_path: HashMap<PathBuf, usize>,
    by_name: HashMap<String, usize>,
    missing: Vec<(usize, MissingLibrary)>,
    warnings: Vec<NativeWarning>,
    /// Files examined for a warning.
    warned: HashSet<PathBuf>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(search: &'a LibrarySearch) -> Self {
        Self {
            search,
            machine: search.machine,
            objects: Vec::new(),
            by_path: HashMap::new(),
            by_name: HashMap::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
            warned: HashSet::new(),
        }
    }

    pub(super) fn over(mut self, roots: &[PathBuf]) -> Result<NativeClosure, NativeError> {
        let mut ids = Vec::with_capacity(roots.len());
        for (index, path) in roots.iter().enumerate() {
            ids.push(self.add_root(index, path)?);
        }
        let mut seen = HashSet::new();
        for &root in &ids {
            let mut queue = VecDeque::from([root]);
            while let Some(object) = queue.pop_front() {
                if seen.insert(object) {
                    self.satisfy(object);
                    queue.extend(&self.objects[object].needs);
                }
            }
        }
        self.answer_late();
        Ok(self.into_closure(&ids))
    }

    fn add_root(&mut self, index: usize, path: &Path) -> Result<usize, NativeError> {
        let unreadable = |source| NativeError::Unreadable { path: path.to_path_buf(), source };
        let real = path.canonicalize().map_err(|error| unreadable(error.into()))?;
        if let Some(&known) = self.by_path.get(&real) {
            return Ok(known);
        }
        let facts = ElfFacts::read(&real).map_err(unreadable)?;
        let expected = *self.machine.get_or_insert(facts.machine);
        if facts.machine != expected {
            let (path, found) = (path.to_path_buf(), facts.machine);
            return Err(NativeError::OtherMachine { path, found, expected });
        }
        if facts.kind == ElfKind::Other {
            return Err(NativeError::NotLoadable { path: path.to_path_buf() });
        }
        let origin = origin_of(path).map_err(|error| unreadable(error.into()))?;
        Ok(self.add(Found { path: real, origin, facts }, None, Some(index)))
    }

    fn add(&mut self, found: Found, loader: Option<usize>, root: Option<usize>) -> usize {
        let id = self.objects.len();
        let Found { path, origin, facts } = found;
        if let Some(soname) = &facts.soname {
            self.by_name.entry(soname.clone()).or_insert(id);
        }
        self.by_path.insert(path.clone(), id);
        let (names, needs) = (Vec::new(), Vec::new());
        self.objects.push(Object { facts, path, origin, loader, names, needs, root });
        id
    }

    /// Answers every `DT_NEEDED` of an object.
    fn satisfy(&mut self, object: usize) {
        let needed = self.objects[object].facts.needed.clone();
        let directories = self.search.directories(&self.chain(object));
        for name in needed.iter().filter(|name| !system::is_provided(name)) {
            let expanded = self.search.expand(OsStr::new(name), &self.objects[object].origin);
            let key = expanded.to_string_lossy().into_owned();
            let result = self.look_for(Path::new(&expanded), &directories);
            let loaded = self.by_name.get(&key).copied();
            match (loaded, result) {
                (Some(loaded), result) => {
                    self.compare(name, loaded, result.found, object);
                    self.bind(object, name, loaded);
                }
                (None, Search { found: Some(found), passed_over, .. }) => {
                    self.warn_passed_over(object, passed_over);
                    let known = self.by_path.get(&found.path).copied();
                    let id = known.unwrap_or_else(|| self.add_library(found, object));
                    self.by_name.entry(key).or_insert(id);
                    self.bind(object, name, id);
                }
                (None, Search { searched, passed_over, .. }) => {
                    self.warn_passed_over(object, passed_over);
                    let needed_by = self.objects[object].path.clone();
                    let missing = MissingLibrary { name: name.clone(), needed_by, searched };
                    self.missing.push((object, missing));
                }
            }
        }
    }

    /// The object, the one that loaded it, and so on to a root.
    fn chain(&self, object: usize) -> Vec<Requester<'_>> {
        let loaders = std::iter::successors(Some(object), |id| self.objects[*id].loader);
        let requester = |id: usize| {
            let Object { facts, origin, .. } = &self.objects[id];
            Requester { facts, origin }
        };
        loaders.map(requester).collect()
    }

    fn look_for(&self, name: &Path, directories: &[PathBuf]) -> Search {
        let is_path = name.as_os_str().as_encoded_bytes().contains(&b'/');
        let tried: Vec<PathBuf> = if is_path {
            vec![name.to_path_buf()]
        } else {
            directories.iter().map(|directory| directory.join(name)).collect()
        };
        let searched = if is_path { tried.clone() } else { directories.to_vec() };
        let mut search = Search { found: None, searched, passed_over: Vec::new() };
        for path in tried.into_iter().filter(|path| path.is_file()) {
            match self.examine(&path) {
                Ok(Some(found)) => {
                    search.found = Some(found);
                    break;
                }
                Ok(None) => {}
                Err(error) => search.passed_over.push((path, error)),
            }
        }
        search
    }

    /// `None` for a library of another class or machine, which the loader skips silently.
    fn examine(&self, path: &Path) -> Result<Option<Found>, ElfError> {
        let real = path.canonicalize()?;
        let facts = match self.by_path.get(&real) {
            Some(&known) => self.objects[known].facts.clone(),
            None => ElfFacts::read(&real)?,
        };
        if self.machine.is_some_and(|machine| machine != facts.machine) {
            return Ok(None);
        }
        if facts.kind != ElfKind::SharedObject {
            return Err(ElfError::Malformed("it is not a shared object"));
        }
        Ok(Some(Found { path: real, origin: origin_of(path)?, facts }))
    }

    fn add_library(&mut self, found: Found, loader: usize) -> usize {
        let holder = found.facts.soname.as_ref().and_then(|soname| {
            let holder = self.by_name.get(soname)?;
            Some((soname.clone(), *holder))
        });
        let path = found.path.clone();
        let id = self.add(found, Some(loader), None);
        if let Some((name, holder)) = holder {
            self.warn_same_name(&name, holder, path, loader);
        }
        id
    }

    /// Warns if the requester's own search gives another file than the one that has the name.
    fn compare(&mut self, name: &str, loaded: usize, found: Option<Found>, requester: usize) {
        if let Some(found) = found
            && found.path != self.objects[loaded].path
        {
            self.warn_same_name(name, loaded, found.path, requester);
        }
    }

    fn warn_same_name(&mut self, name: &str, used: usize, ignored: PathBuf, requester: usize) {
        let used = self.objects[used].path.clone();
        // Copies of one file are no conflict. If they cannot be compared, the warning is due.
        if self.warned.insert(ignored.clone()) && !same_bytes(&used, &ignored).unwrap_or(false) {
            let (name, needed_by) = (name.to_owned(), self.objects[requester].path.clone());
            self.warnings.push(NativeWarning::SameName { name, used, ignored, needed_by });
        }
    }

    fn warn_passed_over(&mut self, requester: usize, files: Vec<(PathBuf, ElfError)>) {
        for (path, error) in files {
            if self.warned.insert(path.clone()) {
                let (needed_by, reason) = (self.objects[requester].path.clone(), error.to_string());
                self.warnings.push(NativeWarning::PassedOver { path, needed_by, reason });
            }
        }
    }

    /// Records that `requester` needs `object` under `name`.
    fn bind(&mut self, requester: usize, name: &str, object: usize) {
        let needs = &mut self.objects[requester].needs;
        if requester != object && !needs.contains(&object) {
            needs.push(object);
        }
        let Object { facts, path, names, .. } = &self.objects[object];
        if names.iter().any(|known| known == name) {
            return;
        }
        // Loaded from memory it answers to its SONAME and to one other name, the first that it was asked for by.
        let mut others = names.iter().filter(|known| facts.soname.as_ref() != Some(known));
        let name = name.to_owned();
        if let Some(known) = others.next().cloned() {
            let (path, needed_by) = (path.clone(), self.objects[requester].path.clone());
            self.warnings.push(NativeWarning::OtherName { path, known, name: name.clone(), needed_by });
        }
        self.objects[object].names.push(name);
    }

    /// Answers what was missing by what other requests brought in.
    fn answer_late(&mut self) {
        for (requester, missing) in std::mem::take(&mut self.missing) {
            if let Some(&id) = self.by_name.get(&missing.name) {
                self.bind(requester, &missing.name, id);
                let MissingLibrary { name, needed_by, .. } = missing;
                let path = self.objects[id].path.clone();
                self.warnings.push(NativeWarning::FoundElsewhere { name, path, needed_by });
            } else {
                self.missing.push((requester, missing));
            }
        }
    }

    fn into_closure(self, roots: &[usize]) -> NativeClosure {
        let mut position: HashMap<usize, usize> = HashMap::new();
        for (id, object) in self.objects.iter().enumerate() {
            if !object.names.is_empty() {
                position.insert(id, position.len());
            }
        }
        let before = |id: usize| -> Vec<usize> {
            let order = self.dependencies_first(id);
            order.iter().filter_map(|id| position.get(id).copied()).collect()
        };
        let file = |(id, object): (usize, &Object)| {
            // Its SONAME is known to the loader anyway: another name that it is asked for by has to be told.
            let is_other = |name: &&String| object.facts.soname.as_ref() != Some(name);
            let load_name = object.names.iter().find(is_other).or(object.names.first())?;
            Some(NativeFile {
                path: object.path.clone(),
                soname: object.facts.soname.clone(),
                load_name: load_name.clone(),
                needs: before(id),
                root: object.root,
            })
        };
        NativeClosure {
            files: self.objects.iter().enumerate().filter_map(file).collect(),
            roots: roots.iter().map(|id| before(*id)).collect(),
            missing: self.missing.into_iter().map(|(_, missing)| missing).collect(),
            warnings: self.warnings,
        }
    }

    /// All that `start` leads to, itself excluded, each after what it needs itself. Where requests form a
    /// cycle no order satisfies all; then the object reached first comes last. No recursion: the depth
    /// is chosen by the files.
    fn dependencies_first(&self, start: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = HashSet::from([start]);
        let mut stack = vec![(start, 0)];
        while let Some((id, next)) = stack.pop() {
            if let Some(&need) = self.objects[id].needs.get(next) {
                stack.push((id, next + 1));
                if seen.insert(need) {
                    stack.push((need, 0));
                }
            } else if id != start {
                order.push(id);
            }
        }
        order
    }
}

/// The directory of a path as the loader makes it for `$ORIGIN`: absolute, symlinks kept.
fn origin_of(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// Bytes compared at a time.
const CHUNK: u64 = 1 << 16;

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut chunk, mut other_chunk) = (Vec::new(), Vec::new());
    loop {
        chunk.clear();
        other_chunk.clear();
        one.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
        other.by_ref().take(CHUNK).read_to_end(&mut other_chunk)?;
        if chunk != other_chunk {
            return Ok(false);
        }
        if chunk.is_empty() {
            return Ok(true);
        }
    }
}
