//! Which part of something long is on screen?
//!
//! A window over rows with a cursor. Pure arithmetic, used by every list and by the reader.

/// A cursor within a list, and the first row on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The selected row.
    pub cursor: usize,
    /// The first row on screen.
    pub top: usize,
}

/// How far a key moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows down (positive) or up.
    Rows(isize),
    /// Half screens down or up.
    HalfPages(isize),
    /// Whole screens down or up.
    Pages(isize),
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

impl Step {
    fn target(self, from: usize, rows: usize, height: usize) -> usize {
        let last = rows.saturating_sub(1);
        let page = isize::try_from(height.max(2) - 1).unwrap_or(isize::MAX);
        let by = match self {
            Self::Rows(n) => n,
            Self::HalfPages(n) => n * (page / 2).max(1),
            Self::Pages(n) => n * page,
            Self::Top => return 0,
            Self::Bottom => return last,
        };
        from.saturating_add_signed(by).min(last)
    }
}

impl Scroll {
    /// Moves the cursor; the window follows as little as possible.
    pub fn step(&mut self, step: Step, rows: usize, height: usize) {
        self.cursor = step.target(self.cursor, rows, height);
        self.reveal(rows, height);
    }

    /// Moves the window itself, for text without a cursor.
    pub fn pan(&mut self, step: Step, rows: usize, height: usize) {
        let furthest = rows.saturating_sub(height);
        self.top = match step {
            Step::Bottom => furthest,
            step => step.target(self.top, rows, height).min(furthest),
        };
        self.cursor = self.top;
    }

    /// Puts the cursor back on a row and the window where the row is seen.
    pub fn reveal(&mut self, rows: usize, height: usize) {
        self.cursor = self.cursor.min(rows.saturating_sub(1));
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if height > 0 && self.cursor >= self.top + height {
            self.top = self.cursor + 1 - height;
        }
        self.top = self.top.min(rows.saturating_sub(height.max(1)));
    }

    /// The rows on screen.
    #[must_use]
    pub fn window(&self, rows: usize, height: usize) -> std::ops::Range<usize> {
        self.top.min(rows)..(self.top + height).min(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_window_follows_as_little_as_possible() {
        let mut scroll = Scroll::default();
        for _ in 0..5 {
            scroll.step(Step::Rows(1), 20, 4);
        }
        assert_eq!(scroll, Scroll { cursor: 5, top: 2 });
        scroll.step(Step::Rows(-1), 20, 4);
        assert_eq!(scroll, Scroll { cursor: 4, top: 2 });
        scroll.step(Step::Bottom, 20, 4);
        assert_eq!(
            scroll,
            Scroll {
                cursor: 19,
                top: 16
            }
        );
        scroll.step(Step::Pages(-1), 20, 4);
        assert_eq!(
            scroll,
            Scroll {
                cursor: 16,
                top: 16
            }
        );
        scroll.step(Step::Top, 20, 4);
        assert_eq!(scroll, Scroll::default());
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_seen(
            steps in prop::collection::vec((0..6_usize, -3_isize..4), 0..40),
            rows in 0..50_usize,
            height in 1..20_usize,
        ) {
            let mut scroll = Scroll::default();
            for (kind, n) in steps {
                let step = match kind {
                    0 | 1 => Step::Rows(n),
                    2 => Step::HalfPages(n),
                    3 => Step::Pages(n),
                    4 => Step::Top,
                    _ => Step::Bottom,
                };
                scroll.step(step, rows, height);
                prop_assert!(rows == 0 || scroll.window(rows, height).contains(&scroll.cursor));
                prop_assert!(scroll.top <= rows.saturating_sub(height.min(rows)));
            }
        }
    }
}
