//! Running the files that go before the program: `--runtime-hook`.
//!
//! Each is a module of the archive under a name of ours with a number, and runs like a script of its own: as `__main__`,
//! in a namespace that nobody else sees. What one raises ends the process as if the program had raised it.

use super::Importer;
use super::session::Session;
use crate::archive::{EntryKind, ModuleKind};
use crate::cpython::Owned;

/// Begins the modules' names; a number of four digits follows. The packager gives them
/// (`packager/src/graph/options.rs`).
const NAME: &str = "_snapfreeze_runtime_hook_";

/// Runs all of them, in order. None with an exception set when one raises.
///
/// # Safety
/// CPython is initialised, and this is the thread that initialised it.
pub unsafe fn run(importer: &Importer, session: &Session) -> Option<()> {
    let api = importer.api;
    let hooks = (0..).map_while(|number| importer.find(&format!("{NAME}{number:04}")));
    for hook in hooks.filter(|hook| hook.kind == ModuleKind::Code) {
        // SAFETY: from the contract; the module is kept alive while its code runs, and the namespace by whatever is
        // left of it.
        unsafe {
            let module = Owned::take(api, (api.PyModule_New)(c"__main__".as_ptr()))?;
            let namespace = Owned::share(api, (api.PyModule_GetDict)(module.get()))?;
            let file = session.path(hook.file)?;
            let code = session.code(hook.content, &file)?;
            session.dress_main(&namespace, &file, &hook, EntryKind::Script)?;
            session.exec.call(&[code.get(), namespace.get()])?;
        }
    }
    Some(())
}
