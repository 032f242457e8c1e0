//! What is filled in before an action is planned?

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::dialog;
use crate::domain::action::Need;
use crate::domain::text::shown;
use crate::model::form::{Field, Form};
use crate::theme::Role;
use crate::view::widgets::line;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// The widest name of a field, with its gap.
const NAMES: usize = 11;

/// Draws the form. Tells where the cursor stands.
pub fn draw(form: &Form, look: &Look, area: Rect, buf: &mut Buffer) -> Position {
    let spec = &form.spec;
    let words = format!("{}: {}", shown(&spec.name), shown(&spec.help));
    let risk = format!("{} {}", spec.risk.word(), spec.direction.word());
    dialog::title(&words, (&risk, Role::Strong), area, look, buf);
    let mut cursor = Position {
        x: area.x,
        y: area.y,
    };
    let height = usize::from(area.height.saturating_sub(3)) / 2;
    let all = form.scroll.window(form.fields.len(), height.max(1));
    for (y, at) in (1..).step_by(2).zip(all) {
        let is_here = at == form.scroll.cursor;
        let field = &form.fields[at];
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        let name = text::pad_right(&shown(&field.name), NAMES, look.glyphs.ellipsis);
        let gutter = if is_here { look.glyphs.gutter } else { " " };
        Pen::line(buf, area, y).write(gutter, look.theme.style(Role::Title));
        let at_line = line::draw(&name, &field.input, inner, y, look, buf);
        if is_here {
            cursor = at_line;
        }
        let (words, role) = match form.problem(at) {
            Some(problem) => (problem.words.clone(), Role::Failed),
            None => about(field),
        };
        let room = usize::from(inner.width).saturating_sub(NAMES);
        let fitted = text::fit(&words, room, look.glyphs.ellipsis).into_owned();
        let mut pen = Pen::line(buf, inner, y + 1);
        pen.go_to(NAMES).write(&fitted, look.theme.style(role));
    }
    let below: Vec<StyledLine> = vec![
        vec![(format!(" about {}", form.from), Role::Dim)],
        vec![(
            " enter makes the plan: nothing is sent".to_owned(),
            Role::Hint,
        )],
    ];
    dialog::lines(&below, area.height.saturating_sub(2), area, look, buf);
    cursor
}

fn about(field: &Field) -> (String, Role) {
    let need = match field.need {
        Need::Required => "",
        Need::Optional => " (may be left out)",
    };
    let words = format!("{}: {}{need}", shown(&field.kind), shown(&field.help));
    (words, Role::Dim)
}
