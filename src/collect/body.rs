//! The body of a request, read as far as there may be of it, and unpacked.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use super::refused::Refused;
use crate::source::web::{Room, Turned};

/// Bytes that are unpacked at once.
const PIECE: usize = 16 << 10;

/// How much of a body is taken, and how long it may take to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes, as they come and unpacked.
    pub(super) most: usize,
    pub(super) deadline: Duration,
}

/// How the bytes of a body are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
}

impl Packing {
    /// What the headers say.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        match headers.get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes().to_ascii_lowercase()).as_deref() {
            None | Some(b"identity") => Ok(Self::None),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip),
            Some(_) => {
                Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bodies are taken as they are, or as gzip"))
            }
        }
    }
}

impl Bounds {
    /// The body, unpacked. All that is held of it is counted in `room`.
    pub(super) async fn read(self, body: Incoming, packing: Packing, room: &mut Room) -> Result<Vec<u8>, Refused> {
        if body.size_hint().lower() > self.most as u64 {
            return Err(self.too_large());
        }
        let mut body = Limited::new(body, self.most);
        let reading = async {
            let mut whole = Vec::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| {
                    if error.is::<http_body_util::LengthLimitError>() {
                        self.too_large()
                    } else {
                        Refused::new(StatusCode::BAD_REQUEST, "the body broke off")
                    }
                })?;
                if let Ok(data) = frame.into_data() {
                    push(&mut whole, &data, room)?;
                }
            }
            Ok(whole)
        };
        let whole = tokio::time::timeout(self.deadline, reading)
            .await
            .unwrap_or_else(|_| Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")))?;
        match packing {
            Packing::None => Ok(whole),
            Packing::Gzip => self.unpacked(&whole, room),
        }
    }

    /// What was packed, piece by piece, so that a small body cannot become a large one.
    fn unpacked(self, packed: &[u8], room: &mut Room) -> Result<Vec<u8>, Refused> {
        let mut from = MultiGzDecoder::new(packed);
        let (mut whole, mut piece) = (Vec::new(), vec![0; PIECE]);
        loop {
            let read = from.read(&mut piece);
            match read.map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "the body is no whole gzip"))? {
                0 => return Ok(whole),
                more if whole.len() + more > self.most => return Err(self.too_large()),
                more => push(&mut whole, &piece[..more], room)?,
            }
        }
    }

    fn too_large(self) -> Refused {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {} bytes", self.most))
    }
}

fn push(whole: &mut Vec<u8>, bytes: &[u8], room: &mut Room) -> Result<(), Refused> {
    if !room.grow(bytes.len()) {
        return Err(Refused::turned(Turned::Full));
    }
    whole.extend_from_slice(bytes);
    Ok(())
}
