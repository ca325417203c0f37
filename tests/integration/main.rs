//! Everything that needs the real binary, real files or every fixture.

mod cli;
mod conventions;
mod drive;
mod evidence;
mod explain;
mod facts;
mod fixtures;
mod formats;
mod gated;
mod hostile;
mod html;
mod manage;
mod manual;
mod oracle;
mod plan;
mod policies;
mod preflight;
mod probe;
mod properties;
mod readme;
mod rego;
mod render;
mod schemas;
mod support;
mod waivers;
mod workflow;
