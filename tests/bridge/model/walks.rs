//! Random walks, and one that was found to matter.

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    state::{Mode, Walk},
    steps::{STEPS, Step, step},
};

/// For how long a walk that fails is made shorter, in milliseconds.
const SHRINK_FOR_MS: u32 = 300_000;

impl Walk {
    async fn go(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for (at, step) in steps.iter().enumerate() {
            self.take(step).await;
            self.settle().await;
            let told = |error: TestCaseError| {
                TestCaseError::fail(format!("after step {at}, {step:?}: {error}"))
            };
            self.check().await.map_err(told)?;
        }
        if self.mode == Mode::Plain {
            self.check_touches().await?;
        }
        Ok(())
    }
}

async fn walk(mode: Mode, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut walk = Walk::new(mode).await;
    let walked = walk.go(&steps).await;
    // Where the bridge's user has left, redactions wait for its return. What is due was compared
    // after each step.
    walk.service()
        .leave_unfinished("a user who is not in the room cannot redact");
    walk.stop().await;
    walked
}

/// Random walks, as many as it takes for so many steps; one that fails is made shorter.
fn walks(mode: Mode, steps: usize) {
    let config = ProptestConfig {
        cases: u32::try_from(steps / STEPS).expect("few"),
        max_shrink_iters: 200,
        max_shrink_time: SHRINK_FOR_MS,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in proptest::collection::vec(step(), STEPS))| {
        // One for each walk: whatever a walk that panics leaves running ends with it.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(walk(mode, steps))?;
    });
}

#[test]
fn after_each_of_a_thousand_steps_the_references_to_content_tokens_are_right() {
    walks(Mode::Tokens, 1000);
}

#[test]
fn after_each_of_a_thousand_steps_the_attached_copies_are_right() {
    walks(Mode::Linked, 1000);
}

#[tokio::test]
async fn media_that_expires_beside_live_media_is_released_later() {
    let issue = |medium: usize, for_a_day: bool| Step::Issue {
        room: 0,
        medium,
        new_event: false,
        for_a_day,
        sealed: false,
        once: false,
    };
    let steps = vec![
        Step::Leave(0),
        issue(0, false),
        issue(1, true),
        Step::Rejoin(0),
        Step::Expire,
    ];
    let walked = walk(Mode::Tokens, steps).await;
    walked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn where_nothing_is_counted_states_are_right_and_what_is_live_is_touched() {
    walks(Mode::Plain, 250);
}
