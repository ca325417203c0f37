//! A document is checked as a whole: its parts agree, and no single change of a value turns a failure into a pass, but
//! where the value is the evidence itself, or what was asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rollproof::internal::check;
use rollproof::{Document, EvidenceFields, Prepared, Source, Sources, collect, validate};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::grammar::{code_of, journal_document, journals, policies};
use crate::support::{Case, EXHAUSTIVE, example_fixtures, fixtures, root};

/// What decides a verdict and follows from nothing else in a document, by JSON pointer; `*` is an index, and what ends in
/// `/**` covers all below it. Each is the evidence, or what a person asked for.
const EVIDENCE: [(&str, &str); 16] = [
    ("/cohorts/*/rows/**", "what the control plane said of a tenant"),
    ("/archive/ok", "what the response says of itself"),
    ("/archive/error", "what the response says of itself"),
    ("/calls/*/ok", "what an answer said"),
    ("/calls/*/attempts/*/status", "what an answer said"),
    ("/calls/*/attempts/*/malformed", "what an answer said"),
    ("/probes/**", "what a tenant said of its build"),
    ("/probes", "whether builds were probed"),
    ("/gates/**", "what a gate said"),
    ("/gates", "what a gate said"),
    ("/anomalies/**", "what was strange about an answer"),
    ("/fleet/inventory/**", "the list of tenants that somebody keeps beside the control plane"),
    ("/rollout/dry_run", "what the plan asks for"),
    ("/rollout/max_stragglers", "what the plan tolerates"),
    ("/rollout/canary", "whom the plan lets go first"),
    ("/rollout/target_tag", "the build that the plan rolls out"),
];

/// The documents that do not pass, one of each kind, by name.
fn failures(policies: &Prepared) -> Vec<(String, Document)> {
    let (mut documents, mut kinds) = (Vec::new(), BTreeSet::new());
    for (name, document) in written() {
        let outcome = policies.evaluate(&validate(&document).expect("it is valid")).expect("they can be evaluated");
        let codes: BTreeSet<_> = outcome.findings.iter().map(|finding| finding.code.clone()).collect();
        let kind = (codes, format!("{:?} {:?}", document.rollout.outcome, document.fleet.source));
        if code_of(policies, &document) != 0 && kinds.insert(kind) {
            documents.push((name, document));
        }
    }
    documents
}

/// The documents of every fixture, and of some rollouts that were interrupted and resumed.
fn written() -> Vec<(String, Document)> {
    let mut documents: Vec<(String, Document)> =
        journals().into_iter().map(|(name, lines)| (name, journal_document(&lines).expect("it is valid"))).collect();
    for folder in fixtures().into_iter().chain(example_fixtures()) {
        let file =
            |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).map(Source::new);
        let Some(evidence) = file(&["response.json"]) else { continue };
        let sources = Sources {
            evidence,
            fleet: file(&["fleet.json", "fleet.txt"]),
            plan: file(&["plan.json"]),
            fields: EvidenceFields::default(),
            max_bytes: 1 << 20,
        };
        if let Ok(collected) = collect(&sources, Timestamp::UNIX_EPOCH) {
            let name = folder.strip_prefix(root()).expect("a fixture").display().to_string();
            documents.push((name, collected.document));
        }
    }
    documents
}

#[test]
fn every_document_that_is_written_agrees_with_itself() {
    let documents = written();
    assert!(documents.len() > 100, "there are {}", documents.len());
    for (name, document) in documents {
        check(&document).unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
        let text = serde_json::to_string(&document).expect("it can be written");
        assert_eq!(serde_json::from_str::<Document>(&text).expect("it can be read"), document, "{name}");
    }
}

#[test]
fn a_document_that_contradicts_itself_is_refused_where_it_does() {
    let case = Case::new();
    let live = |name: &str| {
        let journal = root().join("fixtures").join(name).join("run.journal");
        let args = ["verify".as_ref(), journal.as_os_str(), "--document".as_ref(), "live.json".as_ref()];
        case.run(args);
        crate::support::read_json(&case.path("live.json"))
    };
    let (whole, killed) = (live("calls/live-one-502"), live("calls/live-killed"));
    let cases: [(&Value, &str, Value, &str); 14] = [
        (&whole, "/fleet/source", json!("none"), "a plan call succeeded"),
        (&whole, "/fleet/source", json!("file"), "no archived response"),
        (&whole, "/fleet/tenants", json!(4), "5 tenants in the cohorts are planned"),
        (&whole, "/rollout/outcome", json!("unknown"), "a rollout that was driven has one"),
        (&whole, "/rollout/halted_because", json!("x"), "a reason for one"),
        (&killed, "/rollout/outcome", json!("completed"), "some was not"),
        (&killed, "/rollout/outcome", json!("halted"), "nothing says why"),
        (&whole, "/calls/2/tenants", json!(["bolt"]), "other tenants than the plan"),
        (&whole, "/calls/1/purpose", json!("batch"), "another purpose"),
        (&whole, "/calls/2/attempts/0/status", json!(200), "after which none is made"),
        (&whole, "/calls", json!([]), "no plan call succeeded"),
        (&killed, "/cohorts/1/call", json!(1), "another call than the last that names"),
        (&whole, "/provenance/inputs/0/role", json!("journal"), "in a role that no document is collected from"),
        (&whole, "/archive", json!({"ok": true}), "no input in the role"),
    ];
    for (document, pointer, value, said) in cases {
        let mut changed = document.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        match changed.pointer_mut(parent).expect("it is there") {
            Value::Array(list) => list[key.parse::<usize>().expect("an index")] = value,
            parent => parent[key] = value,
        }
        case.file("changed.json", changed.to_string());
        let ran = case.run(["verify", "changed.json"]);
        assert_eq!((ran.code, &*ran.stdout), (4, ""), "{pointer}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{pointer}: {}", ran.stderr);
    }
    // One that is still being driven agrees with itself, and is no pass.
    let mut running = whole.clone();
    running["rollout"]["outcome"] = json!("running");
    case.file("running.json", running.to_string());
    let ran = case.run(["verify", "running.json"]);
    assert!(ran.code == 1 && ran.stdout.contains("calls.interrupted"), "{}{}", ran.stdout, ran.stderr);
}

/// Every value of a document, as a JSON pointer.
pub fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| self::places(value, &format!("{at}/{i}"), places));
        }
        Value::Object(object) => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                self::places(value, &format!("{at}/{key}"), places);
            }
        }
        _ => {}
    }
}

/// What a single value may be changed to.
pub fn others(value: &Value, words: &[Value]) -> Vec<Value> {
    match value {
        Value::Bool(value) => vec![json!(!value), Value::Null],
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(0);
            vec![json!(number + 1), json!(number - 1), json!(0), Value::Null]
        }
        Value::String(_) => words.iter().filter(|word| *word != value).cloned().chain([Value::Null]).collect(),
        Value::Array(list) => {
            let mut changed = Vec::new();
            for i in 0..list.len().min(6) {
                let mut less = list.clone();
                let gone = less.remove(i);
                let mut more = list.clone();
                more.insert(i, gone);
                let mut swapped = list.clone();
                swapped.swap(i, (i + 1) % list.len());
                changed.extend([less, more, swapped].map(Value::from));
            }
            changed.push(Value::Null);
            changed
        }
        Value::Object(_) | Value::Null => vec![Value::Null],
    }
}

/// A pointer with `*` for each index.
fn generic(at: &str) -> String {
    let part = |part: &str| if part.parse::<usize>().is_ok() { "*".to_owned() } else { part.to_owned() };
    at.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_evidence(at: &str) -> Option<&'static str> {
    let at = generic(at);
    let covers = |pattern: &str| match pattern.strip_suffix("/**") {
        Some(above) => at == above || at.starts_with(&format!("{above}/")),
        None => at == pattern,
    };
    EVIDENCE.iter().map(|(pattern, _)| *pattern).find(|pattern| covers(pattern))
}

/// What changes of one document give.
#[derive(Default)]
struct Tries {
    /// How many changes were made, and how many of them give a document.
    tried: usize,
    read: usize,
    /// The exceptions that were met.
    turned: BTreeSet<String>,
    /// Every change that turns it into a pass, and is none of the exceptions.
    wrong: Vec<String>,
}

impl Tries {
    /// Tries one change in `step` of a document.
    fn of(&mut self, policies: &Prepared, (name, document): &(String, Document), step: usize) {
        let whole = serde_json::to_value(document).expect("it can be written");
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        let words: BTreeSet<&str> = all.iter().filter_map(|at| whole.pointer(at)?.as_str()).collect();
        let words: Vec<Value> = words.into_iter().map(Value::from).collect();
        for at in all.iter().skip(1) {
            let value = whole.pointer(at).expect("it is there");
            for change in others(value, &words).into_iter().map(Some).chain([None]) {
                self.tried += 1;
                if !self.tried.is_multiple_of(step) {
                    continue;
                }
                let mut changed = whole.clone();
                if let Some(value) = change {
                    *changed.pointer_mut(at).expect("it is there") = value;
                } else {
                    let (parent, key) = at.rsplit_once('/').expect("a pointer");
                    let Some(Value::Object(parent)) = changed.pointer_mut(parent) else { continue };
                    parent.remove(&key.replace("~1", "/").replace("~0", "~"));
                }
                let Ok(document) = Document::deserialize(&changed) else { continue };
                if check(&document).is_err() {
                    continue;
                }
                self.read += 1;
                if code_of(policies, &document) != 0 {
                    continue;
                }
                if is_evidence(at).is_some() {
                    let keys = at.split('/').map(|key| if key.parse::<usize>().is_ok() { "*" } else { key });
                    self.turned.insert(keys.collect::<Vec<_>>().join("/"));
                } else {
                    let now = changed.pointer(at).map_or("(gone)".to_owned(), Value::to_string);
                    self.wrong.push(format!("{name}: {at}: {value} -> {now}"));
                }
            }
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a long run says what it met")]
fn no_change_of_a_value_turns_a_failure_into_a_pass() {
    // A whole run takes some ten minutes in a debug build: `all` asks for it.
    let asked = std::env::var(EXHAUSTIVE).ok();
    let step = asked.as_ref().map_or(97, |asked| if asked == "all" { 1 } else { 11 });
    let documents = failures(&policies());
    let many = std::thread::available_parallelism().map_or(1, usize::from);
    let all: Vec<Tries> = std::thread::scope(|scope| {
        let documents = &documents;
        let part = |first: usize| {
            scope.spawn(move || {
                let (policies, mut tries) = (policies(), Tries::default());
                documents.iter().skip(first).step_by(many).for_each(|document| tries.of(&policies, document, step));
                tries
            })
        };
        let parts: Vec<_> = (0..many).map(part).collect();
        parts.into_iter().map(|part| part.join().expect("it does not panic")).collect()
    });
    let wrong: Vec<&String> = all.iter().flat_map(|tries| &tries.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (tried, read) = all.iter().fold((0, 0), |(tried, read), tries| (tried + tries.tried, read + tries.read));
    assert!(tried / step > 500 && read > 100, "{tried} may be tried, and {read} of every {step}th are documents");
    if asked.is_some() {
        let turned: BTreeSet<&String> = all.iter().flat_map(|tries| &tries.turned).collect();
        eprintln!("evidence that turns a verdict: {turned:#?}");
    }
}
