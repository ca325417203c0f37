//! Arguments of `explain`.

use clap::Args;

use crate::cli::verify::Verify;
use crate::render::Format;

/// Explain how a verdict came about, and what would turn it. Exits with 0 whatever the verdict is.
#[derive(Debug, Args)]
pub struct Explain {
    /// The evidence, and how it is judged
    #[command(flatten)]
    pub verify: Verify,

    /// A tenant, or the code of a finding [default: the verdict as a whole]
    #[arg(value_name = "TENANT|CODE")]
    pub subject: Option<String>,
}

impl Explain {
    /// The form in which an error is printed, where that is for machines.
    pub fn format(&self) -> Option<Format> {
        Some(self.verify.evaluation.outputs.format).filter(|format| *format == Format::Json)
    }
}
