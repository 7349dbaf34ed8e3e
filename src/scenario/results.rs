//! The results folder, tried before the first event is sent.

use std::path::Path;

use super::error::ConfigError;

/// Makes sure that `folder` exists and can be written, by writing a file there and removing it.
///
/// # Errors
/// A folder that cannot be made or written.
pub fn try_folder(folder: &Path) -> Result<(), ConfigError> {
    let refused = |source| ConfigError::Results { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(refused)?;
    let trial = tempfile::Builder::new().prefix(".loadgen-trial-").tempfile_in(folder).map_err(refused)?;
    trial.close().map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_left_empty() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        try_folder(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("results");
        std::fs::write(&folder, "").unwrap();
        let error = try_folder(&folder).unwrap_err();
        assert!(error.to_string().starts_with(&format!("results folder {} cannot be written: ", folder.display())));
        assert_eq!(error.hint().as_deref(), Some("--results-dir DIR names another folder"));
    }
}
