//! Do two stores that are told the same give the same, whatever they are told?

mod drive;
mod made;
mod pair;
mod seen;
mod steps;
mod together;

use proptest::prelude::*;

/// Of about 20 steps, or some moments, each. After every one all that is kept is read from both stores.
const CASES: u32 = 50;

/// `PROPTEST_CASES` asks for more than the default.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = std::env::var_os("PROPTEST_CASES").map_or(CASES, |_| asked.cases);
    ProptestConfig { cases, failure_persistence: None, ..asked }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn sqlite_and_memory_agree_on_every_verb(
        first in steps::topology(),
        steps in prop::collection::vec(steps::step(), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(drive::all(&first, &steps));
    }

    #[test]
    fn what_shares_a_transaction_is_done_as_if_each_were_alone(
        first in steps::topology(),
        moments in prop::collection::vec(together::calls(), 1..8)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(together::all(&first, &moments));
    }
}
