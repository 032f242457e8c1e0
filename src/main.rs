//! temporary
use std::sync::Arc;
fn main() -> color_eyre::Result<std::process::ExitCode> {
    color_eyre::install()?;
    quell::sources::install_crypto_provider();
    let paths = quell::config::Paths::find()?;
    let mut over = quell::config::Overrides::default();
    let a: Vec<String> = std::env::args().collect();
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut beside: Option<std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>> =
        None;
    let mode = if a.len() > 1 && a[1] == "demo" {
        let sim = tokio.block_on(quell::sim::Sim::bind(quell::sim::Options {
            seed: 1,
            started: quell::runtime::clock::now(),
            clock: Arc::new(quell::runtime::clock::now),
        }))?;
        over.flags.alertmanagers = sim.alertmanagers().iter().map(|u| u.to_string()).collect();
        over.flags.prometheuses = vec![sim.prometheus().to_string()];
        beside = Some(Box::pin(sim.serve()));
        quell::runtime::Mode::Demo
    } else {
        over.flags.alertmanagers = a[1..].to_vec();
        quell::runtime::Mode::Live
    };
    let loaded = quell::config::load(
        &over,
        &paths,
        &["default", "light", "mono", "high-contrast"],
    )
    .map_err(|e| color_eyre::eyre::eyre!("{e}"))?;
    quell::runtime::run_cockpit(
        quell::runtime::Start {
            settings: loaded.settings,
            paths,
            mode,
            warnings: loaded.warnings,
        },
        beside,
        tokio,
    )
}
