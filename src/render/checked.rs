//! What the static checks of policies found: for a person, and as annotations of a CI run.

use std::io::{self, Write};

use crate::render::view::View;
use crate::report::checked::{Checked, PolicyProblem};
use crate::text::escape::{for_annotation, for_property, for_terminal, line};

/// Writes it for a person. Problems stand on standard error, where that is read beside it.
pub fn text(checked: &Checked, view: &View, out: &mut dyn Write) -> io::Result<()> {
    if checked.sound {
        let names = match &checked.policies[..] {
            [] => "no rule of findings, only what others import".to_owned(),
            names => names.join(", "),
        };
        line!(out, "ok: {names}")?;
    } else if !view.beside_errors {
        checked.problems.iter().try_for_each(|problem| found("", problem, out))?;
    }
    checked.advice.iter().try_for_each(|advice| found("advice: ", advice, out))
}

fn found(label: &str, found: &PolicyProblem, out: &mut dyn Write) -> io::Result<()> {
    let mut place = for_terminal(&found.file);
    for number in [found.line, found.column].into_iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    line!(out, "{label}{place}: {}", found.problem)?;
    line!(out, "  {}", found.remedy)
}

/// Writes an annotation for each thing that was found.
pub fn github(checked: &Checked, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let problems = checked.problems.iter().map(|problem| ("error", problem));
    let advice = checked.advice.iter().map(|advice| ("notice", advice));
    for (command, found) in problems.chain(advice) {
        let mut properties = format!("file={}", for_property(&view.repository.name_from_root(&found.file)));
        let end = found.end.map(|end| end.column.saturating_sub(1));
        for (name, number) in [("line", found.line), ("col", found.column), ("endColumn", end)] {
            properties.extend(number.map(|number| format!(",{name}={number}")));
        }
        let text = format!("{}. Next: {}", found.problem, found.remedy);
        writeln!(out, "::{command} {properties},title=rollproof policy check::{}", for_annotation(&text))?;
    }
    Ok(())
}
