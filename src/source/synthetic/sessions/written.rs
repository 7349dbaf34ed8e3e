//! Funnel rows and think times as options write them.

use std::str::FromStr;
use std::time::Duration;

use super::config::{Think, ThinkTime};
use super::funnel::{Funnel, Next};
use crate::shop::Kind;
use crate::units;

/// One row of the funnel: `after_view:view=0.5,addtocart=0.02`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunnelRow {
    /// What it comes after; `None`: the start.
    after: Option<Kind>,
    next: Next,
}

impl FunnelRow {
    /// Every row of a funnel.
    #[must_use]
    pub fn all(funnel: &Funnel) -> Vec<Self> {
        let row = |after, next| Self { after, next };
        vec![
            row(None, funnel.start),
            row(Some(Kind::View), funnel.after_view),
            row(Some(Kind::AddToCart), funnel.after_addtocart),
            row(Some(Kind::Transaction), funnel.after_transaction),
            row(Some(Kind::Search), funnel.after_search),
            row(Some(Kind::Filter), funnel.after_filter),
            row(Some(Kind::Review), funnel.after_review),
        ]
    }

    /// Puts it in the place of that row of `funnel`.
    pub const fn set(&self, funnel: &mut Funnel) {
        let row = match self.after {
            None => &mut funnel.start,
            Some(Kind::View) => &mut funnel.after_view,
            Some(Kind::AddToCart) => &mut funnel.after_addtocart,
            Some(Kind::Transaction) => &mut funnel.after_transaction,
            Some(Kind::Search) => &mut funnel.after_search,
            Some(Kind::Filter) => &mut funnel.after_filter,
            Some(Kind::Review) => &mut funnel.after_review,
            Some(Kind::Inventory) => return,
        };
        *row = self.next;
    }
}

impl FromStr for FunnelRow {
    type Err = NotARow;
    fn from_str(text: &str) -> Result<Self, NotARow> {
        let no = |reason: &str| NotARow { text: text.to_owned(), reason: reason.to_owned() };
        let (row, probabilities) = text.split_once(':').ok_or_else(|| no("the row and a colon are missing"))?;
        let after = match row.trim() {
            "start" => None,
            row => {
                let kind =
                    row.strip_prefix("after_").ok_or_else(|| no("rows are start, after_view, after_search, ..."))?;
                Some(Kind::of_users(kind).map_err(|error| no(&error.to_string()))?)
            }
        };
        let mut next = Next::default();
        for (kind, value) in pairs(probabilities) {
            let kind = Kind::of_users(kind).map_err(|error| no(&error.to_string()))?;
            match (value.parse::<f64>(), next.of_mut(kind)) {
                (Ok(probability), Some(place)) if (0.0..=1.0).contains(&probability) => *place = probability,
                _ => return Err(no(&format!("the probability of {kind} is no number from 0 to 1"))),
            }
        }
        Ok(Self { after, next })
    }
}

/// Why a text is no [`FunnelRow`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no row of a funnel: {reason}; write for example after_view:view=0.5,addtocart=0.02")]
pub struct NotARow {
    text: String,
    reason: String,
}

/// Mean think times of some types: `view=20s,search=5s`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThinkTimes(Vec<(Kind, Duration)>);

impl ThinkTimes {
    /// All of them.
    #[must_use]
    pub fn all(think: &Think) -> Self {
        let mut think = *think;
        let time = |kind| think.of_mut(kind).map(|time| (kind, time.0));
        Self(Kind::OF_USERS.into_iter().filter_map(time).collect())
    }

    /// Puts them in the place of those of `think`.
    pub fn set(&self, think: &mut Think) {
        for (kind, time) in &self.0 {
            if let Some(place) = think.of_mut(*kind) {
                *place = ThinkTime(*time);
            }
        }
    }
}

impl FromStr for ThinkTimes {
    type Err = NotThinkTimes;
    fn from_str(text: &str) -> Result<Self, NotThinkTimes> {
        let no = |reason: String| NotThinkTimes { text: text.to_owned(), reason };
        let read = |(kind, time): (&str, &str)| {
            let kind = Kind::of_users(kind).map_err(|error| no(error.to_string()))?;
            Ok((kind, units::duration(time).map_err(|error| no(error.to_string()))?))
        };
        pairs(text).map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// Why a text is no [`ThinkTimes`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no list of think times: {reason}; write for example view=20s,search=5s")]
pub struct NotThinkTimes {
    text: String,
    reason: String,
}

/// `a=1,b=2`; a part without `=` has an empty value, which no reader takes.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim(), value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_replaces_the_whole_row_and_nothing_else() {
        let mut funnel = Funnel::default();
        "after_view:view=0.5,addtocart=0.02".parse::<FunnelRow>().unwrap().set(&mut funnel);
        let after_view = Next { view: 0.5, addtocart: 0.02, ..Next::default() };
        assert_eq!(funnel, Funnel { after_view, ..Funnel::default() });
        "after_review:".parse::<FunnelRow>().unwrap().set(&mut funnel);
        assert_eq!(funnel.after_review, Next::default());
    }

    #[test]
    fn think_times_that_are_not_named_stay() {
        let mut think = Think::default();
        "view=1s, review=3m".parse::<ThinkTimes>().unwrap().set(&mut think);
        assert_eq!((think.view.0, think.review.0), (Duration::from_secs(1), Duration::from_secs(180)));
        assert_eq!(think.search, Think::default().search);
    }

    #[test]
    fn what_is_taken_from_a_model_gives_it_back() {
        let (mut funnel, mut think) = (Funnel { after_view: Next::default(), ..Funnel::default() }, Think::default());
        think.filter = ThinkTime(Duration::from_secs(77));
        let (mut other_funnel, mut other_think) = (Funnel::default(), Think::default());
        for row in FunnelRow::all(&funnel) {
            row.set(&mut other_funnel);
        }
        ThinkTimes::all(&think).set(&mut other_think);
        assert_eq!((&mut funnel, &mut think), (&mut other_funnel, &mut other_think));
    }

    #[test]
    fn what_is_no_row_is_told_why() {
        let told = |text: &str| text.parse::<FunnelRow>().unwrap_err().to_string();
        assert!(told("view=1").contains("the row and a colon are missing"));
        assert!(told("view:view=1").contains("rows are start"));
        assert!(told("after_look:view=1").contains("\"look\" is no event type"));
        assert!(told("start:view").contains("the probability of view is no number from 0 to 1"));
        assert!(told("start:view=1.5").contains("the probability of view"));
        let times = "view=20".parse::<ThinkTimes>().unwrap_err().to_string();
        assert!(times.contains("\"20\" is no duration"), "{times}");
    }
}
