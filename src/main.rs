//! Parses the command line, runs, and ends with the exit code. The only place that prints an error.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use rollproof::internal::escape::block;
use rollproof::internal::{Cli, dispatch, force_color, refusal};
use rollproof::{CappedAllocator, Error};

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: CappedAllocator = CappedAllocator;

fn main() -> ExitCode {
    without_backtraces_of_errors();
    // The message of a panic may quote input, too, so it is escaped.
    std::panic::set_hook(Box::new(|panic| write_stderr(&block("", &panic.to_string()))));
    force_color();
    let code = match Cli::try_parse() {
        Ok(cli) => dispatch(cli, &mut report_error).unwrap_or_else(|error| {
            report_error(&error);
            error.exit_code()
        }),
        // The help or the version: it quotes no input, so nothing needs escaping.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            write_stderr(&block("", &refusal(error)));
            2
        }
    };
    ExitCode::from(code)
}

/// With `RUST_BACKTRACE=1`, which many CI machines set, each of the errors that the engine makes and drops while it parses
/// would take a backtrace: a fifth of the start. Those of panics stay.
#[expect(unsafe_code, reason = "the environment is changed before a second thread could read it")]
fn without_backtraces_of_errors() {
    // SAFETY: nothing has been started yet, so this is the only thread.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") }
}

fn report_error(error: &Error) {
    for error in error.each() {
        write_stderr(&block("error: ", &error.to_string()));
        if let Some(help) = error.help() {
            write_stderr(&block("  help: ", help));
        }
    }
}

fn write_stderr(escaped: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = std::io::stderr().write_all(escaped.as_bytes());
}
