//! Everything that needs the real binary, real files or every fixture.

#![allow(clippy::too_many_lines, reason = "a test is a list of cases")]

mod action;
mod audit;
mod audit_flips;
mod audit_groups;
mod audit_html;
mod audit_labels;
mod audit_layouts;
mod audit_outputs;
mod basis;
mod bundled_mappings;
mod checked;
mod cli;
mod config;
mod consistency;
mod conventions;
mod data;
mod drive;
mod escape;
mod evidence;
mod explain;
mod facts;
mod files;
mod fixtures;
mod fleet_order;
mod formats;
mod gated;
mod grammar;
mod hostile;
mod html;
mod judged;
mod labels;
mod manage;
mod manual;
mod mapping;
mod mapping_index;
mod markup;
mod misspelt;
mod no_verdict;
mod oracle;
mod outputs;
mod plan;
mod policies;
mod preflight;
mod previous;
mod probe;
mod properties;
mod readme;
mod rego;
mod render;
mod renderers;
mod repository;
mod schemas;
mod support;
mod tls;
mod waivers;
mod workflow;

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: rollproof::CappedAllocator = rollproof::CappedAllocator;
