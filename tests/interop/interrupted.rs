//! Random rollouts that are killed or interrupted at every point and then resumed, beside the same rollouts undisturbed:
//! the same calls in the same order (one in flight may come twice), the same verdict, and never a call after a halt.
//!
//! `cargo test --test interrupted -- RUNS [BINARY_RUNS [SEED]]`. Most runs drive the library: a kill after a record is
//! the journal up to it, with or without a part of the next one, or with the `interrupted` that a signal leaves. The
//! others send real signals to the real binary.

#![allow(clippy::too_many_lines, reason = "a test is a list of cases")]
#![expect(clippy::print_stdout, reason = "what was tried, and the seed of what failed, are for people")]

#[path = "../integration/drive/plane.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod plane;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plane::{Plane, Reply, Request, http};
use rollproof::internal::{
    Client, Config, Driver, HaltAnswer, HaltCheck, Inputs, Inventory, Journal, JournalFormat, Progress, Record,
    Rollout, RolloutOutcome, SoFar, Stop, Text, Timing, Token, now, replay,
};
use rollproof::{Document, EvidenceFields, Loading, Prepared, Settings, Source, load, validate};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How many runs a process makes: each registers its own signals.
const CHUNK: usize = 200;
const ATTEMPTS: usize = 3;
const NAMES: [&str; 7] = ["acme", "bolt", "cobalt", "dune", "ember", "fjord", "gull"];

/// Halts where the plan's tag asks for it, once `dune` has answered; it denies nothing.
const OWN: &str = "# METADATA\n# title: Own\n# description: Halts at a tenant.\npackage own\n\nhalt contains \"enough\" if {\n\tendswith(input.rollout.target_tag, \"-halt\")\n\tsome cohort in input.cohorts\n\t\"dune\" in cohort.tenants\n\tcount(cohort.rows) > 0\n}\n";

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, many: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits") % many
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// What is wrong with a tenant, and so with every call that names it. What passes is over after one attempt.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Unproven,
    Unhealthy,
    Skipped,
    Failing,
    Malformed,
    Dead,
    FlakyWithRows,
    DroppedOnce,
}

const FAULTS: [Fault; 8] = [
    Fault::Unproven,
    Fault::Unhealthy,
    Fault::Skipped,
    Fault::Failing,
    Fault::Malformed,
    Fault::Dead,
    Fault::FlakyWithRows,
    Fault::DroppedOnce,
];

#[derive(Debug, Clone)]
struct Scenario {
    fleet: Vec<&'static str>,
    canary: Option<&'static str>,
    batch: usize,
    soak: usize,
    tolerated: usize,
    faults: BTreeMap<&'static str, Fault>,
    /// The inventory, where there is one: with a tenant that the control plane does not know, or without.
    inventory: Option<Vec<&'static str>>,
    halts: bool,
    /// The kill switch is armed once so many different calls were answered.
    armed_after: Option<usize>,
}

impl Scenario {
    fn new(random: &mut Random) -> Self {
        let fleet = NAMES[..=random.below(NAMES.len())].to_vec();
        let mut faults = BTreeMap::new();
        for tenant in &fleet {
            if random.one_in(5) {
                faults.insert(*tenant, FAULTS[random.below(FAULTS.len())]);
            }
        }
        let canary = match random.below(8) {
            0 => None,
            1 => Some("nobody"),
            _ => Some(fleet[random.below(fleet.len())]),
        };
        let inventory = random.one_in(4).then(|| {
            let unknown = if random.one_in(3) { &["unknown"][..] } else { &[] };
            [&fleet[..], unknown].concat()
        });
        Self {
            canary,
            batch: 1 + random.below(3),
            soak: random.below(2),
            tolerated: random.below(3),
            faults,
            inventory,
            halts: random.one_in(4),
            armed_after: random.one_in(4).then(|| random.below(4)),
            fleet,
        }
    }

    fn plan(&self, url: &str) -> String {
        let tag = if self.halts { "staging-halt" } else { "staging-abcdef1" };
        let mut plan = json!({
            "enabled": true, "sha": "abcdef1000000000000000000000000000000000", "target_tag": tag, "cp_url": url,
            "rollout_http_timeout": 10,
            "body": {"target_tag": tag, "soak_seconds": self.soak, "batch_size": self.batch,
                     "max_stragglers": self.tolerated, "dry_run": false, "confirm": true},
        });
        if let Some(canary) = self.canary {
            plan["body"]["canary_slug"] = canary.into();
        }
        plan.to_string()
    }

    fn start(&self) -> Record {
        let inventory =
            self.inventory.as_ref().map(|names| Inventory { name: Text::from("i"), text: names.join("\n").into() });
        Record::Start {
            format: JournalFormat::V1,
            at: now(),
            plan_name: Text::from("plan.json"),
            plan: self.plan("http://127.0.0.1:1").into(),
            inventory,
            time_scale: Some(Text::from("0.001")),
            plan_fields: Vec::new(),
            evidence_fields: Vec::new(),
            gates: None,
            probes: false,
            rollout_id: None,
            control_plane: None,
        }
    }

    /// The answer to a call that was attempted so often before.
    fn reply(&self, request: &Request, before: usize) -> Reply {
        let tenants = request.tenants();
        if tenants.is_empty() {
            let rows = self.fleet.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"}));
            return Reply::Json(200, json!({"ok": true, "results": rows.collect::<Vec<_>>()}));
        }
        let mut rows: Vec<Value> = tenants
            .iter()
            .map(|slug| json!({"slug": slug, "ssm_status": "Success", "healthz_ok": true, "verified_on_target": true}))
            .collect();
        let mut status = 200;
        for (i, tenant) in tenants.iter().enumerate().rev() {
            match self.faults.get(&**tenant) {
                Some(Fault::Unproven) => rows[i]["verified_on_target"] = json!(false),
                Some(Fault::Unhealthy) => rows[i]["healthz_ok"] = json!(false),
                Some(Fault::Skipped) => drop(rows.remove(i)),
                // A first answer that is to come again is not changed: it may come to another process than the second.
                Some(Fault::Failing) if status == 200 => status = 500,
                Some(Fault::Malformed) => return Reply::Raw(http(200, "<html>sign in</html>")),
                Some(Fault::Dead) => return Reply::Close,
                Some(Fault::FlakyWithRows) if before == 0 => {
                    rows[i]["verified_on_target"] = json!(false);
                    status = 502;
                }
                Some(Fault::DroppedOnce) if before == 0 => return Reply::Close,
                Some(Fault::Failing | Fault::FlakyWithRows | Fault::DroppedOnce) | None => {}
            }
        }
        Reply::Json(status, json!({"ok": status == 200, "results": rows}))
    }
}

/// A control plane that plays a scenario. `came` is told of each request before it is answered.
fn serve(scenario: &Scenario, came: impl Fn(usize) + Send + Sync + 'static) -> (Plane, Arc<AtomicUsize>) {
    let (scenario, asked) = (scenario.clone(), Mutex::new(HashMap::<Vec<String>, usize>::new()));
    let answered = Arc::new(AtomicUsize::new(0));
    let many = Arc::clone(&answered);
    let plane = Plane::new(move |index, request| {
        let mut asked = asked.lock().expect("it is not poisoned");
        let times = asked.entry(request.tenants()).or_default();
        *times += 1;
        let before = *times - 1;
        many.store(asked.len(), Ordering::SeqCst);
        drop(asked);
        came(index);
        scenario.reply(request, before)
    });
    (plane, answered)
}

/// The calls in order, one that came again at once only once.
fn scopes(calls: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut calls = calls;
    calls.dedup();
    calls
}

/// What a rollout came to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    outcome: String,
    /// Severity, code and tenants of what weighs.
    findings: BTreeSet<(String, String, Vec<String>)>,
}

fn verdict(document: &Document, policies: &Prepared) -> Verdict {
    let said = policies.evaluate(&validate(document).expect("it is valid")).expect("they can be evaluated");
    let weighty = said.findings.iter().filter(|finding| ["deny", "inconclusive"].contains(&finding.severity.name()));
    let finding = |finding: &rollproof::Finding| {
        let mut tenants: Vec<String> = finding.tenants.iter().map(ToString::to_string).collect();
        tenants.sort();
        (finding.severity.name().to_owned(), finding.code.clone(), tenants)
    };
    Verdict { outcome: format!("{:?}", document.rollout.outcome), findings: weighty.map(finding).collect() }
}

/// Drives a rollout in this process to its end. `path` is that of its journal.
fn drive(policies: &Prepared, plane: &Plane, path: &Path, journal: Journal, rollout: Rollout) -> Document {
    let client = Client::new(
        &plane.url,
        &Token::new("t0ken-of-no-worth", "the test").expect("a token"),
        &Config::default().http,
    )
    .expect("a URL");
    let timing = Timing {
        retry_delays: vec![Duration::ZERO; ATTEMPTS - 1],
        plan_timeout: Duration::from_secs(10),
        call_timeout: Duration::from_secs(10),
        scale: 0.001,
    };
    let mut inputs = Inputs::default();
    let mut ask = |document: &Document, question: HaltCheck| {
        if question != HaltCheck::IdealDocument {
            let (mut again, _) = replayed(path);
            assert_eq!(&*again.document_so_far(), document, "a process that begins with this journal sees the same");
        }
        let SoFar { halts, proven, not_proven } = match question {
            HaltCheck::AfterCall => policies.halt_check(document, &mut inputs)?,
            HaltCheck::AfterGate => policies.halt_check_gates(document, &mut inputs)?,
            HaltCheck::IdealDocument => {
                policies.foresee(document)?;
                return Ok(HaltAnswer::default());
            }
        };
        Ok(HaltAnswer { halts, proven, not_proven })
    };
    let progress = Progress::new(true, 0);
    let stop = Stop::register().expect("signals are heard");
    let mut driver = Driver { gate_reader: None, rollout, journal, client: &client, timing: &timing, progress, stop };
    driver.run(&mut ask, None).expect("nothing fails but the control plane");
    driver.rollout.finish().0
}

/// The rollout that a journal tells of, and where its last whole record ends.
fn replayed(path: &Path) -> (Rollout, u64) {
    let input = Source::new(path.to_owned()).read(1 << 26).expect("a journal");
    replay(&input, &EvidenceFields::default()).expect("it is valid")
}

/// Goes on with a journal in this process; one that has halted or is complete says what it came to.
fn resume(policies: &Prepared, plane: &Plane, path: &Path) -> Document {
    let (mut begun, length) = replayed(path);
    if matches!(begun.outcome(), RolloutOutcome::Halted | RolloutOutcome::Completed) {
        return begun.finish().0;
    }
    let opened = Journal::open(path).expect("nobody else writes it").expect("it is there");
    let mut journal = opened.truncate_to(length).expect("it can be written");
    let resumed = Record::Resumed { at: now() };
    journal.append(&mut begun, &resumed).expect("it is written");
    drive(policies, plane, path, journal, begun)
}

/// Runs scenarios in this process until there were enough runs.
fn work(seed: u64, runs: usize) -> Result<usize, String> {
    let folder = scratch();
    let own = folder.path().join("own.rego");
    std::fs::write(&own, OWN).expect("a file");
    let settings = Settings { paths: vec![own], ..Settings::default() };
    let policies = load(settings).and_then(Loading::wait).expect("they load");
    let mut random = Random(seed);
    let mut made = 0;
    while made < runs {
        let scenario = Scenario::new(&mut random);
        made += interrupt(&scenario, &policies, folder.path(), &mut random)
            .map_err(|problem| format!("{problem}\n{scenario:#?}"))?;
    }
    Ok(made)
}

/// Where journals lie: in memory, where the system has such a place, since every record is synchronized.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a temporary folder")
}

/// Cuts a rollout after each of its records, and goes on.
fn interrupt(scenario: &Scenario, policies: &Prepared, folder: &Path, random: &mut Random) -> Result<usize, String> {
    let path = folder.join("undisturbed.journal");
    let start = scenario.start();
    let (plane, _) = serve(scenario, |_| ());
    let journal = Journal::create(&path, &start, None).expect("a journal");
    let document = drive(policies, &plane, &path, journal, Rollout::start(&start).expect("a plan"));
    let expected = (scopes(plane.calls()), verdict(&document, policies));
    let whole = std::fs::read(&path).expect("a journal");
    std::fs::remove_file(&path).expect("it is there");

    let mut made = 0;
    for cut in 1..=lines(&whole).len() {
        let path = folder.join("cut.journal");
        let mut told = shorten(&whole, cut, random);
        let (plane, _) = serve(scenario, |_| ());
        // Killed again, once in a while.
        for time in 0..3 {
            std::fs::write(&path, &told).expect("a file");
            let before = plane.calls().len();
            let document = resume(policies, &plane, &path);
            made += 1;
            let calls = scopes([called(&told), plane.calls().split_off(before)].concat());
            let found = verdict(&document, policies);
            if (&calls, &found) != (&expected.0, &expected.1) {
                return Err(format!(
                    "cut after record {cut}, resumed {time} times:\n{calls:?}\n{:?}\nbut undisturbed:\n{:?}\n{:?}",
                    found, expected.0, expected.1
                ));
            }
            let after = std::fs::read(&path).expect("a journal");
            let (before, many) = (lines(&told).len(), lines(&after).len());
            if many <= before + 1 || !random.one_in(4) {
                break;
            }
            told = shorten(&after, before + random.below(many - before), random);
        }
    }
    Ok(made)
}

fn lines(journal: &[u8]) -> Vec<Vec<u8>> {
    journal.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// A journal as a kill leaves it after so many records, perhaps in the middle of the next one; or a signal.
fn shorten(journal: &[u8], records: usize, random: &mut Random) -> Vec<u8> {
    let lines = lines(journal);
    let mut kept = lines[..records].concat();
    match (random.below(3), lines.get(records)) {
        (0, Some(next)) => kept.extend(&next[..random.below(next.len() - 1)]),
        (1, Some(_)) if !lines[records - 1].starts_with(b"{\"record\":\"interrupted\"") => {
            let signal = Record::Interrupted { at: now(), signal: Text::from("SIGINT") };
            kept.extend(serde_json::to_vec(&signal).expect("JSON"));
            kept.push(b'\n');
        }
        _ => {}
    }
    kept
}

/// The calls of a journal.
fn called(journal: &[u8]) -> Vec<Vec<String>> {
    let records = lines(journal).into_iter().filter_map(|line| serde_json::from_slice::<Record>(&line).ok());
    let call = |record| match record {
        Record::Request { tenants, .. } => Some(tenants.iter().map(ToString::to_string).collect()),
        _ => None,
    };
    records.filter_map(call).collect()
}

/// A folder in which the binary rolls a scenario out.
struct Folder {
    root: TempDir,
    scenario: Scenario,
    plane: Plane,
    gitea: Plane,
    child: Arc<Mutex<Option<u32>>>,
}

impl Folder {
    /// `signal` is sent while the request with this index is in flight.
    fn new(scenario: &Scenario, signal: Option<(usize, &'static str)>) -> Self {
        let folder = scratch();
        let child = Arc::new(Mutex::new(None::<u32>));
        let (target, sent) = (Arc::clone(&child), AtomicBool::new(false));
        let (plane, answered) = serve(scenario, move |index| {
            if let Some((_, name)) = signal.filter(|(at, _)| *at == index && !sent.swap(true, Ordering::SeqCst)) {
                let id = target.lock().expect("it is not poisoned").expect("it runs");
                let _ = Command::new("kill").args([name, &id.to_string()]).status();
                // The signal comes first, and then the answer.
                thread::sleep(Duration::from_millis(30));
            }
        });
        let armed_after = scenario.armed_after;
        let gitea = Plane::new(move |_, request| {
            let path = request.head.split(' ').nth(1).unwrap_or_default().to_owned();
            let armed = armed_after.is_some_and(|many| answered.load(Ordering::SeqCst) > many);
            match (path.contains("/actions/variables/"), armed) {
                (true, true) => Reply::Json(200, json!({"data": "true"})),
                (true, false) => Reply::Json(404, json!({})),
                (false, _) => Reply::Json(200, json!({"full_name": "shop/platform"})),
            }
        });
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        write("plan.json", &scenario.plan(&plane.url));
        write("rollproof.toml", "[http]\nretry_delays_seconds = [0.001, 0.001]\n[policies]\npaths = [\"own.rego\"]\n");
        write("own.rego", OWN);
        if let Some(names) = &scenario.inventory {
            write("inventory.txt", &names.join("\n"));
        }
        Self { root: folder, scenario: scenario.clone(), plane, gitea, child }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn binary(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
        command.current_dir(self.root.path()).env_clear().env("CP_ADMIN_API_TOKEN", "t0ken-of-no-worth");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary; `moment` kills it.
    fn roll(&self, more: &[&str], moment: Option<Duration>) -> (Option<i32>, String) {
        let mut command = self.binary();
        command.args(["run", "--plan", "plan.json", "--response", "r.json", "--document", "d.json", "--quiet"]);
        command.args(["--time-scale", "0.001"]).args(more);
        if self.scenario.inventory.is_some() {
            command.args(["--fleet", "inventory.txt"]);
        }
        if self.scenario.armed_after.is_some() {
            command.env("GITEA_HOST", &self.gitea.url).env("GITEA_TOKEN", "gitea-t0ken-of-no-worth");
            command.env("GITHUB_REPOSITORY", "shop/platform");
        }
        // Whoever sends the signal waits until it is known to whom.
        let mut known = self.child.lock().expect("it is not poisoned");
        let mut child = command.spawn().expect("the binary starts");
        *known = Some(child.id());
        drop(known);
        if let Some(moment) = moment {
            thread::sleep(moment);
            let _ = child.kill();
        }
        let output = child.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// What the journal comes to.
    fn verdict(&self) -> Result<Verdict, String> {
        let mut command = self.binary();
        command.args(["verify", "d.json.journal", "--format", "json", "--document", "again.json"]);
        let output = command.stdout(Stdio::piped()).output().expect("the binary starts");
        let report: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("no verdict: {}", String::from_utf8_lossy(&output.stderr)))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().into_iter().flatten();
        let weighty = findings.filter(|finding| ["deny", "inconclusive"].contains(&&*text(&finding["severity"])));
        let finding = |finding: &Value| {
            let tenants = finding["tenants"].as_array().into_iter().flatten().map(text);
            (text(&finding["severity"]), text(&finding["code"]), tenants.collect())
        };
        let again = std::fs::read(self.path("again.json")).map_err(|error| error.to_string())?;
        let document: Value = serde_json::from_slice(&again).map_err(|error| error.to_string())?;
        Ok(Verdict { outcome: text(&document["rollout"]["outcome"]), findings: weighty.map(finding).collect() })
    }
}

/// A rollout of the binary that is sent a signal, beside one that is not.
fn signalled(random: &mut Random) -> Result<usize, String> {
    let scenario = Scenario::new(random);
    let undisturbed = Folder::new(&scenario, None);
    let begun = Instant::now();
    let (code, said) = undisturbed.roll(&[], None);
    let took = begun.elapsed();
    let failed = |problem: String| format!("{problem}\n{scenario:#?}");
    let expected = (
        scopes(undisturbed.plane.calls()),
        undisturbed.verdict().map_err(|problem| failed(format!("{problem}{said}")))?,
    );
    let requests = undisturbed.plane.calls().len();

    let name = ["-INT", "-TERM", "-KILL"][random.below(3)];
    let at_call = !random.one_in(3);
    let signal = at_call.then(|| (random.below(requests), name));
    let disturbed = Folder::new(&scenario, signal);
    let moment =
        (!at_call).then(|| took.mul_f64(0.01 * f64::from(u8::try_from(random.below(100)).expect("below 100"))));
    let (mut last, mut said) = disturbed.roll(&[], moment);
    let mut runs = 1;
    while !matches!(last, Some(0..=7)) && runs < 9 {
        let is_begun = disturbed.path("d.json.journal").exists();
        let more: &[&str] = if is_begun { &["--resume"] } else { &[] };
        let halted = is_begun && disturbed.verdict().is_ok_and(|verdict| verdict.outcome == "halted");
        let calls = disturbed.plane.calls().len();
        (last, said) = disturbed.roll(more, None);
        runs += 1;
        if halted && (last, disturbed.plane.calls().len()) != (Some(2), calls) {
            return Err(failed(format!("{name} {signal:?} {moment:?}: it had halted, and went on: {last:?} {said}")));
        }
    }
    let found =
        (scopes(disturbed.plane.calls()), disturbed.verdict().map_err(|problem| failed(format!("{problem}{said}")))?);
    // What the control plane was asked just before a kill may arm the switch before it is asked again.
    let is_held = scenario.armed_after.is_some()
        && expected.0.starts_with(&found.0)
        && found.1.findings.iter().any(|(_, code, _)| code == "gates.disabled");
    if found != expected && !is_held {
        return Err(failed(format!(
            "{name} {signal:?} {moment:?}, {runs} runs, exit {last:?} {said}:\n{found:?}\nbut undisturbed, exit {code:?}:\n{expected:?}"
        )));
    }
    Ok(1)
}

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: rollproof::CappedAllocator = rollproof::CappedAllocator;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, usual: u64| arguments.get(i).map_or(usual, |text| text.parse().expect("a number"));
    if arguments.first().is_some_and(|first| first == "work") {
        return match work(number(1, 0), usize::try_from(number(2, 0)).expect("a number")) {
            Ok(made) => {
                println!("{made}");
                ExitCode::SUCCESS
            }
            Err(problem) => {
                println!("{problem}");
                ExitCode::FAILURE
            }
        };
    }
    // `cargo test` comes here too, with nothing or the name of another test.
    if arguments.first().is_none_or(|first| first.parse::<u64>().is_err()) {
        println!("it takes minutes: say how many runs");
        return ExitCode::SUCCESS;
    }
    let (runs, binary_runs) = (number(0, 0), number(1, 0));
    let since = std::time::UNIX_EPOCH.elapsed().expect("it is later").subsec_nanos();
    let seed = number(2, since.into());
    println!("seed {seed}");
    let (made, sent, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let next = AtomicUsize::new(0);
    let usize_of = |number: u64| usize::try_from(number).expect("it fits");
    let chunks = usize_of(runs).div_ceil(CHUNK);
    let fail = |problem: &str| {
        failed.store(true, Ordering::SeqCst);
        println!("{problem}\nagain: cargo test --test interrupted -- {runs} {binary_runs} {seed}");
    };
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !failed.load(Ordering::SeqCst) {
                    let i = next.fetch_add(1, Ordering::SeqCst);
                    let seed = seed.wrapping_add(i as u64);
                    if i < chunks {
                        let own = std::env::current_exe().expect("a path");
                        let ran = Command::new(own).args(["work", &seed.to_string(), &CHUNK.to_string()]).output();
                        let ran = ran.expect("it starts");
                        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
                        match said.trim().parse::<usize>() {
                            Ok(many) if ran.status.success() => drop(made.fetch_add(many, Ordering::SeqCst)),
                            _ => fail(&format!("{said}{}", String::from_utf8_lossy(&ran.stderr))),
                        }
                    } else if i < chunks + usize_of(binary_runs) {
                        match signalled(&mut Random(seed)) {
                            Ok(many) => drop(sent.fetch_add(many, Ordering::SeqCst)),
                            Err(problem) => fail(&problem),
                        }
                    } else {
                        return;
                    }
                }
            });
        }
    });
    let (made, sent) = (made.into_inner(), sent.into_inner());
    println!("{made} resumed runs, {sent} with the binary and real signals, {:.0?}", begun.elapsed());
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
