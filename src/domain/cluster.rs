//! Which Alertmanager replicas belong together?
//!
//! Replicas of one cluster should have the same alerts, so only within a cluster does a missing
//! alert mean anything. The config may state the cluster; otherwise two replicas belong together
//! when one sees the other's name among its peers.

use super::observed::ReplicaStatus;

/// The cluster of each replica, as a number, in the order given. A replica that nobody names is
/// alone.
#[must_use]
pub fn clusters(replicas: &[(Option<&str>, &ReplicaStatus)]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..replicas.len()).collect();
    for a in 0..replicas.len() {
        for b in a + 1..replicas.len() {
            if belong_together(replicas[a], replicas[b]) && group[a] != group[b] {
                let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
                for g in &mut group {
                    if *g == from {
                        *g = to;
                    }
                }
            }
        }
    }
    group
}

fn belong_together(a: (Option<&str>, &ReplicaStatus), b: (Option<&str>, &ReplicaStatus)) -> bool {
    match (a.0, b.0) {
        (Some(a), Some(b)) => a == b,
        // A stated cluster is the operator's word: peers do not extend it.
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => sees(a.1, b.1) || sees(b.1, a.1),
    }
}

fn sees(a: &ReplicaStatus, b: &ReplicaStatus) -> bool {
    b.peer_name
        .as_ref()
        .is_some_and(|name| !name.is_empty() && a.peers.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Untrusted;

    fn status(name: &str, peers: &[&str]) -> ReplicaStatus {
        ReplicaStatus {
            peer_name: (!name.is_empty()).then(|| Untrusted::line(name)),
            peers: peers.iter().map(|p| Untrusted::line(p)).collect(),
            ..ReplicaStatus::default()
        }
    }

    #[test]
    fn peers_find_each_other_and_the_config_overrides() {
        let (a, b) = (status("A", &["A", "B"]), status("B", &["B"]));
        let (alone, disabled) = (status("C", &["C"]), status("", &[]));
        let of = |list: &[(Option<&str>, &ReplicaStatus)]| clusters(list);
        assert_eq!(
            of(&[(None, &a), (None, &alone), (None, &b), (None, &disabled)]),
            [0, 1, 0, 3]
        );
        assert_eq!(of(&[(Some("x"), &a), (Some("y"), &b)]), [0, 1]);
        assert_eq!(
            of(&[(Some("x"), &disabled), (Some("x"), &alone), (None, &b)]),
            [0, 0, 2]
        );
    }

    #[test]
    fn a_chain_of_peers_is_one_cluster() {
        let (a, b, c) = (
            status("A", &["A", "B"]),
            status("B", &[]),
            status("C", &["B"]),
        );
        assert_eq!(clusters(&[(None, &a), (None, &c), (None, &b)]), [0, 0, 0]);
    }
}
