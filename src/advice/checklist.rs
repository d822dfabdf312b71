//! Which rules of the field does the engine not decide, and what becomes of them?

use super::rule::Unchecked;

/// In the order of their ids.
pub(super) const UNCHECKED: &[Unchecked] = &[
    Unchecked {
        id: "R07",
        title: "To bar a node, it is taken out of the possible owners; preferred owners bar nobody.",
        source: "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1",
        instead: "Locum keeps to it: `possible_owners` and instances bar, `preferred_owners` only rank.",
    },
    Unchecked {
        id: "R09",
        title: "Clustering a host starts it at once: receive locations and handlers are ready before.",
        source: "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1",
        instead: "Locum says before what a change starts (`dry_run`); that the rest is ready, a person checks.",
    },
    Unchecked {
        id: "R10",
        title: "Unclustering a host stops its instances.",
        source: "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1",
        instead: "Locum keeps to it, and says before what a change stops (`dry_run`).",
    },
    Unchecked {
        id: "R11",
        title: "Who clusters a host is a member of the administrators' group of the software.",
        source: "core/how-to-configure-a-biztalk-host-as-a-cluster-resource1",
        instead: "Checklist: Locum knows no accounts of the software.",
    },
    Unchecked {
        id: "R16",
        title: "A host is mapped to a server before an instance is installed, and unmapped after it is uninstalled.",
        source: "technical-reference/msbts-serverhost-map-method-wmi",
        instead: "Locum keeps to it: an instance is one entry, and is stopped before it goes.",
    },
    Unchecked {
        id: "R20",
        title: "There are not more hosts and instances than memory, polling and counters bear.",
        source: "technical-guides/high-availability-for-biztalk-hosts",
        instead: "Checklist: it depends on machines and load; R17 names one limit.",
    },
    Unchecked {
        id: "R44",
        title: "Changes of handlers and hosts may take as long as the configuration cache lives, 60 s by default, until they are seen.",
        source: "technical-reference/msbts-groupsetting-configurationcacherefreshinterval-property-wmi",
        instead: "Checklist: wait as long before judging a change.",
    },
    Unchecked {
        id: "R56",
        title: "The secret server's name in its database and on every client is the network name of the group.",
        source: "core/how-to-cluster-the-master-secret-server1",
        instead: "Checklist: Locum does not see that database.",
    },
    Unchecked {
        id: "R57",
        title: "The master secret is restored on each node, and backed up as soon as it is generated.",
        source: "core/how-to-cluster-the-master-secret-server1",
        instead: "Checklist: Locum sees no secrets.",
    },
    Unchecked {
        id: "R58",
        title: "The secret server is taken offline and online after it has moved, before the secret is restored.",
        source: "core/how-to-cluster-the-master-secret-server1",
        instead: "Checklist: a step of the installation.",
    },
    Unchecked {
        id: "R59",
        title: "The secret server's groups are domain groups, and its account may log on as a service on each node.",
        source: "core/how-to-cluster-the-master-secret-server1",
        instead: "Checklist: Locum knows no accounts of the software.",
    },
    Unchecked {
        id: "R62",
        title: "The secret server is not clustered on nodes with hosts unless these are in the same group.",
        source: "technical-guides/checklist-providing-high-availability-with-fault-tolerance-or-load-balancing",
        instead: "Said by R50, R51 and R52.",
    },
    Unchecked {
        id: "R71",
        title: "Network access to the transaction coordinator is enabled on every machine that takes part.",
        source: "core/troubleshooting-problems-with-msdtc",
        instead: "Checklist: a setting of the machines.",
    },
    Unchecked {
        id: "R72",
        title: "Each machine's transaction coordinator has an id of its own.",
        source: "MSDN blog biztalknotes, 2013-07-30",
        instead: "Checklist: a setting of cloned machines.",
    },
    Unchecked {
        id: "R76",
        title: "Alerts watch the virtual node: those on physical nodes are unreliable in an active/passive cluster.",
        source: "technical-guides/known-issues2",
        instead: "Checklist. Locum's own status is by group, wherever it runs.",
    },
    Unchecked {
        id: "R77",
        title: "Who starts, stops, creates and deletes instances has the rights for it.",
        source: "core/minimum-security-user-rights",
        instead: "Checklist: Locum knows no accounts of the software.",
    },
    Unchecked {
        id: "R78",
        title: "Domain groups are created by hand before the software is configured.",
        source: "core/considerations-for-installing-biztalk-server-on-a-windows-server-cluster2",
        instead: "Checklist: a step of the installation.",
    },
    Unchecked {
        id: "R79",
        title: "The software's own audit log knows neither hosts nor failovers.",
        source: "core/audit-management-operations",
        instead: "Locum keeps both: `changes` and `failovers`.",
    },
];
