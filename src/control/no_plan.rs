//! Why can a request not be planned?

use crate::domain::action::ParameterError;
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;

/// Why there is no plan, in words that say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPlan(pub Untrusted);

impl NoPlan {
    /// From words.
    #[must_use]
    pub fn new(why: impl AsRef<str>) -> Self {
        Self(Untrusted::line(why.as_ref()))
    }
}

impl From<ParameterError> for NoPlan {
    fn from(error: ParameterError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<SourceError> for NoPlan {
    fn from(error: SourceError) -> Self {
        Self::new(error.to_string())
    }
}
