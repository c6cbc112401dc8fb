//! Whether the homeserver still has media that the cache holds: it may have deleted or quarantined it.

use std::{sync::Arc, time::Duration};

use actix_web::rt;

use crate::{
    clock::millis,
    links::{Doubt, Outlook},
};

use super::{fetch::Fetcher, order::Order};

/// How old the homeserver's answer may be where nothing but the homeserver vouches for media.
const VOUCHED_FOR: Duration = Duration::from_secs(30);

/// Whether cached media may be served: by the homeserver's latest answer, or by asking, once for all
/// who follow links to it.
pub(super) async fn may_serve(fetcher: &Arc<Fetcher>, order: &Order) -> bool {
    match fetcher.presence().outlook(order.medium()) {
        Outlook::Known(may_serve) => may_serve,
        Outlook::Due(doubt) => Box::pin(settle(fetcher, order, *doubt)).await,
    }
}

/// The same for media that no event vouches for, unless `is_vouched_for` finds one.
pub(super) async fn may_serve_unvouched(
    fetcher: &Arc<Fetcher>,
    order: &Order,
    is_vouched_for: impl Future<Output = bool>,
) -> bool {
    let age = millis(VOUCHED_FOR);
    match fetcher.presence().outlook_within(order.medium(), age) {
        Outlook::Known(may_serve) => may_serve,
        Outlook::Due(doubt) if is_vouched_for.await => {
            doubt.vouch();
            true
        }
        Outlook::Due(doubt) => Box::pin(settle(fetcher, order, *doubt)).await,
    }
}

/// Asks in a task of its own, which the end of the request does not end.
async fn settle(fetcher: &Arc<Fetcher>, order: &Order, doubt: Doubt) -> bool {
    if let Some(question) = doubt.question() {
        let (fetcher, order) = (Arc::clone(fetcher), order.clone());
        rt::spawn(async move {
            if question.begin(order.medium()).await {
                fetcher.question(&order).await;
            }
        });
    }
    doubt.settled().await
}
