//! A team's own policy: checked, and if nothing is wrong with it, loaded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollproof::internal::{Data, Module, check_files};
use rollproof::{Problems, Settings, Subject, load};
use rollproof_fuzz::{file, readable};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let own = vec![Module { file: "team.rego".to_owned(), text: text.to_owned() }];
    match check_files(Subject::Rollout, Vec::new(), own, &Data::default()) {
        Ok(problems) if problems.is_empty() => {
            let settings = Settings { paths: vec![file("team.rego", bytes)], ..Settings::default() };
            if let Err(error) = load(settings).and_then(|loading| loading.wait()) {
                readable(&error);
            }
        }
        Ok(problems) => assert!(!Problems(&problems).to_string().is_empty()),
        // A limit was reached.
        Err(failure) => readable(&failure.into()),
    }
});
