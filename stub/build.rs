//! Link arguments of the stub: a shared object that the kernel can start, which needs glibc and nothing else.

use std::path::PathBuf;

/// The standard library asks for libgcc_s, for panic messages; frozen programs run where there is none. A linker
/// script under its name, found first, gives the static form instead (GNU ld, "Implicit Linker Scripts").
const LIBGCC_SCRIPT: &str = "GROUP ( -lgcc_eh -lgcc )\n";

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    std::fs::write(folder.join("libgcc_s.so"), LIBGCC_SCRIPT)?;
    println!("cargo:rustc-link-search=native={}", folder.display());

    // The program entry, defined in assembly in lib.rs (gABI, e_entry).
    println!("cargo:rustc-cdylib-link-arg=-Wl,-e,snapfreeze_entry");
    // Relocate everything at load, then make it read-only.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,now");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,relro");
    // libpython needs libm and would search its RUNPATH for it: have it loaded already.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--no-as-needed,-lm");
    Ok(())
}
