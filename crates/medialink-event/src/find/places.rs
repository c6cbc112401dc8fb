//! The objects and arrays of a content, each with the way to it.

use serde_json::{Map, Value};

/// The longest path that is kept whole, in bytes: names of fields may be as long as an event.
const MAX_PATH_BYTES: usize = 512;
/// One step from the content to a value in it.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> Step<'a> {
    pub(super) fn name(self) -> &'a str {
        match self {
            Self::Name(name) => name,
            Self::Root | Self::Index(_) => "",
        }
    }

    /// How much it adds to a path, or a little less.
    fn bytes(self) -> usize {
        match self {
            Self::Root => 0,
            Self::Name(name) => name.len() + 1,
            Self::Index(_) => 3,
        }
    }

    fn write(self, path: &mut String) {
        match self {
            Self::Root => {}
            Self::Name(name) => {
                path.push('.');
                path.push_str(name);
            }
            Self::Index(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
        }
    }
}

/// An object or an array of the content.
struct Place<'a> {
    parent: Option<usize>,
    step: Step<'a>,
    object: Option<&'a Map<String, Value>>,
}

/// All places of a content so far, the content itself first.
pub(super) struct Places<'a> {
    root: &'a str,
    places: Vec<Place<'a>>,
}

impl<'a> Places<'a> {
    /// No places yet; `root` is the path of the content.
    pub(super) fn new(root: &'a str) -> Self {
        Self {
            root,
            places: Vec::new(),
        }
    }

    /// Adds an object or an array; returns its number.
    pub(super) fn push(
        &mut self,
        parent: Option<usize>,
        step: Step<'a>,
        value: &'a Value,
    ) -> usize {
        self.places.push(Place {
            parent,
            step,
            object: value.as_object(),
        });
        self.places.len() - 1
    }

    pub(super) fn object(&self, place: Option<usize>) -> Option<&'a Map<String, Value>> {
        self.places.get(place?)?.object
    }

    pub(super) fn root_object(&self) -> Option<&'a Map<String, Value>> {
        self.object(Some(0))
    }

    pub(super) fn parent(&self, place: Option<usize>) -> Option<usize> {
        self.places.get(place?)?.parent
    }

    pub(super) fn owner(&self, place: Option<usize>) -> Option<&'a Map<String, Value>> {
        self.object(self.parent(place))
    }

    pub(super) fn name(&self, place: Option<usize>) -> &'a str {
        place
            .and_then(|place| self.places.get(place))
            .map_or("", |place| place.step.name())
    }

    /// The path of a value. A long path loses its middle, so that no path costs more than its value
    /// is long.
    pub(super) fn path(&self, parent: Option<usize>, step: Step<'a>, end: &str) -> String {
        let mut steps = vec![step];
        let mut place = parent;
        while let Some(at) = place.and_then(|place| self.places.get(place)) {
            steps.push(at.step);
            place = at.parent;
        }
        let length: usize = steps.iter().map(|step| step.bytes()).sum();
        let mut path = self.root.to_owned();
        if length <= MAX_PATH_BYTES {
            steps.iter().rev().for_each(|step| step.write(&mut path));
        } else {
            for step in steps
                .iter()
                .rev()
                .take_while(|step| step.bytes() < 64)
                .take(4)
            {
                step.write(&mut path);
            }
            path.push('…');
            if step.bytes() < 64 {
                step.write(&mut path);
            }
        }
        path.push_str(end);
        path
    }
}
