//! Does one node keep its promises through faults of every kind, and tell the same story again from the same seed?
//!
//! Never the guard frozen while no agent acts: that needs a watchdog.

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use super::bench::{Bench, MS};
use crate::chance::{Chance, Stream};
use crate::machine::Habits;

/// How many happenings make a story.
const LENGTH: usize = 60;

/// Services do as they are told, if slowly: what is assigned can come online.
fn willing() -> Habits {
    Habits { crash: 0, broken: 0, sick: 0, mute: 0, deaf: 200, ..Habits::rough() }
}

async fn happen(bench: &Bench, chance: &mut Chance, epoch: &mut u64) {
    let machine = &bench.machine;
    match chance.between(0..=13) {
        0..=3 => {
            *epoch += 1;
            let groups = [&["ftp"][..], &["ftp", "pop3"], &[]];
            let groups: &[&str] = chance.pick::<&[&str]>(&groups);
            let answer = bench.assign(groups, *epoch).await;
            bench.scribe.write(&format!("assigned: {:?}", answer.map(|seen| seen.applied)));
            // In the midst of what follows from it.
            if chance.one_in(2) {
                sleep(chance.millis(0..=60)).await;
                machine.kill_agent();
            }
        }
        4 => machine.kill_agent(),
        5 => machine.freeze_agent(),
        6 => machine.freeze_guard(),
        7 => machine.kill_guard(),
        8 => {
            machine.cut_power();
            bench.forget_leases();
        }
        9 => machine.fail_disk(true),
        10 => machine.slow_disk(chance.millis(1..=2_000)),
        11 => {
            machine.kill_agent();
            machine.kill_guard();
        }
        12 => {
            machine.freeze_agent();
            machine.kill_guard();
        }
        _ if chance.one_in(2) => machine.stop_agent(),
        _ => bench.reign_anew(),
    }
}

async fn mend(bench: &Bench) {
    let machine = &bench.machine;
    machine.fail_disk(false);
    machine.slow_disk(Duration::ZERO);
    machine.thaw_agent();
    machine.thaw_guard();
    if !machine.is_on() {
        bench.forget_leases();
    }
    machine.restore_power().await;
    machine.start_agent().await;
}

/// Faults for some minutes, and what came of them.
async fn story(seed: u64, habits: Habits, all_is_well: bool) -> String {
    let bench = Bench::start(seed, habits).await;
    let beating = tokio::spawn({
        let bench = bench.clone();
        async move { bench.beat(Duration::from_secs(3_600)).await }
    });
    let watching = tokio::spawn({
        let bench = bench.clone();
        async move {
            loop {
                bench.check_lease();
                sleep(10 * MS).await;
            }
        }
    });
    let asking = tokio::spawn({
        let bench = bench.clone();
        async move {
            loop {
                if let Ok(said) = bench.observe().await {
                    bench.check_truth(&said);
                }
                sleep(43 * MS).await;
            }
        }
    });
    let mut chance = Chance::new(seed, Stream::Faults);
    let mut epoch = 0;
    for _ in 0..LENGTH {
        happen(&bench, &mut chance, &mut epoch).await;
        sleep(chance.millis(1..=3_000)).await;
        mend(&bench).await;
        sleep(chance.millis(1..=2_000)).await;
    }
    if all_is_well {
        sleep(Duration::from_secs(2)).await;
        bench.assign(&["ftp", "pop3"], epoch + 1).await.unwrap();
        bench.beat(Duration::from_secs(15)).await;
        bench.online().await;
    }
    for task in [beating, watching, asking] {
        assert!(!task.is_finished(), "{}", task.await.unwrap_err());
        task.abort();
    }
    bench.scribe.story()
}

fn play<T>(world: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(world)
}

#[test]
fn a_node_keeps_its_promises_and_is_well_in_the_end() {
    let seeds = std::env::var("SEEDS").map_or(5, |many| many.parse().unwrap());
    for seed in 1..=seeds {
        println!("seed {seed}");
        play(story(seed, willing(), true));
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let tell = |seed| play(story(seed, Habits::rough(), false));
    let mut stories = Vec::new();
    for seed in 1..=8 {
        let (once, again) = (tell(seed), tell(seed));
        assert!(once == again, "seed {seed}:\n{once}\n----\n{again}");
        stories.push(once);
    }
    stories.dedup();
    assert_eq!(stories.len(), 8);
    for happening in ["ends by signal 9", "ends with code 1", "on disk", "by its own hand", "kills its guard"] {
        assert!(stories.iter().any(|story| story.contains(happening)), "in no story: {happening}");
    }
}
