//! Where the members of `PyConfig` are, by version.
//!
//! `Include/cpython/initconfig.h` is the same in every micro release of a minor version. The numbers are
//! `offsetof` as a C compiler gives it for x86-64 Linux (LP64) against the headers of 3.9.18, 3.10.13, 3.11.7,
//! 3.12.1 and 3.13.0. That they fit the library at hand is checked at start by the size of the struct
//! ([`super::interpreter`]), which also tells debug and free-threaded builds from others.

/// Offsets of the members that are set, in bytes. `None`: the version has no such member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigLayout {
    /// `sizeof(PyConfig)`.
    pub size: usize,
    /// `int dev_mode`.
    pub dev_mode: usize,
    /// `int install_signal_handlers`.
    pub install_signal_handlers: usize,
    /// `PyWideStringList argv`.
    pub argv: usize,
    /// `wchar_t *program_name`.
    pub program_name: usize,
    /// `PyWideStringList xoptions`.
    pub xoptions: usize,
    /// `PyWideStringList warnoptions`.
    pub warnoptions: usize,
    /// `int site_import`.
    pub site_import: usize,
    /// `int optimization_level`.
    pub optimization_level: usize,
    /// `int user_site_directory`.
    pub user_site_directory: usize,
    /// `int configure_c_stdio`.
    pub configure_c_stdio: usize,
    /// `int pathconfig_warnings`.
    pub pathconfig_warnings: usize,
    /// `wchar_t *home`.
    pub home: usize,
    /// `int module_search_paths_set`.
    pub module_search_paths_set: usize,
    /// `PyWideStringList module_search_paths`.
    pub module_search_paths: usize,
    /// `wchar_t *stdlib_dir`.
    pub stdlib_dir: Option<usize>,
    /// `wchar_t *executable`.
    pub executable: usize,
    /// `wchar_t *base_executable`.
    pub base_executable: usize,
    /// `wchar_t *prefix`.
    pub prefix: usize,
    /// `wchar_t *base_prefix`.
    pub base_prefix: usize,
    /// `wchar_t *exec_prefix`.
    pub exec_prefix: usize,
    /// `wchar_t *base_exec_prefix`.
    pub base_exec_prefix: usize,
    /// `wchar_t *run_module`.
    pub run_module: usize,
}

/// The layout for CPython 3.`minor`, if it is known.
pub const fn config_layout(minor: u8) -> Option<&'static ConfigLayout> {
    match minor {
        9 => Some(&PYTHON_3_9),
        10 => Some(&PYTHON_3_10),
        11 => Some(&PYTHON_3_11),
        12 => Some(&PYTHON_3_12),
        13 => Some(&PYTHON_3_13),
        _ => None,
    }
}

const PYTHON_3_9: ConfigLayout = ConfigLayout {
    size: 392,
    dev_mode: 12,
    install_signal_handlers: 16,
    argv: 96,
    program_name: 112,
    xoptions: 120,
    warnoptions: 136,
    site_import: 152,
    optimization_level: 168,
    user_site_directory: 188,
    configure_c_stdio: 192,
    pathconfig_warnings: 224,
    home: 240,
    module_search_paths_set: 248,
    module_search_paths: 256,
    stdlib_dir: None,
    executable: 272,
    base_executable: 280,
    prefix: 288,
    base_prefix: 296,
    exec_prefix: 304,
    base_exec_prefix: 312,
    run_module: 344,
};

const PYTHON_3_10: ConfigLayout = ConfigLayout {
    size: 392,
    dev_mode: 12,
    install_signal_handlers: 16,
    argv: 104,
    program_name: 240,
    xoptions: 120,
    warnoptions: 136,
    site_import: 152,
    optimization_level: 172,
    user_site_directory: 192,
    configure_c_stdio: 196,
    pathconfig_warnings: 232,
    home: 256,
    module_search_paths_set: 272,
    module_search_paths: 280,
    stdlib_dir: None,
    executable: 296,
    base_executable: 304,
    prefix: 312,
    base_prefix: 320,
    exec_prefix: 328,
    base_exec_prefix: 336,
    run_module: 360,
};

const PYTHON_3_11: ConfigLayout = ConfigLayout {
    size: 424,
    dev_mode: 12,
    install_signal_handlers: 16,
    argv: 120,
    program_name: 264,
    xoptions: 136,
    warnoptions: 152,
    site_import: 168,
    optimization_level: 188,
    user_site_directory: 208,
    configure_c_stdio: 212,
    pathconfig_warnings: 256,
    home: 280,
    module_search_paths_set: 296,
    module_search_paths: 304,
    stdlib_dir: Some(320),
    executable: 328,
    base_executable: 336,
    prefix: 344,
    base_prefix: 352,
    exec_prefix: 360,
    base_exec_prefix: 368,
    run_module: 392,
};

const PYTHON_3_12: ConfigLayout = ConfigLayout {
    size: 432,
    dev_mode: 12,
    install_signal_handlers: 16,
    argv: 128,
    program_name: 272,
    xoptions: 144,
    warnoptions: 160,
    site_import: 176,
    optimization_level: 196,
    user_site_directory: 216,
    configure_c_stdio: 220,
    pathconfig_warnings: 268,
    home: 288,
    module_search_paths_set: 304,
    module_search_paths: 312,
    stdlib_dir: Some(328),
    executable: 336,
    base_executable: 344,
    prefix: 352,
    base_prefix: 360,
    exec_prefix: 368,
    base_exec_prefix: 376,
    run_module: 400,
};

const PYTHON_3_13: ConfigLayout = ConfigLayout {
    size: 448,
    dev_mode: 12,
    install_signal_handlers: 16,
    argv: 128,
    program_name: 280,
    xoptions: 144,
    warnoptions: 160,
    site_import: 176,
    optimization_level: 196,
    user_site_directory: 216,
    configure_c_stdio: 220,
    pathconfig_warnings: 272,
    home: 296,
    module_search_paths_set: 312,
    module_search_paths: 320,
    stdlib_dir: Some(336),
    executable: 344,
    base_executable: 352,
    prefix: 360,
    base_prefix: 368,
    exec_prefix: 376,
    base_exec_prefix: 384,
    run_module: 408,
};
