//! What is replaced before anything is written, and the key for it.

use std::path::PathBuf;

use super::layer::layer;
use crate::anonymise::Rule;

layer! {
    /// What is replaced before anything is written.
    #[command(next_help_heading = "Anonymising")]
    pub struct AnonymiseOptions {
        /// Replace values: FIELD=hmac (a pseudonym), prefix/24 (of an address), drop, or noise/1%; @key is the record's key, @header.NAME a header
        ///
        /// A pseudonym is an HMAC-SHA-256 under the key of --key-file, a number for a number, a UUID for a UUID: the same value has the same
        /// one in every topic and file, so joins survive. FIELD is a column or a path such as context.ip.
        #[arg(long, value_name = "FIELD=METHOD,...", value_delimiter = ',')]
        pub anonymise: Vec<Rule>,
        /// File with the key of pseudonyms, which only its owner may read; it is never copied anywhere
        #[arg(long, value_name = "FILE")]
        pub key_file: Option<PathBuf>,
        /// Make the key where the file is not there yet
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub create_key: Option<bool>,
        /// Fields that stay and may still tell who somebody is: the smallest group is counted over them too
        #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
        pub identifying: Vec<String>,
    }
}
