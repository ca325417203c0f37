//! How long each stage takes: collect, evaluate, and the whole process.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use rollproof::collect::{EvidenceFields, Source, Sources, collect};
use rollproof::policy::{Loading, Policies, Settings, load};
use tempfile::TempDir;

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

fn stages(criterion: &mut Criterion) {
    criterion.bench_function("load", |bencher| bencher.iter(|| Policies::bundled().expect("they load")));
    for tenants in [1_000, 100_000] {
        let folder = TempDir::new().expect("a folder");
        let sources = write_rollout(tenants, folder.path());
        let mut group = criterion.benchmark_group("stages");
        group.throughput(Throughput::Elements(tenants as u64)).sample_size(20);
        group.bench_function(BenchmarkId::new("collect", tenants), |bencher| {
            bencher.iter(|| collect(&sources, Timestamp::UNIX_EPOCH).expect("valid"));
        });
        let document = collect(&sources, Timestamp::UNIX_EPOCH).expect("valid").document;
        group.bench_function(BenchmarkId::new("evaluate", tenants), |bencher| {
            let prepared = load(Settings::default()).and_then(Loading::wait).expect("they load");
            bencher.iter(|| prepared.evaluate(&document).expect("a verdict"));
        });
        group.bench_function(BenchmarkId::new("process", tenants), |bencher| {
            bencher.iter(|| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
                command.args(["verify", "response.json", "--fleet", "fleet.txt", "--format", "json"]);
                let status = command.current_dir(folder.path()).stdout(Stdio::null()).status().expect("it starts");
                assert_eq!(status.code(), Some(1));
            });
        });
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
