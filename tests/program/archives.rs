//! Recordings in zip archives, as Kaggle gives Retail Rocket's. Python's zipfile makes them, a maker of archives of its own.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use loadgen::input::Compression;
use loadgen::source::retail_rocket::{Config, Recording};
use tempfile::TempDir;

const CSV: &str =
    "timestamp,visitorid,event,itemid,transactionid\n1433000000117,17,view,5,\n1433000000119,18,view,5,\n";

/// An archive that a few lines of Python write, which know its `path` and the CSV's `text`.
struct Archive {
    folder: TempDir,
    path: PathBuf,
}

impl Archive {
    fn made(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.zip");
        let script = format!("import sys, zipfile\npath, text = sys.argv[1:]\n{lines}");
        let ran = Command::new("python3").args(["-c", &script]).arg(&path).arg(CSV).status().unwrap();
        assert!(ran.success());
        Self { folder, path }
    }

    /// What is said of it, without its folder, and the hint.
    fn told(&self) -> (String, String) {
        told(&self.path, self.folder.path())
    }
}

fn config(path: &Path) -> Config {
    Config { path: path.to_owned(), ..Config::default() }
}

fn told(path: &Path, folder: &Path) -> (String, String) {
    let error = Recording::load(&config(path)).map(drop).unwrap_err();
    let folder = format!("{}/", folder.display());
    (error.to_string().replace(&folder, ""), error.hint().unwrap_or_default())
}

#[test]
fn the_one_file_in_an_archive_is_read_however_it_was_put_there() {
    const WAYS: [&str; 5] = [
        "zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED).writestr('events.csv', text)",
        "zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED).writestr('data/events.csv', text)",
        // Lengths of 64 bits, and behind the data.
        "z = zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED)
with z.open('events.csv', 'w', force_zip64=True) as file: file.write(text.encode())
z.close()",
        "class Pipe:
    def __init__(self): self.file = open(path, 'wb')
    def write(self, data): return self.file.write(data)
    def flush(self): self.file.flush()
with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('events.csv', text)",
        // What belongs to no recording, and a comment behind it all.
        "z = zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED)
z.writestr('data/', '')
z.writestr('data/events.csv', text)
z.writestr('__MACOSX/data/._events.csv', 'x')
z.comment = b'PK\\x05\\x06 is how it ends'
z.close()",
    ];
    for way in WAYS {
        let archive = Archive::made(way);
        let recording =
            Arc::new(Recording::load(&config(&archive.path)).unwrap_or_else(|error| panic!("{error}: {way}")));
        assert_eq!((recording.len(), recording.facts().encoding.compression), (Some(2), Compression::Zip), "{way}");
    }
}

#[test]
fn an_archive_out_of_which_no_single_file_can_be_read_is_refused_with_the_reason() {
    let several = "z = zipfile.ZipFile(path, 'w')
for name in ['events.csv', 'category_tree.csv', 'item_properties_part1.csv', 'item_properties_part2.csv']: z.writestr(name, text)
z.close()";
    let (message, hint) = Archive::made(several).told();
    assert_eq!(
        message,
        "archive.zip is a zip archive of 4 files: events.csv, category_tree.csv, item_properties_part1.csv, …"
    );
    assert_eq!(hint, "unpack it and name the files to be read");
    let (message, _) = Archive::made("zipfile.ZipFile(path, 'w').close()").told();
    assert_eq!(message, "archive.zip is a zip archive without a file in it");
    let (message, _) = Archive::made("zipfile.ZipFile(path, 'w', zipfile.ZIP_LZMA).writestr('x.csv', text)").told();
    assert_eq!(message, "archive.zip is a zip archive compressed by LZMA");
}

#[test]
fn an_encrypted_archive_is_refused_with_the_reason() {
    let archive = Archive::made("zipfile.ZipFile(path, 'w').writestr('events.csv', text)");
    let mut bytes = fs::read(&archive.path).unwrap();
    // The first bit of the flags says so, in the file's own head and in the table of contents.
    let table = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[table + 8] |= 1;
    fs::write(&archive.path, bytes).unwrap();
    let (message, hint) = archive.told();
    assert_eq!(message, "archive.zip is a zip archive that is encrypted");
    assert!(hint.contains("password"), "{hint}");
}

#[test]
fn an_archive_that_is_cut_short_or_damaged_is_refused() {
    let archive = Archive::made("zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED).writestr('events.csv', text * 1)");
    let bytes = fs::read(&archive.path).unwrap();
    for length in [4, 30, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&archive.path, &bytes[..length]).unwrap();
        let (message, hint) = archive.told();
        assert_eq!(
            message,
            "archive.zip is a zip archive without a table of contents at its end: it is cut short or damaged"
        );
        assert_eq!(hint, "fetch or copy the file again");
    }
    let mut other = bytes.clone();
    let at = bytes.windows(2).position(|at| at == b"17").unwrap();
    other[at] = b'2';
    fs::write(&archive.path, other).unwrap();
    let (message, _) = archive.told();
    assert!(message.contains("the zip data are damaged after line "), "{message}");
    assert!(message.ends_with("the checksum does not fit"), "{message}");
}

#[test]
fn whatever_a_byte_of_an_archive_becomes_it_is_read_or_refused() {
    let archive = Archive::made("zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED).writestr('events.csv', text)");
    let bytes = fs::read(&archive.path).unwrap();
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= bit;
            fs::write(&archive.path, other).unwrap();
            if let Ok(recording) = Recording::load(&config(&archive.path)) {
                assert_eq!(recording.facts().rows, 2, "byte {at}");
            }
        }
    }
}
