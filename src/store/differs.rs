//! What differs between two maps? Both are in order, and most of them is the same: so they are walked side by side.

use std::collections::BTreeMap;

/// What is new in `after` or was another value in `before`, with what it was.
pub fn changed<'a, K: Ord, V>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
    same: impl Fn(&V, &V) -> bool,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, &'a V)> {
    let mut known = before.iter().peekable();
    after.iter().filter_map(move |(key, is)| {
        while known.next_if(|(other, _)| *other < key).is_some() {}
        let was = known.next_if(|(other, _)| *other == key).map(|(_, was)| was);
        was.is_none_or(|was| !same(was, is)).then_some((key, was, is))
    })
}

/// What was in `before` and is not in `after`.
pub fn gone<'a, K: Ord, V>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    let mut left = after.keys().peekable();
    before.iter().filter(move |(key, _)| {
        while left.next_if(|other| other < key).is_some() {}
        left.next_if(|other| other == key).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map() -> impl Strategy<Value = BTreeMap<u8, u8>> {
        proptest::collection::btree_map(0..20_u8, 0..3_u8, 0..20)
    }

    proptest! {
        #[test]
        fn both_are_as_one_key_after_the_other_tells(before in map(), after in map()) {
            let found: Vec<_> = changed(&before, &after, |was, is| was == is).collect();
            let told = after.iter().map(|(key, is)| (key, before.get(key), is));
            let told: Vec<_> = told.filter(|(_, was, is)| *was != Some(is)).collect();
            prop_assert_eq!(found, told);
            let absent: Vec<_> = before.iter().filter(|(key, _)| !after.contains_key(key)).collect();
            prop_assert_eq!(gone(&before, &after).collect::<Vec<_>>(), absent);
        }
    }
}
