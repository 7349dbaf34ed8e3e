//! One request: what is asked, and how it is answered.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use super::Collector;
use super::body::{Bounds, Packing};
use super::cloud_event;
use super::origin::Origin;
use super::refused::{Refused, closed};
use super::rules::Rules;
use super::shape::{Bad, Shape};
use super::tally::{self, NotTaken};
use crate::source::web::{Answer, SEGMENT};

/// The script for pages.
const SCRIPT: &str = include_str!("loadgen.js");
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const THERE_ARE: &str = "there are /events, /v1/track, /v1/page, /v1/screen, /v1/identify, /v1/group, /v1/alias, /v1/batch, \
                         /loadgen.js, /metrics and /healthz\n";

/// What is answered.
pub(super) type Answered = Response<Full<Bytes>>;

/// What stands at a path.
enum Place {
    Events,
    Call(&'static str),
    Batch,
    Script,
    Metrics,
    Health,
    Index,
}

impl Place {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/events" => Self::Events,
            "/v1/batch" => Self::Batch,
            "/loadgen.js" => Self::Script,
            "/metrics" => Self::Metrics,
            "/healthz" => Self::Health,
            "/" => Self::Index,
            _ => Self::Call(SEGMENT.into_iter().find(|call| path.strip_prefix("/v1/") == Some(call))?),
        })
    }

    const fn takes_events(&self) -> bool {
        matches!(self, Self::Events | Self::Call(_) | Self::Batch)
    }
}

/// Answers one request.
pub(super) async fn answer(request: Request<Incoming>, collector: &Collector) -> Answered {
    let mut counted = collector.tally.begun();
    let (head, body) = request.into_parts();
    let origin = Origin::of(&head.headers, &collector.config.allow_origin);
    let mut answered = match (Place::of(head.uri.path()), &head.method) {
        (None, _) => told(&Refused::new(StatusCode::NOT_FOUND, THERE_ARE.trim_end())),
        (Some(place), _) if place.takes_events() && origin == Origin::Stranger => told(&Refused::new(
            StatusCode::FORBIDDEN,
            "pages of this origin may not send: --allow-origin names those that may",
        )),
        (Some(place), &Method::OPTIONS) if place.takes_events() => {
            let mut answered = response(StatusCode::NO_CONTENT, TEXT, "");
            Origin::preflight(answered.headers_mut());
            answered
        }
        (Some(place), &Method::POST) if place.takes_events() => {
            post(&place, &head.headers, body, collector, &mut counted).await.unwrap_or_else(|refused| told(&refused))
        }
        (Some(place), &Method::GET | &Method::HEAD) if !place.takes_events() => get(&place, &head.headers, collector),
        (Some(place), _) => {
            let allowed = if place.takes_events() { "POST, OPTIONS" } else { "GET, HEAD" };
            let mut answered = told(&Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed}")));
            answered.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            answered
        }
    };
    origin.sign(answered.headers_mut());
    counted.answered(answered.status());
    answered
}

fn get(place: &Place, headers: &HeaderMap, collector: &Collector) -> Answered {
    match place {
        Place::Script => {
            let mut script = response(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT);
            script.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
            script
        }
        Place::Metrics => {
            let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            match collector.exporter.metrics(accept, &collector.tally.metrics(collector.inlet.waiting())) {
                Ok((content_type, page)) => response(StatusCode::OK, content_type, page),
                Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
            }
        }
        Place::Health if collector.inlet.now().is_none() => {
            response(StatusCode::SERVICE_UNAVAILABLE, TEXT, "no events are taken\n")
        }
        Place::Health if collector.inlet.is_late() => {
            response(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the cluster does not answer\n")
        }
        Place::Health => response(StatusCode::OK, TEXT, "ok\n"),
        _ => response(StatusCode::OK, TEXT, THERE_ARE),
    }
}

async fn post(
    place: &Place,
    headers: &HeaderMap,
    body: Incoming,
    collector: &Collector,
    counted: &mut tally::Request<'_>,
) -> Result<Answered, Refused> {
    let Collector { config, inlet, .. } = collector;
    let (packing, shape) = (Packing::of(headers)?, shape(place, headers)?);
    if inlet.now().is_none() {
        return Err(closed());
    }
    let mut room = inlet.room();
    let bounds = Bounds { most: config.max_body, deadline: config.body_deadline };
    let body = bounds.read(body, packing, &mut room).await?;
    let Some(arrival) = inlet.now() else { return Err(closed()) };
    let rules = Rules {
        catalogue: inlet.catalogue(),
        pass_through: config.pass_through,
        key_fields: &config.key_field,
        received_at: received_at(),
    };
    let offers = shape.events(&body, &rules).map_err(|bad| {
        let (why, items) = match bad {
            Bad::Body(why) => (why, Vec::new()),
            Bad::Items { count, bad, told } => {
                counted.did_not_take(NotTaken::Invalid(count as u64));
                (format!("{bad} of {count} events cannot be taken, and so none was"), told)
            }
        };
        Refused { items, ..Refused::new(StatusCode::BAD_REQUEST, why) }
    })?;
    let count = offers.len();
    if inlet.is_late() {
        counted.did_not_take(NotTaken::TurnedAway(count as u64));
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the cluster does not answer"));
    }
    let answer = inlet.offer(arrival, offers, room).map_err(|turned| {
        counted.did_not_take(NotTaken::TurnedAway(count as u64));
        Refused::turned(turned)
    })?;
    counted.took(count);
    if config.is_async {
        return Ok(response(StatusCode::ACCEPTED, JSON, format!("{{\"taken\":{count}}}\n")));
    }
    match tokio::time::timeout(config.answer_deadline, answer).await {
        Ok(Ok(answer)) => Ok(settled(answer)),
        // The lane has gone with all that it knew.
        Ok(Err(_)) => Ok(settled(Answer { unanswered: count as u64, ..Answer::default() })),
        Err(_) => {
            inlet.note_late();
            Ok(settled(Answer { unanswered: count as u64, ..Answer::default() }))
        }
    }
}

/// 200 where each event was confirmed, and nothing else is.
fn settled(answer: Answer) -> Answered {
    let Answer { acked, refused, unanswered, not_sent } = answer;
    if refused + unanswered + not_sent == 0 {
        return response(StatusCode::OK, JSON, format!("{{\"success\":true,\"acked\":{acked}}}\n"));
    }
    let (status, why) = match (unanswered + not_sent, refused) {
        (0, _) => (StatusCode::BAD_GATEWAY, "the cluster refused events"),
        (_, 0) if unanswered == 0 => (StatusCode::SERVICE_UNAVAILABLE, "the collector ended before events were sent"),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the cluster did not answer in time: what is unanswered may lie in the log",
        ),
    };
    let body = serde_json::json!({
        "error": why, "acked": acked, "refused": refused, "unanswered": unanswered, "not_sent": not_sent,
    });
    retrying(response(status, JSON, format!("{body}\n")))
}

/// Which shape the body has, as the headers say.
fn shape(place: &Place, headers: &HeaderMap) -> Result<Shape, Refused> {
    let other = |what: &str| Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
    let named = headers.get(CONTENT_TYPE).map_or(Ok(""), |value| value.to_str());
    let media = named.unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // What beacons and forms of pages may send without asking first is text/plain.
    let is_json = matches!(media.as_str(), "" | "application/json" | "text/json" | "text/plain");
    match place {
        Place::Call(call) if is_json => Ok(Shape::Call(call)),
        Place::Batch if is_json => Ok(Shape::Batch),
        Place::Events => match (cloud_event::attributes(headers), media.as_str()) {
            (_, "application/cloudevents+json") => Ok(Shape::CloudEvent),
            (_, "application/cloudevents-batch+json") => Ok(Shape::CloudEvents),
            (Some(attributes), _) if is_json => {
                attributes.map(Shape::CloudData).map_err(|why| Refused::new(StatusCode::BAD_REQUEST, why))
            }
            (Some(_), _) => Err(other("the data of a CloudEvent is taken as application/json")),
            (None, "application/x-ndjson" | "application/ndjson" | "application/jsonl") => Ok(Shape::Events),
            (None, _) if is_json => Ok(Shape::Events),
            _ => Err(other(
                "events are taken as application/json, application/x-ndjson, application/cloudevents+json or text/plain",
            )),
        },
        _ => Err(other("calls are taken as application/json or text/plain")),
    }
}

/// The wall time, to the millisecond.
fn received_at() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(crate::clock::wall_unix_ns())).unwrap_or_default();
    now.round(jiff::Unit::Millisecond).unwrap_or(now).to_string()
}

fn told(refused: &Refused) -> Answered {
    let Refused { status, why, items } = refused;
    let mut body = serde_json::json!({ "error": why });
    if !items.is_empty() {
        let item = |(index, reason): &(usize, String)| serde_json::json!({ "item": index, "reason": reason });
        body["items"] = items.iter().map(item).collect();
    }
    let mut answered = response(*status, JSON, format!("{body}\n"));
    match *status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => answered = retrying(answered),
        // Nobody reads what is left of the body.
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
            answered.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    answered
}

fn retrying(mut answered: Answered) -> Answered {
    answered.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answered
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
