//! A journal, which stands alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollproof_fuzz::judge;

fuzz_target!(|bytes: &[u8]| judge(bytes, None, None));
