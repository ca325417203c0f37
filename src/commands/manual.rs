//! What shells and `man` want to know of the command line, made from its types.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Error;
use crate::io::output;

/// Prints the completions of a shell.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn completions(shell: Shell) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rollproof", &mut script);
    output::print(|out| out.write_all(&script)).map(|()| 0)
}

/// Prints the main page of the manual, or writes a page a command into a folder.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn man(folder: Option<&Path>) -> Result<u8, Error> {
    match folder {
        None => output::print(|out| clap_mangen::Man::new(Cli::command()).render(&mut &mut *out)),
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
            .map_err(|source| Error::Output { path: folder.to_owned(), source }),
    }
    .map(|()| 0)
}
