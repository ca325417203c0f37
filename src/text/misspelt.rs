//! Names that are nearly known ones: a key, variable or slug that somebody meant to spell otherwise.
//!
//! A name that a reader skips because it is misspelt is evidence or an order that nobody followed, so this measure is a
//! narrow one. `suggest` proposes names more freely, where the name is refused anyway.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{Dash, DefaultIgnorableCodePoint};

use super::escape::is_blank_letter;

/// From how many letters on a name is still known with one letter wrong.
const ONE_EDIT_FROM: usize = 7;

/// From how many letters on a name is still known with two letters wrong.
const TWO_EDITS_FROM: usize = 12;

/// How a name differs from a known one that it is nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Only in case, Unicode form, separators, spaces or invisible characters.
    Form,
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
    let (known, given) = (normalized(known), normalized(given));
    if known == given {
        return Some(Difference::Form);
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
    let in_form = nearly_known().find(|(difference, _)| *difference == Difference::Form);
    let in_letters = || {
        let absent = nearly_known().filter(|(_, known)| !is_given(known));
        absent.min_by_key(|(_, known)| strsim::damerau_levenshtein(&normalized(known), &normalized(given)))
    };
    in_form.or_else(in_letters).map(|(_, known)| known)
}

/// A name without what two spellings of it differ in: NFKC, capitals, no separators, spaces and invisible characters.
pub fn normalized(name: &str) -> String {
    let kept = |text: &str| text.chars().filter(|c| !is_left_out(*c)).collect::<String>();
    if name.is_ascii() {
        return kept(name).to_ascii_uppercase();
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // Invisible characters keep letters and their accents apart, and the other forms of `_` and of spaces become plain ones.
    kept(&nfkc.normalize(&kept(name).to_uppercase()))
}

fn is_left_out(c: char) -> bool {
    // Nearly every name is ASCII, and Unicode's tables need not be asked about it.
    if c.is_ascii() {
        return matches!(c, '_' | '.' | '-') || c.is_whitespace() || c.is_control();
    }
    matches!(c, '\u{fff9}'..='\u{fffb}')
        || c.is_whitespace()
        || c.is_control()
        || is_blank_letter(c)
        || CodePointSetData::new::<Dash>().contains(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}
