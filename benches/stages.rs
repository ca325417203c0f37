//! How long each stage takes: collect, evaluate, and the whole process.

#![expect(clippy::print_stdout, reason = "a benchmark is read where it runs")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rollproof::internal::Policies;
use rollproof::{EvidenceFields, Loading, Settings, Source, Sources, collect, load, validate};
use tempfile::TempDir;

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: rollproof::CappedAllocator = rollproof::CappedAllocator;

/// A fleet of which about one tenant in a thousand is skipped, and one is off target.
fn write_rollout(tenants: usize, folder: &Path) -> Sources {
    let (mut rows, mut fleet) = (String::new(), String::new());
    for i in 0..tenants {
        writeln!(fleet, "tenant-{i:07}").expect("a string");
        if i % 997 != 5 {
            let verified = i % 1009 != 7;
            let comma = if rows.is_empty() { "" } else { ", " };
            write!(rows, r#"{comma}{{"slug": "tenant-{i:07}", "phase": "batch-{}", "ssm_status": "Success", "verified_on_target": {verified}}}"#, i / 100)
                .expect("a string");
        }
    }
    let file = |name: &str, contents: String| {
        let path = folder.join(name);
        std::fs::write(&path, contents).expect("a file");
        Source::new(path)
    };
    Sources {
        evidence: file("response.json", format!(r#"{{"ok": true, "results": [{rows}]}}"#)),
        fleet: Some(file("fleet.txt", fleet)),
        plan: None,
        fields: EvidenceFields::default(),
        max_bytes: 1 << 30,
    }
}

/// How often a stage runs under `cargo bench`. Under `cargo test --bench stages` once shows that it works.
const RUNS: usize = 20;

/// Prints the median of some runs, the fastest and the slowest.
fn measure<T>(name: &str, mut stage: impl FnMut() -> T) {
    let runs = if std::env::args().any(|argument| argument == "--bench") { RUNS } else { 1 };
    let time = |_| {
        let start = Instant::now();
        black_box(stage());
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..runs).map(time).collect();
    times.sort_unstable();
    println!("{name:<18}{:>12.3?}  ({:.3?} to {:.3?})", times[runs / 2], times[0], times[runs - 1]);
}

fn main() {
    measure("load", || Policies::bundled().expect("they load"));
    let prepared = load(Settings::default()).and_then(Loading::wait).expect("they load");
    for tenants in [1_000, 100_000] {
        let folder = TempDir::new().expect("a folder");
        let sources = write_rollout(tenants, folder.path());
        let collected = || collect(&sources, Timestamp::UNIX_EPOCH).expect("valid");
        measure(&format!("collect {tenants}"), collected);
        let document = collected().document;
        let valid = validate(&document).expect("it is valid");
        measure(&format!("evaluate {tenants}"), || prepared.evaluate(&valid).expect("a verdict"));
        measure(&format!("process {tenants}"), || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
            command.args(["verify", "response.json", "--fleet", "fleet.txt", "--format", "json"]);
            let status = command.current_dir(folder.path()).stdout(Stdio::null()).status().expect("it starts");
            assert_eq!(status.code(), Some(1));
        });
    }
}
