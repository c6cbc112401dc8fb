//! Tables and colours, for people on a terminal.

use std::io::IsTerminal as _;

use time::{OffsetDateTime, macros::format_description};
use unicode_width::UnicodeWidthStr as _;

/// Between two columns.
const GAP: usize = 2;
/// The narrowest that a column becomes.
const NARROWEST: usize = 6;
/// The width of a terminal that does not tell it.
const USUAL_WIDTH: usize = 80;

/// A terminal on standard output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// Its columns.
    width: usize,
    has_colours: bool,
}

impl Terminal {
    /// Standard output, if it is a terminal and tables are wanted.
    pub(super) fn unless(json: bool) -> Option<Self> {
        let output = std::io::stdout();
        if json || !output.is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(&output).ok();
        let columns = size.map(|size| usize::from(size.ws_col));
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Some(Self {
            width: columns
                .filter(|columns| *columns > 0)
                .unwrap_or(USUAL_WIDTH),
            has_colours: !is_set("NO_COLOR") && !is_dumb,
        })
    }

    /// A table that fits; cells that do not are cut. The column `state` has colours.
    pub(super) fn table<const N: usize>(self, head: [&str; N], rows: &[[String; N]]) -> String {
        let head = head.map(str::to_owned);
        let rows: Vec<[String; N]> = rows
            .iter()
            .map(|row| row.each_ref().map(|cell| shown(cell)))
            .collect();
        let mut widths = [0; N];
        for row in rows.iter().chain([&head]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        fit(&mut widths, self.width);
        let mut text = String::new();
        for (number, row) in [&head].into_iter().chain(&rows).enumerate() {
            let mut line = String::new();
            for ((cell, width), name) in row.iter().zip(widths).zip(&head) {
                let cell = cut(cell, width);
                let colour = match (self.has_colours, number, name.as_str()) {
                    (true, 0, _) => Some("1"),
                    (true, _, "state") => colour_of(&cell),
                    _ => None,
                };
                let gap = " ".repeat(width - cell.width() + GAP);
                match colour {
                    Some(colour) => line.push_str(&format!("\x1b[{colour}m{cell}\x1b[0m{gap}")),
                    None => line.push_str(&format!("{cell}{gap}")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A time in milliseconds since the epoch, for a column.
pub(super) fn moment(at_ms: Option<i64>) -> String {
    let Some(at_ms) = at_ms else {
        return "-".to_owned();
    };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]Z");
    OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(format).ok())
        .unwrap_or_else(|| at_ms.to_string())
}

/// Takes from the widest columns until the line fits.
fn fit(widths: &mut [usize], of: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > of {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// As much of a cell as has a place, in columns of the terminal: many letters of East Asia take two.
fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut kept = String::new();
    for letter in cell.chars() {
        kept.push(letter);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    format!("{kept}…")
}

/// A text of others: nothing in it moves the cursor or turns the direction of writing.
fn shown(text: &str) -> String {
    let is_steering = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars()
        .map(|c| if is_steering(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Of a state: what works is green, what waits yellow, what has failed red, and what is over faint.
fn colour_of(state: &str) -> Option<&'static str> {
    match state {
        "live" | "active" | "sent" | "told" => Some("32"),
        "waiting" | "redacting" | "verify" => Some("33"),
        "failed" | "lost" | "revoked" => Some("31"),
        "expired" | "redacted" | "gone" | "spent" | "dropped" => Some("2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Terminal = Terminal {
        width: 30,
        has_colours: false,
    };

    fn rows() -> Vec<[String; 3]> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        vec![
            row(["AAECAwQF", "live", "!room:example.org"]),
            row(["1", "revoked", "a\x1b[2J\u{202e}b"]),
            row(["2", "", ""]),
        ]
    }

    #[test]
    fn a_table_fits_and_holds_no_control_characters() {
        let table = PLAIN.table(["id", "state", "room"], &rows());
        assert_eq!(
            table,
            "id        state    room\n\
             AAECAwQF  live     !room:exam…\n\
             1         revoked  a\u{fffd}[2J\u{fffd}b\n\
             2         -        -\n"
        );
        for width in 0..60 {
            let terminal = Terminal { width, ..PLAIN };
            let table = terminal.table(["id", "state", "room"], &rows());
            let widest = table.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|widest| widest <= width.max(3 * NARROWEST + 2 * GAP)));
        }
    }

    #[test]
    fn letters_take_as_many_columns_as_a_terminal_gives_them() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let rows = [
            row(["猫の写真", "a"]),
            row(["e\u{301}🐈", "b"]),
            row(["写真がたくさんある部屋の話", "c"]),
        ];
        let terminal = Terminal { width: 12, ..PLAIN };
        assert_eq!(
            terminal.table(["note", "id"], &rows),
            "note      id\n猫の写真  a\ne\u{301}🐈       b\n写真が…   c\n"
        );
        for width in 16..40 {
            let table = Terminal { width, ..PLAIN }.table(["note", "id"], &rows);
            assert!(
                table.lines().all(|line| line.width() <= width),
                "{width}: {table}"
            );
        }
    }

    #[test]
    fn colours_are_of_states_alone() {
        let terminal = Terminal {
            has_colours: true,
            ..PLAIN
        };
        let table = terminal.table(["id", "state", "room"], &rows());
        assert!(table.contains("\x1b[32mlive\x1b[0m     !room"), "{table}");
        assert!(table.contains("\x1b[31mrevoked\x1b[0m"), "{table}");
        assert!(!table.contains("\x1b[2J"), "{table}");
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(moment(Some(1_790_000_000_000)), "2026-09-21 14:13Z");
        assert_eq!(moment(None), "-");
        assert_eq!(moment(Some(i64::MAX)), i64::MAX.to_string());
    }
}
