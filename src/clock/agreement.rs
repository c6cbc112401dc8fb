//! Whether the system's clock is to be believed: it is compared with one that nobody can set. Pure.

/// How far the two may drift apart before the system's clock counts as set, in milliseconds.
const TOLERANCE_MS: i64 = 60_000;
/// How long the system's clock has to keep its new time before that is believed, in milliseconds.
pub(super) const BELIEVE_AFTER_MS: i64 = 10 * 60_000;
/// A clock that is further ahead of the newest record when the process starts has to prove itself
/// first, in milliseconds: 30 days.
const FAR_AHEAD_MS: i64 = 30 * 86_400_000;

/// Two clocks at one moment, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The system's clock, since the epoch.
    pub(super) wall: i64,
    /// A clock that nobody can set, since any moment.
    pub(super) steady: i64,
}

/// A change that an observation brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The system's clock was set by so many milliseconds, which is not believed yet.
    Jumped(i64),
    /// The system's clock shows the believed time again.
    Back,
    /// The time of the system's clock is believed from now on; it differs from the one that was
    /// believed before by so many milliseconds.
    Believed(i64),
}

/// Which time is believed, and whether there are doubts.
#[derive(Debug)]
pub(super) struct Agreement {
    /// The believed time is the steady clock's and this.
    offset: i64,
    doubt: Option<Doubt>,
    /// The time was implausible when the process started.
    trial: Option<Trial>,
}

/// The system's clock shows another time than the believed one.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    offset: i64,
    /// By the steady clock.
    since: i64,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    /// The time of the newest record.
    newest: i64,
    /// By the steady clock.
    since: i64,
}

impl Trial {
    fn is_plausible(self, wall: i64) -> bool {
        let earliest = self.newest.saturating_sub(TOLERANCE_MS);
        (earliest..=self.newest.saturating_add(FAR_AHEAD_MS)).contains(&wall)
    }
}

impl Agreement {
    /// Believes the system's clock.
    pub(super) fn new(now: Reading) -> Self {
        Self {
            offset: now.wall - now.steady,
            doubt: None,
            trial: None,
        }
    }

    /// The difference between the believed time and the steady clock.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// Whether there is no doubt about the time.
    pub(super) fn is_sure(&self) -> bool {
        self.doubt.is_none() && self.trial.is_none()
    }

    /// Compares the time with that of the newest record; how far it is off, if it is implausible.
    pub(super) fn compare(&mut self, now: Reading, newest: i64) -> Option<i64> {
        let trial = Trial {
            newest,
            since: now.steady,
        };
        let believed = now.steady + self.offset;
        if trial.is_plausible(believed) {
            return None;
        }
        self.trial = Some(trial);
        Some(believed - newest)
    }

    /// Looks at both clocks.
    pub(super) fn observe(&mut self, now: Reading) -> Option<News> {
        let offset = now.wall - now.steady;
        let jump = offset - self.offset;
        if jump.abs() <= TOLERANCE_MS {
            // Clocks are corrected in small steps all the time.
            self.offset = offset;
            let was_in_doubt = self.doubt.take().is_some();
            let has_passed = self
                .trial
                .take_if(|trial| now.steady - trial.since >= BELIEVE_AFTER_MS)
                .is_some();
            return match (has_passed, was_in_doubt) {
                (true, _) => Some(News::Believed(jump)),
                (false, true) => Some(News::Back),
                (false, false) => None,
            };
        }
        let is_correction = self.trial.is_some_and(|trial| trial.is_plausible(now.wall));
        let lasts = self.doubt.is_some_and(|doubt| {
            (offset - doubt.offset).abs() <= TOLERANCE_MS
                && now.steady - doubt.since >= BELIEVE_AFTER_MS
        });
        if is_correction || lasts {
            *self = Self::new(now);
            return Some(News::Believed(jump));
        }
        let is_known = self
            .doubt
            .is_some_and(|doubt| (offset - doubt.offset).abs() <= TOLERANCE_MS);
        if is_known {
            return None;
        }
        self.doubt = Some(Doubt {
            offset,
            since: now.steady,
        });
        Some(News::Jumped(jump))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000_000;
    const MINUTE: i64 = 60_000;
    const YEAR: i64 = 365 * 86_400_000;

    /// After so many minutes of the process, with a system's clock that is off by so much.
    fn after(minutes: i64, off: i64) -> Reading {
        let steady = minutes * MINUTE;
        Reading {
            wall: START + steady + off,
            steady,
        }
    }

    fn believed(agreement: &Agreement, minutes: i64) -> i64 {
        agreement.offset() + minutes * MINUTE - START
    }

    #[test]
    fn a_jump_of_a_moment_changes_nothing() {
        for jump in [YEAR, -YEAR, 2 * MINUTE, -2 * MINUTE] {
            let mut agreement = Agreement::new(after(0, 0));
            assert_eq!(agreement.observe(after(1, jump)), Some(News::Jumped(jump)));
            assert!(!agreement.is_sure());
            assert_eq!(agreement.observe(after(9, jump)), None);
            assert_eq!(believed(&agreement, 9), 9 * MINUTE);
            assert_eq!(agreement.observe(after(10, 0)), Some(News::Back));
            assert!(agreement.is_sure());
            assert_eq!(believed(&agreement, 10), 10 * MINUTE);
        }
    }

    #[test]
    fn a_time_that_lasts_is_believed() {
        for jump in [YEAR, -YEAR] {
            let mut agreement = Agreement::new(after(0, 0));
            agreement.observe(after(1, jump));
            assert_eq!(agreement.observe(after(10, jump + 1)), None);
            let news = agreement.observe(after(11, jump + 2));
            assert_eq!(news, Some(News::Believed(jump + 2)));
            assert!(agreement.is_sure());
            assert_eq!(believed(&agreement, 11), jump + 2 + 11 * MINUTE);
        }
    }

    #[test]
    fn each_further_jump_begins_the_wait_anew() {
        let mut agreement = Agreement::new(after(0, 0));
        agreement.observe(after(1, YEAR));
        let news = agreement.observe(after(10, 2 * YEAR));
        assert_eq!(news, Some(News::Jumped(2 * YEAR)));
        assert_eq!(agreement.observe(after(12, 2 * YEAR)), None);
        assert!(!agreement.is_sure());
        let news = agreement.observe(after(20, 2 * YEAR));
        assert_eq!(news, Some(News::Believed(2 * YEAR)));
    }

    #[test]
    fn small_corrections_are_followed() {
        let mut agreement = Agreement::new(after(0, 0));
        for minute in 1..100 {
            assert_eq!(agreement.observe(after(minute, minute * 59_000)), None);
            assert!(agreement.is_sure());
        }
        assert_eq!(believed(&agreement, 99), 99 * (59_000 + MINUTE));
    }

    #[test]
    fn a_time_that_is_implausible_at_the_start_has_to_last() {
        for newest in [START - YEAR, START + YEAR] {
            let mut agreement = Agreement::new(after(0, 0));
            assert_eq!(agreement.compare(after(0, 0), newest), Some(START - newest));
            assert_eq!(agreement.observe(after(9, 0)), None);
            assert!(!agreement.is_sure());
            assert_eq!(agreement.observe(after(10, 0)), Some(News::Believed(0)));
            assert!(agreement.is_sure());
        }
        let mut agreement = Agreement::new(after(0, 0));
        for newest in [START + 30_000, START - 29 * 86_400_000] {
            assert_eq!(agreement.compare(after(0, 0), newest), None);
        }
        assert!(agreement.is_sure());
    }

    #[test]
    fn the_correction_of_an_implausible_start_is_believed_at_once() {
        // A machine without a clock of its own, which learns the time from the network.
        for off in [YEAR, -YEAR] {
            let mut agreement = Agreement::new(after(0, -off));
            assert!(agreement.compare(after(0, -off), START).is_some());
            assert_eq!(agreement.observe(after(1, 0)), Some(News::Believed(off)));
            assert!(agreement.is_sure());
            assert_eq!(believed(&agreement, 1), MINUTE);
        }
        let mut agreement = Agreement::new(after(0, -YEAR));
        agreement.compare(after(0, -YEAR), START);
        let news = agreement.observe(after(1, YEAR));
        assert_eq!(news, Some(News::Jumped(2 * YEAR)), "which is not plausible");
    }
}
