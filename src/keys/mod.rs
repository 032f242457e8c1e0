//! Which key means which command?
//!
//! One table of commands ([`commands`]), from which the key map, the help, the hint bar, the
//! palette and the manual derive. Called by `update` to resolve a key press. No key alone writes
//! anything to what quell watches.

pub mod commands;
pub mod press;

pub use commands::{Command, CommandId, Context};
pub use press::KeyPress;

/// The command that a key means: the innermost context first, then [`Context::Global`].
#[must_use]
pub fn resolve(press: KeyPress, context: Context) -> Option<CommandId> {
    let in_context = |wanted: Context| {
        commands::ALL
            .iter()
            .find(|c| c.contexts.contains(&wanted) && c.has_key(press))
    };
    let found = in_context(context).or_else(|| {
        let global = context.falls_through().then_some(Context::Global)?;
        in_context(global)
    });
    found.map(|c| c.id)
}
