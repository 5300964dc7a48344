//! What `read_imports` promises, a file for each part. Sources are read on a thread with the documented stack.

mod conditions;
mod depth;
mod encoding;
mod facts;
mod lazy;
mod requests;

use super::{ModuleImports, ModuleName, ReadError, Request, STACK_BYTES, Target, read_imports};

fn linux(minor: u8) -> Target {
    Target {
        minor,
        sys_platform: "linux".to_owned(),
        os_name: "posix".to_owned(),
        implementation: "cpython".to_owned(),
        platform_system: "Linux".to_owned(),
        maxsize_64bit: true,
        optimize: 0,
    }
}

/// The module `a.b` of a package `a`.
const MODULE: ModuleName<'static> = ModuleName { name: "a.b", package: "a", is_main: false };
/// The package `a` itself.
const PACKAGE: ModuleName<'static> = ModuleName { name: "a", package: "a", is_main: false };
/// A script that is run.
const MAIN: ModuleName<'static> = ModuleName { name: "__main__", package: "", is_main: true };

fn on_large_stack<T: Send>(read: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, read);
        thread.expect("the thread starts").join().expect("the thread ends")
    })
}

fn try_read(source: &[u8], name: &ModuleName<'_>, target: &Target) -> Result<ModuleImports, ReadError> {
    on_large_stack(|| read_imports(source, name, target))
}

fn read_as(name: &ModuleName<'_>, source: &str) -> ModuleImports {
    try_read(source.as_bytes(), name, &linux(11)).expect("the source is read")
}

fn read(source: &str) -> ModuleImports {
    read_as(&MODULE, source)
}

/// What the edges ask for, one word each: `m` for a module, `m:x,y` for names from it, `m:*`, `m()` for a call.
fn shown(found: &ModuleImports) -> Vec<String> {
    let edge = |request: &Request| match request {
        Request::Module(module) => module.clone(),
        Request::From { module, names } => format!("{module}:{}", names.join(",")),
        Request::Star { module } => format!("{module}:*"),
        Request::Dynamic(module) => format!("{module}()"),
    };
    found.edges.iter().map(|found| edge(&found.request)).collect()
}

/// The edges of a source, joined by blanks.
fn edges(source: &str) -> String {
    shown(&read(source)).join(" ")
}
