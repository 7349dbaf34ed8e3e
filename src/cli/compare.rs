//! Arguments of `loadgen compare`.

use clap::Args;

use crate::compare::Aspect;
use crate::settings::choice;
use crate::settings::layer::layer;
use crate::settings::values;

/// Compares a new run with a base, with a confidence interval for every change.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen compare results/base results/new
  loadgen compare results/base-1,results/base-2 results/new-1,results/new-2
  loadgen compare results/base results/new --max-regression p99=10% --fail-on worse
  loadgen compare results/base results/new -o html > compare.html")]
pub struct CompareArgs {
    /// Folder of the base run; several, with commas between them
    #[arg(value_name = "BASE", value_parser = values::bundles)]
    pub base: values::Bundles,
    /// Folder of the new run; several, with commas between them
    #[arg(value_name = "NEW", value_parser = values::bundles)]
    pub new: values::Bundles,
    /// The options.
    #[command(flatten)]
    pub options: CompareOptions,
}

layer! {
    /// The options of `loadgen compare`: one layer of settings.
    pub struct CompareOptions {
        /// End with exit code 99 when any metric is this [default: never]
        ///
        /// With `worse`, noise that leaves it open ends with exit code 4: it is not shown that nothing is worse.
        #[arg(long, value_name = "VERDICT", value_parser = choice::of::<values::FailOn>())]
        pub fail_on: Option<values::FailOn>,
        /// Largest change that is accepted, for example p99=10%; repeatable
        #[arg(long, value_name = "METRIC=PERCENT", value_parser = values::regression)]
        pub max_regression: Vec<values::Regression>,
        /// Compare although the runs differ in this, for example machine or outcome; repeatable
        #[arg(long, value_name = "ASPECT")]
        pub allow: Vec<Aspect>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<values::CompareOutput>())]
        pub output: Option<values::CompareOutput>,
    }
}
