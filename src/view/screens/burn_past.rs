//! How did an SLO burn before: in one line, in words, and as a chart with its thresholds?

use super::burn_marks;
use super::burn_words::times;
use super::burns::level_role;
use crate::domain::burn::burn_rate;
use crate::domain::observed::Sample;
use crate::domain::slo_burn::{ConditionState, SloBurn};
use crate::model::Model;
use crate::theme::Role;
use crate::view::widgets::chart::{self, Chart, Extent};
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// The height of a chart.
const ROWS: usize = 8;

/// The width of a chart's labels.
const AXIS: usize = 7;

/// No chart is wider than this: there are not so many points.
const MOST_COLUMNS: usize = 120;

/// The burn over 5 minutes at each point of the past. Empty when there is none; `None` while
/// nothing is known.
fn past(burn: &SloBurn, model: &Model) -> Option<Vec<Sample>> {
    let session = &model.session.burn;
    let ratios = session.past.of(burn.id(), session.span)?.ratios.as_ref()?;
    let objective = burn.measured.slo.objective;
    let rate = |(at, ratio): &Sample| (*at, burn_rate(*ratio, objective));
    Some(ratios.iter().map(rate).collect())
}

fn extent(model: &Model) -> Extent {
    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds since the epoch, and a span of days"
    )]
    let (to, length) = (
        model.now.timestamp() as f64,
        model.session.burn.span.secs() as f64,
    );
    Extent {
        from: to - length,
        to,
    }
}

/// The greatest burn. `None` where no point has one.
fn most(samples: &[Sample]) -> Option<f64> {
    let finite = samples.iter().map(|(_, v)| *v).filter(|v| v.is_finite());
    finite.reduce(f64::max)
}

/// The past in one line. Empty while nothing is known. It is full at a burn of one at the least: a
/// calm line must not look like a mountain.
pub fn sparkline(burn: &SloBurn, model: &Model, look: &Look, columns: usize) -> String {
    let Some(samples) = past(burn, model) else {
        return String::new();
    };
    let Some(most) = most(&samples) else {
        return String::new();
    };
    chart::levels(&samples, extent(model), columns, most.max(1.0), look.glyphs)
}

/// What is to be said of the past.
pub fn past_words(burn: &SloBurn, model: &Model) -> String {
    let session = &model.session.burn;
    let known = session.past.of(burn.id(), session.span);
    let failed = known.and_then(|known| known.failed.as_ref());
    match (past(burn, model), failed) {
        (None, None) => "asking for the past".to_owned(),
        (None, Some(why)) => format!("no past: {why}"),
        (Some(samples), failed) => {
            let said = match most(&samples) {
                None => "no past is known".to_owned(),
                Some(most) => format!("up to {}", times(most)),
            };
            match failed {
                None => said,
                Some(why) => format!("{said}; not renewed: {why}"),
            }
        }
    }
}

/// The chart within a width, its line in a role of its own. Nothing while there is no point.
pub fn chart(
    burn: &SloBurn,
    model: &Model,
    look: &Look,
    width: usize,
    line_role: Role,
) -> Vec<StyledLine> {
    let samples = past(burn, model).unwrap_or_default();
    let Some(most) = most(&samples) else {
        return Vec::new();
    };
    let chart = Chart {
        extent: extent(model),
        columns: width.saturating_sub(AXIS + 4).min(MOST_COLUMNS),
        rows: ROWS,
        top: top_of(most, burn),
        kind: look.glyphs.dots,
    };
    let mut labels = labels(burn, &chart);
    if let Some(Some(label)) = labels.first_mut()
        && most > chart.top
    {
        label.text.push('+');
    }
    let mut out = Vec::new();
    for (label, line) in labels.into_iter().zip(chart::lines(&samples, &chart)) {
        let threshold = label.as_ref().and_then(|label| label.level);
        let label = label.map_or_else(String::new, |label| label.text);
        let mut row = vec![
            (
                text::pad_left(&label, AXIS, look.glyphs.ellipsis),
                threshold.unwrap_or(Role::Dim),
            ),
            (format!(" {}", look.glyphs.lines.vertical), Role::Border),
        ];
        match threshold {
            Some(_) => row.extend(ruled(&line, look.glyphs.dot, line_role)),
            None => row.push((line, line_role)),
        }
        out.push(row);
    }
    let marks = burn_marks::marks(burn, chart.extent, chart.columns, model, look);
    out.extend(marks.map(|marks| {
        let indent = " ".repeat(AXIS + 2);
        vec![(indent, Role::Dim), (marks, Role::Strong)]
    }));
    out.push(vec![(times_below(&chart), Role::Dim)]);
    out
}

/// The marks of its service's changes, below a line of so many columns. None without a change.
pub fn marks(burn: &SloBurn, model: &Model, look: &Look, columns: usize) -> Option<String> {
    burn_marks::marks(burn, extent(model), columns, model, look)
}

/// The changes of its service in the time of the chart, with the burn before and after each.
pub fn changes(burn: &SloBurn, model: &Model, look: &Look) -> Vec<String> {
    burn_marks::lines(burn, extent(model), model, look)
}

/// The value of a chart's upper edge. What burns fast leaves the loudest threshold in sight; what
/// is calm is not drawn as a line at the bottom for the sake of a threshold far above.
fn top_of(most: f64, burn: &SloBurn) -> f64 {
    let thresholds = burn.conditions.iter().map(|c| c.threshold);
    let loudest = thresholds.filter(|t| t.is_finite()).fold(1.0, f64::max);
    let peak = most.max(1.0);
    if peak >= loudest {
        peak.min(loudest * 4.0)
    } else {
        loudest.min(peak * 4.0)
    }
}

/// What stands before a line of a chart.
struct Label {
    text: String,
    /// Of the condition whose threshold the line is.
    level: Option<Role>,
}

fn labels(burn: &SloBurn, chart: &Chart) -> Vec<Option<Label>> {
    let mut labels: Vec<Option<Label>> = (0..chart.rows).map(|_| None).collect();
    let mut loudest_first: Vec<&ConditionState> = burn.conditions.iter().collect();
    loudest_first.sort_by_key(|state| std::cmp::Reverse(state.condition.level));
    for state in loudest_first {
        if let Some(line) = chart::line_of(state.threshold, chart) {
            labels[line].get_or_insert_with(|| Label {
                text: times(state.threshold),
                level: Some(level_role(state.condition.level)),
            });
        }
    }
    let edges = [(0, times(chart.top)), (chart.rows - 1, "0".to_owned())];
    for (line, text) in edges {
        labels[line].get_or_insert(Label { text, level: None });
    }
    labels
}

/// A line of a chart with a threshold on it: dots where nothing is drawn.
fn ruled(line: &str, dot: &str, drawn: Role) -> StyledLine {
    let mut runs: StyledLine = Vec::new();
    for c in line.chars() {
        let (sign, role) = if c == ' ' {
            (dot.to_owned(), Role::Border)
        } else {
            (c.to_string(), drawn)
        };
        match runs.last_mut() {
            Some((text, known)) if *known == role => text.push_str(&sign),
            _ => runs.push((sign, role)),
        }
    }
    runs
}

/// The times below a chart: its left edge, its middle if there is room, and now.
fn times_below(chart: &Chart) -> String {
    let Extent { from, to } = chart.extent;
    let is_long = to - from > 86_400.0;
    let named = |at: f64| {
        #[allow(clippy::cast_possible_truncation, reason = "seconds since the epoch")]
        let time = chrono::DateTime::from_timestamp(at as i64, 0).unwrap_or_default();
        let form = if is_long { "%-d %b %H:%MZ" } else { "%H:%MZ" };
        time.format(form).to_string()
    };
    let (left, middle, right) = (named(from), named(f64::midpoint(from, to)), "now");
    let mut line = format!("{:AXIS$}  {left}", "");
    let starts = AXIS + 2 + chart.columns / 2;
    if line.len() + middle.len() + 2 + right.len() < AXIS + 2 + chart.columns
        && starts > line.len() + middle.len() / 2
    {
        let column = starts - middle.len() / 2;
        line = format!("{line:column$}{middle}");
    }
    let column = AXIS + 2 + chart.columns - right.len();
    format!("{line:column$}{right}")
}
