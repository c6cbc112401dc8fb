//! The style of a rendering.

use super::template::TextTemplate;

/// The wishes of a bridge about rendered events.
#[derive(Debug, Clone, Copy)]
pub struct RenderStyle<'a> {
    /// The template of texts about media.
    pub template: &'a TextTemplate,
    /// The most bytes of UTF-8 that the text may have.
    pub max_bytes: Option<usize>,
    /// The name of the sender; if it is empty, the user ID is used.
    pub sender_name: &'a str,
    /// The network on the other side.
    pub network: &'a str,
}
