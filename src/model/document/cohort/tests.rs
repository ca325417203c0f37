//! Cohorts that are changed in place are those that are put together anew.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What happens while a rollout is driven. Tenants are given by number.
#[derive(Debug, Clone)]
enum Event {
    Call(Vec<usize>),
    /// A row of a tenant, in the answer to whatever call.
    Row(usize, &'static str),
    /// The calls of these tenants have ended.
    End(Vec<usize>),
    /// The cohorts are listed.
    List,
}

const NAMES: [&str; 7] = ["m", "b", "x", "stray 2", "a", "stray 1", "k"];

fn event() -> impl Strategy<Value = Event> {
    let tenants = || vec(0..NAMES.len(), 1..4);
    prop_oneof![
        tenants().prop_map(Event::Call),
        (0..NAMES.len(), prop::sample::select(vec!["Success", "Failed"])).prop_map(|(who, row)| Event::Row(who, row)),
        tenants().prop_map(Event::End),
        Just(Event::List),
    ]
}

/// The cohorts so far, put together anew from each tenant's evidence.
fn anew(grouping: &Grouping) -> Vec<Cohort> {
    let mut tenants: Vec<u32> = (0..index(grouping.names.list.len())).collect();
    tenants.sort_by(|a, b| grouping.order().rank(*a).cmp(&grouping.order().rank(*b)));
    let (mut keys, mut cohorts): (Vec<Key>, Vec<Cohort>) = (Vec::new(), Vec::new());
    for tenant in tenants {
        let key = grouping.key_so_far(tenant as usize);
        let place = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            keys.push(key);
            cohorts.push(grouping.cohort(key));
            keys.len() - 1
        });
        cohorts[place].tenants.push(grouping.names.list[tenant as usize].clone());
    }
    cohorts
}

fn check(fleet: &[(usize, bool)], events: &[Event]) -> Result<(), TestCaseError> {
    let (mut grouping, mut cohorts, mut calls) = (Grouping::new(), Vec::new(), 0);
    let gold = grouping.labels(std::iter::once((Text::from("tier"), Text::from("gold"))).collect());
    let none = grouping.labels(Map::default());
    // So it is while the plan call is not answered.
    grouping.list(&mut cohorts);
    prop_assert!(cohorts.is_empty());
    for (tenant, is_gold) in fleet {
        grouping.enumerate(NAMES[*tenant], if *is_gold { gold } else { none });
    }
    for event in events {
        match event {
            Event::Call(tenants) => {
                for tenant in tenants {
                    grouping.record_call(NAMES[*tenant], calls);
                }
                calls += 1;
            }
            Event::Row(tenant, status) => {
                let row = Row { ssm_status: Field::Given(Text::from(*status)), ..Row::default() };
                let row = grouping.row(row);
                grouping.record_row(NAMES[*tenant], row, None, Origin { call: None, attempt: None, row: 0 });
            }
            Event::End(tenants) => {
                for tenant in tenants {
                    grouping.end_call(NAMES[*tenant]);
                }
            }
            Event::List => {
                grouping.list(&mut cohorts);
                prop_assert_eq!(&cohorts, &anew(&grouping));
            }
        }
    }
    grouping.list(&mut cohorts);
    prop_assert_eq!(&cohorts, &anew(&grouping));
    let names: HashSet<&Text> = cohorts.iter().flat_map(|cohort| &cohort.tenants).collect();
    prop_assert_eq!(names.len(), grouping.names().len(), "every tenant is in a cohort");
    Ok(())
}

#[test]
fn cohorts_that_are_changed_in_place_are_those_put_together_anew() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(fleet in vec((0..NAMES.len(), any::<bool>()), 0..6), events in vec(event(), 0..30))| {
        check(&fleet, &events)?;
    });
}
