//! Arguments of `plan`.

use std::path::PathBuf;

use clap::Args;

/// What `plan` reads of the environment, as its help shows it. The prefix is the default one.
const VARIABLES: &str = "\
Variables, those of the plan with the prefix that [plan] of rollproof.toml names:
  GITHUB_SHA                                      the commit; required
  CP_URL                                          the control plane [default: [plan] control_plane]
  PROD_ALLOW_NON_PROD_CP_URL                      true: CP_URL may be another than the configured one
  PROD_AUTO_DEPLOY_DISABLED                       on: the plan is disabled, and nothing else is looked at
  PROD_AUTO_DEPLOY_TARGET_TAG                     the image tag [default: staging-, and 7 digits of the commit]
  PROD_AUTO_DEPLOY_CANARY_SLUG                    the canary; set but empty: none [default: [plan] canary]
  PROD_AUTO_DEPLOY_SOAK_SECONDS                   how long to wait after the canary [default: 60]
  PROD_AUTO_DEPLOY_BATCH_SIZE                     how many tenants a call names [default: 3]
  PROD_AUTO_DEPLOY_MAX_STRAGGLERS                 how many stragglers are tolerated [default: 0]
  PROD_AUTO_DEPLOY_DRY_RUN                        true: change nothing, assert nothing [default: false]
  PROD_AUTO_DEPLOY_ROLLOUT_HTTP_TIMEOUT_SECONDS   the time limit of an attempt of a call [default: 600]
  PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS              CI contexts [default: [plan] required_contexts]";

/// Write the rollout plan that a CI job's environment asks for.
#[derive(Debug, Args)]
#[command(after_help = VARIABLES)]
pub struct Plan {
    /// Where the plan is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
