//! Names that are generated, and the width of what is.

use std::num::NonZeroU32;

/// What the names of our own variables, rules and functions begin with; a policy has none such.
pub const OURS: &str = "rollproof__";

/// The rule that holds the variables with which another rule held.
pub const BINDINGS_RULE: &str = "rollproof__bindings";

/// The variable of one element of that rule.
pub const BOUND: &str = "rollproof__bound";

/// The rule that stands for a test whose rule has several keys.
pub const TEST_RULE: &str = "rollproof__test";

/// What the name of a rule with several keys begins with, where the engine is given a set of their elements.
pub const NESTED: &str = "rollproof__nested_";

/// How long a line of what the engine is given may be: the author's own lines are measured before that.
pub const MAX_COLUMNS: NonZeroU32 = NonZeroU32::new(1 << 20).unwrap();
