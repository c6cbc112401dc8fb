//! A picture in SVG: whether it is one, and the proportion of its sides.

use roxmltree::{Document, Node, ParsingOptions};

use super::{logo_error::LogoError, logo_kind::LogoKind};

/// The most elements and texts: more than a file of the largest length can have without entities.
const MAX_NODES: u32 = 1 << 16;
/// The namespace of SVG.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// Width and height, in units of the picture.
pub(super) fn sides(bytes: &[u8]) -> Result<(f64, f64), LogoError> {
    let unreadable = |why: &dyn std::fmt::Display| LogoError::unreadable(LogoKind::Svg, &why);
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable(&error))?;
    // Programs for drawing write a document type; what it names elsewhere is never loaded.
    let options = ParsingOptions {
        allow_dtd: true,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document =
        Document::parse_with_options(text, options).map_err(|error| unreadable(&error))?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "svg")) {
        let why = format!("its first element is not <svg xmlns=\"{NAMESPACE}\">");
        return Err(unreadable(&why));
    }
    let sides = own_sides(root).or_else(|| view_box(root));
    sides.ok_or(LogoError::Shapeless)
}

/// Its own width and height, by which browsers go first.
fn own_sides(root: Node<'_, '_>) -> Option<(f64, f64)> {
    let side = |name| {
        let text = root.attribute(name)?.trim();
        length(text.strip_suffix("px").unwrap_or(text))
    };
    side("width").zip(side("height"))
}

fn view_box(root: Node<'_, '_>) -> Option<(f64, f64)> {
    let numbers = root.attribute("viewBox")?;
    let numbers = numbers.split(|c: char| c == ',' || c.is_ascii_whitespace());
    let numbers: Vec<&str> = numbers.filter(|number| !number.is_empty()).collect();
    match numbers[..] {
        [_, _, width, height] => length(width).zip(length(height)),
        _ => None,
    }
}

fn length(text: &str) -> Option<f64> {
    let length = text.parse().ok();
    length.filter(|&length: &f64| length.is_finite() && length > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportion_is_that_of_browsers() {
        for (attributes, told) in [
            (r#"viewBox="0 0 120 32""#, (120.0, 32.0)),
            (r#"viewBox=" -4,-4 , 60.5 1e1 ""#, (60.5, 10.0)),
            (r#"width="48" height="24px""#, (48.0, 24.0)),
            (
                r#"width="48" height=" 24 " viewBox="0 0 1 1""#,
                (48.0, 24.0),
            ),
            (r#"width="48" viewBox="0 0 2 1""#, (2.0, 1.0)),
            (
                r#"width="100%" height="100%" viewBox="0 0 2 1""#,
                (2.0, 1.0),
            ),
            (
                r#"width="40mm" height="20mm" viewBox="0 0 2 1""#,
                (2.0, 1.0),
            ),
        ] {
            let text = format!("<svg xmlns=\"{NAMESPACE}\" {attributes}/>");
            assert_eq!(sides(text.as_bytes()), Ok(told), "{attributes}");
        }
    }

    #[test]
    fn what_programs_for_drawing_write_is_read() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\" [\n\
            <!ENTITY ns_svg \"http://www.w3.org/2000/svg\">]>\n\
            <!-- a program --><svg xmlns=\"&ns_svg;\" viewBox=\"0 0 3 1\"><rect width='3' height='1'/></svg>";
        assert_eq!(sides(text.as_bytes()), Ok((3.0, 1.0)));
    }

    #[test]
    fn a_picture_without_a_shape_is_refused() {
        for attributes in [
            "",
            "width=\"48\"",
            "width=\"0\" height=\"24\"",
            "width=\"-1\" height=\"24\"",
            "width=\"inf\" height=\"NaN\"",
            "viewBox=\"0 0 120\"",
            "viewBox=\"0 0 120 0\"",
            "viewbox=\"0 0 120 32\"",
        ] {
            let text = format!("<svg xmlns=\"{NAMESPACE}\" {attributes}/>");
            assert_eq!(
                sides(text.as_bytes()),
                Err(LogoError::Shapeless),
                "{attributes}"
            );
        }
    }

    #[test]
    fn what_is_no_svg_is_refused() {
        let many = format!(
            "<svg xmlns=\"{NAMESPACE}\" viewBox=\"0 0 1 1\">{}</svg>",
            "<g/>".repeat(70_000)
        );
        let bomb = format!(
            "<!DOCTYPE svg [<!ENTITY a \"{}\"><!ENTITY b \"{}\"><!ENTITY c \"{}\">]>\
             <svg xmlns=\"{NAMESPACE}\" viewBox=\"0 0 1 1\">&c;</svg>",
            "<g/>".repeat(100),
            "&a;".repeat(100),
            "&b;".repeat(100)
        );
        for text in [
            "picture",
            "<svg viewBox=\"0 0 1 1\"/>",
            "<html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            "<SVG xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\">",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\">&file;</svg>",
            many.as_str(),
            bomb.as_str(),
        ] {
            let error = sides(text.as_bytes()).expect_err("no SVG").to_string();
            let start = "is no picture that can be read: ";
            assert!(error.starts_with(start), "{error}");
            assert!(error.ends_with("; allowed is SVG in UTF-8"), "{error}");
            assert!(error.len() < 250, "{error}");
        }
        assert!(sides(b"<svg\xff").is_err());
    }
}
