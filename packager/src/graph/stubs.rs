//! Type stubs that are read when the program runs: `lazy_loader.attach_stub` imports what the stub beside a module
//! imports, when it is first asked for.

use std::path::Path;

use super::imports::{ImportEdge, ModuleName, Target, read_imports};

/// The imports of the stub beside a module, if the module attaches it. They happen later or never.
pub fn attached_imports(
    path: Option<&Path>,
    text: &[u8],
    name: &ModuleName<'_>,
    target: &Target,
) -> Vec<ImportEdge> {
    const CALL: &str = "attach_stub(";
    let attaches = std::str::from_utf8(text).is_ok_and(|text| text.contains(CALL));
    let stub = path.filter(|_| attaches).and_then(|path| std::fs::read(path.with_extension("pyi")).ok());
    let Some(Ok(mut imports)) = stub.map(|stub| read_imports(&stub, name, target)) else { return Vec::new() };
    for edge in &mut imports.edges {
        edge.kind.deferred = true;
        edge.kind.stub = true;
    }
    imports.edges
}
