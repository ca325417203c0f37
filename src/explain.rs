//! `rollproof explain`: how a verdict, a tenant's part in it, or a finding came about, and what would turn it. It decides
//! nothing: what would turn a verdict is found by evaluating the policies again.
//!
//! Its JSON is a published format, `rollproof.explanation/v1`, which may grow by optional keys and no more.

pub(crate) mod candidates;
pub(crate) mod change;
pub(crate) mod circumstances;
pub(crate) mod code;
pub(crate) mod context;
pub(crate) mod counterfactuals;
pub(crate) mod details;
pub(crate) mod explanation;
pub(crate) mod finding_rules;
pub(crate) mod shrink;
pub(crate) mod tenant;
pub(crate) mod text;
pub(crate) mod times;
pub(crate) mod trial;
pub(crate) mod verdict;
