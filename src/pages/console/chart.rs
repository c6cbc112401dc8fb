//! Bars over time, drawn by the server, with all of it as a table beside them.

/// The width and the height of the drawing, in its own units.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 120;

/// One value.
#[derive(Clone, Debug)]
pub struct Point {
    /// When, for people.
    pub label: String,
    /// How much.
    pub value: u64,
    /// The same for people.
    pub text: String,
}

/// Values over time.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: &'static str,
    /// The values, the oldest first.
    pub points: Vec<Point>,
}

/// A bar.
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Chart {
    /// The bars; a value that is not nothing has one that is seen.
    pub(super) fn bars(&self) -> Vec<Bar> {
        let most = self
            .points
            .iter()
            .map(|point| point.value)
            .max()
            .unwrap_or(0);
        let count = self.points.len().max(1) as u64;
        let place = WIDTH / count;
        let bar = |(index, point): (usize, &Point)| {
            let height = u128::from(point.value) * u128::from(HEIGHT);
            let height = height.checked_div(u128::from(most)).unwrap_or(0);
            let height = u64::try_from(height)
                .unwrap_or(HEIGHT)
                .max(u64::from(point.value > 0));
            Bar {
                x: index as u64 * place,
                y: HEIGHT - height,
                width: place.saturating_sub(2).max(1),
                height,
            }
        };
        self.points.iter().enumerate().map(bar).collect()
    }

    /// What it shows, in a sentence.
    pub(super) fn summary(&self) -> String {
        let most = self.points.iter().max_by_key(|point| point.value);
        match most.filter(|point| point.value > 0) {
            None => format!("{}: nothing", self.title),
            Some(most) => format!("{}: at most {}, {}", self.title, most.text, most.label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_in_proportion_and_small_ones_are_seen() {
        let points = [0, 1, 500, 1000].map(|value| Point {
            label: String::new(),
            value,
            text: value.to_string(),
        });
        let chart = Chart {
            title: "Follows",
            points: points.to_vec(),
        };
        let heights: Vec<u64> = chart.bars().iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 1, 60, 120]);
        assert!(chart.bars().iter().all(|bar| bar.y + bar.height == HEIGHT));
        let empty = Chart {
            title: "Follows",
            points: Vec::new(),
        };
        assert!(empty.bars().is_empty() && empty.summary() == "Follows: nothing");
    }
}
