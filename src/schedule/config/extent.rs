//! How far what a phase says reaches: no part of a shape is cut off unless `until` asks for it.

use super::plan::PhaseError;
use super::{Kind, PhaseConfig};
use crate::clock::Nanos;
use crate::schedule::Shape;
use crate::schedule::text::Span;

/// Where the last part that a phase's fields name ends, counted from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// What ends there, and the fields that say so.
    pub what: &'static str,
    /// When.
    pub reaches: Nanos,
}

impl PhaseConfig {
    /// How far its shape reaches, where it has an end of its own. What takes as long as the phase (a ramp without `over`,
    /// steps without `each`), or swings for as long as it lasts (a sine), always fits.
    ///
    /// # Errors
    /// Where it has no shape.
    pub fn extent(&self) -> Result<Option<Extent>, PhaseError> {
        self.shape().map(|shape| self.extent_of(&shape))
    }

    pub(super) fn extent_of(&self, shape: &Shape) -> Option<Extent> {
        let length = |what: &'static str| match shape {
            Shape::Curve(curve) => Some((what, curve.length()?)),
            _ => None,
        };
        let given = |what: &'static str, span: Option<Span>| span.map(|Span(nanos)| (what, nanos));
        let (what, reaches) = match self.schedule {
            Kind::Ramp => given("the ramp (`over`) ends", self.over),
            Kind::Steps if self.each.is_some() => length("the last step (`each`) ends"),
            Kind::Spike => length("the spike (`at` + `rise` + `hold` + `fall`) ends"),
            Kind::Bursts => given("the first pause (after `on`) begins", self.on),
            Kind::Curve => {
                let last = self.points.as_ref().and_then(|points| points.last());
                given("the last point (`points`) lies", last.map(|(at, _)| *at))
            }
            Kind::Steps | Kind::Constant | Kind::Sine | Kind::Poisson | Kind::Replay | Kind::Unlimited => None,
        }?;
        Some(Extent { what, reaches })
    }

    /// Whether a phase that ends after `lasts` holds all that reaches as far as `extent`.
    #[must_use]
    pub fn holds(&self, extent: Extent, lasts: Nanos) -> bool {
        extent.reaches < lasts || (extent.reaches == lasts && self.schedule != Kind::Bursts)
    }

    /// How long a phase of this shape lasts: as it says, or as its steps or points do; no longer than `until`.
    ///
    /// # Errors
    /// Where the shape reaches further than the phase lasts, and no `until` says that this is meant.
    pub(super) fn lasts(&self, shape: &Shape) -> Result<Option<Nanos>, PhaseError> {
        let own = match (shape, self.schedule) {
            (Shape::Curve(curve), Kind::Steps | Kind::Curve) => curve.length(),
            _ => None,
        };
        let whole = self.duration.map(|Span(nanos)| nanos).or(own);
        match (self.until, whole) {
            (Some(Span(until)), Some(whole)) if until > whole => {
                Err(PhaseError::LateUntil { until: Span(until), whole: Span(whole) })
            }
            (Some(Span(until)), _) => Ok(Some(until)),
            (None, Some(lasts)) => match self.extent_of(shape) {
                Some(extent) if !self.holds(extent, lasts) => Err(PhaseError::CutOff { extent, lasts: Span(lasts) }),
                _ => Ok(Some(lasts)),
            },
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Phase;

    fn phase(shape: &str) -> Result<Phase, String> {
        let config: PhaseConfig = shape.parse().unwrap();
        Phase::try_from(config).map_err(|error| error.to_string())
    }

    /// Shapes that reach 20 s, and what is said of each where its phase ends a ns earlier.
    const TWENTY: [(&str, &str); 6] = [
        ("ramp:1..2,over=20s", "the ramp (`over`) ends 20s"),
        ("ramp:1..2,over=20s,growth=exponential", "the ramp (`over`) ends 20s"),
        ("steps:10,20,each=10s", "the last step (`each`) ends 20s"),
        ("steps:10..20,step=10,each=10s", "the last step (`each`) ends 20s"),
        ("spike:base=10,peak=20,at=8s,rise=2s,hold=9s,fall=1s", "the spike (`at` + `rise` + `hold` + `fall`) ends 20s"),
        ("spike:base=10,peak=20,at=8s,rise=2s,hold=8s", "the spike (`at` + `rise` + `hold` + `fall`) ends 20s"),
    ];

    #[test]
    fn a_shape_that_reaches_past_its_phase_is_refused_to_the_nanosecond() {
        for (shape, what) in TWENTY {
            assert_eq!(
                phase(&format!("{shape},duration=20s")).unwrap().duration,
                Some(Nanos::from_secs(20)),
                "{shape}"
            );
            let refused = phase(&format!("{shape},duration=19999999999ns")).unwrap_err();
            let said = format!("{what} into the phase, which ends after 19999999999ns: ");
            assert!(refused.starts_with(&said), "{shape}: {refused}");
        }
    }

    #[test]
    fn bursts_have_at_least_one_pause() {
        assert!(phase("bursts:10,on=20s,off=9s,duration=20001ms").is_ok());
        assert_eq!(
            phase("bursts:10,on=20s,off=9s,duration=20s").unwrap_err(),
            "the first pause (after `on`) begins 20s into the phase, which ends after 20s: give the phase a longer \
             duration, or until = \"20s\" to end it there on purpose"
        );
    }

    #[test]
    fn no_point_of_a_curve_lies_past_its_phase() {
        let curve = |more: &str| {
            let text = format!("schedule = \"curve\"\npoints = [[\"0s\", 1], [\"10s\", 5], [\"30s\", 1]]\n{more}");
            Phase::try_from(toml::from_str::<PhaseConfig>(&text).unwrap()).map_err(|error| error.to_string())
        };
        for repeats in ["", "repeat = true\n"] {
            assert!(curve(&format!("{repeats}duration = \"30s\"")).is_ok());
            let refused = curve(&format!("{repeats}duration = \"29s\"")).unwrap_err();
            assert!(refused.starts_with("the last point (`points`) lies 30s into the phase, which ends after 29s"));
            let cut = curve(&format!("{repeats}duration = \"30s\"\nuntil = \"29s\"")).unwrap();
            assert_eq!(cut.duration, Some(Nanos::from_secs(29)));
        }
    }

    #[test]
    fn until_ends_a_phase_early_and_leaves_its_rates_as_they_were() {
        let shapes = TWENTY.map(|(shape, _)| shape);
        for shape in shapes.into_iter().chain(["ramp:1..2", "steps:10,20", "sine:mean=5,amplitude=2,period=30s"]) {
            let whole = phase(&format!("{shape},duration=20s")).unwrap();
            let cut = phase(&format!("{shape},duration=20s,until=7s")).unwrap();
            assert_eq!((&cut.shape, cut.duration), (&whole.shape, Some(Nanos::from_secs(7))), "{shape}");
        }
        assert_eq!(phase("constant:5,until=7s").unwrap().duration, Some(Nanos::from_secs(7)));
        assert_eq!(
            phase("constant:5,duration=6s,until=7s").unwrap_err(),
            "`until` = 7s is past the end of the phase, which lasts 6s without it"
        );
    }

    #[test]
    fn what_lasts_as_long_as_its_phase_always_fits() {
        for shape in ["ramp:1..2", "steps:10,20", "sine:mean=5,amplitude=2,period=30s", "poisson:5", "constant:5"] {
            assert!(phase(&format!("{shape},duration=1s")).is_ok(), "{shape}");
        }
        assert_eq!(phase("spike:base=10,peak=20,at=8s,hold=9s").unwrap().duration, None);
    }
}
