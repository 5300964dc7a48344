//! Fusion: the stub and the ELF file that carries CPython, joined into one program that the kernel maps directly.
//!
//! In: the bytes of the stub, of the *base* (libpython, or an interpreter that has it inside) and of the libraries that
//! the base needs beside glibc's. Out: the bytes of an executable without an archive, or why it cannot be. What the
//! dynamic linker would do at each start is done here once: symbols of one object that another defines are bound,
//! thread-local storage, constructors and unwind tables are merged. Code and data stay as they are; only what
//! relocations name is changed.
//!
//! The phases are files, in order: [`image`] reads a file ([`dynamic`], [`versions`] and [`relocations`] are parts of
//! that), [`symbols`] merges symbols, [`thread_local`] the blocks of thread-local storage, [`fixups`] says what each
//! relocation becomes, [`frozen`] what of the base waits until somebody asks for it, [`packed`] chooses those that the
//! stub applies, [`unwind`] merges the unwind tables' indexes, [`kept`] leaves out what is replaced, [`layout`] places
//! everything, [`direct`] has code go straight to what it went to by way of a table, [`write`] writes all that with its [`tables`], [`sections`], [`names`] and [`frames`], [`leave`] says what
//! CPython need not do at the end and [`collect`] how its end collects (both write over [`functions`]), [`check`] reads
//! the result again, [`start`] starts it. [`machine`] has what depends on the machine; [`program`] is what the build
//! calls, and [`archive`] makes room for the archive.
//!
//! What must hold: input that is truncated or garbage gives an error, never a panic; equal inputs give equal bytes.

pub mod archive;
mod check;
mod collect;
mod direct;
mod dynamic;
mod error;
mod fixups;
mod frames;
mod frozen;
mod functions;
mod image;
mod kept;
mod layout;
mod leave;
mod machine;
mod names;
mod packed;
pub mod program;
mod relocations;
mod sections;
mod start;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod thread_local;
mod unwind;
mod versions;
mod write;

pub use error::FuseError;
use image::Image;

/// What every CPython since 3.8 exports.
const LANDMARK: &[u8] = b"Py_InitializeFromConfig";

/// The ELF file that carries CPython.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The minor version of its CPython 3.
    pub minor: u8,
}

/// Joins objects into an executable: the stub, the base if there is one, and the libraries that the base needs.
///
/// `name` is its `DT_SONAME`, if it is to have one: what libraries that need libpython ask for, who then get what is in the program.
///
/// The stub's definitions come first, then the base's, then the libraries' in their order, as in a process where the
/// dynamic linker has loaded them.
///
/// # Errors
/// When an object is damaged, or has what cannot be carried over.
pub fn fuse(
    stub: &[u8],
    base: Option<Base<'_>>,
    libraries: &[&[u8]],
    name: Option<&[u8]>,
) -> Result<Vec<u8>, FuseError> {
    let files =
        [Some(stub), base.map(|base| base.bytes)].into_iter().flatten().chain(libraries.iter().copied());
    let objects: Vec<Image<'_>> = files.map(Image::read).collect::<Result<_, _>>()?;
    let minor = base.map(|base| base.minor);
    let (base, machine) = (base.map(|_| 1), objects.first().map(|stub| stub.machine));
    for (number, object) in objects.iter().enumerate() {
        if Some(object.machine) != machine {
            return Err(FuseError::OtherMachine);
        }
        if object.is_fixed && Some(number) != base {
            return Err(FuseError::Kind);
        }
    }
    let symbols = symbols::Symbols::merge(&objects)?;
    if base.is_some() && !symbols.defines(LANDMARK) {
        return Err(FuseError::NoPython);
    }
    let block = thread_local::Block::merge(&objects, base)?;
    let mut fixups = fixups::fixups(&objects, &symbols, &block)?;
    let frozen = frozen::Frozen::find(&objects, minor, &fixups).unwrap_or_default();
    frozen.redirect(&mut fixups);
    let packed = packed::Packed::choose(&objects, &symbols, &fixups, &frozen.words);
    let unwind = unwind::Index::merge(&objects)?;
    let kept = kept::kept_segments(&objects, &symbols, &fixups);
    let fused = write::write(&write::Parts {
        objects: &objects,
        name,
        minor,
        symbols,
        block,
        fixups,
        frozen,
        packed,
        unwind,
        kept,
    })?;
    check::check(&fused)?;
    Ok(fused)
}
