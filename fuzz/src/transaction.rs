//! Transactions, as the homeserver pushes them.

use medialink::appservice::Transaction;

/// Reading with and without media agrees on everything else.
pub fn check(data: &[u8]) {
    let (plain, with_media) = (Transaction::read(data), Transaction::read_with_media(data));
    assert_eq!(plain.is_ok(), with_media.is_ok());
    let (Ok(plain), Ok(with_media)) = (plain, with_media) else {
        return;
    };
    assert_eq!(plain.digest, with_media.digest);
    let mut rest = with_media.occurrences.iter();
    for occurrence in &plain.occurrences {
        assert!(rest.any(|other| other == occurrence), "{occurrence:?}");
    }
}
