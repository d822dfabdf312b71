//! Does the server stay small and answer the others, whatever one caller sends, or does not send?

use std::sync::Arc;
use std::time::Duration;

use locum::server::connections::Limits;

use crate::support::hand_clock::HandClock;
use crate::support::parts::{Part, wait_until};
use crate::support::served::Served;
use crate::support::wire::{Heard, Wire};

const MIB: usize = 1024 * 1024;
const PUT: &str = "PUT /v1/clusters/c/topology HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n";

fn refused(heard: &Heard, status: u16, kind: &str, words: &str) {
    assert_eq!(heard.status, status, "{heard:?}");
    let problem = heard.json();
    assert!(problem["type"].as_str().unwrap().ends_with(kind), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
}

/// Sends a GiB of spaces after the head; with `chunks`, in chunks.
async fn send_a_gibibyte(wire: &mut Wire, head: &str, chunks: bool) {
    wire.send(head).await.unwrap();
    let (mebibyte, begin) = (vec![b' '; MIB], format!("{MIB:x}\r\n"));
    for _ in 0..1024 {
        if chunks {
            wire.send(&begin).await.unwrap();
        }
        wire.send(&mebibyte).await.unwrap();
        if chunks {
            wire.send("\r\n").await.unwrap();
        }
    }
    if chunks {
        wire.send("0\r\n\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn a_body_of_a_gibibyte_is_refused_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Part::server(folder.path());
    let mut other = Wire::to(server.address()).await;
    assert_eq!(other.get("/healthz", "").await.status, 200);
    let before = server.memory("VmHWM");
    let heads = [
        (format!("{PUT}content-length: {}\r\n\r\n", 1024 * MIB), false),
        (format!("{PUT}transfer-encoding: chunked\r\n\r\n"), true),
        (
            format!("{PUT}idempotency-key: k\r\ncontent-length: {}\r\n\r\n", 1024 * MIB).replacen(
                "PUT /v1/clusters/c/topology",
                "POST /v1/clusters/c/plan",
                1,
            ),
            false,
        ),
    ];
    for (head, chunks) in &heads {
        let mut wire = Wire::to(server.address()).await;
        let sending = async {
            send_a_gibibyte(&mut wire, head, *chunks).await;
            let refused = wire.heard().await;
            (refused, wire.get("/healthz", "").await)
        };
        tokio::pin!(sending);
        // Others are answered meanwhile.
        let (heard, then) = loop {
            tokio::select! {
                both = &mut sending => break both,
                answer = other.get("/healthz", "") => assert_eq!(answer.status, 200),
            }
        };
        refused(&heard, 413, "/too-large", "32 MiB");
        assert_eq!(then.status, 200, "the connection is as good as before");
        // Of the select above, it may have been left half-way.
        other = Wire::to(server.address()).await;
    }
    let grown = server.memory("VmHWM") - before;
    println!("three bodies of 1 GiB: the server grew by {} MiB at most", grown / MIB);
    assert!(grown < 160 * MIB, "{grown}");
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_need_not_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), Arc::new(HandClock::default()), Limits::default()).await;
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut wire = Wire::to(served.address).await;
        wire.send(format!("{PUT}{expect}content-length: {}\r\n\r\n", 33 * MIB)).await.unwrap();
        refused(&wire.heard().await, 413, "/too-large", "32 MiB");
    }
}

#[tokio::test]
async fn a_body_that_comes_for_ever_is_not_waited_for() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let served = Served::start(folder.path(), clock.clone(), Limits::default()).await;
    let mut wire = Wire::to(served.address).await;
    wire.send(format!("{PUT}content-length: 100\r\n\r\n{{")).await.unwrap();
    clock.until_asleep(1, Duration::from_secs(60)).await;
    for _ in 0..59 {
        wire.send(" ").await.unwrap();
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(Wire::to(served.address).await.get("/healthz", "").await.status, 200);
    clock.advance(Duration::from_secs(1));
    refused(&wire.heard().await, 408, "/too-slow", "within 60 s");
    wire.ended().await;
}

#[tokio::test]
async fn headers_that_come_for_ever_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { idle: Duration::from_millis(500), ..Limits::default() };
    let served = Served::start(folder.path(), Arc::new(HandClock::default()), limits).await;
    let mut wire = Wire::to(served.address).await;
    wire.send("GET /healthz HTTP/1.1\r\nhost: ").await.unwrap();
    // One byte at a time, until it is not taken any more.
    let sending = async {
        while wire.send("x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::WAIT, sending).await.expect("it is taken for ever");
    // So is a connection on which nothing comes.
    let mut idle = Wire::to(served.address).await;
    assert_eq!(idle.get("/healthz", "").await.status, 200);
    idle.ended().await;
}

/// Of 200 open files, 150 are for connections: the rest keep the database and the nodes within reach.
#[tokio::test]
async fn a_server_that_has_all_the_connections_that_it_may_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Part::server_with_files(folder.path(), 200);
    let mut wires = Vec::new();
    for number in 0..200 {
        let mut wire = Wire::to(server.address()).await;
        wire.ask("/healthz", "").await;
        if number < 150 {
            assert_eq!(wire.heard().await.status, 200, "{number}");
        }
        wires.push(wire);
    }
    let said = || std::fs::read_to_string(folder.path().join("server.err")).unwrap();
    wait_until("it says so", || said().contains("as many are connected as may be"));
    assert!(said().contains("the hard limit of open files is low"), "{}", said());

    let document = serde_json::to_string(&crate::support::three_nodes()).unwrap();
    let put = format!("{PUT}content-length: {}\r\n\r\n{document}", document.len());
    wires[0].send(put).await.unwrap();
    assert_eq!(wires[0].heard().await.status, 201, "the database is within reach");
    let mut waiting = wires.split_off(150);
    drop(wires);
    for wire in &mut waiting {
        assert_eq!(wire.heard().await.status, 200);
    }
}
