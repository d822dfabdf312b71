//! Is a simulated node what a real one is, as far as its agent and the world can tell?

use std::time::Duration;

use locum::domain::{Decision, Ticks};
use locum::wire::AgentError;
use tokio::time::sleep;

use self::bench::{Bench, LEASE, MS};
use super::Habits;

mod bench;
mod rough;

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_back_in_time_adopts_the_same_process() {
    let bench = Bench::with_a_group().await;
    let pid = bench.pid().await;
    assert!(pid.is_some());
    bench.machine.kill_agent();
    let refused = bench.renew().await;
    assert_eq!(refused, Err(AgentError::Unreachable("the connection was refused".to_owned())));
    sleep(300 * MS).await;
    bench.machine.start_agent().await;
    bench.online().await;
    assert_eq!(bench.pid().await, pid, "{}", bench.scribe.story());
    assert!(!bench.scribe.has("ends"), "{}", bench.scribe.story());
}

#[tokio::test(start_paused = true)]
async fn a_restarted_agent_with_nothing_to_do_holds_a_question_for_news() {
    let bench = Bench::start(1, Habits::calm()).await;
    bench.assign(&[], 1).await.unwrap();
    bench.machine.kill_agent();
    sleep(300 * MS).await;
    bench.machine.start_agent().await;
    let known = bench.observe().await.unwrap().revision;
    let asked = bench.clock.true_now();
    assert_eq!(bench.news(known, 20_000).await.unwrap().revision, known);
    assert!(bench.clock.true_now() - asked > Duration::from_secs(19), "{}", bench.scribe.story());
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_its_services_whatever_became_of_the_agent() {
    for frozen in [false, true] {
        let bench = Bench::with_a_group().await;
        if frozen {
            bench.machine.freeze_agent();
        } else {
            bench.machine.kill_agent();
        }
        sleep(LEASE).await;
        assert!(!bench.machine.runs_anything(), "{}", bench.scribe.story());
        assert!(bench.scribe.has("ftp/handler ends"));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(bench.scribe.has("the guard guards nothing and ends"), !frozen);
        bench.machine.thaw_agent();
        bench.machine.start_agent().await;
        assert!(bench.assign(&["ftp"], 2).await.is_ok());
        bench.online().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_guard_is_ended_by_the_agent() {
    let bench = Bench::with_a_group().await;
    bench.machine.freeze_guard();
    bench.beat(Duration::from_secs(3)).await;
    let story = bench.scribe.story();
    assert!(story.contains("the agent kills its guard"), "{story}");
    assert_eq!(story.matches("a guard starts").count(), 2, "{story}");
    bench.online().await;
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_dies_takes_its_services_along() {
    let bench = Bench::with_a_group().await;
    bench.machine.kill_guard();
    sleep(11 * MS).await;
    assert!(!bench.machine.runs_anything());
    bench.online().await;
    assert_eq!(bench.observe().await.unwrap().groups[0].resources[0].restarts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_loss_of_power_leaves_the_ledger() {
    let bench = Bench::with_a_group().await;
    bench.machine.cut_power();
    assert!(!bench.machine.runs_anything() && bench.scribe.has("ftp/handler ends the power was cut"));
    assert!(bench.renew().await.is_err());
    bench.machine.restore_power().await;
    let observation = bench.observe().await.unwrap();
    assert_eq!(observation.applied.unwrap().decision, Decision(1));
    assert!(observation.stamp.ticks < Ticks(30_000_000), "{:?}", observation.stamp);
    sleep(Duration::from_secs(5)).await;
    assert!(!bench.machine.runs_anything(), "without a lease");
    bench.assign(&["ftp"], 2).await.unwrap();
    bench.online().await;

    bench.machine.cut_power();
    bench.machine.wipe_disk();
    bench.machine.restore_power().await;
    assert_eq!(bench.observe().await.unwrap().applied, None);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_can_not_be_written_is_not_obeyed() {
    let bench = Bench::with_a_group().await;
    bench.machine.fail_disk(true);
    let refused = bench.assign(&["ftp", "pop3"], 1).await.unwrap_err();
    assert_eq!(refused, AgentError::Garbled("status 500".to_owned()));
    assert_eq!(bench.observe().await.unwrap().applied.unwrap().decision, Decision(1));
    bench.machine.fail_disk(false);
    bench.assign(&["ftp", "pop3"], 1).await.unwrap();
    bench.online().await;
    assert!(bench.scribe.has("pop3/handler starts"));
}

#[tokio::test(start_paused = true)]
async fn a_killed_agent_does_nothing_more() {
    let bench = Bench::with_a_group().await;
    bench.machine.slow_disk(Duration::from_secs(1));
    let assigning = tokio::spawn({
        let bench = bench.clone();
        async move { bench.assign(&["ftp", "pop3"], 1).await }
    });
    sleep(1_500 * MS).await;
    bench.machine.kill_agent();
    let cut = assigning.await.unwrap().unwrap_err();
    assert_eq!(cut, AgentError::Unreachable("the connection was reset".to_owned()));
    let lines = bench.scribe.story().matches("on disk").count();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.scribe.story().matches("on disk").count(), lines);
    assert!(!bench.scribe.has("pop3"));
}
