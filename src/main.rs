//! Parses the command line, runs, and ends with the exit code. The only place that prints an error.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use rollproof::cli::Cli;
use rollproof::error::Error;

fn main() -> ExitCode {
    let code = rollproof::run(Cli::parse(), &mut complain).unwrap_or_else(|error| {
        complain(&error);
        error.exit_code()
    });
    ExitCode::from(code)
}

fn complain(error: &Error) {
    let mut err = anstream::stderr().lock();
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(err, "error: {error}");
    if let Some(help) = error.help() {
        let _ = writeln!(err, "  help: {help}");
    }
}
