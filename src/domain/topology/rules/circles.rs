//! Do things wait for each other in a circle?

/// Circles among things that need others, by their places in `needs`: one for each tangle at least, so that mending all
/// that are said mends what was there to see. What needs itself is left out.
pub(super) fn circles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let tangled = tangled(needs);
    let next = |of: usize| needs[of].iter().copied().find(|other| *other != of && tangled[*other]);
    let mut walked_by: Vec<Option<usize>> = vec![None; needs.len()];
    let mut circles = Vec::new();
    for start in (0..needs.len()).filter(|thing| tangled[*thing]) {
        let mut path = Vec::new();
        let mut at = start;
        while walked_by[at].is_none() {
            walked_by[at] = Some(start);
            path.push(at);
            match next(at) {
                Some(other) => at = other,
                None => break,
            }
        }
        // Only a thing of this very walk closes a circle that was not said before.
        let closed = walked_by[at] == Some(start) && next(at).is_some();
        if let Some(from) = path.iter().position(|thing| closed && *thing == at) {
            let mut circle = path.split_off(from);
            let first = circle.iter().enumerate().min_by_key(|(_, thing)| **thing).map_or(0, |(i, _)| i);
            circle.rotate_left(first);
            circles.push(circle);
        }
    }
    circles
}

/// What can't be reached by taking away, again and again, all that needs nothing any more.
fn tangled(needs: &[Vec<usize>]) -> Vec<bool> {
    let mut open: Vec<usize> = Vec::with_capacity(needs.len());
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (thing, others) in needs.iter().enumerate() {
        let others = others.iter().filter(|other| **other != thing);
        open.push(others.clone().count());
        others.for_each(|other| needed_by[*other].push(thing));
    }
    let mut free: Vec<usize> = (0..needs.len()).filter(|thing| open[*thing] == 0).collect();
    while let Some(thing) = free.pop() {
        for other in &needed_by[thing] {
            open[*other] -= 1;
            if open[*other] == 0 {
                free.push(*other);
            }
        }
    }
    open.into_iter().map(|open| open > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn every_tangle_is_told_once_from_its_first_member() {
        assert!(circles(&[]).is_empty());
        assert!(circles(&[vec![1, 2], vec![2], vec![], vec![0, 1]]).is_empty());
        assert!(circles(&[vec![0], vec![0]]).is_empty(), "what needs itself is told elsewhere");
        assert_eq!(circles(&[vec![1], vec![0]]), [[0, 1]]);
        assert_eq!(circles(&[vec![3], vec![2], vec![1, 0], vec![]]), [[1, 2]]);
        assert_eq!(circles(&[vec![2], vec![0], vec![1]]), [[0, 2, 1]]);
        assert_eq!(circles(&[vec![1], vec![2], vec![1], vec![4], vec![3, 0]]), [[1, 2], [3, 4]]);
    }
}
