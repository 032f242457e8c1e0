//! Which way does the process go: the cockpit, the demo, or a command that prints and ends?
//!
//! Reads the command line, starts the async runtime, hands over, and turns the result into an exit
//! status. Everything else is in the library.

use std::process::ExitCode;

use color_eyre::config::{HookBuilder, Theme};
use quell::cli::args::{Cli, Command, DemoArgs, Global};
use quell::cli::output::{Answer, Output};
use quell::cli::{self, World};
use quell::config::Paths;
use quell::runtime::{self, Mode, Start};
use tokio::runtime::{Builder, Runtime};

/// The themes that are part of the program.
const BUILT_IN_THEMES: &[&str] = &["default", "high-contrast", "light", "mono"];

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        // Help and version come this way too, with status 0.
        Err(error) => error.exit(),
    };
    let mut output = Output::stdio();
    match start(cli, &mut output) {
        Ok(status) => status,
        Err(report) => output
            .print(&Answer::usage(format!("quell: {report:#}")))
            .into(),
    }
}

fn start(cli: Cli, output: &mut Output) -> color_eyre::Result<ExitCode> {
    // Reports may end up in a log or a ticket: no escapes.
    HookBuilder::default().theme(Theme::new()).install()?;
    let world = World {
        clock: runtime::clock::now,
        paths: Paths::find()?,
        built_in_themes: BUILT_IN_THEMES,
        variables: |name| std::env::var(name).ok(),
    };
    match cli.command {
        None => open_cockpit(&cli.global, &world, output),
        Some(Command::Demo(args)) => open_demo(args, &cli.global, &world, output),
        Some(Command::Print(command)) => {
            let tokio = Builder::new_current_thread().enable_all().build()?;
            let exit = tokio.block_on(cli::run(&command, &cli.global, &world, output));
            // A slow answer of a source that was given up is not waited for.
            tokio.shutdown_background();
            Ok(exit.into())
        }
    }
}

/// `quell`: the cockpit on what the config and the flags name.
fn open_cockpit(
    global: &Global,
    world: &World,
    output: &mut Output,
) -> color_eyre::Result<ExitCode> {
    let loaded = match cli::cockpit(global, world) {
        Ok(loaded) => loaded,
        Err(answer) => return Ok(output.print(&answer).into()),
    };
    let start = Start {
        settings: loaded.settings,
        paths: world.paths.clone(),
        mode: Mode::Live,
        warnings: loaded.warnings,
    };
    runtime::run_cockpit(start, None, threads()?)
}

/// `quell demo`: the cockpit on a simulated platform, which runs beside it.
fn open_demo(
    args: DemoArgs,
    global: &Global,
    world: &World,
    output: &mut Output,
) -> color_eyre::Result<ExitCode> {
    let tokio = threads()?;
    let demo = match tokio.block_on(cli::demo::prepare(args, global, world)) {
        Ok(demo) => demo,
        Err(answer) => return Ok(output.print(&answer).into()),
    };
    let start = Start {
        settings: demo.settings,
        paths: world.paths.clone(),
        mode: Mode::Demo,
        warnings: Vec::new(),
    };
    runtime::run_cockpit(start, Some(demo.platform), tokio)
}

/// One thread for the screen is the main one; two are enough to read and merge beside it.
fn threads() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}
