//! Do two stores that are told the same give the same, whatever they are told?

mod drive;
mod made;
mod pair;
mod seen;
mod steps;

use proptest::prelude::*;

/// Of about 20 steps each. After every step all that is kept is read from both stores.
const CASES: u32 = 40;

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
}
