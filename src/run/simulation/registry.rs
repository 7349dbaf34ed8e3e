//! A registry that may not answer for a while: what is known of schemas that others' records name.

use std::sync::Arc;

use super::act::Act;
use super::cluster::Shared;
use super::plan::Plan;
use super::producer::CATALOGUE;
use crate::event::catalogue::Catalogue;
use crate::event::invalid::Invalid;
use crate::event::learned::{Finder, SchemaLookup};
use crate::wire::framing::SchemaId;

#[derive(Debug)]
struct Registry(Shared);

impl Finder for Registry {
    fn find(&self, id: SchemaId) -> SchemaLookup<'_> {
        let cluster = self.0.open();
        let SchemaId::Registry(number) = id else { return SchemaLookup::Refused(Invalid::UnknownSchemaId) };
        let told_at = usize::try_from(number).ok().and_then(|number| cluster.schemas.get(number)).copied();
        if told_at.is_some_and(|at| cluster.now < at) {
            SchemaLookup::Pending
        } else {
            SchemaLookup::Refused(Invalid::UnknownSchemaId)
        }
    }

    fn silence(&self) -> Option<String> {
        Some("the registry does not answer".to_owned())
    }
}

/// The types of the events of a plan, and who finds schemas out where records will name some.
pub(super) fn catalogue(plan: &Plan, cluster: &Shared) -> Arc<Catalogue> {
    if plan.acts.iter().any(|planned| matches!(planned.act, Act::Frame { .. })) {
        Arc::new(crate::shop::catalogue().unwrap().learning(Arc::new(Registry(cluster.clone()))))
    } else {
        Arc::clone(&CATALOGUE)
    }
}
