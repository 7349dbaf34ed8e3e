//! The Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007): what n lanes, partitions or processors
//! bring together.
//!
//! `X(n) = l n / (1 + s (n - 1) + k n (n - 1))`, where `l` is what one alone brings, `s` the part that must be done one
//! after the other, and `k` what each pair costs to keep in step. Turned around, `n / X(n) = a + b (n - 1) + c n (n - 1)`
//! with `a = 1 / l`, `b = s / l`, `c = k / l` is linear, so the fit is one of least squares without a first guess. Each
//! point has the same relative weight, and neither `s` nor `k` may be negative: of the fits with and without each of the
//! two, the closest allowed one is the answer.

use serde::{Deserialize, Serialize};

use crate::figures::as_f64;

/// A fit of the law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usl {
    /// What one alone brings, per second.
    pub single: Estimate,
    /// The part that is done one after the other (contention).
    pub contention: Estimate,
    /// What each pair costs (coherency).
    pub coherency: Estimate,
    /// Root mean square of the relative differences between points and fit.
    pub residual: f64,
    /// Where throughput is highest, if it has a peak; beyond it, more bring less.
    pub peak_at: Option<f64>,
    /// The throughput there; without a peak, the bound that it approaches, if there is one.
    pub highest: Option<f64>,
}

/// A value and its standard error. `None` where the points leave none over to tell, or the value is held at its bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: Option<f64>,
}

/// Coefficients of one fit, the terms it has, and the inverse of its normal matrix.
struct Fit {
    coefficients: [f64; 3],
    terms: Vec<usize>,
    inverse: Vec<Vec<f64>>,
    squares: f64,
}

/// Fits the law to (n, throughput per second). `None` for fewer than three different n, or where a value is not above 0.
#[must_use]
pub fn fit(points: &[(f64, f64)]) -> Option<Usl> {
    let mut different: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
    different.sort_by(f64::total_cmp);
    different.dedup();
    let usable = points.iter().all(|(n, x)| *n > 0.0 && *x > 0.0 && n.is_finite() && x.is_finite());
    if different.len() < 3 || !usable {
        return None;
    }
    let fits = [vec![0, 1, 2], vec![0, 1], vec![0, 2], vec![0]].into_iter().filter_map(|terms| solve(points, terms));
    let allowed = fits.filter(|fit| fit.coefficients[0] > 0.0 && fit.coefficients.iter().all(|value| *value >= 0.0));
    let fit = allowed.min_by(|one, other| one.squares.total_cmp(&other.squares))?;
    Some(fit.usl(points.len()))
}

impl Usl {
    /// The throughput that the law gives for `n`.
    #[must_use]
    pub fn throughput(&self, n: f64) -> f64 {
        let (s, k) = (self.contention.value, self.coherency.value);
        self.single.value * n / (1.0 + s * (n - 1.0) + k * n * (n - 1.0))
    }
}

impl Fit {
    fn usl(&self, points: usize) -> Usl {
        let [alone, serial, pairs] = self.coefficients;
        let spare = points.saturating_sub(self.terms.len());
        let variance = (spare > 0).then(|| self.squares / as_f64(spare as u64));
        // The error of a function of the coefficients, from its derivatives by them.
        let error = |gradient: [f64; 3]| {
            let part = |row: usize, column: usize| {
                gradient[self.terms[row]] * gradient[self.terms[column]] * self.inverse[row][column]
            };
            let terms = self.terms.len();
            let sum: f64 = (0..terms).map(|row| (0..terms).map(|column| part(row, column)).sum::<f64>()).sum();
            variance.map(|variance| (variance * sum).max(0.0).sqrt())
        };
        let estimate = |term: usize, value: f64, gradient: [f64; 3]| Estimate {
            value,
            error: if self.terms.contains(&term) { error(gradient) } else { None },
        };
        let square = alone * alone;
        let single = estimate(0, 1.0 / alone, [-1.0 / square, 0.0, 0.0]);
        let contention = estimate(1, serial / alone, [-serial / square, 1.0 / alone, 0.0]);
        let coherency = estimate(2, pairs / alone, [-pairs / square, 0.0, 1.0 / alone]);
        let residual = (self.squares / as_f64(points as u64)).sqrt();
        let mut usl = Usl { single, contention, coherency, residual, peak_at: None, highest: None };
        let (s, k) = (contention.value, coherency.value);
        if k > 0.0 {
            // Where one alone is already past the top, one is the top.
            let peak = ((1.0 - s).max(0.0) / k).sqrt().max(1.0);
            (usl.peak_at, usl.highest) = (Some(peak), Some(usl.throughput(peak)));
        } else if s > 0.0 {
            usl.highest = Some(usl.single.value / s);
        }
        usl
    }
}

/// Least squares of the relative differences, with some of the terms `1`, `n - 1`, `n (n - 1)`.
fn solve(points: &[(f64, f64)], terms: Vec<usize>) -> Option<Fit> {
    let row = |(n, x): &(f64, f64)| [1.0, n - 1.0, n * (n - 1.0)].map(|term| term * x / n);
    let size = terms.len();
    let mut normal = vec![vec![0.0; size]; size];
    let mut right = vec![0.0; size];
    for values in points.iter().map(row) {
        for (i, term) in terms.iter().enumerate() {
            right[i] += values[*term];
            for (j, other) in terms.iter().enumerate() {
                normal[i][j] += values[*term] * values[*other];
            }
        }
    }
    let inverse = inverted(normal)?;
    let mut coefficients = [0.0; 3];
    for (i, term) in terms.iter().enumerate() {
        coefficients[*term] = inverse[i].iter().zip(&right).map(|(a, b)| a * b).sum();
    }
    let difference = |values: [f64; 3]| 1.0 - values.iter().zip(&coefficients).map(|(a, b)| a * b).sum::<f64>();
    let squares = points.iter().map(|point| difference(row(point)).powi(2)).sum();
    Some(Fit { coefficients, terms, inverse, squares })
}

/// The inverse of a symmetric matrix by Gauss and Jordan, with pivots; `None` where it has none.
fn inverted(mut matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    let mut inverse: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        matrix.swap(column, pivot);
        inverse.swap(column, pivot);
        let divisor = matrix[column][column];
        if divisor.abs() <= f64::MIN_POSITIVE {
            return None;
        }
        for value in matrix[column].iter_mut().chain(inverse[column].iter_mut()) {
            *value /= divisor;
        }
        for row in (0..size).filter(|row| *row != column) {
            let factor = matrix[row][column];
            for j in 0..size {
                matrix[row][j] -= factor * matrix[column][j];
                inverse[row][j] -= factor * inverse[column][j];
            }
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    fn law(single: f64, s: f64, k: f64) -> impl Fn(f64) -> f64 {
        move |n| single * n / (1.0 + s * (n - 1.0) + k * n * (n - 1.0))
    }

    fn near(estimate: Estimate, value: f64) -> bool {
        (estimate.value - value).abs() <= 1e-6 * value.abs().max(1e-3)
    }

    #[test]
    fn exact_points_give_back_their_law() {
        for (s, k) in [(0.05, 0.001), (0.3, 0.02), (0.0, 0.01), (0.1, 0.0), (0.0, 0.0)] {
            let law = law(20_000.0, s, k);
            let points: Vec<_> = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0].map(|n| (n, law(n))).to_vec();
            let usl = fit(&points).unwrap();
            assert!(near(usl.single, 20_000.0) && near(usl.contention, s) && near(usl.coherency, k), "{usl:?}");
            assert!(usl.residual < 1e-6);
        }
    }

    #[test]
    fn the_peak_lies_where_gunther_puts_it() {
        let law = law(1_000.0, 0.02, 0.0008);
        let usl = fit(&[1.0, 4.0, 8.0, 16.0, 32.0, 64.0].map(|n| (n, law(n)))).unwrap();
        let peak = usl.peak_at.unwrap();
        assert!((peak - (0.98_f64 / 0.0008).sqrt()).abs() < 1e-3);
        assert!(
            usl.throughput(peak) >= usl.throughput(peak * 1.1) && usl.throughput(peak) >= usl.throughput(peak * 0.9)
        );
    }

    #[test]
    fn errors_cover_the_truth_under_noise() {
        let law = law(20_000.0, 0.06, 0.002);
        let mut covered = [0; 3];
        for seed in 0..500 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut noise = || 1.0 + 0.03 * (random.random::<f64>() + random.random::<f64>() - 1.0);
            let points: Vec<_> =
                [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0].map(|n| (n, law(n) * noise())).to_vec();
            let usl = fit(&points).unwrap();
            let estimates = [(usl.single, 20_000.0), (usl.contention, 0.06), (usl.coherency, 0.002)];
            for (count, (estimate, truth)) in covered.iter_mut().zip(estimates) {
                // Student's t with 6 degrees of freedom: 95 of 100 lie within 2.45 errors.
                *count += usize::from((estimate.value - truth).abs() <= 2.45 * estimate.error.unwrap());
            }
        }
        assert!(covered.iter().all(|count| *count > 460), "{covered:?} of 500");
    }

    #[test]
    fn costs_are_never_negative() {
        // Better than linear: no contention can explain it.
        let usl = fit(&[(1.0, 100.0), (2.0, 210.0), (4.0, 440.0), (8.0, 900.0)]).unwrap();
        assert!(usl.contention.value == 0.0 && usl.coherency.value == 0.0);
        assert_eq!((usl.peak_at, usl.highest), (None, None));
    }

    #[test]
    fn too_little_is_not_fitted() {
        assert_eq!(fit(&[(1.0, 10.0), (2.0, 20.0), (2.0, 21.0)]), None);
        assert_eq!(fit(&[(1.0, 10.0), (2.0, 20.0), (3.0, 0.0)]), None);
        let exact = fit(&[(1.0, 10.0), (2.0, 18.0), (4.0, 28.0)]).unwrap();
        assert_eq!(exact.single.error, None, "three points leave nothing over to tell the error");
    }
}
