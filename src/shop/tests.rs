//! What the shop's events are on the wire, by the letter.

use std::sync::Arc;

use super::*;
use crate::event::catalogue::Catalogue;
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;

const RUN: RunId = RunId(0x0123_4567_89AB_CDEF);

fn texts() -> Vocabulary {
    let texts = |words: &[&str]| words.iter().map(|word| Escaped::new(word)).collect();
    Vocabulary {
        categories: texts(&["shoes/\"boots\"", "b\u{fc}cher"]),
        queries: texts(&["red\\shoes"]),
        filters: vec![(Escaped::new("brand"), Escaped::new("O'Neil"))],
        reviews: texts(&["tr\u{e8}s\tbien"]),
    }
}

fn body(catalogue: &Arc<Catalogue>, user: u64, detail: Detail) -> String {
    let event = Event { user: UserId(user), recorded_ms: None, detail };
    let values = Telling { event: &event, texts: &texts(), timestamp_ms: 1_700_000_000_123 };
    let mut arena = Vec::new();
    let encoder = Encoder::new(RUN, 3, Arc::clone(catalogue));
    let due = 1_700_000_000_123_456_789;
    let written = encoder.encode(&mut arena, event.kind().type_index(), &values, 77, due);
    assert_eq!(&arena[written.key], user.to_string().as_bytes());
    String::from_utf8(arena[written.body].to_vec()).unwrap()
}

#[test]
fn each_type_is_written_as_it_always_was() {
    let catalogue = Arc::new(catalogue().unwrap());
    let (item, session, category, device) = (ItemId(9), Session(2), TextId(0), Device::Tablet);
    let full = Detail::Transaction {
        item,
        category,
        price: Cents(1_205),
        quantity: 3,
        transaction: Some(4),
        session: Some(session),
    };
    let bare = Detail::Transaction { item, category, price: Cents(7), quantity: 1, transaction: None, session: None };
    let of = [
        (
            Detail::View { item, category, session, device },
            r#""view","timestamp":1700000000123,"user_id":"42","item_id":"9","category":"shoes/\"boots\"","session_id":"42-2","device_type":"tablet"}"#,
        ),
        (
            Detail::AddToCart { item, category: TextId(1), session, device: Device::Mobile, quantity: 2 },
            r#""addtocart","timestamp":1700000000123,"user_id":"42","item_id":"9","category":"bücher","session_id":"42-2","device_type":"mobile","quantity":2}"#,
        ),
        (
            full,
            r#""transaction","timestamp":1700000000123,"user_id":"42","item_id":"9","category":"shoes/\"boots\"","price":12.05,"quantity":3,"transaction_id":"4","session_id":"42-2"}"#,
        ),
        (
            bare,
            r#""transaction","timestamp":1700000000123,"user_id":"42","item_id":"9","category":"shoes/\"boots\"","price":0.07,"quantity":1}"#,
        ),
        (
            Detail::Search { query: TextId(0), results: 12, session, device: Device::Desktop },
            r#""search","timestamp":1700000000123,"user_id":"42","query":"red\\shoes","results_count":12,"session_id":"42-2","device_type":"desktop"}"#,
        ),
        (
            Detail::Filter { category, filter: TextId(0), session },
            r#""filter","timestamp":1700000000123,"user_id":"42","category":"shoes/\"boots\"","filter_type":"brand","filter_value":"O'Neil","session_id":"42-2"}"#,
        ),
        (
            Detail::Review { item, rating: 5, text: TextId(0), session },
            r#""review","timestamp":1700000000123,"user_id":"42","item_id":"9","rating":5,"review_text":"très\tbien","session_id":"42-2"}"#,
        ),
        (
            Detail::Inventory { available: false },
            r#""inventory","timestamp":1700000000123,"item_id":"42","available":false}"#,
        ),
    ];
    for (detail, expected) in of {
        let body = body(&catalogue, 42, detail);
        let (head, rest) = body.split_once(",\"event_type\":").unwrap();
        assert!(head.starts_with("{\"event_id\":\"018bcfe5-687b-7") && head.len() == 50, "{head}");
        assert_eq!(rest, expected);
        let decoded = catalogue.decode(body.as_bytes()).unwrap();
        let stamp = decoded.stamp.unwrap();
        let content = &body.as_bytes()[50..];
        assert_eq!((decoded.content().before, decoded.content().after), (&[][..], content));
        assert_eq!(stamp.check, RUN.check(stamp, b"42", content));
    }
}

#[test]
fn kinds_are_found_by_their_names() {
    let catalogue = catalogue().unwrap();
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>(), Ok(kind));
        assert_eq!(Kind::ALL[kind.index()], kind);
        assert_eq!(catalogue.find(kind.as_str()), Ok(kind.type_index()));
    }
    assert!("purchase".parse::<Kind>().is_err());
    assert_eq!(
        catalogue.find("purchase").unwrap_err().to_string(),
        "\"purchase\" is no event type (view, addtocart, transaction, search, filter, review, inventory)"
    );
}
