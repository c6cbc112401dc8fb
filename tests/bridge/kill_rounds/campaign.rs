//! Rounds of it. A few run with all tests; `tests/kill-rounds.sh` runs as many as one likes.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use support::{Xorshift, only_on_postgres};

use super::{
    breaking::{Break, REPLICAS, Scene},
    final_check,
    ledger::Event,
    load::{ALL, FOLLOWS, Load, STAYING},
};

/// How many rounds there are if `KILL_ROUNDS` does not say: one of each kind.
const FEW: u64 = 3;
const WORKERS: u64 = 8;
/// Those that only follow, and hardly ever wait for a replica that is cut off.
const FOLLOWERS: u64 = 4;

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_three_replicas_acknowledge_holds_whatever_breaks() {
    if !only_on_postgres("a SQLite file has one service") {
        return;
    }
    let rounds = asked("KILL_ROUNDS");
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("a clock")
        .as_micros();
    let seed = asked("KILL_SEED").unwrap_or(u64::try_from(now).expect("this era")) | 1;
    let scene = Scene::start().await;
    eprintln!(
        "seed {seed}, {REPLICAS} replicas, ways to PostgreSQL: {}",
        scene.ways()
    );
    let load = Load::on(Arc::clone(&scene)).await;
    stay(&load).await;
    let workers: Vec<_> = (1..=WORKERS + FOLLOWERS)
        .map(|n| {
            let kinds = if n > WORKERS { FOLLOWS } else { ALL };
            tokio::spawn(Arc::clone(&load).work((seed ^ (n << 40)) | 1, kinds))
        })
        .collect();
    let mut random = Xorshift(seed);
    for round in 0..rounds.unwrap_or(FEW) {
        play(round, &load, &mut random).await;
    }
    load.stop.store(true, Ordering::Relaxed);
    join_all(workers)
        .await
        .into_iter()
        .for_each(|worker| worker.expect("no panic"));
    let database = scene.database().await;
    final_check::quiet(&database, rounds.is_none()).await;
    let [live, ended] = final_check::links(&load).await;
    let late = load.one_time.check(&load).await;
    final_check::quiet(&database, rounds.is_none()).await;
    final_check::counts(&load).await;
    eprintln!(
        "at the end: {live} live and {ended} ended links at each replica; {late} links for one follow were left"
    );
    assert!(scene.all_run(), "a replica has ended by itself");
    let faults = load.ledger.faults();
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
    assert!(
        live > 8 && ended > 8,
        "too little happened: {live} live, {ended} ended"
    );
}

/// Links that stay for the whole run, counted before anything breaks.
async fn stay(load: &Load) {
    for medium in 0..STAYING {
        load.issue(medium % REPLICAS, medium, Event { room: 0, number: 1 })
            .await;
    }
    for medium in &load.media[..STAYING] {
        support::eventually("a count", async || {
            (load.scene.world.references(&medium.mxc).await == 1).then_some(())
        })
        .await;
    }
}

/// Lets the load go on for a while, breaks something in the midst of it, and says how that went.
async fn play(round: u64, load: &Load, random: &mut Xorshift) {
    tokio::time::sleep(Duration::from_millis(500 + random.below(1000))).await;
    let what = Break::of_round(round, random);
    let pause = Duration::from_millis(match what {
        Break::Kill(_) | Break::Crash => random.below(1500),
        Break::Cut(_) => 1000 + random.below(5000),
    });
    let remembered = load.remembered().await;
    let breaking = load.scene.break_for(what, pause, &load.ledger);
    let (mended, ()) = tokio::join!(breaking, load.end(&remembered, random));
    let counts = load.ledger.counts();
    let [touch, away] = counts.stalest.map(|stale| stale.as_millis());
    eprintln!(
        "round {round}: {what} for {} ms, well again after {} ms; {} issued, {} followed, {} refused, {} revoked, \
         {} redacted, {} for one follow, {} unanswered; served after its end by {touch} ms, by one away by {away} ms",
        pause.as_millis(),
        mended.as_millis(),
        counts.issued,
        counts.followed,
        counts.refused,
        counts.revoked,
        counts.redacted,
        counts.one_time,
        counts.unanswered,
    );
}
