//! What an operator writes: a configuration, waivers, a plan, a fleet.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rollproof::internal::{Config, waivers};
use rollproof_fuzz::{MAX_BYTES, file, judge, readable};

static FLEET: LazyLock<PathBuf> = LazyLock::new(|| file("fleet.txt", b"acme\n"));

fuzz_target!(|bytes: &[u8]| {
    let path = file("given", bytes);
    if let Err(error) = Config::read(Some(&path)) {
        readable(&error);
    }
    if let Err(error) = waivers::read([&*path], 90, MAX_BYTES) {
        readable(&error);
    }
    let response = br#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#;
    judge(response, Some(&path), None);
    judge(response, Some(&FLEET), Some(&path));
});
