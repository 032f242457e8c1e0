//! Which SLOs come with this program?
//!
//! Called by [`super::read`] where the settings ask for them. The table is made by `build.rs` from
//! `runbooks/slo/*.yaml`; without such files it is empty.

/// A file as it was when the program was built.
pub(super) struct Embedded {
    /// Its name, without folders.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/builtin_slos.rs"));

/// All of them, in the order of their names.
pub(super) fn files() -> &'static [Embedded] {
    EMBEDDED_SLOS
}

/// How a file is called on screens and in messages.
pub(super) fn path(file: &Embedded) -> String {
    format!("builtin:slo/{}", file.name)
}
