//! Networks, as Go's `net` has them: an IPv4 address in IPv6 form is one of IPv4.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Result, anyhow, bail};
use regorus::Value;

use crate::rego::engine::functions::args::string;

/// How many addresses of a network are listed at most.
const MAX_ADDRESSES: u128 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    is_v4: bool,
    bits: u128,
}

#[derive(Debug, Clone, Copy)]
struct Network {
    first: Address,
    prefix: u32,
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(v4) = text.parse::<Ipv4Addr>() {
            return Some(Self { is_v4: true, bits: u128::from(u32::from(v4)) });
        }
        text.parse::<Ipv6Addr>().ok().map(|v6| Self::of_v6(v6.into()))
    }

    fn of_v6(bits: u128) -> Self {
        if bits >> 32 == 0xffff { Self { is_v4: true, bits: bits & 0xffff_ffff } } else { Self { is_v4: false, bits } }
    }

    /// In 16 bytes, where both families have one order.
    const fn wide(self) -> u128 {
        if self.is_v4 { self.bits | 0xffff << 32 } else { self.bits }
    }

    fn text(self) -> String {
        match u32::try_from(self.bits) {
            Ok(v4) if self.is_v4 => Ipv4Addr::from(v4).to_string(),
            _ => Ipv6Addr::from(self.bits).to_string(),
        }
    }
}

const fn hosts(width: u32, prefix: u32) -> u128 {
    match width - prefix {
        128 => u128::MAX,
        host => (1 << host) - 1,
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self> {
        let invalid = || anyhow!("invalid CIDR address: {text}");
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let prefix: u32 = prefix.parse().map_err(|_| invalid())?;
        if let Ok(v4) = address.parse::<Ipv4Addr>() {
            if prefix > 32 {
                return Err(invalid());
            }
            let bits = u128::from(u32::from(v4)) & !hosts(32, prefix);
            return Ok(Self { first: Address { is_v4: true, bits }, prefix });
        }
        let v6: Ipv6Addr = address.parse().map_err(|_| invalid())?;
        if prefix > 128 {
            return Err(invalid());
        }
        let first = Address::of_v6(u128::from(v6) & !hosts(128, prefix));
        let prefix = if first.is_v4 { prefix.saturating_sub(96) } else { prefix };
        Ok(Self { first, prefix })
    }

    const fn width(self) -> u32 {
        if self.first.is_v4 { 32 } else { 128 }
    }

    const fn last(self) -> Address {
        Address { bits: self.first.bits | hosts(self.width(), self.prefix), ..self.first }
    }

    const fn contains(self, address: Address) -> bool {
        self.first.is_v4 == address.is_v4 && address.bits & !hosts(self.width(), self.prefix) == self.first.bits
    }

    fn text(self) -> String {
        format!("{}/{}", self.first.text(), self.prefix)
    }
}

fn holds(network: &str, other: &str) -> Result<bool> {
    let network = Network::parse(network)?;
    if let Some(address) = Address::parse(other) {
        return Ok(network.contains(address));
    }
    let invalid = || anyhow!("not a valid textual representation of an IP address or CIDR: {other}");
    let other = Network::parse(other).map_err(|_| invalid())?;
    Ok(network.contains(other.first) && network.contains(other.last()))
}

/// `net.cidr_contains(cidr, cidr_or_ip)`
///
/// # Errors
/// Where one is no network.
pub fn contains(args: &[Value]) -> Result<Value> {
    Ok(Value::from(holds(string(args, 0)?, string(args, 1)?)?))
}

/// `net.cidr_intersects(cidr, cidr)`
///
/// # Errors
/// Where one is no network.
pub fn intersects(args: &[Value]) -> Result<Value> {
    let (a, b) = (Network::parse(string(args, 0)?)?, Network::parse(string(args, 1)?)?);
    Ok(Value::from(a.contains(b.first) || b.contains(a.first)))
}

/// `net.cidr_is_valid(cidr)`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "functions have one form")]
pub fn is_valid(args: &[Value]) -> Result<Value> {
    Ok(Value::from(string(args, 0).is_ok_and(|text| Network::parse(text).is_ok())))
}

/// `net.cidr_expand(cidr)`
///
/// # Errors
/// Where it is no network, or a large one.
pub fn expand(args: &[Value]) -> Result<Value> {
    let network = Network::parse(string(args, 0)?)?;
    let (first, last) = (network.first.bits, network.last().bits);
    if last - first >= MAX_ADDRESSES {
        bail!("the network has more than {MAX_ADDRESSES} addresses");
    }
    let texts = (first..=last).map(|bits| Value::from(Address { bits, ..network.first }.text()));
    Ok(Value::from(texts.collect::<BTreeSet<_>>()))
}

/// `net.cidr_contains_matches(cidrs, cidrs_or_ips)`: which of the ones contain which of the others, by index or key.
///
/// # Errors
/// Where an element is no network.
pub fn contains_matches(args: &[Value]) -> Result<Value> {
    let (ones, others) = (indexed(&args[0])?, indexed(&args[1])?);
    let mut found = BTreeSet::new();
    for (one, index) in &ones {
        for (other, of_other) in &others {
            if holds(one, other)? {
                found.insert(Value::from(vec![index.clone(), of_other.clone()]));
            }
        }
    }
    Ok(Value::from(found))
}

/// Networks, each with its index or key.
fn indexed(value: &Value) -> Result<Vec<(String, Value)>> {
    let network = |value: &Value| match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Array(items) => match items.first() {
            Some(Value::String(text)) => Ok(text.to_string()),
            _ => Err(anyhow!("element must be string or non-empty array")),
        },
        _ => Err(anyhow!("element must be string or non-empty array")),
    };
    match value {
        Value::String(text) => Ok(vec![(text.to_string(), value.clone())]),
        Value::Array(items) => {
            (0_u64..).zip(items.iter()).map(|(i, item)| Ok((network(item)?, Value::from(i)))).collect()
        }
        Value::Set(items) => items.iter().map(|item| Ok((network(item)?, item.clone()))).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| Ok((network(item)?, key.clone()))).collect(),
        _ => Ok(Vec::new()),
    }
}

/// A range of addresses, and the network that alone it is.
struct Range {
    first: u128,
    last: u128,
    network: Option<String>,
}

/// `net.cidr_merge(cidrs)`: the fewest networks that have the same addresses.
///
/// # Errors
/// Where an element is neither a network nor an address of IPv4.
pub fn merge(args: &[Value]) -> Result<Value> {
    let items: Vec<Value> = match &args[0] {
        Value::Array(items) => items.iter().cloned().collect(),
        Value::Set(items) => items.iter().cloned().collect(),
        _ => bail!("operand must be an array"),
    };
    let mut ranges = items.iter().map(range).collect::<Result<Vec<_>>>()?;
    ranges.sort_by_key(|range| (range.last, range.first));
    for i in (1..ranges.len()).rev() {
        if ranges[i].first.saturating_sub(1) <= ranges[i - 1].last {
            let later = ranges.remove(i);
            let before = &mut ranges[i - 1];
            *before = Range { first: before.first.min(later.first), last: later.last, network: None };
        }
    }
    let networks = ranges.into_iter().flat_map(|range| match range.network {
        Some(network) => vec![network],
        None => cover(range.first, range.last),
    });
    Ok(Value::from(networks.map(Value::from).collect::<BTreeSet<_>>()))
}

fn range(item: &Value) -> Result<Range> {
    let Value::String(text) = item else { bail!("element must be string") };
    let Some(address) = Address::parse(text) else {
        let network = Network::parse(text)?;
        return Ok(Range { first: network.first.wide(), last: network.last().wide(), network: Some(network.text()) });
    };
    if !address.is_v4 {
        bail!("IPv6 invalid: needs prefix length");
    }
    // An address alone stands for the network of its class.
    let prefix = match address.bits >> 24 {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    };
    let first = Address { bits: address.bits & !hosts(32, prefix), ..address };
    let last = Network { first, prefix }.last();
    Ok(Range { first: first.wide(), last: last.wide(), network: Some(format!("{}/{prefix}", address.text())) })
}

/// The fewest networks of a range.
fn cover(mut first: u128, last: u128) -> Vec<String> {
    let mut networks = Vec::new();
    loop {
        let mut host = first.trailing_zeros().min(127);
        while host > 0 && first.checked_add(hosts(128, 128 - host)).is_none_or(|end| end > last) {
            host -= 1;
        }
        let address = Address::of_v6(first);
        let prefix = if address.is_v4 { 32_u32.saturating_sub(host) } else { 128 - host };
        networks.push(Network { first: address, prefix }.text());
        match first.checked_add(1 << host) {
            Some(next) if next <= last => first = next,
            _ => return networks,
        }
    }
}
