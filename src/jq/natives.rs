//! The native filters: those of jaq. The ones that touch the world fail.

use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Error, RunPtr};
use jaq_json::Val;

/// The type of data that filters work on.
pub(super) type Data = JustLut<Val>;

/// Why a filter that touches the world is not allowed.
const REFUSED_BECAUSE: &str = "a filter sees what it is given, and no clock, environment or other input; it prints nothing and ends \
                               nothing";

macro_rules! refused {
    ($($name:literal / $arity:literal),* $(,)?) => {
        /// The native filters that touch the world, each with a filter of its name and arity that fails. Some of jaq's own
        /// definitions are made of them, so that they cannot be left out.
        fn refused_funs() -> Vec<Fun<Data>> {
            vec![$({
                let fail: RunPtr<Data> = |_| bome::<Val>(Err(Error::str(concat!("`", $name, "` is not allowed in a filter"))));
                run::<Data>(($name, v($arity), fail))
            }),*]
        }

        /// Their names.
        const REFUSED_NATIVES: &[&str] = &[$($name),*];
    };
}

refused! {
    "env" / 0, "now" / 0, "localtime" / 0, "strflocaltime" / 1, "debug_empty" / 0, "stderr_empty" / 0, "halt" / 1, "input" / 0,
    "inputs" / 0, "input_filename" / 0, "input_line_number" / 0,
}

/// The definitions that are made of [`REFUSED_NATIVES`].
const REFUSED_DEFINITIONS: [&str; 3] = ["halt_error", "debug", "stderr"];

/// The variables that jq has and a filter may not name.
const REFUSED_VARIABLES: [&str; 3] = ["$ENV", "$__prog_args", "$__loc__"];

/// Why a name may not stand in a filter; none where it may.
pub(super) fn refusal(name: &str) -> Option<&'static str> {
    let is_refused =
        REFUSED_NATIVES.contains(&name) || REFUSED_DEFINITIONS.contains(&name) || REFUSED_VARIABLES.contains(&name);
    is_refused.then_some(REFUSED_BECAUSE)
}

/// Every native filter.
pub(super) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let kept = |(name, ..): &Fun<Data>| !REFUSED_NATIVES.contains(name);
    let natives = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    natives.filter(kept).chain(refused_funs())
}

/// Every filter that is defined in jq.
pub(super) fn defs() -> impl Iterator<Item = Def<&'static str>> {
    jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs())
}
