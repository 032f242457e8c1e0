//! view
pub mod widgets;
