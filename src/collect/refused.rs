//! Requests that are not done, with their status and one sentence.

use hyper::StatusCode;

use crate::source::web::Turned;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// One sentence.
    pub(super) why: String,
    /// Items that are bad, each with its place from 0 and its reason.
    pub(super) items: Vec<(usize, String)>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), items: Vec::new() }
    }

    pub(super) fn turned(turned: Turned) -> Self {
        match turned {
            Turned::TooMany { most } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("more events in one request than may wait at once: {most} (--max-waiting)"),
            ),
            Turned::Full => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "as many events wait for the cluster as there is room for")
            }
            Turned::Closed => closed(),
        }
    }
}

/// No event is taken now.
pub(super) fn closed() -> Refused {
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the collector takes no more events")
}
