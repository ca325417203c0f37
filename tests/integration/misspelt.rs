//! Which names are nearly known ones: the measure of misspelt keys, variables and slugs.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rollproof::internal::misspelt::Difference::{Form, Letters};
use rollproof::internal::misspelt::{misspelt, nearly};

#[test]
fn a_name_is_nearly_another_by_its_form_or_by_a_letter_or_two() {
    for (known, given, expected) in [
        ("verified_on_target", "verified_on_target", None),
        ("verified_on_target", "verifiedOnTarget", Some(Form)),
        ("verified_on_target", "Verified-On.Target", Some(Form)),
        ("verified_on_target", "verified_on_target ", Some(Form)),
        ("verified_on_target", "verified\u{a0}on\ttarget", Some(Form)),
        ("verified_on_target", "verified_on\u{200b}_target", Some(Form)),
        ("verified_on_target", "\u{feff}verified_on_target", Some(Form)),
        ("verified_on_target", "verified_on_\u{ad}target\u{fe0f}", Some(Form)),
        ("verified_on_target", "verified\u{2013}on\u{2212}target", Some(Form)),
        ("verified_on_target", "\u{202e}verified_on_target\u{3164}", Some(Form)),
        ("verified_on_target", "ｖｅｒｉｆｉｅｄ＿ｏｎ＿ｔａｒｇｅｔ", Some(Form)),
        ("verified_on_target", "veriﬁed_on_target", Some(Form)),
        ("café", "cafe\u{301}", Some(Form)),
        ("café", "CAFE\u{200b}\u{301}", Some(Form)),
        ("STRASSE", "straße", Some(Form)),
        // One letter added, left out, replaced, swapped; two of them.
        ("verified_on_target", "verified_on_tagret", Some(Letters)),
        ("verified_on_target", "verified_on_targets", Some(Letters)),
        ("verified_on_target", "verfied_on_taget", Some(Letters)),
        ("verified_on_target", "verified_n_trget", Some(Letters)),
        ("verified_on_target", "vrfied_n_target", None),
        ("dry_run_x", "dry_run_y", Some(Letters)),
        ("dry_run", "dry_ran", None),
        ("slug", "slugs", None),
        ("error", "errors", None),
        ("error", "error_code", None),
        ("phase", "phase_id", None),
        ("ssm_status", "ssm_state", None),
        ("ssm_status", "ssmstatsu", Some(Letters)),
        ("healthz_ok", "health_ok", Some(Letters)),
        ("healthz_ok", "healt_ok", None),
        // Two from 12 letters on: 11 letters, and 12.
        ("abcdefghijk", "abcdefghixy", None),
        ("abcdefghijkl", "abcdefghijxy", Some(Letters)),
        // One from 7 letters on: 6 letters, and 7.
        ("abcdef", "abcdex", None),
        ("abcdefg", "abcdefx", Some(Letters)),
        ("slug", "", None),
        ("", "_", Some(Form)),
    ] {
        assert_eq!(nearly(known, given), expected, "{known:?} {given:?}");
    }
}

#[test]
fn letters_count_only_where_the_known_name_is_not_given() {
    let known = ["batch_size", "max_stragglers", "max_straggler_age"];
    let misspelt = |given: &str, there: &[&str]| misspelt(given, known, |name| there.contains(&name));
    assert_eq!(misspelt("max_stagglers", &[]), Some("max_stragglers"));
    assert_eq!(misspelt("max_stagglers", &["max_stragglers"]), None);
    assert_eq!(misspelt("maxStragglers", &["max_stragglers"]), Some("max_stragglers"), "a difference in form counts");
    assert_eq!(misspelt("max_stragglers", &[]), None, "a known name is none that is misspelt");
    assert_eq!(misspelt("batch_count", &[]), None);
}

#[test]
fn the_nearest_known_name_is_meant() {
    let known = ["target_tag_a", "target_tag_bb", "target_tag_b"];
    assert_eq!(misspelt("targettag_bb_", known, |_| false), Some("target_tag_bb"), "by its form");
    assert_eq!(misspelt("target_tag_bbc", known, |_| false), Some("target_tag_bb"), "by fewer letters");
    assert_eq!(misspelt("target_tag_", known, |_| false), Some("target_tag_a"), "the first of the nearest");
}

proptest! {
    /// No spelling of a name that a reader takes for the same one escapes the measure.
    #[test]
    fn another_form_is_always_seen(
        name in "[a-z]{1,9}(_[a-z]{1,9}){0,3}",
        form in select(vec!["-", "_", ".", " ", "\u{200b}", "\u{ad}", "\u{2060}", "\u{feff}", "\u{3164}", "\u{e0001}", "\u{2010}"]),
        at in any::<Index>(),
        is_upper in any::<bool>(),
    ) {
        let cut = at.index(name.len() + 1);
        let other = format!("{}{form}{}", &name[..cut], &name[cut..]);
        let other = if is_upper { other.to_uppercase() } else { other };
        prop_assert_eq!(nearly(&name, &other), Some(Form));
        prop_assert_eq!(nearly(&other, &name), Some(Form));
    }

    /// Whatever is compared, a name is never nearly itself, and what is alike in form is so in both directions.
    #[test]
    fn it_holds_for_any_text(known in any::<String>(), given in any::<String>()) {
        prop_assert_eq!(nearly(&known, &known), None);
        prop_assert_eq!(nearly(&known, &given) == Some(Form), nearly(&given, &known) == Some(Form));
    }
}
