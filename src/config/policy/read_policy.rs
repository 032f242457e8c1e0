//! What does a policy file hold, and is it of the right type? Part of [`super`].

use toml::de::DeTable;

use super::raw::{self, RawLimits, RawMatch, RawPolicy, RawRequire, RawRule, RawVerify, RawWindow};
use crate::config::finding::Spot;
use crate::config::raw::{Text, Texts};
use crate::config::reader::{Reader, Table};

pub(super) fn policy(reader: &mut Reader<'_>, table: &DeTable<'_>) -> RawPolicy {
    let top = reader.check(table, &raw::TOP, Spot::File(0..0));
    let roles = reader.named_lists(&top, "roles");
    let windows = reader.tables(&top, "window", &raw::WINDOW);
    let windows = windows.iter().map(|t| window(reader, t)).collect();
    let rules = reader.tables(&top, "rule", &raw::RULE);
    let rules = rules.iter().map(|t| rule(reader, t)).collect();
    let Some(head) = reader.table(&top, "policy", &raw::POLICY) else {
        return RawPolicy {
            roles,
            windows,
            rules,
            ..RawPolicy::default()
        };
    };
    RawPolicy {
        mode: reader.text(&head, "mode"),
        override_role: reader.text(&head, "override_role"),
        break_glass_role: reader.text(&head, "break_glass_role"),
        signers: reader.text(&head, "signers"),
        roles,
        windows,
        rules,
    }
}

fn window(reader: &mut Reader<'_>, table: &Table<'_>) -> RawWindow {
    RawWindow {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        kind: reader.text(table, "kind"),
        zone: reader.text(table, "zone"),
        from: reader.moment(table, "from"),
        until: reader.moment(table, "until"),
        days: reader.text_or_texts(table, "days"),
        start: reader.moment(table, "start"),
        end: reader.moment(table, "end"),
    }
}

fn rule(reader: &mut Reader<'_>, table: &Table<'_>) -> RawRule {
    RawRule {
        header: table.header.clone(),
        id: reader.text(table, "id"),
        level: reader.text(table, "level"),
        matches: reader
            .table(table, "match", &raw::MATCH)
            .map(|t| matches(reader, &t))
            .unwrap_or_default(),
        deny_if: reader.text_or_texts(table, "deny_if"),
        because: reader.text(table, "because"),
        require: reader
            .table(table, "require", &raw::REQUIRE)
            .map(|t| require(reader, &t))
            .unwrap_or_default(),
        limits: reader
            .table(table, "limits", &raw::LIMITS)
            .map(|t| limits(reader, &t))
            .unwrap_or_default(),
        verify: reader
            .table(table, "verify", &raw::VERIFY)
            .map(|t| RawVerify {
                soak: reader.text(&t, "soak"),
                abort_if: reader.text(&t, "abort_if"),
                revert: reader.text(&t, "revert"),
            })
            .unwrap_or_default(),
    }
}

fn matches(reader: &mut Reader<'_>, table: &Table<'_>) -> RawMatch {
    let mut both = |one: &str, several: &str| -> Vec<Text> {
        let one = reader.text_or_texts(table, one);
        let several = reader.text_or_texts(table, several);
        let all: [Option<Texts>; 2] = [one, several];
        all.into_iter().flatten().flat_map(|t| t.value).collect()
    };
    RawMatch {
        actions: both("action", "actions"),
        risks: both("risk", "risks"),
        env: reader.text(table, "env"),
        direction: reader.text(table, "direction"),
        service: reader.text(table, "service"),
        namespace: reader.text(table, "namespace"),
    }
}

fn require(reader: &mut Reader<'_>, table: &Table<'_>) -> RawRequire {
    RawRequire {
        approvals: reader.whole_number(table, "approvals"),
        role: reader.text(table, "role"),
        requester_role: reader.text(table, "requester_role"),
        not_requester: reader.switch(table, "not_requester"),
        reason: reader.switch(table, "reason"),
        ticket: reader.switch(table, "ticket"),
        typed_name: reader.switch(table, "typed_name"),
    }
}

fn limits(reader: &mut Reader<'_>, table: &Table<'_>) -> RawLimits {
    RawLimits {
        targets: reader.whole_number(table, "targets"),
        percent: reader.whole_number(table, "percent"),
        count: reader.whole_number(table, "count"),
        namespaces: reader.whole_number(table, "namespaces"),
        batch: reader.whole_number(table, "batch"),
        cooldown: reader.text(table, "cooldown"),
        max_failures: reader.whole_number(table, "max_failures"),
        silence: reader.text(table, "silence"),
    }
}
