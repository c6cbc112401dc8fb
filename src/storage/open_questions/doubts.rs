//! The links that wait for answers: rows are marked, so that following a link costs no question to
//! the database, and cached rows are forgotten as with every other change.

use super::{
    super::{
        StorageError,
        engine::Connection,
        links::{self, of_event},
        seen_media::{self, BridgeMedium},
    },
    questions::{OpenQuestion, Question, about, of_room},
};

/// Marks the live links, and the media that events show, which a question is about. Returns media
/// whose marks may have changed, for the links that bridges have made by themselves.
pub async fn mark(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    question: &Question,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let mut media = Vec::new();
    match question {
        Question::Redaction { .. } => {
            for event_id in question.events() {
                let event_id = event_id.as_str();
                links::doubt_event(connection, room_id, event_id).await?;
                media.extend(seen_media::doubt_event(connection, room_id, event_id).await?);
            }
        }
        Question::Edit {
            event_id,
            media: kept,
            ..
        } => {
            let event_id = event_id.as_str();
            let links = of_event(&mut *connection, room_id, event_id).await?;
            // An event never has the media of a paste of it.
            let dropped = links
                .iter()
                .filter(|link| link.paste.is_none() && !kept.contains(&link.claims.mxc));
            let dropped: Vec<i64> = dropped.map(|link| link.id).collect();
            links::set_doubted(connection, &dropped, true).await?;
            media = seen_media::of_event(&mut *connection, room_id, event_id).await?;
            media.retain(|(shown_to, mxc)| shown_to == bridge && !kept.contains(mxc));
            for (_, mxc) in &media {
                seen_media::doubt_medium(connection, bridge, (room_id, event_id), mxc).await?;
            }
        }
    }
    Ok(media)
}

/// The same for all open questions about an event, which was seen only now.
pub async fn mark_event(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<(), StorageError> {
    for open in about(connection, room_id, event_id).await? {
        mark(connection, &open.bridge, room_id, &open.question).await?;
    }
    Ok(())
}

/// Marks whatever the open questions of a room are about, and nothing else. Returns media whose
/// marks may have changed.
pub async fn refresh(
    connection: &mut Connection,
    room_id: &str,
) -> Result<Vec<BridgeMedium>, StorageError> {
    links::trust_room(connection, room_id).await?;
    let mut media = seen_media::trust_room(connection, room_id).await?;
    for OpenQuestion {
        bridge, question, ..
    } in of_room(&mut *connection, room_id).await?
    {
        media.extend(mark(connection, &bridge, room_id, &question).await?);
    }
    media.sort();
    media.dedup();
    Ok(media)
}
