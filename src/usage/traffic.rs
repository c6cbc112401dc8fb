//! What was followed lately, for the operator's console: in memory, of this process alone, and gone with it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::storage::links::LinkRow;

/// The length of a step, in milliseconds, and how many are remembered: a day of minutes.
const STEP_MS: i64 = 60_000;
const STEPS: usize = 24 * 60;
/// For how many steps talkers are counted before they are counted anew; those of the time before are kept beside.
const ROUND: i64 = 60;
/// How many rooms, and senders, are counted in one round. With more, those that have had least are forgotten.
const TALKERS: usize = 512;

/// What was followed in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How often media was followed.
    pub follows: u64,
    /// How many bytes were sent.
    pub bytes: u64,
    /// How many answers there were.
    pub answers: u64,
    /// For how many of them the homeserver was asked.
    pub downloads: u64,
}

/// Who has had how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talker {
    /// The ID of a room or of a user.
    pub id: String,
    /// How much.
    pub amount: Amount,
}

/// What was followed lately.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// The steps in which anything was followed, in their order.
    steps: VecDeque<(i64, Amount)>,
    round: i64,
    /// Of this round, and of the one before.
    rooms: [HashMap<String, Amount>; 2],
    senders: [HashMap<String, Amount>; 2],
}

impl Amount {
    fn add(&mut self, other: Self) {
        self.follows = self.follows.saturating_add(other.follows);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.answers = self.answers.saturating_add(other.answers);
        self.downloads = self.downloads.saturating_add(other.downloads);
    }
}

impl Traffic {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the answer to a request, at a time in milliseconds since the epoch.
    pub(super) fn add(&self, link: &LinkRow, amount: Amount, at: i64) {
        let room = link.claims.room().map(|room| room.as_str());
        let step = at.div_euclid(STEP_MS);
        self.remembered()
            .add(step, amount, room, link.sender.as_deref());
    }

    /// What was followed in the last `count` times of `minutes` minutes each, the oldest first.
    pub(super) fn last(&self, now: i64, count: usize, minutes: i64) -> Vec<Amount> {
        let newest = now.div_euclid(STEP_MS * minutes);
        let mut amounts = vec![Amount::default(); count];
        for (step, amount) in &self.remembered().steps {
            let back = newest - step.div_euclid(minutes);
            let back = usize::try_from(back).ok().filter(|back| *back < count);
            if let Some(back) = back {
                amounts[count - 1 - back].add(*amount);
            }
        }
        amounts
    }

    /// The rooms and the senders whose media was followed most, by bytes, in the last one to two hours.
    pub(super) fn talkers(&self, now: i64, count: usize) -> [Vec<Talker>; 2] {
        let mut remembered = self.remembered();
        remembered.begin_round(now.div_euclid(STEP_MS));
        [&remembered.rooms, &remembered.senders].map(|rounds| most(rounds, count))
    }
}

impl Remembered {
    fn add(&mut self, step: i64, amount: Amount, room: Option<&str>, sender: Option<&str>) {
        self.begin_round(step);
        // Answers end in almost the order of their times.
        let found = self.steps.iter_mut().rev().find(|(of, _)| *of <= step);
        match found {
            Some((of, sum)) if *of == step => sum.add(amount),
            _ => {
                let place = self.steps.partition_point(|(of, _)| *of < step);
                self.steps.insert(place, (step, amount));
            }
        }
        if self.steps.len() > STEPS {
            self.steps.pop_front();
        }
        if let Some(room) = room {
            count(&mut self.rooms[0], room, amount);
        }
        if let Some(sender) = sender {
            count(&mut self.senders[0], sender, amount);
        }
    }

    fn begin_round(&mut self, step: i64) {
        let round = step.div_euclid(ROUND);
        let passed = round - self.round;
        if passed <= 0 {
            return;
        }
        for rounds in [&mut self.rooms, &mut self.senders] {
            let last = std::mem::take(&mut rounds[0]);
            rounds[1] = if passed == 1 { last } else { HashMap::new() };
        }
        self.round = round;
    }
}

fn count(talkers: &mut HashMap<String, Amount>, id: &str, amount: Amount) {
    if let Some(sum) = talkers.get_mut(id) {
        sum.add(amount);
        return;
    }
    talkers.insert(id.to_owned(), amount);
    if talkers.len() > TALKERS {
        let mut sizes: Vec<u64> = talkers.values().map(|amount| amount.bytes).collect();
        sizes.sort_unstable();
        let middle = sizes[sizes.len() / 2];
        // All that have had more than that, which are half at most, and as many others as make a half of it.
        let more = sizes.iter().filter(|size| **size > middle).count();
        let mut places = (TALKERS / 2).saturating_sub(more);
        talkers.retain(|_, amount| {
            let has_place = amount.bytes == middle && places > 0;
            places -= usize::from(has_place);
            amount.bytes > middle || has_place
        });
    }
}

fn most(rounds: &[HashMap<String, Amount>; 2], count: usize) -> Vec<Talker> {
    let mut sums: HashMap<&str, Amount> = HashMap::new();
    for (id, amount) in rounds.iter().flatten() {
        sums.entry(id).or_default().add(*amount);
    }
    let mut talkers: Vec<Talker> = sums
        .into_iter()
        .map(|(id, amount)| Talker {
            id: id.to_owned(),
            amount,
        })
        .collect();
    talkers.sort_by(|a, b| (b.amount.bytes, &a.id).cmp(&(a.amount.bytes, &b.id)));
    talkers.truncate(count);
    talkers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: u64) -> Amount {
        Amount {
            follows: 1,
            bytes,
            answers: 1,
            downloads: 0,
        }
    }

    fn bytes_of(amounts: &[Amount]) -> Vec<u64> {
        amounts.iter().map(|amount| amount.bytes).collect()
    }

    #[test]
    fn what_was_followed_is_told_by_minutes_and_by_hours() {
        let traffic = Traffic::default();
        for (step, size) in [(100, 1), (102, 4), (101, 2), (102, 8), (160, 16)] {
            traffic.remembered().add(step, bytes(size), None, None);
        }
        let at = |step| step * STEP_MS + 5;
        assert_eq!(bytes_of(&traffic.last(at(102), 4, 1)), [0, 1, 2, 12]);
        assert_eq!(bytes_of(&traffic.last(at(160), 2, 60)), [15, 16]);
        assert_eq!(bytes_of(&traffic.last(at(9000), 2, 60)), [0, 0]);
    }

    #[test]
    fn talkers_of_this_round_and_the_last_one_are_told() {
        let traffic = Traffic::default();
        let add = |step, room: &str, size| {
            traffic
                .remembered()
                .add(step, bytes(size), Some(room), Some("@a:b"));
        };
        add(10, "!a", 5);
        add(70, "!b", 7);
        add(70, "!a", 3);
        let [rooms, senders] = traffic.talkers(71 * STEP_MS, 5);
        let told: Vec<_> = rooms
            .iter()
            .map(|room| (&*room.id, room.amount.bytes))
            .collect();
        assert_eq!(told, [("!a", 8), ("!b", 7)]);
        assert_eq!((senders.len(), senders[0].amount.bytes), (1, 15));
        let [rooms, _] = traffic.talkers(130 * STEP_MS, 1);
        assert_eq!((&*rooms[0].id, rooms[0].amount.bytes), ("!b", 7));
        let [rooms, _] = traffic.talkers(500 * STEP_MS, 5);
        assert!(rooms.is_empty());
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_keeps_those_who_have_had_most() {
        let traffic = Traffic::default();
        for n in 0..5000_i64 {
            let room = format!("!{n}");
            traffic.remembered().add(n, bytes(1), Some(&room), None);
        }
        assert_eq!(traffic.remembered().steps.len(), STEPS);
        for n in 0..5000 {
            let size = if n % 100 == 0 { 1000 + n } else { 1 };
            let room = format!("!{n}");
            traffic
                .remembered()
                .add(5000, bytes(size), Some(&room), None);
            assert!(traffic.remembered().rooms[0].len() <= TALKERS);
        }
        let [rooms, _] = traffic.talkers(5000 * STEP_MS, 3);
        let told: Vec<&str> = rooms.iter().map(|room| &*room.id).collect();
        assert_eq!(told, ["!4900", "!4800", "!4700"]);
    }
}
