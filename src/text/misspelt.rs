//! Names that are nearly known ones: a key, variable or slug that somebody meant to spell otherwise.
//!
//! A name that a reader skips because it is misspelt is evidence or an order that nobody followed, so this measure is a
//! narrow one. `suggest` proposes names more freely, where the name is refused anyway.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{Dash, DefaultIgnorableCodePoint};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::escape::is_blank_letter;

/// A name of at least this many letters may differ in one letter.
const ONE_EDIT_FROM: usize = 7;

/// A name of at least this many letters may differ in two letters.
const TWO_EDITS_FROM: usize = 12;

/// How a name differs from a known one that it is nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Only in case, Unicode form, separators, spaces or invisible characters.
    Spelling,
    /// In one or two letters.
    Letters,
}

/// How `given` differs from `known`, if it is nearly the same name; none if it is the same or another name.
///
/// Both are compared without case, separators (`_`, `.`, dashes), spaces and invisible characters, in Unicode's form NFKC.
/// A known name of at least 7 letters may then have one letter added, left out, replaced or swapped with its neighbour, and
/// one of at least 12 letters two.
pub fn nearly(known: &str, given: &str) -> Option<Difference> {
    if known == given {
        return None;
    }
    let (known, given) = (spelling_key(known), spelling_key(given));
    if known == given {
        return Some(Difference::Spelling);
    }
    let (letters, given_letters) = (known.chars().count(), given.chars().count());
    let allowed = usize::from(letters >= ONE_EDIT_FROM) + usize::from(letters >= TWO_EDITS_FROM);
    // A name of another length is another name, however long it is: nothing is compared.
    let is_near = letters.abs_diff(given_letters) <= allowed && strsim::damerau_levenshtein(&known, &given) <= allowed;
    is_near.then_some(Difference::Letters)
}

/// The known name that `given` misspells: a difference in form always counts, one in letters only where the known name
/// itself is not given. The nearest is named first, then the first known one.
pub fn misspelt<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
    is_given: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let known = known.into_iter();
    if known.clone().any(|known| known == given) {
        return None;
    }
    let nearly_known = || known.clone().filter_map(|known| Some((nearly(known, given)?, known)));
    let in_form = nearly_known().find(|(difference, _)| *difference == Difference::Spelling);
    let in_letters = || {
        let absent = nearly_known().filter(|(_, known)| !is_given(known));
        absent.min_by_key(|(_, known)| strsim::damerau_levenshtein(&spelling_key(known), &spelling_key(given)))
    };
    in_form.or_else(in_letters).map(|(_, known)| known)
}

/// What two names differ in that have the same [`lookalike_key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, description = "What two names differ in that look alike.")]
pub enum FormDifference {
    /// Capitals and small letters.
    Case,
    /// White space.
    WhiteSpace,
    /// Characters that nobody sees, such as a zero-width space.
    InvisibleCharacters,
    /// How Unicode writes the same letter, such as an accent of its own.
    UnicodeForm,
}

/// A name without what two names that look alike differ in: NFKC, one case, no white space and no invisible characters.
pub fn lookalike_key(name: &str) -> String {
    without(name, is_unseen)
}

/// What two names of the same form differ in.
pub fn form_differences(one: &str, other: &str) -> Vec<FormDifference> {
    let unseen = |name: &str, kind: fn(char) -> bool| name.chars().filter(|c| kind(*c)).collect::<String>();
    let (space, invisible) = (char::is_whitespace as fn(char) -> bool, |c: char| is_unseen(c) && !c.is_whitespace());
    let seen = |name: &str| name.chars().filter(|c| !is_unseen(*c)).collect::<String>();
    let (one_seen, other_seen) = (seen(one), seen(other));
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let has_other_case = nfkc.normalize(&one_seen) != nfkc.normalize(&other_seen);
    let differences = [
        (has_other_case, FormDifference::Case),
        (unseen(one, space) != unseen(other, space), FormDifference::WhiteSpace),
        (unseen(one, invisible) != unseen(other, invisible), FormDifference::InvisibleCharacters),
        (one_seen.to_uppercase() != other_seen.to_uppercase(), FormDifference::UnicodeForm),
    ];
    differences.into_iter().filter_map(|(differs, difference)| differs.then_some(difference)).collect()
}

/// A name without what two spellings of it differ in: NFKC, capitals, no separators, spaces and invisible characters.
pub fn spelling_key(name: &str) -> String {
    without(name, |c| is_unseen(c) || is_separator(c))
}

/// NFKC and capitals, without some characters.
fn without(name: &str, is_left_out: impl Fn(char) -> bool) -> String {
    let kept = |text: &str| text.chars().filter(|c| !is_left_out(*c)).collect::<String>();
    if name.is_ascii() {
        return kept(name).to_ascii_uppercase();
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // Invisible characters keep letters and their accents apart, and the other forms of `_` and of spaces become plain ones.
    kept(&nfkc.normalize(&kept(name).to_uppercase()))
}

fn is_separator(c: char) -> bool {
    // Nearly every name is ASCII, and Unicode's tables need not be asked about it.
    if c.is_ascii() { matches!(c, '_' | '.' | '-') } else { CodePointSetData::new::<Dash>().contains(c) }
}

fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_whitespace() || c.is_control();
    }
    matches!(c, '\u{fff9}'..='\u{fffb}')
        || c.is_whitespace()
        || c.is_control()
        || is_blank_letter(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::FormDifference::{Case, InvisibleCharacters, UnicodeForm, WhiteSpace};
    use super::{form_differences, lookalike_key};

    #[test]
    fn names_of_one_form_tell_what_they_differ_in() {
        for (one, other, differ) in [
            ("South", "south", vec![Case]),
            ("south\u{200b}", "south", vec![InvisibleCharacters]),
            ("so uth", "south", vec![WhiteSpace]),
            ("cafe\u{301}", "caf\u{e9}", vec![UnicodeForm]),
            ("Cafe\u{301}", "caf\u{e9}", vec![Case, UnicodeForm]),
            ("\u{ff53}outh", "south", vec![UnicodeForm]),
            ("So\u{ad}uth", "south", vec![Case, InvisibleCharacters]),
        ] {
            assert_eq!(lookalike_key(one), lookalike_key(other), "{one:?}");
            assert_eq!(form_differences(one, other), differ, "{one:?}");
        }
        assert_ne!(lookalike_key("team-1"), lookalike_key("team1"));
        assert_ne!(lookalike_key("south"), lookalike_key("souht"));
    }
}
