//! The line of an event without media.

use crate::SharedEvent;

use super::super::{
    line::{one_line, shortened},
    names::sender,
    plain_words::plain_words,
    style::RenderStyle,
    template::Field,
    wording::Wording,
    words::Words,
};
use super::values::LINE_END;

/// A message without media. The sender is named where the template names them.
pub(super) fn words_line(
    event: &SharedEvent,
    words: &Words<'_>,
    style: &RenderStyle<'_>,
    wording: &dyn Wording,
) -> String {
    let sender = Some(sender(event, style))
        .filter(|sender| !sender.is_empty() && style.template.names(Field::Sender));
    let edited = match event.is_edit {
        true => format!("[{}] ", one_line(&wording.edited(), " ")),
        false => String::new(),
    };
    let text = match words {
        Words::Nothing => return String::new(),
        Words::Text {
            plain,
            html,
            is_emote,
            place,
        } => {
            let mut words = one_line(&plain_words(plain, *html), LINE_END);
            if let Some(place) = place {
                words = format!("{words} ({place})").trim_start().to_owned();
            }
            match sender {
                _ if words.is_empty() => return String::new(),
                Some(sender) if *is_emote => format!("* {edited}{sender} {words}"),
                Some(sender) => format!("{sender}: {edited}{words}"),
                None => format!("{edited}{words}"),
            }
        }
        Words::Poll { question, answers } => {
            let asks = wording.poll(sender.as_deref(), event.is_edit);
            let question = one_line(question, LINE_END);
            let mut text = format!("{}: {question}", one_line(&asks, " "));
            for (index, answer) in answers.iter().enumerate() {
                text += if index == 0 { " - " } else { LINE_END };
                text += &one_line(answer, " ");
            }
            text
        }
    };
    let max_bytes = style.max_bytes.unwrap_or(usize::MAX);
    shortened(&text, max_bytes).unwrap_or_default()
}
