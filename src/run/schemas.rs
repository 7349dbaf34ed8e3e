//! What became of the records of each schema.

use std::collections::BTreeMap;

use crate::event::catalogue::{Catalogue, TypeIndex, Version};
use crate::event::key::{KeyCoding, KeyForm};
use crate::measure::Shard;
use crate::report::{KeySchemaReport, ReaderUse, SchemaReport, SchemaUse};
use crate::verify::by_schema::{OfReader, OfSchema};

/// How many events were handed over in other versions than their types' own.
pub(super) type SentAs = BTreeMap<(TypeIndex, Version), u64>;

/// The schemas by which the keys of records are written.
#[must_use]
pub fn of_keys(catalogue: &Catalogue) -> Vec<KeySchemaReport> {
    let told = |(event_type, key): (&str, &KeyCoding)| {
        let schema = key.schema()?;
        Some(KeySchemaReport {
            event_type: event_type.to_owned(),
            format: if key.form() == KeyForm::Protobuf { "protobuf" } else { "avro" }.to_owned(),
            frame: in_digits(key.frame()),
            subject: schema.subject.as_deref().map(str::to_owned),
            schema: schema.text.to_string(),
        })
    };
    catalogue.names().zip(catalogue.keys()).filter_map(told).collect()
}

/// Bytes as two hexadecimal digits each.
#[must_use]
pub fn in_digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// The schemas of a run: those that it wrote by, and those that were read. `sent`: what was handed over, where this process wrote.
pub(super) fn uses(
    catalogue: &Catalogue,
    written: &[SchemaReport],
    sent: Option<(&Shard, &SentAs)>,
    read: Option<&[OfSchema]>,
) -> Vec<SchemaUse> {
    let mut uses: Vec<SchemaUse> = Vec::new();
    for told in written {
        let id = told.called();
        match uses.iter_mut().find(|of| of.event_type == told.event_type && of.schema == id) {
            // One schema may be two versions.
            Some(of) => of.versions.extend(told.version.clone()),
            None => uses.push(SchemaUse {
                schema: id,
                event_type: told.event_type.clone(),
                versions: told.version.iter().cloned().collect(),
                format: Some(told.format.clone()),
                subject: told.subject.clone(),
                sent: sent.map(|_| 0),
                records: read.map(|_| 0),
                verified: read.map(|_| 0),
                ..SchemaUse::default()
            }),
        }
    }
    if let Some((shard, sent_as)) = sent {
        add_sent(&mut uses, catalogue, shard, sent_as);
    }
    for of_schema in read.unwrap_or_default() {
        let (id, event_type) = (of_schema.id.map(|id| id.to_string()), of_schema.kind.map(|kind| catalogue.name(kind)));
        let is_it = |of: &SchemaUse| of.schema == id && event_type.is_none_or(|name| *of.event_type == *name);
        let at = uses.iter().position(is_it).unwrap_or_else(|| {
            let event_type = event_type.unwrap_or_default().to_owned();
            uses.push(SchemaUse { schema: id, event_type, sent: sent.map(|_| 0), ..SchemaUse::default() });
            uses.len() - 1
        });
        if let Some(of) = uses.get_mut(at) {
            (of.records, of.verified) = (Some(of_schema.records), Some(of_schema.verified));
            of.invalid = of_schema.invalid.clone();
            of.readers = of_schema.readers.iter().map(|reader| reader_use(catalogue, reader)).collect();
        }
    }
    uses
}

/// The producer's account of its schemas with what another process read of them.
pub(super) fn joined(mut sent: Vec<SchemaUse>, read: Vec<SchemaUse>) -> Vec<SchemaUse> {
    for of in read {
        match sent.iter_mut().find(|known| known.event_type == of.event_type && known.schema == of.schema) {
            Some(known) => {
                (known.records, known.verified, known.invalid, known.readers) =
                    (of.records, of.verified, of.invalid, of.readers);
            }
            None => sent.push(SchemaUse { sent: Some(0), ..of }),
        }
    }
    sent
}

fn add_sent(uses: &mut [SchemaUse], catalogue: &Catalogue, shard: &Shard, sent_as: &SentAs) {
    for ((kind, declared), of_type) in catalogue.types().zip(&shard.kinds) {
        let of_kind =
            || sent_as.iter().filter(move |((of, _), _)| *of == kind).map(|((_, version), sent)| (*version, *sent));
        let further: u64 = of_kind().map(|(_, sent)| sent).sum();
        for (version, sent) in of_kind().chain([(Version::default(), of_type.sent.saturating_sub(further))]) {
            let id = catalogue.schema_id(kind, version).map(|id| id.to_string());
            let found = uses.iter_mut().find(|of| *of.event_type == *declared.name && of.schema == id);
            if let Some(of) = found {
                of.sent = of.sent.map(|before| before + sent);
            }
        }
    }
}

fn reader_use(catalogue: &Catalogue, of_reader: &OfReader) -> ReaderUse {
    ReaderUse {
        reader: catalogue.readers().get(of_reader.reader).map_or_else(String::new, |reader| reader.name.to_string()),
        readable: of_reader.readable,
        not_readable: of_reader.not_readable.clone(),
        incompatible: of_reader.incompatible().to_vec(),
    }
}
