//! Is a host reached without the proxy of the environment?
//!
//! `NO_PROXY` as curl and Go read it: names with their subdomains, addresses, networks, `*`.
//! Called by [`super::kubeconfig`].

use std::net::IpAddr;

/// Whether `NO_PROXY` (or `no_proxy`) of the environment names a host.
pub(super) fn is_exempt(host: &str) -> bool {
    let value = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
    value.is_ok_and(|list| names(&list, host))
}

fn names(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let entries = list.split(',').map(str::trim).filter(|e| !e.is_empty());
    entries.into_iter().any(|entry| {
        let entry = entry.to_lowercase();
        if entry == "*" {
            return true;
        }
        if let Some(address) = address {
            return is_in(&entry, address);
        }
        let name = entry.trim_start_matches("*.").trim_start_matches('.');
        let parent = host.strip_suffix(name);
        parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// An address, or a network like `10.0.0.0/8`.
fn is_in(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry.trim_matches(['[', ']']), Some(128)),
    };
    let (Ok(network), Some(bits)) = (network.parse::<IpAddr>(), bits) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(bits))
                .unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_with_their_subdomains_addresses_and_networks_are_exempt() {
        let list = "localhost, .corp.example,10.0.0.0/8,192.168.7.9 ,fd00::/8";
        for host in [
            "localhost",
            "api.corp.example",
            "corp.example",
            "10.200.3.4",
            "192.168.7.9",
            "[fd12::1]",
        ] {
            assert!(names(list, host), "{host}");
        }
        for host in [
            "notlocalhost",
            "mycorp.example",
            "11.0.0.1",
            "192.168.7.8",
            "fe80::1",
        ] {
            assert!(!names(list, host), "{host}");
        }
        assert!(names("*", "any.example"));
        assert!(names("0.0.0.0/0", "9.9.9.9"));
        assert!(!names("", "any.example"));
        assert!(!names("10.0.0.0/x", "10.0.0.1"));
    }
}
