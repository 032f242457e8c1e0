//! How are service levels written for people?
//!
//! One line each, what runs out first at the top, or one of them in full. Used by `quell burn` and by
//! `quell status`. A number that is not known is a dash, and its reason stands below it.

use super::burn_json::{self, PeriodDoc, freezes_because, full_name, reason, under_each};
use super::gather::Picture;
use super::page::{Page, Role, Table, cell, count, rest, rigid};
use crate::domain::burn::Exhaustion;
use crate::domain::burn_explain::{self, lasting, percent, standing};
use crate::domain::burn_policy::Level;
use crate::domain::duration::{exact, short_age};
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo::{BudgetWindow, SloProblem};
use crate::domain::slo_burn::{ConditionState, RECENT_SECS, SloBurn, Standing, Verdict};
use crate::domain::text::Untrusted;

/// The windows that a line shows, where they were asked for.
const COLUMNS: [u64; 4] = [300, 3_600, 21_600, 259_200];

/// One line for each, then what is wrong with their files and their sources.
#[must_use]
pub fn list(picture: &Picture, chosen: &[&SloBurn], page: &Page) -> String {
    let mut out = String::new();
    if chosen.is_empty() {
        nothing(picture, page, &mut out);
    } else {
        rows(chosen, page, &mut out);
    }
    trailer(picture, page, &mut out);
    out
}

/// Each in full; with every step from the queries to the verdict where that is asked for.
#[must_use]
pub fn in_full(
    picture: &Picture,
    chosen: &[&SloBurn],
    detail: burn_json::Detail,
    page: &Page,
) -> String {
    let mut out = String::new();
    for burn in chosen {
        head(burn, page, &mut out);
        facts(burn, picture, page, &mut out);
        windows(burn, page, &mut out);
        conditions(burn, page, &mut out);
        if detail == burn_json::Detail::Explained {
            steps(burn, page, &mut out);
            other_policies(burn, picture, page, &mut out);
        }
        out.push('\n');
    }
    trailer(picture, page, &mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn nothing(picture: &Picture, page: &Page, out: &mut String) {
    let all_fresh = picture
        .sources
        .iter()
        .all(|source| source.freshness == Freshness::Fresh);
    if !all_fresh {
        let line = "no service level is known, and not every source answered";
        return page.line(out, Role::Care, line);
    }
    page.line(out, Role::Faint, "no service levels");
    for line in [
        "give some:  quell burn --slo PATH, a file or folder of OpenSLO, Sloth or Pyrra",
        "keep them:  paths in [slo] of the config",
        "recorded ones of Sloth, Pyrra and Grafana SLO are found by themselves",
    ] {
        page.line(out, Role::Faint, &format!("  {line}"));
    }
}

fn rows(chosen: &[&SloBurn], page: &Page, out: &mut String) {
    let windows = columns(chosen);
    let widths: Vec<usize> = windows.iter().map(|w| exact(*w).len().max(4)).collect();
    let together = |texts: Vec<String>| {
        let texts = texts.iter().zip(&widths);
        let padded: Vec<String> = texts
            .map(|(text, width)| format!("{text:>width$}"))
            .collect();
        padded.join(" ")
    };
    let mut table = Table::new();
    let names = together(windows.iter().map(|secs| exact(*secs)).collect());
    let titles = ["", "SLO", "service", " left"].map(ToOwned::to_owned);
    let titles = titles.into_iter().map(cell);
    let others = [names, "gone".to_owned(), "basis".to_owned()].map(rigid);
    let titles = titles.chain(others).map(|title| title.role(Role::Faint));
    table.row(titles.collect());
    for burn in chosen {
        // Of series that have ended no number counts.
        let is_blocked = burn.measured.blocked.is_some();
        let burn_over = |secs: u64| burn.burn(secs).filter(|_| !is_blocked);
        let burns = windows.iter().map(|secs| rate(burn_over(*secs), page));
        let left = left(burn).unwrap_or_else(|| page.dash().to_owned());
        let basis = burn_json::basis(burn).unwrap_or_else(|| page.dash());
        table.row(vec![
            cell(verdict_word(burn.verdict)).role(verdict_role(burn.verdict)),
            cell(burn.id().to_string()),
            cell(service(burn, page)),
            rigid(format!("{left:>5}")),
            rigid(together(burns.collect())),
            rigid(gone_in(burn, page)),
            rigid(basis).role(Role::Faint),
        ]);
        let by_time = by_time(burn).map(|left| format!("by time: {left}"));
        for line in why(burn).into_iter().chain(by_time) {
            table.row(vec![cell(""), rest(line).role(Role::Care)]);
        }
    }
    table.render(page, out);
}

/// Four windows at most: those people know by heart, others in place of what nobody asked for.
fn columns(chosen: &[&SloBurn]) -> Vec<u64> {
    let is_asked = |secs: &u64| chosen.iter().any(|burn| burn.window(*secs).is_some());
    let mut found: Vec<u64> = COLUMNS.into_iter().filter(is_asked).collect();
    let mut others: Vec<u64> = chosen
        .iter()
        .flat_map(|burn| burn.measured.windows.iter().map(|m| m.secs))
        .filter(|secs| !found.contains(secs))
        .collect();
    others.sort_unstable();
    others.dedup();
    let room = COLUMNS.len() - found.len();
    found.extend(others.into_iter().take(room));
    if found.is_empty() {
        return COLUMNS.to_vec();
    }
    found.sort_unstable();
    found
}

/// Why there is no verdict, or what makes it uncertain.
fn why(burn: &SloBurn) -> Option<String> {
    let known = match burn.verdict {
        Verdict::None {
            last_known: Some(level),
        } => format!("; when it was last heard of: {}", level.word()),
        _ => String::new(),
    };
    reason(burn).map(|why| format!("{why}{known}"))
}

/// What is left by the mean over time, where that says something else.
fn by_time(burn: &SloBurn) -> Option<String> {
    let by_time = burn.budget.by_time.as_ref()?;
    Some(format!("{} left", percent(by_time.remaining)))
}

/// `PAGE` stands out without any colour.
#[must_use]
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Burning(Level::Page) => "PAGE",
        other => other.word(),
    }
}

/// The colour of a verdict.
#[must_use]
pub fn verdict_role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Burning(Level::Page) => Role::Bad,
        Verdict::Burning(_) | Verdict::None { .. } => Role::Care,
        Verdict::Ok => Role::Good,
    }
}

fn service<'a>(burn: &'a SloBurn, page: &Page) -> &'a str {
    let service = burn.id().service.as_ref();
    service.map_or(page.dash(), Untrusted::shown)
}

/// `38%`
fn left(burn: &SloBurn) -> Option<String> {
    let known = burn_json::left(burn).ok()?;
    Some(percent(known.remaining))
}

/// `19h`, `never`; a dash where it is not known.
fn gone_in(burn: &SloBurn, page: &Page) -> String {
    let is_known = burn_json::left(burn).is_ok();
    let exhaustion = burn.budget.exhaustion.filter(|_| is_known);
    exhaustion.map_or_else(|| page.dash().to_owned(), lasting)
}

/// A burn in at most four columns. What is not nothing is not called so.
fn rate(burn: Option<f64>, page: &Page) -> String {
    let Some(burn) = burn else {
        return page.dash().to_owned();
    };
    match burn {
        _ if burn.is_infinite() => "inf".to_owned(),
        ..=0.0 => "0.0".to_owned(),
        ..0.005 => "<.01".to_owned(),
        ..0.095 => format!("{burn:.2}"),
        ..99.95 => format!("{burn:.1}"),
        ..9_999.5 => format!("{burn:.0}"),
        ..999_500.0 => format!("{:.0}k", burn / 1_000.0),
        _ => ">1M".to_owned(),
    }
}

/// Freezes, problems of files, limits and sources that did not answer.
fn trailer(picture: &Picture, page: &Page, out: &mut String) {
    let because: Vec<String> = picture.board.freezing().map(freezes_because).collect();
    if let [first, others @ ..] = because.as_slice() {
        let more = match others.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let line = format!("freeze: hold what adds risk ({first}{more})");
        page.line(out, Role::Care, &line);
    }
    for problem in &picture.slo_problems {
        let place = place(problem);
        page.line(out, Role::Bad, &format!("{place}: {}", problem.what));
        if !problem.next_step.is_empty() {
            let next = format!("  next: {}", problem.next_step);
            page.line(out, Role::Faint, &next);
        }
    }
    for source in &picture.sources {
        if let Some(error) = &source.health.error {
            page.line(out, Role::Bad, &format!("{}: {error}", source.name));
            let next = format!("  next: {}", error.kind.next_step());
            page.line(out, Role::Faint, &next);
        }
        for limit in &source.limits {
            page.line(out, Role::Care, &format!("{}: {limit}", source.name));
        }
    }
}

/// `slo/checkout.yaml:12:5`
#[must_use]
pub fn place(problem: &SloProblem) -> String {
    let numbers = [problem.line, problem.column].into_iter();
    let numbers = numbers.take_while(|number| *number > 0);
    numbers.fold(problem.path.to_string(), |place, number| {
        format!("{place}:{number}")
    })
}

fn head(burn: &SloBurn, page: &Page, out: &mut String) {
    page.paint(out, Role::Heading, &full_name(burn));
    out.push_str("  ");
    let verdict = burn.verdict;
    page.paint(out, verdict_role(verdict), verdict_word(verdict));
    out.push('\n');
}

fn facts(burn: &SloBurn, picture: &Picture, page: &Page, out: &mut String) {
    let slo = &burn.measured.slo;
    let mut table = Table::indented(2);
    let mut fact = |name: &'static str, text: String, role: Role| {
        table.row(vec![cell(name).role(Role::Faint), rest(text).role(role)]);
    };
    if let Some(summary) = &slo.summary {
        fact("summary", summary.to_string(), Role::Plain);
    }
    fact("promise", promise(burn), Role::Plain);
    if let Some(why) = why(burn) {
        fact("reason", why, Role::Care);
    }
    let budget = match burn_json::left(burn) {
        Err(why) => (format!("not known: {why}"), Role::Care),
        Ok(known) => (
            format!(
                "{}, {}; {} spent ({} basis)",
                percent(known.remaining),
                lasts(burn),
                percent(known.consumed),
                burn_json::basis(burn).unwrap_or("unknown"),
            ),
            Role::Plain,
        ),
    };
    fact("left", budget.0, budget.1);
    if let Some(left) = by_time(burn) {
        let text = format!("{left}, by the plain mean over time that is recorded");
        fact("by time", text, Role::Care);
    }
    if let Some(proven) = burn.guarded_burn() {
        let window = exact(RECENT_SECS);
        let text = format!(
            "{}x over {window}, at least, with 95 % confidence",
            number::of(proven)
        );
        fact("proven", text, Role::Plain);
    }
    let policy = picture.inputs.policies.named(&burn.policy);
    let summary = policy.map_or("", |policy| policy.summary.as_str());
    let policy = match summary {
        "" => burn.policy.clone(),
        summary => format!("{}: {summary}", burn.policy),
    };
    fact("policy", policy, Role::Plain);
    let labels: Vec<String> = slo.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    if !labels.is_empty() {
        fact("labels", labels.join(", "), Role::Plain);
    }
    for origin in &slo.origins {
        fact("from", origin.to_string(), Role::Plain);
    }
    for caution in &slo.cautions {
        fact("caution", caution.to_string(), Role::Care);
    }
    let source = format!("{}, {}", burn.source, burn.freshness.word());
    fact("source", source, Role::Plain);
    let at = burn.at.format("%Y-%m-%d %H:%M:%SZ").to_string();
    fact("at", at, Role::Plain);
    table.render(page, out);
}

/// `99.9% over the last 30d`
fn promise(burn: &SloBurn) -> String {
    let slo = &burn.measured.slo;
    let objective = objective(slo.objective);
    if let BudgetWindow::Rolling { secs } = slo.window {
        return format!("{objective} over the last {}", exact(secs));
    }
    let period = PeriodDoc::of(burn);
    let (Some(start), Some(end)) = (period.start, period.end) else {
        return format!("{objective} over a calendar period that has not begun");
    };
    let gone = period.elapsed.map_or_else(String::new, |elapsed| {
        format!(", {} of it gone", percent(elapsed))
    });
    let minute = "%Y-%m-%d %H:%MZ";
    let (start, end) = (start.format(minute), end.format(minute));
    format!("{objective} from {start} to {end}{gone}")
}

/// An objective as its file has it: `99.95%`.
#[must_use]
pub fn objective(share: f64) -> String {
    let text = format!("{:.7}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn lasts(burn: &SloBurn) -> String {
    match burn.budget.exhaustion {
        None => "for how long is not known".to_owned(),
        Some(Exhaustion::Spent) => "spent".to_owned(),
        Some(Exhaustion::Never) => "nothing is being spent".to_owned(),
        Some(Exhaustion::Lasts(_)) => "lasts longer than the period".to_owned(),
        Some(other) => format!("gone in {}", lasting(other)),
    }
}

fn windows(burn: &SloBurn, page: &Page, out: &mut String) {
    let mut table = Table::indented(2);
    for (at, measured) in burn.windows().enumerate() {
        let title = if at == 0 { "burn" } else { "" };
        let mut cells = vec![
            cell(title).role(Role::Faint),
            cell(format!("{:>3}", exact(measured.secs))),
        ];
        match &measured.reading {
            Err(why) => cells.push(rest(why.to_string()).role(Role::Care)),
            Ok(reading) => {
                let objective = burn.measured.slo.objective;
                let rate = crate::domain::burn::burn_rate(reading.ratio, objective);
                let events = reading.counts.map_or_else(
                    || format!("error ratio {}", number::of(reading.ratio)),
                    |counts| {
                        let (bad, all) = (number::of(counts.bad), number::of(counts.total));
                        format!("{bad} bad of {all}")
                    },
                );
                let outside = reading.clamped_from.map_or_else(String::new, |raw| {
                    format!(", read as {}: outside 0 to 1", number::of(raw))
                });
                let age = match short_age(measured.at, burn.at).as_str() {
                    "0s" => String::new(),
                    age => format!(", {age} old"),
                };
                cells.push(cell(format!("{}x", number::of(rate))));
                cells.push(rest(format!("{events}{outside}{age}")));
            }
        }
        table.row(cells);
    }
    table.render(page, out);
}

fn conditions(burn: &SloBurn, page: &Page, out: &mut String) {
    let mut table = Table::indented(2);
    for (at, state) in burn.conditions.iter().enumerate() {
        let title = if at == 0 { "when" } else { "" };
        let condition = &state.condition;
        let stands = standing(state.standing, condition.for_secs, burn.at);
        let role = match state.standing {
            Standing::Fires if condition.level == Level::Page => Role::Bad,
            Standing::Not => Role::Plain,
            _ => Role::Care,
        };
        table.row(vec![
            cell(title).role(Role::Faint),
            cell(condition.name.as_str()),
            cell(condition.level.word()),
            cell(stands).role(role),
            rest(demand(state)),
        ]);
    }
    table.render(page, out);
}

/// `burn > 14.4 over 1h and 5m`
#[must_use]
pub fn demand(state: &ConditionState) -> String {
    let condition = &state.condition;
    let windows: Vec<String> = condition.windows().map(exact).collect();
    let held = match condition.for_secs {
        0 => String::new(),
        secs => format!(" for {}", exact(secs)),
    };
    format!(
        "burn {} {} over {}{held}",
        condition.comparison.sign(),
        number::of(state.threshold),
        windows.join(" and "),
    )
}

/// In full also on a narrow terminal: a query is there to be pasted.
fn steps(burn: &SloBurn, page: &Page, out: &mut String) {
    let whole = Page {
        columns: None,
        ..*page
    };
    whole.line(out, Role::Heading, "  explained");
    for step in burn_explain::steps(burn) {
        let at = step.at.map(|at| at.format(" at %Y-%m-%d %H:%M:%SZ"));
        let at = at.map_or_else(String::new, |at| at.to_string());
        let line = format!("    {}: {}{at}", step.name, step.result);
        whole.line(out, Role::Plain, &line);
        let query = step.query.as_deref().map(Untrusted::line);
        let query = query.map(|query| query.to_string());
        for line in step.formula.into_iter().chain(query) {
            whole.line(out, Role::Faint, &format!("      {line}"));
        }
    }
}

fn other_policies(burn: &SloBurn, picture: &Picture, page: &Page, out: &mut String) {
    page.line(out, Role::Heading, "  under each policy");
    let mut table = Table::indented(4);
    for (name, said) in under_each(burn, &picture.inputs.policies) {
        let fired = said.fired.join(", ");
        table.row(vec![cell(name), cell(said.verdict), rest(fired)]);
    }
    table.render(page, out);
}

/// What `quell status` says of them: how many there are of each verdict, then what burns. Nothing
/// where there is no SLO.
pub fn summary(picture: &Picture, page: &Page, out: &mut String) {
    /// No more than these are named.
    const MOST: usize = 3;
    let burns = &picture.board.burns;
    let problems = picture.slo_problems.len();
    if burns.is_empty() && problems == 0 {
        return;
    }
    let hot: Vec<&SloBurn> = burns
        .iter()
        .filter(|burn| matches!(burn.verdict, Verdict::Burning(_)))
        .collect();
    let of_level = |level: &Level| {
        let is_it = |burn: &&&SloBurn| burn.verdict == Verdict::Burning(*level);
        let number = hot.iter().filter(is_it).count();
        (number > 0).then(|| format!("{number} {}", level.word()))
    };
    let of_verdict = |is_it: fn(Verdict) -> bool| {
        let burns = burns.iter();
        burns.filter(|burn| is_it(burn.verdict)).count()
    };
    let fine = of_verdict(|verdict| verdict == Verdict::Ok);
    let silent = of_verdict(|verdict| matches!(verdict, Verdict::None { .. }));
    let mut parts: Vec<String> = Level::ALL.iter().rev().filter_map(of_level).collect();
    for (number, words) in [(fine, "ok"), (silent, "without a verdict")] {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    if problems > 0 {
        parts.push(format!("{} in their files", count(problems, "problem")));
    }
    let role = match hot.iter().map(|burn| burn.verdict.level()).max().flatten() {
        Some(Level::Page) => Role::Bad,
        None if silent == 0 && problems == 0 => Role::Faint,
        _ => Role::Care,
    };
    page.line(out, role, &format!("Burn: {}", parts.join(", ")));
    let mut table = Table::indented(2);
    for burn in hot.iter().take(MOST) {
        table.row(vec![
            cell(verdict_word(burn.verdict)).role(verdict_role(burn.verdict)),
            cell(burn.id().to_string()),
            cell(service(burn, page)),
            rest(in_short(burn)),
        ]);
    }
    table.render(page, out);
    if hot.len() > MOST {
        let more = format!("  and {} more: quell burn", hot.len() - MOST);
        page.line(out, Role::Faint, &more);
    }
}

/// `14.6x over 1h, 38% left, gone in 19h`
fn in_short(burn: &SloBurn) -> String {
    let rate = burn.burn(RECENT_SECS);
    let rate = rate.map(|rate| format!("{}x over {}", number::of(rate), exact(RECENT_SECS)));
    let left = left(burn).map(|left| format!("{left} left"));
    let gone = match burn.budget.exhaustion {
        Some(other @ Exhaustion::In(_)) => Some(format!("gone in {}", lasting(other))),
        Some(Exhaustion::Spent) => Some("spent".to_owned()),
        _ => None,
    };
    let parts: Vec<String> = [rate, left, gone].into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_fits_four_columns_and_is_never_called_nothing() {
        for (burn, text) in [
            (0.0, "0.0"),
            (0.0001, "<.01"),
            (0.005, "0.01"),
            (0.094, "0.09"),
            (0.1, "0.1"),
            (9.96, "10.0"),
            (99.94, "99.9"),
            (99.95, "100"),
            (1_000.0, "1000"),
            (9_999.4, "9999"),
            (12_345.0, "12k"),
            (999_499.0, "999k"),
            (1e9, ">1M"),
            (f64::INFINITY, "inf"),
        ] {
            let shown = rate(Some(burn), &Page::plain());
            assert_eq!(shown, text, "{burn}");
            assert!(shown.len() <= 4);
        }
    }

    #[test]
    fn an_objective_is_written_as_its_file_has_it() {
        for (share, text) in [
            (0.9, "90%"),
            (0.999, "99.9%"),
            (0.99999, "99.999%"),
            (0.9995, "99.95%"),
            (0.999_999_9, "99.99999%"),
        ] {
            assert_eq!(objective(share), text);
        }
    }
}
