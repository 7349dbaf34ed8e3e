//! Makes a CSV with the header and the shape of Retail Rocket's `events.csv`, block by block in bounded memory.

mod shop;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::source::retail_rocket::COLUMNS;
use shop::Shop;

/// The items of the published file.
const PUBLISHED_ITEMS: u64 = 235_061;

/// What to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generate {
    /// Rows, the duplicates among them.
    pub rows: u64,
    /// About how many visitors; as many as the published mean of 1.96 events gives where not said.
    pub users: Option<u64>,
    /// At most this many items.
    pub items: u64,
    /// Days from the first to the last event.
    pub days: u32,
    /// What all draws start from.
    pub seed: u64,
    /// Day blocks out of order and random inside, as published; else sorted by time.
    pub disorder: bool,
    /// Rows that repeat another one; the published share of them where not said.
    pub duplicates: Option<u64>,
}

impl Default for Generate {
    fn default() -> Self {
        Self { rows: 10_000, users: None, items: PUBLISHED_ITEMS, days: 138, seed: 1, disorder: true, duplicates: None }
    }
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// Rows, without the header.
    pub rows: u64,
    /// Bytes, with the header.
    pub bytes: u64,
    /// Visitors drawn.
    pub users: u64,
    /// Rows that were written twice.
    pub duplicates: u64,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A setting that makes no sense.
    #[error("{setting}: {problem}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is there already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl GenerateError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("--force replaces it"),
            Self::Setting { .. } | Self::Unwritable { .. } => None,
        }
    }
}

impl Generate {
    /// Writes the file `path`, whole or not at all. An existing file is replaced with `force` only.
    ///
    /// # Errors
    /// Where a setting makes no sense, the file exists, or it cannot be written.
    pub fn to_file(&self, path: &Path, force: bool) -> Result<Generated, GenerateError> {
        let unwritable = |source: io::Error| GenerateError::Unwritable { path: path.to_owned(), source };
        self.check()?;
        if !force && fs::symlink_metadata(path).is_ok() {
            return Err(GenerateError::Exists(path.to_owned()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Readable by others as any new file; the process's umask still applies.
            use std::os::unix::fs::PermissionsExt;
            file.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = file.prefix(".generate-").tempfile_in(folder).map_err(unwritable)?;
        let mut out = BufWriter::with_capacity(256 << 10, file);
        let generated = self.write(&mut out).map_err(|error| match error {
            WriteError::Setting(error) => error,
            WriteError::Io(source) => unwritable(source),
        })?;
        let file = out.into_inner().map_err(|error| unwritable(error.into_error()))?;
        file.as_file().sync_all().map_err(unwritable)?;
        let placed = if force { file.persist(path) } else { file.persist_noclobber(path) };
        match placed {
            Ok(_) => Ok(generated),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(GenerateError::Exists(path.to_owned()))
            }
            Err(error) => Err(unwritable(error.error)),
        }
    }

    /// Writes the header and the rows.
    ///
    /// # Errors
    /// Where a setting makes no sense or `out` fails.
    pub fn write(&self, out: &mut impl Write) -> Result<Generated, WriteError> {
        self.check()?;
        let mut line = Vec::with_capacity(128);
        let mut generated = Generated::default();
        writeln!(line, "{}", COLUMNS.join(","))?;
        out.write_all(&line)?;
        generated.bytes += line.len() as u64;
        let mut shop = Shop::new(self);
        let mut rows = Vec::new();
        for block in shop.blocks()? {
            rows.clear();
            generated.duplicates += shop.fill(&block, &mut rows);
            if self.disorder {
                shop.shuffle(&mut rows);
            } else {
                rows.sort_by_key(|row| row.time_ms);
            }
            for row in &rows {
                line.clear();
                row.write(&mut line);
                out.write_all(&line)?;
                generated.bytes += line.len() as u64;
            }
            generated.rows += rows.len() as u64;
        }
        out.flush()?;
        generated.users = shop.arrived.min(shop.visitors);
        Ok(generated)
    }

    fn check(&self) -> Result<(), GenerateError> {
        let refuse = |setting, problem: String| Err(GenerateError::Setting { setting, problem });
        let most = u64::from(u32::MAX);
        if !(1..=most).contains(&self.rows) {
            return refuse("rows", format!("must be from 1 to {most}"));
        }
        if !(1..=most / 2).contains(&self.items) {
            return refuse("items", format!("must be from 1 to {}", most / 2));
        }
        if !(1..=10_000).contains(&self.days) {
            return refuse("days", "must be from 1 to 10000".to_owned());
        }
        let most_per_user = self.rows.div_ceil(10).min(1_000);
        if let Some(users) = self.users
            && !(self.rows.div_ceil(most_per_user)..=self.rows).contains(&users)
        {
            let (least, rows) = (self.rows.div_ceil(most_per_user), self.rows);
            return refuse("users", format!("must be from {least} to {rows} for {rows} rows"));
        }
        Ok(())
    }
}

/// Why writing stopped.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A setting that makes no sense.
    #[error(transparent)]
    Setting(#[from] GenerateError),
    /// The writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
