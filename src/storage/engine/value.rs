//! The values of statements.

use sqlx::{Arguments, Encode, Type, error::BoxDynError};

use crate::storage::{
    StorageError,
    sealer::{Open, Sealing, Secret},
};

/// A value of a statement, of the type that its column has in both databases.
///
/// It has no `Debug`: values may be secret.
#[derive(Clone)]
pub enum Value {
    /// `BIGINT`: numbers, times, and flags of columns (0, 1).
    Integer(Option<i64>),
    /// `TEXT`.
    Text(Option<String>),
    /// `BLOB`, `BYTEA`.
    Bytes(Option<Vec<u8>>),
    /// A condition, which is no column.
    Boolean(bool),
    /// A text or bytes that the database gets sealed.
    Secret(Box<Secret>),
}

impl Value {
    /// Whether it is `NULL`.
    pub(super) fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Integer(None) | Self::Text(None) | Self::Bytes(None)
        )
    }

    /// It as its row holds it: a secret is sealed.
    pub(super) fn stored(self, sealing: &Sealing) -> Result<Self, StorageError> {
        Ok(match self {
            Self::Secret(secret) => match secret.sealed(sealing)? {
                Open::Text(text) => Self::Text(Some(text)),
                Open::Bytes(bytes) => Self::Bytes(Some(bytes)),
            },
            other => other,
        })
    }

    /// Appends it to the arguments of a query.
    pub(super) fn add_to<'t, A: Arguments>(
        self,
        sealing: &Sealing,
        arguments: &mut A,
    ) -> Result<(), BoxDynError>
    where
        Option<i64>: Encode<'t, A::Database> + Type<A::Database>,
        Option<String>: Encode<'t, A::Database> + Type<A::Database>,
        Option<Vec<u8>>: Encode<'t, A::Database> + Type<A::Database>,
        bool: Encode<'t, A::Database> + Type<A::Database>,
    {
        match self {
            Self::Integer(value) => arguments.add(value),
            Self::Text(value) => arguments.add(value.map(storable)),
            Self::Bytes(value) => arguments.add(value),
            Self::Boolean(value) => arguments.add(value),
            Self::Secret(_) => self.stored(sealing)?.add_to(sealing, arguments),
        }
    }
}

/// PostgreSQL stores no U+0000. Both databases get the same text in its place.
pub(in crate::storage) fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

/// How types become values of a kind.
macro_rules! values {
    ($($kind:ident($value:ident: $type:ty) => $stored:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$kind($stored)
            }
        }
    )+};
}

values! {
    Integer(value: i64) => Some(value);
    Integer(value: &i64) => Some(*value);
    Integer(value: Option<i64>) => value;
    Integer(value: u32) => Some(value.into());
    Integer(value: Option<u32>) => value.map(i64::from);
    Text(value: &str) => Some(value.to_owned());
    Text(value: Option<&str>) => value.map(str::to_owned);
    Text(value: String) => Some(value);
    Text(value: &String) => Some(value.clone());
    Text(value: &Option<String>) => value.clone();
    Bytes(value: &[u8]) => Some(value.to_vec());
    Bytes(value: Option<&[u8]>) => value.map(<[u8]>::to_vec);
    Bytes(value: Vec<u8>) => Some(value);
    Bytes(value: Option<Vec<u8>>) => value;
    Boolean(value: bool) => value;
    Secret(value: Secret) => Box::new(value);
}

impl From<Option<Secret>> for Value {
    /// `None`: no bytes.
    fn from(value: Option<Secret>) -> Self {
        value.map_or(Self::Bytes(None), Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::storable;

    #[test]
    fn a_text_with_u0000_has_a_replacement_in_its_place() {
        assert_eq!(storable("a\0b".to_owned()), "a\u{fffd}b");
        assert_eq!(storable("ab".to_owned()), "ab");
    }
}
