//! What a reader that has only a part of a topic saw of a run, record by record: `sightings.ndjson.zst` in its bundle.
//!
//! Several readers of a group share the partitions, and hand them to one another. What one of them saw says nothing of the rest; all of them
//! together, joined with the producers' [answers](super::answers), give every scheduled event its class. A record that two of them read
//! stands at one place, and a second copy of an event at two. Each line is a zstd frame of its own: `zstdcat` shows it.
//!
//! ```text
//! {"head":{"version":1,"run":"a1b2c3d4e5f60718","topics":[["raw-events",3]]}}
//! {"seen":{"partition":2,"offset":[17,1,1],"lane":[0,3,0],"sequence":[5,2,1],"damaged":[1]}}
//! ```
//! `partition` counts the partitions topic after topic, an `offset` is the difference to the one before it in its line, a `sequence` that to the one
//! before it of its lane and line; lanes are those of the stamps.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The version of the format.
const VERSION: u32 = 1;
/// Records of a line.
const CHUNK: usize = 4_096;
/// The cheapest level: it runs beside the reading.
const LEVEL: i32 = 1;

/// What stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    version: u32,
    /// The run's id.
    pub run: String,
    /// Its topics with their partitions.
    pub topics: Vec<(String, i32)>,
}

/// Some records of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Records {
    partition: i32,
    offset: Vec<i64>,
    lane: Vec<u16>,
    sequence: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head(Head),
    Seen(Records),
}

/// A record that claims to be an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSighting {
    /// Where it lies.
    pub place: (i32, i64),
    /// The lane in its stamp.
    pub lane: u16,
    /// The sequence in its stamp.
    pub sequence: u64,
    /// Whether its content is that of the event.
    pub whole: bool,
}

/// The file as it is written.
#[derive(Debug)]
pub struct Sightings {
    file: io::Result<File>,
    /// By partition: a line that is not full, its last offset, and its last sequence of each lane.
    open: BTreeMap<i32, (Records, i64, HashMap<u16, u64>)>,
}

impl Sightings {
    /// Begins the file, of a reading of these topics.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path, run: String, topics: Vec<(String, i32)>) -> io::Result<Self> {
        let mut begun = Self { file: Ok(File::create(path)?), open: BTreeMap::new() };
        begun.write(&Line::Head(Head { version: VERSION, run, topics }));
        Ok(begun)
    }

    /// Notes a record.
    pub fn note(&mut self, sighted: RecordSighting) {
        let RecordSighting { place: (partition, offset), lane, sequence, whole } = sighted;
        let (records, last, lanes) = self.open.entry(partition).or_insert_with(|| {
            let records = Records { partition, ..Records::default() };
            (records, 0, HashMap::new())
        });
        if !whole {
            records.damaged.push(u32::try_from(records.offset.len()).unwrap_or(u32::MAX));
        }
        records.offset.push(offset - std::mem::replace(last, offset));
        records.lane.push(lane);
        let before = lanes.insert(lane, sequence).unwrap_or(0);
        records.sequence.push(sequence.cast_signed().wrapping_sub(before.cast_signed()));
        if records.offset.len() >= CHUNK
            && let Some((records, ..)) = self.open.remove(&partition)
        {
            self.write(&Line::Seen(records));
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish(mut self) -> io::Result<()> {
        for (records, ..) in std::mem::take(&mut self.open).into_values() {
            self.write(&Line::Seen(records));
        }
        self.file.and_then(|mut file| file.flush())
    }

    fn write(&mut self, line: &Line) {
        let Ok(file) = &mut self.file else { return };
        let packed = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            zstd::bulk::compress(&text, LEVEL)
        });
        // The first error stays, and is told at the end.
        if let Err(error) = packed.and_then(|packed| file.write_all(&packed)) {
            self.file = Err(error);
        }
    }
}

/// What stands first in the file at `path`.
///
/// # Errors
/// Where it cannot be read, or is no such file.
pub fn head(path: &Path) -> io::Result<Head> {
    let mut lines = BufReader::new(zstd::Decoder::new(File::open(path)?)?);
    let mut text = String::new();
    lines.read_line(&mut text)?;
    match serde_json::from_str(&text) {
        Ok(Line::Head(head)) if head.version == VERSION => Ok(head),
        Ok(Line::Head(head)) => {
            Err(damaged(&format!("its format is version {}, this loadgen knows {VERSION}", head.version)))
        }
        Ok(Line::Seen(_)) | Err(_) => Err(damaged("its first line is no head")),
    }
}

/// Reads each record of the file at `path`.
///
/// # Errors
/// Where it cannot be read, or a line is none.
pub fn read(path: &Path, each: &mut dyn FnMut(RecordSighting)) -> io::Result<()> {
    let mut lines = BufReader::new(zstd::Decoder::new(File::open(path)?)?);
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            break;
        }
        let line = serde_json::from_str(&text).map_err(|error| damaged(&format!("line {number}: {error}")))?;
        if let Line::Seen(records) = line {
            records.each(each).ok_or_else(|| damaged(&format!("line {number} contradicts itself")))?;
        }
    }
    Ok(())
}

impl Records {
    /// One by one. `None` where they contradict themselves.
    fn each(&self, each: &mut dyn FnMut(RecordSighting)) -> Option<()> {
        if [self.lane.len(), self.sequence.len()] != [self.offset.len(); 2] {
            return None;
        }
        let mut damaged = self.damaged.iter().peekable();
        let (mut offset, mut lanes) = (0_i64, HashMap::<u16, i64>::new());
        for (at, step) in (0_u32..).zip(&self.offset) {
            let index = usize::try_from(at).ok()?;
            offset = offset.checked_add(*step)?;
            let lane = self.lane[index];
            let sequence = lanes.entry(lane).or_default();
            *sequence = sequence.checked_add(self.sequence[index])?;
            let whole = damaged.next_if(|damaged| **damaged == at).is_none();
            each(RecordSighting {
                place: (self.partition, offset),
                lane,
                sequence: u64::try_from(*sequence).ok()?,
                whole,
            });
        }
        damaged.next().is_none().then_some(())
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(records: &[RecordSighting]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sightings.ndjson.zst");
        let mut file = Sightings::create(&path, "c0ffee".to_owned(), vec![("t".to_owned(), 3)]).unwrap();
        for record in records {
            file.note(*record);
        }
        file.finish().unwrap();
        (folder, path)
    }

    proptest! {
        #[test]
        fn every_record_is_read_as_it_was_written(
            records in proptest::collection::vec((0_i32..3, 0_i64..1 << 40, 0_u16..4, 0_u64..1 << 40, any::<bool>()), 0..9_000),
        ) {
            let sighted = |(partition, offset, lane, sequence, whole)| RecordSighting { place: (partition, offset), lane, sequence, whole };
            let mut records: Vec<RecordSighting> = records.into_iter().map(sighted).collect();
            let (_folder, path) = written(&records);
            prop_assert_eq!(head(&path).unwrap().topics, [("t".to_owned(), 3)]);
            let mut found = Vec::new();
            read(&path, &mut |record| found.push(record)).unwrap();
            let key = |record: &RecordSighting| (record.place, record.lane, record.sequence, record.whole);
            records.sort_by_key(key);
            found.sort_by_key(key);
            prop_assert_eq!(found, records);
        }
    }

    #[test]
    fn a_file_that_was_cut_off_or_is_another_is_an_error() {
        let record = RecordSighting { place: (0, 5), lane: 0, sequence: 1, whole: true };
        let (_folder, path) = written(&[record]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert!(read(&path, &mut |_| ()).is_err());
        std::fs::write(
            &path,
            zstd::encode_all(&b"{\"head\":{\"version\":9,\"run\":\"1\",\"topics\":[]}}\n"[..], 1).unwrap(),
        )
        .unwrap();
        assert!(head(&path).unwrap_err().to_string().contains("version 9"));
        let apart = "{\"seen\":{\"partition\":0,\"offset\":[1],\"lane\":[],\"sequence\":[1]}}\n";
        std::fs::write(&path, zstd::encode_all(apart.as_bytes(), 1).unwrap()).unwrap();
        assert!(head(&path).is_err() && read(&path, &mut |_| ()).is_err());
    }
}
