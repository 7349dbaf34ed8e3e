//! Arguments of `loadgen completions` and `loadgen man`.

use clap::Args;
use clap_complete::Shell;

/// Prints what a shell needs to complete commands, options and their values.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen completions bash > ~/.local/share/bash-completion/completions/loadgen
  loadgen completions zsh > \"${fpath[1]}/_loadgen\"
  loadgen completions fish > ~/.config/fish/completions/loadgen.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints a manual page.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen man synth | man -l -
  loadgen man > ~/.local/share/man/man1/loadgen.1")]
pub struct ManArgs {
    /// The command that it is of [default: loadgen itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}
