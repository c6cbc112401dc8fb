use futures_util::FutureExt;
use medialink_link::LinkState;
use proptest::prelude::*;

use super::{
    page::{Page, split},
    *,
};
use crate::storage::test_database::open;

const STATES: [LinkState; 5] = [
    LinkState::Expired,
    LinkState::Revoked,
    LinkState::Redacted,
    LinkState::Spent,
    LinkState::Gone,
];

fn tombstone(number: usize) -> Tombstone {
    Tombstone {
        state: STATES[number % STATES.len()],
        is_legacy: number.is_multiple_of(3),
        ended_at_s: 1_790_000_000 + i64::try_from(number).expect("small"),
    }
}

proptest! {
    #[test]
    fn a_row_holds_what_was_put_into_it(links in prop::collection::btree_map(
        0..=i64::MAX, (0..STATES.len(), any::<bool>(), 0_i64..1 << 36), 0..300,
    )) {
        let mut page = Page::default();
        for (name, (state, is_legacy, ended_at_s)) in &links {
            let tombstone = Tombstone {
                state: STATES[*state],
                is_legacy: *is_legacy,
                ended_at_s: *ended_at_s,
            };
            page.put(Name(*name), tombstone);
        }
        let mut found = 0;
        let mut last = -1;
        for (first, part) in split(0, page) {
            prop_assert!(first > last);
            last = first;
            let bytes = part.into_bytes();
            prop_assert!(bytes.len() <= 96 * 13);
            let read = Page::read(bytes).expect("a row");
            for (name, (state, ..)) in links.range(first..) {
                if let Some(tombstone) = read.get(Name(*name)) {
                    prop_assert_eq!(tombstone.state, STATES[*state]);
                    found += 1;
                }
            }
        }
        prop_assert_eq!(found, links.len());
    }

    #[test]
    fn what_is_no_row_is_not_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let page = Page::read(bytes.clone());
        prop_assert!(page.is_none() || bytes.len() % 13 == 0);
    }
}

#[tokio::test]
async fn every_link_is_found_by_its_bridge_however_many_there_are() {
    let (_folder, database) = open().await;
    for piece in (0..5000).collect::<Vec<usize>>().chunks(500) {
        let links = piece.iter().map(|number| {
            let name = Name::of("irc", &format!("link{number}"));
            (name, tombstone(*number))
        });
        let links: Vec<_> = links.collect();
        let buried = database.writer().write::<_, StorageError, _>(move |c| {
            async move {
                bury(c, &links).await?;
                // Again, as after a kill.
                bury(c, &links).await
            }
            .boxed()
        });
        buried.await.expect("writes");
    }
    let reader = database.reader();
    for number in 0..5000 {
        let link_id = format!("link{number}");
        let found = find(reader, &["xmpp", "irc"], &link_id).await;
        assert_eq!(found.expect("reads"), Some(tombstone(number)));
    }
    let of_other = find(reader, &["xmpp"], "link7").await;
    assert_eq!(of_other.expect("reads"), None);
}
