//! What filters give, and what is refused.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::filter::Filter;
use super::items::{Step, parse};
use super::types::Types;
use super::value::Value;
use super::{limits, run_guarded};
use crate::rego::guard::{Failure, Limits};

/// What a filter gives for JSON, at most three values.
fn run(text: &str, input: &str) -> Result<Vec<Json>, String> {
    let filter = Filter::compile(text, &[]).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    let input = input.to_owned();
    let done = run_guarded(limits(0, 0), move || {
        let values = filter.run(&Value::parse(&input)?, &[], 3)?;
        values.iter().map(Value::json).collect::<Result<Vec<_>, _>>()
    });
    done.map_err(|failure| match failure {
        Failure::Policy(problem) => problem,
        other => panic!("{text}: {other:?}"),
    })
}

fn refused(text: &str) -> (usize, String, String) {
    let fault = Filter::compile(text, &["$target"]).expect_err(text);
    (fault.at, fault.problem, fault.help)
}

#[test]
fn a_filter_gives_what_jq_gives() {
    let input = r#"{"a": [1, {"b": "x:2"}], "c": null}"#;
    for (text, expected) in [
        (".a[1].b", json!(["x:2"])),
        (".gone.too", json!([null])),
        ("any(.a[]; . == 1) and (.a[1].b | endswith(\":2\"))", json!([true])),
        (".a[1].b | capture(\"(?<tag>[0-9]+)$\").tag", json!(["2"])),
        ("[.a[] | numbers]", json!([[1]])),
        ("\"2024-01-01T00:00:00Z\" | fromdate", json!([1_704_067_200])),
        ("\"a\" | @base64", json!(["YQ=="])),
        ("repeat(1)", json!([1, 1, 1])),
        ("empty", json!([])),
        ("9 | sqrt | floor", json!([3])),
    ] {
        assert_eq!(run(text, input).map(Json::from), Ok(expected), "{text}");
    }
    assert!(run(".a.b", input).is_err_and(|problem| problem.contains("cannot index")));
}

#[test]
fn integers_stay_what_they_are_and_others_are_refused() {
    for (text, integer) in [(".", "9007199254740993"), (". + 1", "-9223372036854775808"), (".", "18446744073709551615")]
    {
        let expected: i128 = integer.parse::<i128>().expect("it is one") + i128::from(text != ".");
        assert_eq!(run(text, integer).expect(text)[0].to_string(), expected.to_string());
    }
    assert!(run(".", "18446744073709551616").is_err_and(|problem| problem.contains("18446744073709551616")));
    for text in ["nan", "infinite", "1e1000", "\"a\" | tobytes"] {
        run(text, "null").expect_err(text);
    }
}

#[test]
fn exactly_one_value_is_asked_for() {
    let one = |text: &str| {
        let filter = Filter::compile(text, &[]).expect(text);
        run_guarded(limits(0, 0), move || filter.single_value(&Value::default(), &[])?.json())
    };
    assert_eq!(one("1"), Ok(json!(1)));
    for (text, found) in [("empty", "no value"), ("1, 2", "1 and 2"), ("repeat(1)", "1 and 1"), ("error(\"no\")", "no")]
    {
        assert!(matches!(one(text), Err(Failure::Policy(problem)) if problem.contains(found)), "{text}");
    }
}

/// Even where a check of the text were to miss one, it fails when it runs.
#[test]
fn nothing_touches_the_world() {
    for name in [
        "env",
        "$ENV",
        "$ENV.PATH",
        "now",
        "localtime",
        "strflocaltime(\"%Y\")",
        "debug",
        "debug(.)",
        "stderr",
        "halt",
        "halt(1)",
        "halt_error",
        "halt_error(1)",
        "input",
        "inputs",
        "input_filename",
        "input_line_number",
        "$__prog_args",
        "[1 | map(now)]",
        "\"\\(env)\"",
        "{a: (1 | now)}",
        ". as {(env): $x} | 1",
        "def f: now; 1",
    ] {
        let (_, problem, _) = refused(name);
        assert!(problem.contains("is not allowed in a filter"), "{name}: {problem}");
    }
    for module in ["include \"a\"; .", "import \"a\" as a; .", "import \"a\" as $a; ."] {
        refused(module);
    }
    for (name, args, _) in super::natives::funs() {
        if super::natives::refusal(name).is_some() {
            let many = super::natives::funs().filter(|(other, ..)| *other == name).count();
            assert_eq!(many, 1, "{name}/{} is replaced", args.len());
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, at, problem, help) in [
        (".a | ", 5, "the end of the filter", "correct"),
        (".a[", 3, "a closing bracket", "correct"),
        ("1 +* 2", 2, "\"+*\"", "correct"),
        (".a | ascii_downcas", 5, "`ascii_downcas`", "did you mean \"ascii_downcase\"?"),
        (".a | tset(\"x\")", 5, "`tset/1`", "did you mean \"test\"?"),
        (".a | test", 5, "`test`", "another number of arguments"),
        (".a == $targte.tag", 6, "`$targte`", "did you mean \"$target\"?"),
        ("def f: 1 + f; f", 11, "its own definition", "recurse"),
        ("def f(g): def h: f(g); h; f(1)", 17, "its own definition", "recurse"),
        ("", 0, "the end of the filter", "correct"),
    ] {
        let found = refused(text);
        assert_eq!(found.0, at, "{text}: {found:?}");
        assert!(found.1.contains(problem) && found.2.contains(help), "{text}: {found:?}");
    }
    let fault = Filter::compile("1 |\n  nothing_such", &[]).expect_err("it is unknown");
    assert_eq!(fault.place("1 |\n  nothing_such"), (2, 3));
}

#[test]
fn a_filter_ends_in_time_and_memory_whatever_it_does() {
    let nested = "(".repeat(200) + "1" + &")".repeat(200);
    refused(&nested);
    refused(&"1 +".repeat(30_000));
    let minus = "-".repeat(60_000) + "1";
    assert!(Filter::compile(&minus, &[]).is_ok() || Filter::compile(&minus, &[]).is_err());
    for text in [
        "last(range(1e12))",
        "[repeat(1)]",
        "reduce range(1e12) as $x (.; [.])",
        "last(recurse([.]))",
        "until(false; [.])",
        "\"aaaaaaaaaaaaaaaa\" | until(false; . + .)",
        "[limit(1000000000; repeat(\"x\"))] | length",
        "def f(g): g | g; [range(1e12)] | f(length)",
        "[recurse([., .])]",
    ] {
        let filter = Filter::compile(text, &[]).expect(text);
        let limits = Limits { time: Duration::from_millis(300), memory: 256 << 20, ..limits(0, 0) };
        let done = run_guarded(limits, move || filter.single_value(&Value::default(), &[]).map(|value| value.shown()));
        assert!(
            matches!(&done, Err(Failure::Policy(problem)) if problem.contains("the filters need more than")),
            "{text}: {done:?}"
        );
    }
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    assert!(Value::parse(&deep).is_err());
    assert!(Value::parse(&format!("{:?}", "[".repeat(5_000))).is_ok());
}

#[test]
fn the_types_of_a_filter_are_known_where_its_text_says_them() {
    for (text, types) in [
        ("\"x\"", Types::STRING),
        (".a == 1 | not", Types::BOOLEAN),
        ("if .a then 1 else null end", Types::NUMBER.or(Types::NULL)),
        (".a // \"none\"", Types::ANY),
        ("[.a]", Types::ARRAY),
        ("{a: 1}", Types::OBJECT),
        ("empty", Types::NONE),
        ("any(.a[]; . == \"x\") and true", Types::BOOLEAN),
        (".a as $x | \"\\($x)\"", Types::STRING),
        (".a + 1", Types::ANY),
    ] {
        assert_eq!(Filter::compile(text, &[]).expect(text).types(), types, "{text}");
    }
}

#[test]
fn items_are_paths_of_names_and_brackets() {
    let name = |name: &str| Step::Name(name.into());
    assert_eq!(parse(".[]"), Ok(vec![vec![Step::Each]]));
    assert_eq!(parse("."), Ok(vec![vec![]]));
    assert_eq!(
        parse(".a.\"b c\"[], .[\"d\\n\"][][]"),
        Ok(vec![vec![name("a"), name("b c"), Step::Each], vec![name("d\n"), Step::Each, Step::Each]])
    );
    for text in [
        ".a[]?",
        ".a[0]",
        ".a[1:]",
        ".[] | select(.x)",
        ".a // .b",
        "..",
        "$x[]",
        "[.a]",
        ".a | .[]",
        "range(3)",
        "",
        ".[\"a\\(1)\"]",
    ] {
        parse(text).expect_err(text);
    }
}
