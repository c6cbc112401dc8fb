//! What happens in a day, and when: decided before it begins, the same for the same seed.

use std::f64::consts::TAU;

use crate::{
    bridge::{self, ROOMS},
    links::{self, Links},
    random::Random,
};

use super::Size;

/// No post is followed more often.
const MOST_FOLLOWERS: f64 = 1000.0;

pub struct Schedule {
    /// In the order in which they are due.
    pub steps: Vec<Step>,
    pub posts: Vec<Post>,
}

pub struct Step {
    /// Seconds since the beginning.
    pub at_s: f64,
    pub what: What,
}

pub enum What {
    /// The post with this number.
    Post(usize),
    /// Somebody follows its link, just after it came.
    Burst(usize),
    /// Somebody follows an old link.
    Old(String),
    /// A crawler does.
    Crawl(String),
    /// Posts are redacted, in one transaction.
    Redact(Vec<usize>),
}

pub struct Post {
    pub room: String,
    pub event_id: String,
    /// What asks for its link.
    pub body: String,
    at_s: f64,
}

impl Schedule {
    pub fn of(size: &Size, links: &Links, seconds: f64, seed: u64) -> anyhow::Result<Self> {
        let mut random = Random::new(seed, 0);
        let mut schedule = Self {
            steps: Vec::new(),
            posts: Vec::new(),
        };
        schedule.post(size, links, seconds, seed, &mut random);
        for _ in 0..size.old {
            // The newest are the most popular.
            let number = links.count() - 1 - random.zipf(links.count());
            let path = format!("/m/{}", links.token(number)?);
            schedule.add(time_of_day(&mut random) * seconds, What::Old(path));
        }
        schedule.crawl(size, links, seconds, &mut random)?;
        schedule.redact(size, seconds, &mut random);
        schedule
            .steps
            .sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        Ok(schedule)
    }

    fn add(&mut self, at_s: f64, what: What) {
        self.steps.push(Step { at_s, what });
    }

    fn post(&mut self, size: &Size, links: &Links, seconds: f64, seed: u64, random: &mut Random) {
        let mut times: Vec<f64> = (0..size.posts).map(|_| time_of_day(random)).collect();
        times.sort_by(f64::total_cmp);
        let name = format!("d{seed:04}");
        for (number, time) in (0..).zip(times) {
            let at_s = time * seconds;
            let mark = links::mark(random.zipf(links.copies()));
            let room = bridge::room(&mark, random.zipf(ROOMS));
            let body = bridge::request(&room, &name, number, random);
            let post = self.posts.len();
            self.posts.push(Post {
                event_id: bridge::event_id(&name, number),
                body: body.to_string(),
                room,
                at_s,
            });
            self.add(at_s, What::Post(post));
            // Pareto's distribution with an exponent of 2: half of the mean is the least.
            let followers = size.followers / 2.0 / (1.0 - random.unit()).sqrt();
            for _ in 0..followers.min(MOST_FOLLOWERS).round() as u64 {
                let after = random.exponential(size.burst);
                self.add(at_s + after, What::Burst(post));
            }
        }
    }

    fn crawl(
        &mut self,
        size: &Size,
        links: &Links,
        seconds: f64,
        random: &mut Random,
    ) -> anyhow::Result<()> {
        let mut left = size.crawled;
        while left > 0 {
            let (copy, rank) = (random.below(links.copies()), random.zipf(ROOMS));
            let mut at_s = random.unit() * seconds;
            for number in links
                .of_room(copy, rank)
                .take(usize::try_from(left.min(500))?)
            {
                let route = if random.below(2) == 0 { 'm' } else { 'v' };
                let path = format!("/{route}/{}", links.token(number)?);
                self.add(at_s, What::Crawl(path));
                at_s = (at_s + random.exponential(0.01)).min(seconds);
                left -= 1;
            }
        }
        Ok(())
    }

    /// Each wave redacts the last posts of the busiest rooms, twenty in a transaction.
    fn redact(&mut self, size: &Size, seconds: f64, random: &mut Random) {
        for _ in 0..size.waves {
            let at_s = (0.3 + 0.7 * random.unit()) * seconds;
            let before = self.posts.partition_point(|post| post.at_s + 1.0 < at_s);
            let wave = usize::try_from(size.wave).unwrap_or(usize::MAX);
            let posts: Vec<usize> = (before.saturating_sub(wave)..before).collect();
            for some in posts.chunks(20) {
                self.add(at_s, What::Redact(some.to_vec()));
            }
        }
    }
}

/// A time between 0 and 1, of which the evening has more than the morning.
fn time_of_day(random: &mut Random) -> f64 {
    loop {
        let time = random.unit();
        if random.unit() * 1.7 < 1.0 - 0.7 * (time * TAU).sin() {
            return time;
        }
    }
}
