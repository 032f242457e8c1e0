//! What do several screens draw in the same way?
//!
//! Parts of screens that know no model: text fitted into columns, and a runbook's prose laid out.

pub mod chart;
pub mod line;
pub mod page;
pub mod pen;
pub mod prose;
pub mod text;
