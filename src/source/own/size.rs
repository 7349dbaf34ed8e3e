//! How large an event may become.

use super::node::{Choice, Fixed, Node, NumberForm};

/// What a value without a text comes to at most, with its name, in any format.
const VALUE: u64 = 64;

/// An upper bound for the bytes of a value.
pub(super) fn most_bytes(node: &Node) -> u64 {
    let many = |count: u64, node: &Node| count.saturating_mul(most_bytes(node));
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(VALUE, u64::saturating_add);
    match node {
        Node::Nothing | Node::Null | Node::Id | Node::Real(..) | Node::Boolean(..) | Node::Uuid(_) | Node::Time(..) => {
            VALUE
        }
        Node::Key(_, form) | Node::Sequence(_, form) => VALUE + form_bytes(form, 20),
        Node::Number(_, whole, form) => VALUE + form_bytes(form, whole.digits()),
        Node::Choice(_, choice) => VALUE + longest(choice),
        // A character may take six in JSON.
        Node::Text(_, text) => VALUE + text.most_bytes().saturating_mul(6),
        Node::Bytes(_, (_, most)) => VALUE + most.saturating_mul(2),
        Node::Optional(_, _, inner) | Node::Outside(inner) => most_bytes(inner),
        Node::Array(_, (_, most), inner) => VALUE.saturating_add(many(*most, inner)),
        Node::Map(_, (_, most), keys, inner) => {
            let keys = keys.iter().map(|key| key.len() as u64).max().unwrap_or(0);
            VALUE.saturating_add(many(*most, inner)).saturating_add(most.saturating_mul(keys))
        }
        Node::Record(nodes) => sum(&mut nodes.iter().map(most_bytes)),
        Node::Union(_, branches) => sum(&mut branches.iter().map(|(_, node)| most_bytes(node))),
    }
}

fn form_bytes(form: &NumberForm, digits: u64) -> u64 {
    match form {
        NumberForm::Text(form) => form.most_bytes(digits),
        _ => 0,
    }
}

fn longest(choice: &Choice) -> u64 {
    let bytes = |value: &Fixed| match value {
        Fixed::Text(text) => text.json().len() as u64,
        _ => 0,
    };
    choice.values().iter().map(bytes).max().unwrap_or(0)
}
