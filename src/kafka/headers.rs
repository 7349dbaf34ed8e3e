//! Record headers: names with values, in their order, where a name may stand more than once.

use std::fmt;

use super::native::HeadersOf;

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name: UTF-8, by Kafka's protocol.
    pub name: &'a [u8],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

impl Header<'_> {
    /// Appends it to headers that [`Headers::packed`] reads: each length in four bytes, -1 for no value, before the bytes.
    pub fn pack(&self, into: &mut Vec<u8>) {
        let length = |bytes: &[u8]| i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_le_bytes();
        into.extend(length(self.name));
        into.extend(self.name);
        into.extend(self.value.map_or((-1_i32).to_le_bytes(), length));
        into.extend(self.value.unwrap_or_default());
    }
}

/// The headers of a record. Those of one that was read are looked at when they are asked for, and cost nothing else.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a>(Place<'a>);

/// Where they are.
#[derive(Clone, Copy)]
enum Place<'a> {
    Packed(&'a [u8]),
    Client(HeadersOf<'a>),
}

impl Default for Place<'_> {
    fn default() -> Self {
        Self::Packed(&[])
    }
}

impl<'a> Headers<'a> {
    /// Those that [`Header::pack`] has written, one after the other; none where there are no bytes.
    #[must_use]
    pub const fn packed(bytes: &'a [u8]) -> Self {
        Self(Place::Packed(bytes))
    }

    /// Those of a message of the client's.
    pub(super) const fn of(message: HeadersOf<'a>) -> Self {
        Self(Place::Client(message))
    }

    /// All of them in their order.
    #[must_use]
    pub const fn iter(self) -> Iter<'a> {
        Iter { rest: self.0, next: 0 }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self.0 {
            Place::Packed(bytes) => bytes.is_empty(),
            Place::Client(message) => message.get(0).is_none(),
        }
    }

    /// The values of the headers with that name, in their order.
    pub fn named<'n>(self, name: &'n [u8]) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a, 'n> {
        self.iter().filter(move |header| header.name == name).map(|header| header.value)
    }

    /// A copy that [`Headers::packed`] reads; without an allocation where there are none.
    #[must_use]
    pub fn to_packed(self) -> Box<[u8]> {
        let mut packed = Vec::new();
        for header in self {
            header.pack(&mut packed);
        }
        packed.into()
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = Header<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers<'_> {}

/// Goes through headers in their order.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: Place<'a>,
    next: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        match &mut self.rest {
            Place::Packed(rest) => {
                let name_length = usize::try_from(length(rest)?).ok()?;
                let name = take(rest, name_length)?;
                let value = match usize::try_from(length(rest)?) {
                    Ok(length) => Some(take(rest, length)?),
                    Err(_) => None,
                };
                Some(Header { name, value })
            }
            Place::Client(message) => {
                let header = message.get(self.next)?;
                self.next += 1;
                Some(header)
            }
        }
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

fn length(rest: &mut &[u8]) -> Option<i32> {
    let (length, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_le_bytes(*length))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_are_what_was_packed(headers in vec((vec(any::<u8>(), 0..9), option::of(vec(any::<u8>(), 0..300))), 0..6)) {
            let headers: Vec<Header> =
                headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
            let mut packed = Vec::new();
            for header in &headers {
                header.pack(&mut packed);
            }
            let read = Headers::packed(&packed);
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), headers.clone());
            prop_assert_eq!(read.is_empty(), headers.is_empty());
            prop_assert_eq!(&*read.to_packed(), &packed);
            if let Some(Header { name, .. }) = headers.first() {
                let named = headers.iter().filter(|header| header.name == *name).map(|header| header.value);
                prop_assert!(read.named(name).eq(named));
            }
        }
    }

    #[test]
    fn bytes_that_are_cut_off_give_the_headers_before() {
        let mut packed = Vec::new();
        Header { name: b"a", value: None }.pack(&mut packed);
        Header { name: b"b", value: Some(b"1") }.pack(&mut packed);
        let read = Headers::packed(&packed[..packed.len() - 1]);
        assert_eq!(read.iter().collect::<Vec<_>>(), [Header { name: b"a", value: None }]);
    }
}
