//! A number within a text: `cust-{:06}`.

use std::fmt::Write as _;

/// The longest text around a number, and the most digits that it is filled up to.
const LONGEST: usize = 256;
const WIDEST: usize = 64;

/// What stands around a number, and how it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    before: Box<str>,
    after: Box<str>,
    /// It is filled up with zeros to so many digits.
    digits: usize,
    is_hex: bool,
}

impl Form {
    /// Reads `before{}after`, `{:06}`, `{:x}` or `{:08x}`; `None` where it is none of these.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once('{')?;
        let (inside, after) = rest.split_once('}')?;
        if after.contains(['{', '}']) || before.contains('}') || text.len() > LONGEST {
            return None;
        }
        let (inside, is_hex) = inside.strip_suffix('x').map_or((inside, false), |inside| (inside, true));
        let digits = match inside {
            "" if !is_hex => 0,
            ":" if is_hex => 0,
            _ => inside.strip_prefix(":0")?.parse().ok().filter(|digits| (1..=WIDEST).contains(digits))?,
        };
        Some(Self { before: before.into(), after: after.into(), digits, is_hex })
    }

    /// The number and nothing else.
    pub(super) fn bare() -> Self {
        Self::default()
    }

    /// Whether no text of this form has anything that JSON escapes.
    pub(super) fn is_plain(&self) -> bool {
        is_plain(&self.before) && is_plain(&self.after)
    }

    /// As many bytes as a text of numbers of so many digits has at most.
    pub(super) fn most_bytes(&self, digits: u64) -> u64 {
        (self.before.len() + self.after.len()) as u64 + digits.max(self.digits as u64)
    }

    pub(super) fn write(&self, number: i64, text: &mut String) {
        text.push_str(&self.before);
        let digits = self.digits;
        // Writing into a String cannot fail.
        match (self.is_hex, digits) {
            (true, _) => write!(text, "{number:0digits$x}").unwrap_or_default(),
            (false, 0) => text.push_str(itoa::Buffer::new().format(number)),
            (false, _) => write!(text, "{number:0digits$}").unwrap_or_default(),
        }
        text.push_str(&self.after);
    }
}

/// Whether JSON writes every character of a text as it is.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// `units` of 10^-scale, as a decimal number is written.
pub(super) fn write_decimal(units: i64, scale: u32, text: &mut String) {
    if scale == 0 {
        text.push_str(itoa::Buffer::new().format(units));
        return;
    }
    let (scale, one) = (scale as usize, 10_u64.saturating_pow(scale));
    let sign = if units < 0 { "-" } else { "" };
    let whole = units.unsigned_abs();
    write!(text, "{sign}{}.{:0scale$}", whole / one, whole % one).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: &str, number: i64) -> Option<String> {
        let mut text = String::new();
        Form::read(form)?.write(number, &mut text);
        Some(text)
    }

    #[test]
    fn a_number_is_written_as_its_form_says() {
        for (form, number, text) in [
            ("cust-{:06}", 42, "cust-000042"),
            ("{}", 1_234, "1234"),
            ("{}-a", -3, "-3-a"),
            ("{:x}", 255, "ff"),
            ("0x{:08x}", 255, "0x000000ff"),
            ("{:02}", 1_000, "1000"),
        ] {
            assert_eq!(written(form, number).as_deref(), Some(text), "{form}");
        }
    }

    #[test]
    fn a_text_without_one_place_for_a_number_is_no_form() {
        for form in ["cust", "{", "{}{}", "a}{}", "{:6}", "{:0}", "{:0999}", "{:y}", "{x}", "{:0-3}"] {
            assert_eq!(Form::read(form), None, "{form}");
        }
        assert_eq!(Form::read(&format!("{}{{}}", "x".repeat(LONGEST))), None);
    }

    #[test]
    fn a_decimal_has_all_its_digits_behind_the_point() {
        for (units, scale, text) in
            [(1_205, 2, "12.05"), (-7, 2, "-0.07"), (5, 0, "5"), (i64::MIN, 4, "-922337203685477.5808")]
        {
            let mut written = String::new();
            write_decimal(units, scale, &mut written);
            assert_eq!(written, text);
        }
    }
}
