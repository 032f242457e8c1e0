//! What may a policy file say, and what did this one say? Part of [`super`].

use crate::config::finding::{Spot, Written};
use crate::config::raw::{Shape, Text, Texts};

pub(super) const TOP: Shape = Shape {
    title: crate::config::raw::TOP.title,
    keys: &["policy", "roles", "window", "rule"],
};

pub(super) const POLICY: Shape = Shape {
    title: "[policy]",
    keys: &["mode", "override_role", "break_glass_role", "signers"],
};

pub(super) const WINDOW: Shape = Shape {
    title: "[[window]]",
    keys: &[
        "name", "kind", "zone", "from", "until", "days", "start", "end",
    ],
};

pub(super) const RULE: Shape = Shape {
    title: "[[rule]]",
    keys: &[
        "id", "level", "match", "deny_if", "because", "require", "limits", "verify",
    ],
};

pub(super) const MATCH: Shape = Shape {
    title: "[rule.match]",
    keys: &[
        "env",
        "action",
        "actions",
        "direction",
        "risk",
        "risks",
        "service",
        "namespace",
    ],
};

pub(super) const REQUIRE: Shape = Shape {
    title: "[rule.require]",
    keys: &[
        "approvals",
        "role",
        "requester_role",
        "not_requester",
        "reason",
        "ticket",
        "typed_name",
    ],
};

pub(super) const LIMITS: Shape = Shape {
    title: "[rule.limits]",
    keys: &[
        "targets",
        "percent",
        "count",
        "namespaces",
        "batch",
        "cooldown",
        "max_failures",
        "silence",
    ],
};

pub(super) const VERIFY: Shape = Shape {
    title: "[rule.verify]",
    keys: &["soak", "abort_if", "revert"],
};

/// Every table of a policy file.
pub(super) const TABLES: [&Shape; 8] = [
    &TOP, &POLICY, &WINDOW, &RULE, &MATCH, &REQUIRE, &LIMITS, &VERIFY,
];

/// The file.
#[derive(Default)]
pub(super) struct RawPolicy {
    pub(super) mode: Option<Text>,
    pub(super) override_role: Option<Text>,
    pub(super) break_glass_role: Option<Text>,
    pub(super) signers: Option<Text>,
    pub(super) roles: Vec<(Text, Texts)>,
    pub(super) windows: Vec<RawWindow>,
    pub(super) rules: Vec<RawRule>,
}

/// `[[window]]`
pub(super) struct RawWindow {
    pub(super) header: Spot,
    pub(super) name: Option<Text>,
    pub(super) kind: Option<Text>,
    pub(super) zone: Option<Text>,
    pub(super) from: Option<Text>,
    pub(super) until: Option<Text>,
    pub(super) days: Option<Texts>,
    pub(super) start: Option<Text>,
    pub(super) end: Option<Text>,
}

/// `[[rule]]`
pub(super) struct RawRule {
    pub(super) header: Spot,
    pub(super) id: Option<Text>,
    pub(super) level: Option<Text>,
    pub(super) matches: RawMatch,
    pub(super) deny_if: Option<Texts>,
    pub(super) because: Option<Text>,
    pub(super) require: RawRequire,
    pub(super) limits: RawLimits,
    pub(super) verify: RawVerify,
}

/// `match = { ... }`
#[derive(Default)]
pub(super) struct RawMatch {
    pub(super) env: Option<Text>,
    /// `action` and `actions`
    pub(super) actions: Vec<Text>,
    pub(super) direction: Option<Text>,
    /// `risk` and `risks`
    pub(super) risks: Vec<Text>,
    pub(super) service: Option<Text>,
    pub(super) namespace: Option<Text>,
}

/// `require = { ... }`
#[derive(Default)]
pub(super) struct RawRequire {
    pub(super) approvals: Option<Written<u64>>,
    pub(super) role: Option<Text>,
    pub(super) requester_role: Option<Text>,
    pub(super) not_requester: Option<Written<bool>>,
    pub(super) reason: Option<Written<bool>>,
    pub(super) ticket: Option<Written<bool>>,
    pub(super) typed_name: Option<Written<bool>>,
}

/// `limits = { ... }`
#[derive(Default)]
pub(super) struct RawLimits {
    pub(super) targets: Option<Written<u64>>,
    pub(super) percent: Option<Written<u64>>,
    pub(super) count: Option<Written<u64>>,
    pub(super) namespaces: Option<Written<u64>>,
    pub(super) batch: Option<Written<u64>>,
    pub(super) cooldown: Option<Text>,
    pub(super) max_failures: Option<Written<u64>>,
    pub(super) silence: Option<Text>,
}

/// `verify = { ... }`
#[derive(Default)]
pub(super) struct RawVerify {
    pub(super) soak: Option<Text>,
    pub(super) abort_if: Option<Text>,
    pub(super) revert: Option<Text>,
}
