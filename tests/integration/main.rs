//! Everything that needs the real binary, real files or every fixture.

mod cli;
mod conventions;
mod drive;
mod evidence;
mod facts;
mod fixtures;
mod hostile;
mod oracle;
mod policies;
mod probe;
mod properties;
mod readme;
mod rego;
mod render;
mod schemas;
mod support;
mod waivers;
