//! Whether a reader can tell the types apart: each is drawn, written and read a few times.

use std::sync::Arc;

use super::{Own, OwnError, Teller, Telling};
use crate::event::catalogue::{Catalogue, TypeIndex};
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;

/// How many events of each type are tried.
const TRIED: u64 = 50;
/// When they are due: in 2026.
const DUE_NS: u64 = 1_780_000_000_000_000_000;

impl Own {
    /// Whether what is written of each of `these` types is read as one of that type.
    ///
    /// # Errors
    /// Two types that cannot be told apart.
    pub fn check_apart(
        self: &Arc<Self>,
        catalogue: &Arc<Catalogue>,
        these: impl Fn(TypeIndex) -> bool,
    ) -> Result<(), OwnError> {
        let teller = Teller::new(self);
        let encoder = Encoder::new(RunId(1), 0, Arc::clone(catalogue));
        let mut arena = Vec::new();
        for (kind, declared) in catalogue.types().filter(|(kind, _)| these(*kind)) {
            for n in 0..TRIED {
                let event = self.example(kind, n);
                let values = Telling { event: &event, teller: &teller, due_unix_ns: DUE_NS + n };
                arena.clear();
                let written = encoder.encode(&mut arena, kind, &values, n, DUE_NS);
                let error = |problem: String, hint: Option<String>| OwnError {
                    keys: vec![declared.name.to_string()],
                    problem,
                    hint,
                };
                match catalogue.decode(&arena[written.body]) {
                    Ok(decoded) if decoded.kind == kind => {}
                    Ok(decoded) => {
                        let (own, other) = (&declared.name, catalogue.name(decoded.kind));
                        return Err(error(
                            format!("its events are read as ones of \"{other}\", for both have the same fields"),
                            Some(format!("a constant tells them apart: type = {{ constant = \"{own}\" }}")),
                        ));
                    }
                    Err(invalid) => {
                        return Err(error(format!("what is written of it cannot be read: {invalid:?}"), None));
                    }
                }
            }
        }
        Ok(())
    }
}
