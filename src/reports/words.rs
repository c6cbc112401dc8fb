//! What a reader says.

/// The most characters that a reader writes.
pub const MAX_NOTE: usize = 500;

/// Why a reader reports a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It breaks the law.
    Illegal,
    /// It shows or asks for violence, or harm to oneself.
    Violence,
    /// It attacks, threatens or exposes somebody.
    Harassment,
    /// It is unwanted advertising, or deceives.
    Spam,
    /// Anything else.
    Other,
}

impl Reason {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 5] = [
        Self::Illegal,
        Self::Violence,
        Self::Harassment,
        Self::Spam,
        Self::Other,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Illegal => "illegal",
            Self::Violence => "violence",
            Self::Harassment => "harassment",
            Self::Spam => "spam",
            Self::Other => "other",
        }
    }

    /// The message by which the form explains it.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Illegal => "report-illegal",
            Self::Violence => "report-violence",
            Self::Harassment => "report-harassment",
            Self::Spam => "report-spam",
            Self::Other => "report-other",
        }
    }
}

/// What a reader says about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Why it is reported.
    pub reason: Reason,
    /// What was written beside it, in one line; may be empty.
    pub note: String,
}

/// A form that is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The reason is none of the words.
    #[error("reason is missing or none of illegal, violence, harassment, spam, other")]
    Reason,
    /// The note is too long.
    #[error("note has {0} characters; allowed are {MAX_NOTE}")]
    Note(usize),
}

impl Report {
    /// Reads a form (`application/x-www-form-urlencoded`) with `reason` and, as wanted, `note`.
    ///
    /// # Errors
    /// If the reason is none, or the note too long.
    pub fn parse(form: &[u8]) -> Result<Self, ReportError> {
        let (mut reason, mut note) = (None, String::new());
        for (name, value) in url::form_urlencoded::parse(form) {
            match &*name {
                "reason" => reason = Reason::ALL.into_iter().find(|one| one.as_str() == value),
                "note" => note = in_one_line(&value),
                _ => {}
            }
        }
        let length = note.chars().count();
        if length > MAX_NOTE {
            return Err(ReportError::Note(length));
        }
        Ok(Self {
            reason: reason.ok_or(ReportError::Reason)?,
            note,
        })
    }
}

/// A text without characters that move, hide or break what is around it.
fn in_one_line(text: &str) -> String {
    let is_kept = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let kept: String = text
        .chars()
        .filter(is_kept)
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read() {
        let report = Report::parse(b"reason=spam&note=buy%0D%0A+this%E2%80%AE%00now&other=1");
        let note = "buy this now".to_owned();
        assert_eq!(
            report,
            Ok(Report {
                reason: Reason::Spam,
                note
            })
        );
        let report = Report::parse(b"reason=illegal");
        let note = String::new();
        assert_eq!(
            report,
            Ok(Report {
                reason: Reason::Illegal,
                note
            })
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for form in [
            &b""[..],
            b"reason=",
            b"reason=dull",
            b"note=x",
            b"\xff=\xff",
            b"reason=SPAM",
        ] {
            assert_eq!(Report::parse(form), Err(ReportError::Reason));
        }
        let long = format!("reason=other&note={}", "%C3%A4".repeat(MAX_NOTE));
        assert!(Report::parse(long.as_bytes()).is_ok());
        let long = format!("{long}x");
        assert_eq!(
            Report::parse(long.as_bytes()),
            Err(ReportError::Note(MAX_NOTE + 1))
        );
    }
}
