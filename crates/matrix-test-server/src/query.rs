//! Query strings.

use url::form_urlencoded;

use crate::errors::MatrixError;

/// The parameters of a query string, decoded.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, MatrixError> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| MatrixError::invalid_param(format!("{name} is no number")))
    }
}
