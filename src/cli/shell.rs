//! `quell completions SHELL` and `quell man`: what does a shell or a reader need to know of quell?
//!
//! Both are made from the command line's own definition, so that they cannot fall behind it.

use std::io;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Outcome;
use super::args::Cli;
use super::exit::Exit;
use super::output::Answer;

/// A completion script.
///
/// # Errors
/// None is known.
pub fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "quell", &mut script);
    Ok(Answer::whole(text(&script)))
}

/// The manual page, in roff: quell itself, then every command.
///
/// # Errors
/// None is known: it is made in memory.
pub fn man() -> Outcome {
    manual_page().map(Answer::whole).map_err(|error| Answer {
        complaint: Some(format!("quell: the manual page could not be made: {error}")),
        ..Answer::with(String::new(), Exit::Nothing)
    })
}

fn manual_page() -> io::Result<String> {
    let mut cli = Cli::command();
    cli.build();
    let mut page = Vec::new();
    let whole = Man::new(cli.clone()).manual("User Commands");
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    let mut page = text(&page) + ".SH COMMANDS\n";
    for command in leaves(&cli) {
        page.push_str(&section(command)?);
    }
    page.push_str(".SH EXAMPLES\n");
    page.push_str(&examples(&whole)?);
    Ok(page)
}

/// A command as a part of the page. `clap_mangen` makes pages of their own for them; here the flags
/// that all share are said once, and its headings become part of the text.
fn section(command: &clap::Command) -> io::Result<String> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let own = command.clone().mut_args(|arg| {
        if arg.is_global_set() {
            arg.hide(true)
        } else {
            arg
        }
    });
    let man = Man::new(own);
    let mut bytes = Vec::new();
    man.render_description_section(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    let mut out = format!(".SS \"{name}\"\n");
    let headings = |line: &&str| !line.starts_with(".SH ");
    for line in text(&bytes).lines().filter(headings) {
        out.push_str(line);
        out.push('\n');
    }
    if command.get_after_help().is_some() {
        out.push_str(&examples(&man)?);
    }
    Ok(out)
}

/// What follows the help, line by line as it stands there.
fn examples(man: &Man) -> io::Result<String> {
    let mut bytes = Vec::new();
    man.render_extra_section(&mut bytes)?;
    let lines = text(&bytes).replace(".SH EXTRA\n", "");
    Ok(format!(".PP\n.nf\n{lines}.fi\n"))
}

fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
    let mut found = Vec::new();
    for child in command.get_subcommands() {
        if child.has_subcommands() {
            found.extend(leaves(child));
        } else {
            found.push(child);
        }
    }
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
