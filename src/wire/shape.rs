//! Shapes of values: what event types are made of, in the terms that JSON, Avro, Protobuf and JSON Schema share.

/// One field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name on the wire.
    pub name: Box<str>,
    /// What its value is. [`Shape::Optional`]: it may be missing, or null.
    pub shape: Shape,
    /// What a reader takes for it where a writer did not know it. Its shape is that of the field; an optional field without one
    /// has null.
    pub default: Option<Value>,
}

/// A record and its fields, in the order of the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its full name, such as `shop.events.View`: namespace and name.
    pub name: Box<str>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Null and nothing else.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds.
    Integer(Integer),
    /// An IEEE 754 number of 32 bits.
    Float,
    /// An IEEE 754 number of 64 bits.
    Double,
    /// A text that is the same in every event, such as the name of its type. A source hands nothing over for it and a reader
    /// neither: a format writes it by itself and holds what it reads to it.
    Constant(Box<str>),
    /// UTF-8.
    Text,
    /// Bytes of any number.
    Bytes,
    /// So many bytes, under a full name.
    Fixed {
        /// Its full name.
        name: Box<str>,
        /// How many bytes.
        size: usize,
    },
    /// A UUID of RFC 9562: its 36 lower-case characters where a format has no better form.
    Uuid(UuidForm),
    /// A decimal number: a whole number of 10^-scale.
    Decimal {
        /// How many digits there are at most.
        precision: u32,
        /// How many of them stand behind the point.
        scale: u32,
        /// The least value, in units of 10^-scale; `None` for no bound.
        min: Option<i128>,
    },
    /// Days since the Unix epoch.
    Date,
    /// Since midnight.
    TimeOfDay(Unit),
    /// Since the Unix epoch.
    Timestamp {
        /// In what it is counted.
        unit: Unit,
        /// Whether it is a local time of an unknown zone.
        local: bool,
    },
    /// One of these names.
    Enum {
        /// Its full name.
        name: Box<str>,
        /// Its symbols, in the order of the schema.
        symbols: Vec<Box<str>>,
    },
    /// Values of one shape.
    Array(Box<Shape>),
    /// Values of one shape by names.
    Map(Box<Shape>),
    /// A record within a record.
    Record(Record),
    /// A value, or null.
    Optional(Box<Shape>),
    /// A value of one of these shapes, none of which is optional. (A union of null and several others is an optional union.)
    Union(Vec<Shape>),
}

/// The bounds of a whole number, both within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Whether 32 bits are enough on the wire.
    pub bits: Bits,
    /// The least value.
    pub min: i128,
    /// The largest value.
    pub max: i128,
}

impl Integer {
    /// All numbers of 64 bits, signed.
    pub const I64: Self = Self { bits: Bits::I64, min: i64::MIN as i128, max: i64::MAX as i128 };
    /// All numbers of 32 bits, signed.
    pub const I32: Self = Self { bits: Bits::I32, min: i32::MIN as i128, max: i32::MAX as i128 };
}

/// How wide a whole number is in formats that ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// 32 bits, signed.
    I32,
    /// 64 bits, signed.
    I64,
    /// 32 bits, unsigned: Protobuf alone tells it apart.
    U32,
    /// 64 bits, unsigned: Protobuf alone tells it apart.
    U64,
}

/// How a UUID is written in Avro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UuidForm {
    /// As text.
    Text,
    /// As 16 bytes in network order.
    Fixed,
}

/// In what a time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// A value of some shape, for everything that is not done per event: defaults, examples, comparison field by field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of an optional without a value, of a null, and in the place of a constant.
    Null,
    /// Of a boolean.
    Boolean(bool),
    /// Of an integer, a date, a time or a timestamp.
    Integer(i128),
    /// Of a float or a double.
    Double(f64),
    /// Of a decimal, in units of 10^-scale.
    Decimal(i128),
    /// Of a text, also an enum's symbol or a UUID where the format had only text.
    Text(Box<str>),
    /// Of bytes or a fixed.
    Bytes(Box<[u8]>),
    /// Of an enum: the index of its symbol.
    Symbol(usize),
    /// Of a UUID.
    Uuid(u128),
    /// Of an array.
    Array(Vec<Value>),
    /// Of a map, in the order of the wire.
    Map(Vec<(Box<str>, Value)>),
    /// Of a record: a value for each field.
    Record(Vec<Value>),
    /// Of a union: the index of its branch and its value.
    Branch(usize, Box<Value>),
}

impl Record {
    /// Its one value, if nothing at all is handed over for it: it has no fields, or only constants and such records.
    #[must_use]
    pub fn only_value(&self) -> Option<Value> {
        self.fields.iter().map(|field| field.shape.only_value()).collect::<Option<_>>().map(Value::Record)
    }
}

impl Shape {
    /// What it is in a word, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer(_) => "integer",
            Self::Float => "float",
            Self::Double => "double",
            Self::Constant(_) => "constant",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Fixed { .. } => "fixed",
            Self::Uuid(_) => "UUID",
            Self::Decimal { .. } => "decimal",
            Self::Date => "date",
            Self::TimeOfDay(_) => "time of day",
            Self::Timestamp { .. } => "timestamp",
            Self::Enum { .. } => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Record(_) => "record",
            Self::Optional(_) => "optional",
            Self::Union(_) => "union",
        }
    }

    /// Its one value, if nothing at all is handed over for it: a constant ([`Value::Null`] stands for it), or a record of nothing
    /// else. All formats refuse an array of such a shape, for nothing would tell its entries.
    #[must_use]
    pub fn only_value(&self) -> Option<Value> {
        match self {
            Self::Constant(_) => Some(Value::Null),
            Self::Record(record) => record.only_value(),
            _ => None,
        }
    }
}

impl Value {
    /// What it is in a word, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Double(_) => "a double",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Symbol(_) => "a symbol",
            Self::Uuid(_) => "a UUID",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Record(_) => "a record",
            Self::Branch(..) => "a branch of a union",
        }
    }
}
