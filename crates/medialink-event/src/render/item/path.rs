//! Paths of media inside of the content that is shown.

/// The path inside of the content that is shown.
pub(super) fn inside(path: &str) -> &str {
    let path = path.strip_prefix("content.").unwrap_or(path);
    path.strip_prefix("m.new_content.").unwrap_or(path)
}

/// The path of the object that describes a medium or its thumbnail: the part before
/// `url`, `file`, or before `info.thumbnail_url`, `info.thumbnail_file`.
pub(super) fn described(path: &str) -> &str {
    let path = path.strip_suffix(".url").unwrap_or(path);
    [".file", ".info.thumbnail_url", ".info.thumbnail_file"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_described_where_its_medium_is() {
        for path in [
            "content.url",
            "content.file",
            "content.file.url",
            "content.info.thumbnail_url",
            "content.info.thumbnail_file",
            "content.info.thumbnail_file.url",
        ] {
            assert_eq!(described(path), "content");
        }
        assert_eq!(
            described("content.itemtypes[3].info.thumbnail_url"),
            "content.itemtypes[3]"
        );
    }
}
