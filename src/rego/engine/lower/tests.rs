//! Every form with the answer that the real OPA gives: `tests/interop/forms.py` asks it, and writes `forms.rego`.

use regorus::{Engine, PolicyLengthConfig};
use serde_json::Value;

use super::*;
use crate::rego::engine::functions;

const FORMS: &str = include_str!("../../../../tests/interop/forms.rego");
const INPUT: &str = include_str!("../../../../tests/interop/forms.json");

/// The value of a rule; an error is `"ERROR"`, undefined is null.
fn answer(text: &str, rule: &str) -> Value {
    let module = Module { file: "forms.rego".into(), text: text.to_owned() };
    let Ok(Lowered { text: lowered, .. }) = lower(&module) else { return Value::from("ERROR") };
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    functions::add(&mut engine).expect("they are new");
    let read = engine.add_policy("forms.rego".into(), lowered.clone());
    assert!(read.is_ok(), "{read:?}\n{text}\n{lowered}");
    engine.set_input(serde_json::from_str::<Value>(INPUT).expect("it is JSON").into());
    let asked = format!("package asked\nanswer := v if v := data.forms.{rule}\n");
    engine.add_policy("asked.rego".into(), asked).expect("it is Rego");
    match engine.eval_rule("data.asked.answer".into()) {
        Ok(regorus::Value::Undefined) => Value::Null,
        Ok(value) => serde_json::to_value(value).expect("it is JSON"),
        Err(_) => Value::from("ERROR"),
    }
}

/// The blocks of the file: what is shared, and each rule with its answer.
fn forms() -> (String, Vec<(String, Value)>) {
    let (mut shared, mut forms) = (String::new(), Vec::new());
    for block in FORMS.split("\n\n") {
        match block.split_once("#= ") {
            Some((rule, answer)) => {
                forms.push((rule.trim_end().to_owned(), serde_json::from_str(answer.trim()).expect("it is JSON")));
            }
            None => shared += &format!("{block}\n\n"),
        }
    }
    (shared, forms)
}

#[test]
fn each_form_has_the_answer_of_opa() {
    let (shared, forms) = forms();
    let mut differ = String::new();
    for (rule, expected) in &forms {
        let line = rule.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        let name = line.trim_start_matches("default ").split([' ', '[', '.', '(']).next().unwrap_or_default();
        let text = format!("{shared}{rule}\n");
        let own = answer(&text, name);
        let lowered = lower(&Module { file: String::new(), text: text.clone() });
        let lowered = lowered.map_or_else(|problem| problem.to_string(), |lowered| lowered.text);
        if own != *expected {
            let given: String =
                lowered.lines().skip(shared.lines().count()).map(|line| format!("  {line}\n")).collect();
            differ += &format!("{rule}\n{given}  ours {own}\n  OPA  {expected}\n\n");
        }
    }
    assert!(differ.is_empty(), "{differ}");
    assert!(forms.len() > 100, "{}", forms.len());
}

#[test]
fn lines_stay_and_columns_lead_back() {
    let text = "package p\n\nx contains $\"{c[\"é\"]}: {c.gone}\" if {\n\tsome c in input.cs # each\n\tnot startswith(\n\t\tc.l.t, # its tier\n\t\t\"a\",\n\t)\n}\n\ny[c.n] contains c.l.t if some c in input.cs\n";
    let lowered = lower(&Module { file: "p.rego".into(), text: text.into() }).expect("it can be rewritten");
    for (word, line) in [("c.gone", 3), ("c.l.t", 6), ("startswith", 7), ("input.cs]", 11)] {
        let at = lowered.text.find(word).unwrap_or_else(|| panic!("{word} in {}", lowered.text));
        let found = lowered.text[..at].matches('\n').count() + 1;
        assert!(found.abs_diff(line) <= 1, "{word} on line {found}: {}", lowered.text);
    }
    for word in ["c.gone", "c.l.t, #", "c.n]"] {
        let (line, before) = (1..)
            .zip(text.lines())
            .find_map(|(line, text)| Some((line, text.split_once(word)?.0)))
            .expect("it is there");
        let word = word.trim_end_matches([',', ' ', '#', ']']);
        let ours = lowered.text.lines().nth(line - 1).expect("the line is there");
        let column = ours.split_once(word).map(|(before, _)| before.chars().count() + 1).expect("it is on its line");
        let number = |n: usize| u32::try_from(n).expect("it is small");
        let place = lowered.place(Place { line: number(line), column: number(column) });
        assert_eq!(
            place,
            Place { line: number(line), column: number(before.chars().count() + 1) },
            "{word}: {}",
            lowered.text
        );
    }
    assert!(lowered.has_line(11) && !lowered.has_line(12));
}

#[test]
fn long_lines_and_deep_ones_stay_within_the_limits_of_the_engine() {
    let many: Vec<String> = (0..90).map(|i| format!("not f(input.a{i})")).collect();
    let long = format!("package forms\n\nx if {{ {} }}\n\nf(v) := v\n", many.join("; "));
    let deep = format!("package forms\n\nx := {}input.r.tag{}\n", "[".repeat(11), "]".repeat(11));
    let limits = || PolicyLengthConfig { max_col: MAX_COLUMNS, ..Default::default() };
    for text in [long, deep] {
        let lowered = lower(&Module { file: "forms.rego".into(), text }).expect("it can be rewritten");
        let mut engine = Engine::new();
        engine.set_policy_length_config(limits());
        functions::add(&mut engine).expect("they are new");
        engine.add_policy("forms.rego".into(), lowered.text).expect("the engine reads it");
        engine.eval_rule("data.forms.x".into()).expect("it is evaluated");
    }
}

#[test]
fn of_an_imported_package_only_what_is_read_is_evaluated() {
    let library = "package team.lib\n\nfine := {\"of\": 1}\n\nxs := [7, 8]\n\nbroken := to_number(\"x\")\n\nadd(x) := x + fine.of\n";
    let policy = "package team.p\n\nimport data.team.lib\nimport data.team.lib as other\n\n\
        one := lib.fine.of\n\ntwo := [lib.add(other.fine[\"of\"]) | not other.gone.x]\n\n\
        three := f({\"of\": 3})\n\nf(lib) := lib.of\n\nfour := other.broken\n\n\
        five if not lib.xs[lib[\"fine\"].of] == lib.add(8)\n";
    let lowered = lower(&Module { file: "p.rego".into(), text: policy.into() }).expect("it can be rewritten");
    let ask = |rule: &str| {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        functions::add(&mut engine).expect("they are new");
        for (file, text) in [("lib.rego", library), ("p.rego", &lowered.text)] {
            engine.add_policy(file.into(), text.into()).expect("the engine reads it");
        }
        engine
            .eval_rule(format!("data.team.p.{rule}"))
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(ask("one").as_deref(), Ok("1"), "{}", lowered.text);
    assert_eq!(ask("two").as_deref(), Ok("[2]"), "{}", lowered.text);
    assert_eq!(ask("three").as_deref(), Ok("3"), "{}", lowered.text);
    assert!(ask("four").is_err_and(|error| error.contains("to_number")), "it is read");
    assert_eq!(ask("five").as_deref(), Ok("true"), "{}", lowered.text);
    let column = lowered.text.lines().nth(5).and_then(|line| line.find("lib.fine")).expect("it is there") + 1;
    let place = lowered.place(Place { line: 6, column: u32::try_from(column).expect("it is small") });
    assert_eq!(place, Place { line: 6, column: 8 });
}
