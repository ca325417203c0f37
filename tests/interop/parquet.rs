//! The tests of Parquet alone, for a build that has the feature: nothing else has to be built a second time for it.

#[path = "../integration/parquet.rs"]
mod parquet;

#[expect(dead_code, reason = "most of it serves the other tests")]
#[path = "../integration/support.rs"]
mod support;
