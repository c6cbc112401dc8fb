//! What was tried, what was found, and what to do, a line each.

use std::fmt::Display;

use serde_json::json;

use crate::telemetry::masked;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Fault,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// All findings so far, which are printed as they come.
#[derive(Debug, Default)]
pub(super) struct Findings {
    is_json: bool,
    warnings: usize,
    /// The checks that have found one.
    faults: Vec<&'static str>,
}

/// Something that is tried, of which there is one finding.
#[must_use]
pub(super) struct Trial<'a> {
    findings: &'a mut Findings,
    check: &'static str,
    tried: String,
}

impl Findings {
    pub(super) fn new(is_json: bool) -> Self {
        Self {
            is_json,
            ..Self::default()
        }
    }

    /// Something is tried; `check`: its name for programs.
    pub(super) fn of(&mut self, check: &'static str, tried: impl Display) -> Trial<'_> {
        Trial {
            findings: self,
            check,
            tried: tried.to_string(),
        }
    }

    /// Whether nothing has to be mended.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether a check has found a fault, from which others would only follow.
    pub(super) fn has_fault(&self, check: &str) -> bool {
        self.faults.contains(&check)
    }

    /// Says how many there were.
    pub(super) fn conclude(&self) {
        if !self.is_json {
            println!("{} faults, {} warnings", self.faults.len(), self.warnings);
        }
    }

    fn tell(
        &mut self,
        check: &'static str,
        level: Level,
        tried: &str,
        found: &str,
        todo: Option<&str>,
    ) {
        match level {
            Level::Ok => {}
            Level::Warning => self.warnings += 1,
            Level::Fault => self.faults.push(check),
        }
        let level = level.word();
        let line = if self.is_json {
            let line = json!({
                "check": check, "level": level, "tried": tried, "found": found, "todo": todo,
            });
            line.to_string()
        } else {
            let todo = todo.map(|todo| format!(". What to do: {todo}"));
            let todo = todo.unwrap_or_default();
            format!("{level:<7} {check}: {tried}: {found}{todo}")
        };
        println!("{}", masked(&line).unwrap_or(line));
    }
}

impl Trial<'_> {
    /// It is as it should be.
    pub(super) fn ok(self, found: impl Display) {
        let found = found.to_string();
        self.findings
            .tell(self.check, Level::Ok, &self.tried, &found, None);
    }

    /// It works, and could be better, or it could not be looked at.
    pub(super) fn warning(self, found: impl Display, todo: impl Display) {
        self.bad(Level::Warning, &found.to_string(), &todo.to_string());
    }

    /// It does not work.
    pub(super) fn fault(self, found: impl Display, todo: impl Display) {
        self.bad(Level::Fault, &found.to_string(), &todo.to_string());
    }

    fn bad(self, level: Level, found: &str, todo: &str) {
        self.findings
            .tell(self.check, level, &self.tried, found, Some(todo));
    }
}
