//! Which SLOs have the services of the simulated platform written down?
//!
//! Files as people have them, in `src/sim/slo/`: OpenSLO and Sloth's own format. The demo hands them
//! to whoever reads SLO files; the simulated servers do not know them. Two SLOs of the platform stand
//! in no file, since only their recorded series are known.

/// The files: name and text.
#[must_use]
pub fn slo_files() -> &'static [(&'static str, &'static str)] {
    &[
        ("checkout.yaml", include_str!("slo/checkout.yaml")),
        ("delivery.yaml", include_str!("slo/delivery.yaml")),
        ("payments.yaml", include_str!("slo/payments.yaml")),
        ("portal.yaml", include_str!("slo/portal.yaml")),
        ("search.yaml", include_str!("slo/search.yaml")),
    ]
}
