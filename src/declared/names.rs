//! Names of packages and rules that have a meaning of their own.

/// Shared helpers lie below this package; they state nothing.
pub(crate) const LIBRARIES: &str = "rollproof.lib.";

/// Every bundled package lies below this one, and no other.
pub(crate) const OURS: &str = "rollproof.";

/// Where facts lie in the engine's data; no package may be there.
pub(crate) const FACTS: &str = "facts";

/// Where the previous rollout lies in the engine's data; no package may be there.
pub(crate) const PREVIOUS: &str = "previous";

/// The package that a report's counts come from.
pub(crate) const SUMMARY: &str = "rollproof.lib.summary";

/// The bundled rule that has the images with another tag than the target's. All other rules ask it about an image.
pub(crate) const OTHER_IMAGES: &str = "data.rollproof.lib.proof.other_images";

/// The package of the generated query.
pub(crate) const QUERY: &str = "rollproof.query";

/// The only package that is evaluated after a gate was read.
pub const GATES: &str = "rollproof.gates";

/// The policy about waivers, which is evaluated after all others.
pub(crate) const WAIVERS: &str = "rollproof.waivers";

/// The key of the query's input that says which waivers a team's own policies needed.
pub(crate) const USED_BY_OWN: &str = "waivers_used_by_own";

/// The rule of the generated query that depends on nothing: it is evaluated to prepare the engine.
pub(crate) const READY: &str = "data.rollproof.query.ready";

/// The rule that stops a rollout while it is driven.
pub(crate) const HALT: &str = "halt";

/// The rule by which a policy says in a few words why it has nothing to judge.
pub(crate) const NOT_APPLICABLE: &str = "not_applicable";

/// The names of the rules that state findings or stop a rollout.
pub const RULES: [&str; 5] = ["deny", "inconclusive", "warn", "note", "halt"];

/// Whether a package is ours.
pub fn is_ours(package: &str) -> bool {
    package == "rollproof" || package.starts_with("rollproof.")
}
