//! An archived response beside a fleet and a plan.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rollproof_fuzz::{file, judge};

static FLEET: LazyLock<PathBuf> = LazyLock::new(|| file("fleet.txt", b"acme\nbolt\ncobalt\ndune\n"));
static PLAN: LazyLock<PathBuf> = LazyLock::new(|| {
    let plan =
        br#"{"enabled": true, "sha": "0123abc0123abc0123abc0123abc0123abc0123a", "target_tag": "staging-0123abc",
        "body": {"target_tag": "staging-0123abc", "canary_slug": "acme", "max_stragglers": 1, "dry_run": false}}"#;
    file("plan.json", plan)
});

fuzz_target!(|bytes: &[u8]| judge(bytes, Some(&**FLEET), Some(&**PLAN)));
