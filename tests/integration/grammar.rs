//! The grammar of journals (docs/journal.md): its table, what breaks it, and that no single change of the records of a
//! journal turns a failure into a pass, but where the record is the evidence itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use rollproof::internal::{Bytes, Input, Text, check, grammar_table, replay};
use rollproof::{Document, Error, EvidenceFields, Loading, Prepared, Settings, load, report, validate};
use serde_json::{Value, json};

use crate::consistency::{others, places};
use crate::support::{Case, example_fixtures, fixtures, golden, is_exhaustive, read, root, sample};

const MARK: &str = "<!-- generated: tests/integration/grammar.rs -->\n";

/// Changes of records that are a change of the evidence, by what is done and to which record.
const EVIDENCE: [(&str, &str, &str); 4] = [
    ("insert", "completed", "a rollout that was killed after its last answer has ended by it"),
    ("insert", "probed", "what tenants say of their build"),
    ("insert", "head", "a newer job has taken over"),
    ("delete", "probe", "a journal from before `start` held `probes`: nothing else says that builds are probed"),
];

/// The bundled policies, with nothing given.
pub fn policies() -> Prepared {
    load(Settings::default()).and_then(Loading::wait).expect("they load")
}

/// The exit code of the verdict on a document.
pub fn code_of(policies: &Prepared, document: &Document) -> u8 {
    let outcome = policies.evaluate(&validate(document).expect("it is valid")).expect("they can be evaluated");
    report(document, Vec::new(), outcome, policies).decision.exit_code(false)
}

/// The exit code of the verdict of the bundled policies, with nothing given, which are loaded once for all tests.
pub fn bundled_code_of(document: &Document) -> u8 {
    static POLICIES: LazyLock<Mutex<Prepared>> = LazyLock::new(|| Mutex::new(policies()));
    code_of(&POLICIES.lock().unwrap_or_else(PoisonError::into_inner), document)
}

/// The same for the journal in a file.
pub fn bundled_code_of_journal(path: &Path) -> u8 {
    let document = journal_document(&lines(&read(path)));
    bundled_code_of(&document.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The document of a journal.
pub fn journal_document(lines: &[String]) -> Result<Document, Error> {
    let input = Input { name: Text::from("run.journal"), bytes: Bytes::Vec((lines.join("\n") + "\n").into_bytes()) };
    let (mut rollout, _) = replay(&input, &EvidenceFields::default())?;
    rollout.mark_cut_short();
    Ok(rollout.finish().0)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn fixture(name: &str) -> Vec<String> {
    lines(&read(&root().join("fixtures").join(name).join("run.journal")))
}

fn kind(line: &str) -> String {
    let record: Value = serde_json::from_str(line).expect("a record");
    record["record"].as_str().expect("a name").to_owned()
}

/// Every journal among the fixtures, and some of rollouts that were interrupted and resumed, by name.
pub fn journals() -> Vec<(String, Vec<String>)> {
    let mut journals = Vec::new();
    for folder in fixtures().into_iter().chain(example_fixtures()) {
        if folder.join("run.journal").is_file() {
            let name = folder.strip_prefix(root()).expect("a fixture").display().to_string();
            journals.push((name, lines(&read(&folder.join("run.journal")))));
        }
    }
    journals.extend(resumed());
    journals
}

/// Journals that no fixture has: a signal, a kill, and what was asked for.
#[expect(clippy::too_many_lines, reason = "a table")]
fn resumed() -> Vec<(String, Vec<String>)> {
    let at = "2026-11-26T10:00:00Z";
    let plan = json!({
        "enabled": true, "sha": "abcdef1", "target_tag": "staging-abcdef1", "cp_url": "http://127.0.0.1:1",
        "body": {"target_tag": "staging-abcdef1", "canary_slug": "acme", "soak_seconds": 1, "batch_size": 2, "dry_run": false},
    });
    let start = |more: Value| {
        let mut start = json!({"record": "start", "format": "rollproof.journal/v1", "at": at, "plan_name": "plan.json", "plan": plan.to_string()});
        start.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        start
    };
    let request = |call: u32, attempt: u16, purpose: &str, tenants: &[&str]| json!({"record": "request", "call": call, "attempt": attempt, "purpose": purpose, "tenants": tenants, "at": at});
    let answer = |call: u32, attempt: u16, status: u16, rows: Value| {
        let body = json!({"ok": status == 200, "results": rows}).to_string();
        let last = !matches!(status, 502..=504);
        json!({"record": "answer", "call": call, "attempt": attempt, "at": at, "duration_ms": 1, "status": status, "body": body, "last": last})
    };
    let fleet = json!(["acme", "bolt", "cobalt", "dune"].map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})));
    let proven = |slugs: &[&str]| {
        slugs
            .iter()
            .map(|slug| json!({"slug": slug, "ssm_status": "Success", "verified_on_target": true}))
            .collect::<Value>()
    };
    let simple = |record: &str| json!({"record": record, "at": at});
    let signal = json!({"record": "interrupted", "at": at, "signal": "SIGTERM"});
    let halted = json!({"record": "halted", "at": at, "because": "team.halt: enough"});
    let asked = json!({"requests": 1, "answers": 1, "status": 200});
    let switch = |before: u32, state: &str| {
        let value = if state == "armed" { "true" } else { "false" };
        json!({"record": "switch", "reading": {"at": at, "before": before, "variable": "PROD_AUTO_DEPLOY_DISABLED", "state": state, "source": "live", "value": value, "asked": asked}})
    };
    let head = |before: u32, head: &str| {
        let state = if head == "abcdef1" { "latest" } else { "superseded" };
        json!({"record": "head", "reading": {"at": at, "before": before, "branch": "main", "sha": "abcdef1", "state": state, "head": head, "asked": asked}})
    };
    let ci = json!({"record": "ci", "wait": {"at": at, "sha": "abcdef1", "contexts": [{"name": "test", "state": "success"}], "end": "answered", "polls": 1, "asked": asked}});
    let enumerated = [request(0, 0, "plan", &[]), answer(0, 0, 200, fleet)];
    let canary = |call| [request(call, 0, "canary", &["acme"]), answer(call, 0, 200, proven(&["acme"]))];
    let canary_fails = [request(1, 0, "canary", &["acme"]), answer(1, 0, 500, json!([]))];
    let soak = [simple("soak"), simple("soaked")];
    let batch =
        |call| [request(call, 0, "batch", &["bolt", "cobalt"]), answer(call, 0, 200, proven(&["bolt", "cobalt"]))];
    let dune = |call| [request(call, 0, "batch", &["dune"]), answer(call, 0, 200, proven(&["dune"]))];
    let rest = [&batch(2)[..], &dune(3)].concat();
    let begun = [&[start(json!({}))][..], &enumerated].concat();
    let asking = [
        &[start(json!({"gates": "all", "probes": true})), head(0, "abcdef1"), switch(0, "off"), ci.clone()][..],
        &enumerated,
    ]
    .concat();
    let gated = [&asking[..], &[switch(1, "off")], &canary(1), &soak, &[switch(2, "off")], &batch(2)].concat();
    let again = [simple("resumed"), head(3, "abcdef1"), switch(3, "off"), ci];
    let ended = [&gated[..], &[switch(3, "off")], &dune(3), &[simple("completed")]].concat();
    let probing = json!({"record": "probing", "at": at, "url": "https://{slug}.example/buildinfo", "tenants": ["acme", "bolt", "cobalt", "dune"]});
    let probed = |sha: &str, tenants: &[&str]| json!({"record": "probed", "at": at, "answers": [{"tenants": tenants, "seen": {"status": 200, "git_sha": sha}}]});
    let everybody = ["acme", "bolt", "cobalt", "dune"];
    let named: [(&str, Vec<Value>); 16] = [
        ("killed at the start", vec![start(json!({"probes": true}))]),
        ("killed after the last answer", [&begun[..], &canary(1), &soak, &rest].concat()),
        ("interrupted, and never resumed", [&begun[..], &canary(1), &[simple("soak"), signal.clone()]].concat()),
        (
            "interrupted while it soaked, and resumed",
            [
                &begun[..],
                &canary(1),
                &[simple("soak"), signal, simple("resumed")],
                &soak,
                &rest,
                &[simple("completed")],
            ]
            .concat(),
        ),
        (
            "killed while a call was in flight, and resumed",
            [
                &begun[..],
                &canary(1),
                &soak,
                &batch(2)[..1],
                &[simple("resumed")],
                &batch(3),
                &dune(4),
                &[simple("completed")],
            ]
            .concat(),
        ),
        (
            "killed between two attempts, and halted",
            [
                &begun[..],
                &canary(1),
                &soak,
                &[request(2, 0, "batch", &["bolt", "cobalt"]), answer(2, 0, 503, json!([]))],
                &[simple("resumed"), halted.clone()],
            ]
            .concat(),
        ),
        ("canary failed, and killed", [&begun[..], &canary_fails].concat()),
        ("canary failed, and halted", [&begun[..], &canary_fails, std::slice::from_ref(&halted)].concat()),
        ("halted before anything was called", vec![start(json!({})), halted.clone()]),
        (
            "gates, killed and resumed",
            [&gated[..], &again, &[switch(3, "off")], &dune(3), &[simple("completed")]].concat(),
        ),
        ("gates, and the switch armed", [&gated[..], &[switch(3, "armed"), halted.clone()]].concat()),
        ("gates, resumed, and the switch armed", [&gated[..], &again, &[switch(3, "armed"), halted.clone()]].concat()),
        ("superseded after it was resumed", [&gated[..], &[simple("resumed"), head(3, "1234567"), halted]].concat()),
        ("killed before it probed", ended.clone()),
        (
            "probed, and one is stale",
            [&ended[..], &[probing.clone(), probed("1234567", &everybody), probed("abcdef1", &everybody[..3])]]
                .concat(),
        ),
        (
            "ended, resumed and probed",
            [
                &ended[..],
                &[
                    simple("resumed"),
                    simple("completed"),
                    probing,
                    probed("1234567", &everybody),
                    probed("abcdef1", &everybody),
                ],
            ]
            .concat(),
        ),
    ];
    named.into_iter().map(|(name, records)| (name.to_owned(), records.iter().map(Value::to_string).collect())).collect()
}

#[test]
fn the_table_in_the_documentation_is_the_one_that_is_used() {
    let path = root().join("docs/journal.md");
    let text = read(&path);
    let (before, _) = text.split_once(MARK).expect("a mark");
    golden(&path, &format!("{before}{MARK}{}", grammar_table()));
}

/// Whatever was driven is valid, an older one too; and a fixture's verdict is the one that its case expects.
#[test]
fn every_journal_that_was_written_is_read() {
    for (name, lines) in journals() {
        journal_document(&lines).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_breaks_the_grammar_is_refused_with_its_line() {
    let (whole, killed, halted) =
        (fixture("calls/live-one-502"), fixture("calls/live-killed"), fixture("calls/live-failed-batch"));
    let without =
        |at: usize| whole.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, line)| line.clone()).collect();
    let with = |at: usize, line: &str| {
        let mut lines = whole.clone();
        lines.insert(at, line.to_owned());
        lines
    };
    let instead = |at: usize, from: &str, to: &str| {
        let mut lines = whole.clone();
        assert!(lines[at].contains(from), "{}", lines[at]);
        lines[at] = lines[at].replace(from, to);
        lines
    };
    let end = whole.last().expect("an end");
    let many = whole.len();
    let cases: [(&str, Vec<String>, usize, &str); 19] = [
        (
            "two journals",
            [&whole[..], &whole].concat(),
            many + 1,
            "found `start`, but every call was made; here may come: `probe`, `head`, `probing`, `resumed`",
        ),
        ("a second start", with(1, &whole[0]), 2, "found `start`, but no call is in flight"),
        ("no start", without(0), 1, "no start of a journal"),
        (
            "nobody was called",
            vec![whole[0].clone(), whole[1].clone(), end.clone()],
            3,
            "found `completed`, but a call is in flight",
        ),
        (
            "nobody was asked",
            vec![whole[0].clone(), end.clone()],
            2,
            "found `completed`, but call 0, the plan call was not made",
        ),
        (
            "tenants are left",
            [&whole[..5], std::slice::from_ref(end)].concat(),
            6,
            "found `completed`, but the canary has not soaked",
        ),
        (
            "completed in flight",
            [&killed[..], std::slice::from_ref(end)].concat(),
            killed.len() + 1,
            "found `completed`, but a call is in flight",
        ),
        (
            "completed after a halt",
            [&halted[..], std::slice::from_ref(end)].concat(),
            halted.len() + 1,
            "found `completed`, but the rollout was halted; here may come: nothing",
        ),
        ("after the end", with(many, &whole[5]), many + 1, "found `soak`"),
        ("an answer twice", with(3, &whole[2]), 4, "found `answer` to attempt 0 of call 0, but no call is in flight"),
        (
            "an unknown call",
            instead(4, "\"call\":1", "\"call\":7"),
            5,
            "found `answer` to attempt 0 of call 7, but attempt 0 of call 1 is in flight",
        ),
        (
            "an unknown attempt",
            instead(10, "\"attempt\":1", "\"attempt\":0"),
            11,
            "but attempt 1 of call 2 is in flight",
        ),
        (
            "attempts out of order",
            instead(9, "\"attempt\":1", "\"attempt\":2"),
            10,
            "but what follows is attempt 1 of call 2, for bolt, cobalt, dune",
        ),
        ("a call is left out", without(3), 4, "found `answer`"),
        (
            "other tenants",
            instead(7, "\"cobalt\",", ""),
            8,
            "but the next step of the rollout is attempt 0 of call 2, for bolt, cobalt, dune",
        ),
        (
            "another purpose",
            instead(3, "\"canary\"", "\"batch\""),
            4,
            "but the next step of the rollout is attempt 0 of call 1, for the canary acme",
        ),
        ("soaked before it soaks", without(5), 6, "found `soaked`, but no call is in flight"),
        ("soaks twice", with(6, &whole[5]), 7, "found `soak`, but the canary soaks; here may come: `soaked`"),
        (
            "a success is tried again",
            instead(2, "\"last\":true", "\"last\":false"),
            3,
            "but HTTP 200 is never tried again",
        ),
    ];
    for (name, lines, line, said) in cases {
        let error = journal_document(&lines).err().unwrap_or_else(|| panic!("{name}: it is accepted"));
        let text = error.to_string();
        assert_eq!(error.exit_code(), 4, "{name}: {text}");
        assert!(text.contains(&format!("line {line}, ")) && text.contains(said), "{name}: {text}");
    }
    let case = Case::new();
    case.file("run.journal", [&whole[..], &whole].concat().join("\n") + "\n");
    let ran = case.run(["verify", "run.journal"]);
    assert_eq!((ran.code, &*ran.stdout), (4, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("give each rollout in a file of its own"), "{}", ran.stderr);
}

/// What `start` says that gates and builds are asked has to be there.
#[test]
fn what_was_asked_for_has_to_be_there() {
    let gated = resumed().into_iter().find(|(name, _)| name == "gates, killed and resumed").expect("it is there").1;
    let readings = (0..gated.len()).filter(|at| ["head", "switch", "ci"].contains(&&*kind(&gated[*at])));
    for at in readings {
        let mut lines = gated.clone();
        lines.remove(at);
        let error = journal_document(&lines).err().unwrap_or_else(|| panic!("without line {}", at + 1));
        assert_eq!(error.exit_code(), 4, "{error}");
    }
    let policies = policies();
    let verdict = |name: &str| {
        let lines = resumed().into_iter().find(|(of, _)| of == name).expect("it is there").1;
        code_of(&policies, &journal_document(&lines).expect("it is valid"))
    };
    assert_eq!(
        [verdict("killed before it probed"), verdict("ended, resumed and probed"), verdict("killed at the start")],
        [1, 0, 1]
    );
}

#[test]
fn no_change_of_a_record_turns_a_failure_into_a_pass() {
    let (policies, exhaustive) = (policies(), is_exhaustive());
    let journals = journals();
    let pool: Vec<&String> =
        journals.iter().flat_map(|(_, lines)| lines).collect::<BTreeSet<_>>().into_iter().collect();
    let (mut tried, mut read, mut seen) = (0, 0, BTreeSet::new());
    for (name, lines) in &journals {
        if code_of(&policies, &journal_document(lines).expect("it is valid")) == 0 {
            continue;
        }
        let mut judge = |what: &'static str, record: &str, changed: &[String]| {
            tried += 1;
            let Ok(document) = journal_document(changed) else { return };
            read += 1;
            if code_of(&policies, &document) == 0 {
                let is_evidence = EVIDENCE.iter().any(|(of, kind, _)| (*of, *kind) == (what, record));
                assert!(is_evidence, "{name}: {what} `{record}` turns it into a pass:\n{}", changed.join("\n"));
                seen.insert((what, record.to_owned()));
            }
        };
        for at in sample(0..lines.len(), 2) {
            let mut changed = lines.clone();
            let gone = changed.remove(at);
            judge("delete", &kind(&gone), &changed);
            changed.insert(at, gone.clone());
            changed.insert(at, gone.clone());
            judge("duplicate", &kind(&gone), &changed);
            for other in (at + 1..lines.len()).step_by(if exhaustive { 1 } else { 1 + lines.len() / 3 }) {
                let mut changed = lines.clone();
                changed.swap(at, other);
                judge("swap", &kind(&gone), &changed);
            }
        }
        for (i, more) in pool.iter().enumerate() {
            for at in 0..=lines.len() {
                if exhaustive || (i + at) % 61 == 0 {
                    let mut changed = lines.clone();
                    changed.insert(at, (*more).clone());
                    judge("insert", &kind(more), &changed);
                }
            }
        }
    }
    assert!(tried > 500 && read > 50, "{tried} were tried, and {read} of them are journals");
    if exhaustive {
        let listed: BTreeSet<_> = EVIDENCE.iter().map(|(what, record, _)| (*what, (*record).to_owned())).collect();
        assert_eq!(seen, listed, "no exception is listed that is none");
    }
}

/// What is accepted as a journal is accepted as the document that comes of it: they ask the same of a value.
#[test]
fn the_document_of_a_changed_journal_agrees_with_itself() {
    let words = ["", "acme", "nobody", "armed", "off", "latest", "superseded", "2030-01-01T00:00:00Z"].map(Value::from);
    let step = if is_exhaustive() { 1 } else { 37 };
    let (mut tried, mut read) = (0, 0);
    for (name, lines) in journals() {
        for (at, line) in lines.iter().enumerate() {
            let record: Value = serde_json::from_str(line).expect("a record");
            let mut pointers = Vec::new();
            places(&record, "", &mut pointers);
            for pointer in &pointers[1..] {
                let values = others(record.pointer(pointer).expect("it is there"), &words);
                for value in values.into_iter().map(Some).chain([None]) {
                    tried += 1;
                    if tried % step != 0 {
                        continue;
                    }
                    let mut changed = lines.clone();
                    changed[at] = with(&record, pointer, value).to_string();
                    let Ok(document) = journal_document(&changed) else { continue };
                    read += 1;
                    let agrees = check(&document).is_ok() && validate(&document).is_ok();
                    assert!(agrees, "{name}: {:?}\n{}\n{}", check(&document), lines[at], changed[at]);
                }
            }
        }
    }
    assert!(read * step > 5_000, "{tried} may be tried, and {read} of every {step}th are journals");
}

/// A record with another value at a place, or without the key.
fn with(record: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut record = record.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match (record.pointer_mut(parent).expect("it is there"), value) {
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().expect("an index")] = value,
        (Value::Array(list), None) => drop(list.remove(key.parse().expect("an index"))),
        (parent, Some(value)) => parent[key] = value,
        (parent, None) => drop(parent.as_object_mut().expect("an object").remove(key)),
    }
    record
}
