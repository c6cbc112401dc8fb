//! The steps of a walk, as they are drawn by lot.

use proptest::prelude::*;

/// How long a walk is.
pub const STEPS: usize = 50;

/// One step. Numbers choose among what there is, whatever their size.
#[derive(Debug, Clone)]
pub enum Step {
    /// A link to a medium, of a message in a room, new or known.
    Issue {
        room: usize,
        medium: usize,
        new_event: bool,
        for_a_day: bool,
        sealed: bool,
        once: bool,
    },
    Repeat(usize),
    Follow(usize),
    Expire,
    Revoke(usize),
    RevokeMedium(usize),
    Redact(usize),
    Leave(usize),
    Rejoin(usize),
    Upgrade(usize),
    Restart,
}

pub fn step() -> impl Strategy<Value = Step> {
    let n = 0..1000_usize;
    prop_oneof![
        8 => (n.clone(), n.clone(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(room, medium, new_event, for_a_day, sealed, once)| Step::Issue {
                room, medium, new_event, for_a_day, sealed, once,
            }
        ),
        3 => n.clone().prop_map(Step::Repeat),
        4 => n.clone().prop_map(Step::Follow),
        1 => Just(Step::Expire),
        3 => n.clone().prop_map(Step::Revoke),
        1 => n.clone().prop_map(Step::RevokeMedium),
        3 => n.clone().prop_map(Step::Redact),
        2 => n.clone().prop_map(Step::Leave),
        3 => n.clone().prop_map(Step::Rejoin),
        1 => n.prop_map(Step::Upgrade),
        1 => Just(Step::Restart),
    ]
}
