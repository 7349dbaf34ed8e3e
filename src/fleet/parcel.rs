//! A bundle as one parcel of bytes: a line of JSON that names its files and their sizes, then the files, all of it compressed (zstd).

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a record: with key and headers below the 1 MiB that a topic takes where nobody said otherwise.
pub const CHUNK: usize = 512 << 10;
/// A larger bundle is not unpacked: no run writes that much.
const MOST: u64 = 1 << 30;
/// What the whole is made of. What else is in a bundle can be made again from it.
const FILES: [&str; 4] = ["report.json", "timeline.ndjson", "latency.hlog", "scenario.toml"];

/// What a parcel is, so that whoever has all its chunks knows that these are all, and whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Records that it is in.
    pub chunks: u32,
    /// Its bytes.
    pub bytes: u64,
    /// Their XXH3.
    pub check: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
}

impl Parcel {
    /// That of these bytes.
    #[must_use]
    pub fn of(packed: &[u8]) -> Self {
        let chunks = u32::try_from(packed.len().div_ceil(CHUNK)).unwrap_or(u32::MAX);
        Self { chunks, bytes: packed.len() as u64, check: xxh3_64(packed) }
    }
}

/// Packs a bundle.
///
/// # Errors
/// Where a file cannot be read.
pub fn pack(folder: &Path) -> io::Result<Vec<u8>> {
    let (mut entries, mut contents) = (Vec::new(), Vec::new());
    for name in FILES {
        match fs::read(folder.join(name)) {
            Ok(text) => {
                entries.push(Entry { name: name.to_owned(), bytes: text.len() as u64 });
                contents.extend(text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let mut whole = serde_json::to_vec(&entries)?;
    whole.push(b'\n');
    whole.extend(contents);
    zstd::encode_all(&*whole, 3)
}

/// Unpacks it into a folder, which is made.
///
/// # Errors
/// Bytes that are no parcel, and files that cannot be written.
pub fn unpack(packed: &[u8], folder: &Path) -> io::Result<()> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("it is no bundle: {why}"));
    let mut whole = Vec::new();
    zstd::Decoder::new(packed)?.take(MOST + 1).read_to_end(&mut whole)?;
    if whole.len() as u64 > MOST {
        return Err(bad("it has more than 1 GiB"));
    }
    let ends = whole.iter().position(|byte| *byte == b'\n').ok_or_else(|| bad("it names no files"))?;
    let entries: Vec<Entry> = serde_json::from_slice(&whole[..ends])?;
    let mut rest = &whole[ends + 1..];
    fs::create_dir_all(folder)?;
    for Entry { name, bytes } in entries {
        let known = FILES.contains(&name.as_str());
        let length = usize::try_from(bytes).ok().filter(|length| *length <= rest.len());
        let (true, Some(length)) = (known, length) else { return Err(bad(&format!("of its file {name:?}"))) };
        let (text, behind) = rest.split_at(length);
        fs::write(folder.join(name), text)?;
        rest = behind;
    }
    if rest.is_empty() { Ok(()) } else { Err(bad("there is more in it than it names")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_comes_out_as_it_went_in_and_nothing_else_does() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("report.json"), "{}\n\n").unwrap();
        fs::write(from.path().join("latency.hlog"), [0, 10, 255]).unwrap();
        fs::write(from.path().join("report.html"), "can be made again").unwrap();
        let packed = pack(from.path()).unwrap();
        unpack(&packed, &to.path().join("bundle")).unwrap();
        assert_eq!(fs::read(to.path().join("bundle/report.json")).unwrap(), b"{}\n\n");
        assert_eq!(fs::read(to.path().join("bundle/latency.hlog")).unwrap(), [0, 10, 255]);
        assert_eq!(fs::read_dir(to.path().join("bundle")).unwrap().count(), 2);
        let packed = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
        for bad in [
            packed("[]"),
            packed("[]\nmore"),
            packed("[{\"name\":\"report.json\",\"bytes\":9}]\n{}"),
            packed("[{\"name\":\"../report.json\",\"bytes\":2}]\n{}"),
            b"no zstd".to_vec(),
        ] {
            assert!(unpack(&bad, &to.path().join("bad")).is_err());
        }
    }
}
