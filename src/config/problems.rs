//! Everything that is wrong with a configuration, gathered so that an operator sees all of it at
//! once.

use std::fmt;

use crate::telemetry::masked;

/// Everything that is wrong with a configuration. Holds no secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence each: the key's path, the value that was found, the values that are allowed.
    pub problems: Vec<String>,
}

impl ConfigError {
    fn new(problems: Vec<String>) -> Self {
        let without_secrets = |problem: String| masked(&problem).unwrap_or(problem);
        Self {
            problems: problems.into_iter().map(without_secrets).collect(),
        }
    }

    pub(super) fn one(problem: impl Into<String>) -> Self {
        Self::new(vec![problem.into()])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Gathers problems while a configuration is checked.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn add(&mut self, path: impl fmt::Display, problem: impl fmt::Display) {
        self.0.push(format!("{path}: {problem}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Problems> for ConfigError {
    fn from(problems: Problems) -> Self {
        Self::new(problems.0)
    }
}
