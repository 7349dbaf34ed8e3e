//! The one file in a zip archive (PKWARE APPNOTE 6.3.10, with its zip64 extensions), decompressed as it is read.
//!
//! Its length and checksum stand in the table of contents at the archive's end, so an archive is read from a file alone.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::error::{InputError, ZipProblem};
use super::{Guard, READ_BYTES, shown, unreadable};

/// The end record, without the comment behind it (APPNOTE 4.3.16).
const END_BYTES: usize = 22;
/// The longest comment.
const MOST_COMMENT: usize = 0xffff;
/// A table of contents larger than this has thousands of files.
const MOST_CONTENTS: u64 = 1 << 20;
/// Files that a message names.
const NAMED: usize = 3;

/// A file in the archive, as the table of contents has it (APPNOTE 4.3.12).
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    header: u64,
}

/// Opens the one file in the archive.
pub(super) fn open(name: &str, guard: Option<&Guard>) -> Result<Box<dyn Read>, InputError> {
    let refused = |problem| InputError::Zip { file: name.to_owned(), problem };
    let guard = guard.ok_or_else(|| refused(ZipProblem::Piped))?;
    let file = guard.file.try_clone().map_err(|source| unreadable(name, source))?;
    let entries = contents(&file, guard.bytes())
        .map_err(|source| unreadable(name, source))?
        .ok_or_else(|| refused(ZipProblem::NoContents))?;
    let [entry] = entries.as_slice() else { return Err(refused(not_one(&entries))) };
    if entry.flags & 1 != 0 {
        return Err(refused(ZipProblem::Encrypted));
    }
    if !matches!(entry.method, STORED | DEFLATED) {
        return Err(refused(ZipProblem::Method { method: method_name(entry.method) }));
    }
    let mut header = [0; 30];
    file.read_exact_at(&mut header, entry.header).map_err(|_| refused(ZipProblem::NoContents))?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(refused(ZipProblem::NoContents));
    }
    let from = entry.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
    let packed =
        BufReader::with_capacity(READ_BYTES, Section { file, at: from, end: from.saturating_add(entry.packed) });
    let unpacked: Box<dyn Read> =
        if entry.method == STORED { Box::new(packed) } else { Box::new(DeflateDecoder::new(packed)) };
    Ok(Box::new(Checked { unpacked, crc: Crc::new(), expected: (entry.crc, entry.unpacked), read: 0 }))
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The names of the methods that archives are made with beside these two (APPNOTE 4.4.5).
fn method_name(method: u16) -> String {
    match method {
        9 => "Deflate64".to_owned(),
        12 => "bzip2".to_owned(),
        14 => "LZMA".to_owned(),
        93 => "zstd".to_owned(),
        95 => "xz".to_owned(),
        98 => "PPMd".to_owned(),
        99 => "AES encryption".to_owned(),
        other => format!("method {other}"),
    }
}

fn not_one(entries: &[Entry]) -> ZipProblem {
    if entries.is_empty() {
        return ZipProblem::NoFile;
    }
    let mut names: Vec<String> = entries.iter().take(NAMED).map(|entry| shown(&entry.name)).collect();
    if entries.len() > NAMED {
        names.push("…".to_owned());
    }
    ZipProblem::Many { count: entries.len() as u64, names: names.join(", ") }
}

/// The files that the archive's table of contents lists, without folders and what macOS adds; `None` where there is no table.
fn contents(file: &File, bytes: u64) -> io::Result<Option<Vec<Entry>>> {
    let Some((from, length)) = table_at(file, bytes)? else { return Ok(None) };
    if length > MOST_CONTENTS || from.saturating_add(length) > bytes {
        return Ok(None);
    }
    let mut table = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut table, from)?;
    let mut entries = Vec::new();
    let mut rest = table.as_slice();
    while !rest.is_empty() {
        let Some((entry, behind)) = entry(rest) else { return Ok(None) };
        let is_extra = entry.name.ends_with(b"/") || entry.name.starts_with(b"__MACOSX/");
        entries.extend((!is_extra).then_some(entry));
        rest = behind;
    }
    Ok(Some(entries))
}

/// Where the table of contents begins, and its length: by the end record, or the zip64 one before it.
fn table_at(file: &File, bytes: u64) -> io::Result<Option<(u64, u64)>> {
    let length = bytes.min((END_BYTES + MOST_COMMENT) as u64);
    let mut tail = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut tail, bytes - length)?;
    let is_end = |at: &usize| {
        tail[*at..].starts_with(b"PK\x05\x06") && *at + END_BYTES + usize::from(u16_at(&tail, at + 20)) == tail.len()
    };
    let Some(at) = (0..(tail.len() + 1).saturating_sub(END_BYTES)).rev().find(is_end) else { return Ok(None) };
    let (size, from) = (u32_at(&tail, at + 12), u32_at(&tail, at + 16));
    if size != u32::MAX && from != u32::MAX {
        return Ok(Some((from.into(), size.into())));
    }
    let locator = at.checked_sub(20).map(|at| &tail[at..]).filter(|found| found.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok(None) };
    let mut end = [0; 56];
    let read = file.read_exact_at(&mut end, u64_at(locator, 8));
    Ok((read.is_ok() && end.starts_with(b"PK\x06\x06")).then(|| (u64_at(&end, 48), u64_at(&end, 40))))
}

/// The first entry of a table of contents, and what stands behind it.
fn entry(table: &[u8]) -> Option<(Entry, &[u8])> {
    let (fixed, rest) = table.split_at_checked(46)?;
    fixed.starts_with(b"PK\x01\x02").then_some(())?;
    let (name, rest) = rest.split_at_checked(u16_at(fixed, 28).into())?;
    let (mut extra, rest) = rest.split_at_checked(u16_at(fixed, 30).into())?;
    let (_, rest) = rest.split_at_checked(u16_at(fixed, 32).into())?;
    let mut wide = [u32_at(fixed, 24), u32_at(fixed, 20), u32_at(fixed, 42)].map(u64::from);
    while let Some((head, behind)) = extra.split_at_checked(4) {
        let (mut field, behind) = behind.split_at_checked(u16_at(head, 2).into())?;
        // Zip64: those of the three that do not fit into 32 bits, in this order (APPNOTE 4.5.3).
        if u16_at(head, 0) == 1 {
            for value in wide.iter_mut().filter(|value| **value == u64::from(u32::MAX)) {
                let (eight, behind) = field.split_at_checked(8)?;
                *value = u64_at(eight, 0);
                field = behind;
            }
        }
        extra = behind;
    }
    let [unpacked, packed, header] = wide;
    let (flags, method, crc) = (u16_at(fixed, 8), u16_at(fixed, 10), u32_at(fixed, 16));
    Some((Entry { name: name.to_vec(), flags, method, crc, packed, unpacked, header }, rest))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

/// A part of a file.
struct Section {
    file: File,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

/// Compares at the end with what the table of contents says.
struct Checked {
    unpacked: Box<dyn Read>,
    crc: Crc,
    expected: (u32, u64),
    read: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.read += read as u64;
        if read == 0 && !buffer.is_empty() && (self.crc.sum(), self.read) != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not fit"));
        }
        Ok(read)
    }
}
