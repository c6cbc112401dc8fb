//! The secrets that are known, and where a text repeats one of them, or a part of one.

use std::{
    collections::HashSet,
    ops::Range,
    sync::{PoisonError, RwLock},
};

use super::forms::forms;

/// So many bytes of a secret in a row are masked wherever they stand.
const WINDOW: usize = 12;
/// So many bytes of its beginning are masked where a text is cut off.
const BEGINNING: usize = 8;
/// Shorter secrets are not masked: ordinary words would be.
const SHORTEST: usize = 6;
/// The most secrets that the process knows.
const MOST: usize = 4096;
/// The signs of a cut inside of a text.
const ELLIPSES: [&[u8]; 2] = ["…".as_bytes(), b"..."];

/// Secrets, made ready for being found.
#[derive(Default)]
pub(super) struct Secrets {
    seen: HashSet<Vec<u8>>,
    windows: HashSet<[u8; WINDOW]>,
    beginnings: HashSet<Vec<u8>>,
    short: Vec<Vec<u8>>,
}

static KNOWN: RwLock<Option<Secrets>> = RwLock::new(None);

/// Has these secrets masked in this process from now on.
pub fn know_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    for secret in secrets {
        known.add(secret.as_bytes());
    }
}

/// Calls `found` with every place of the secrets that the process knows.
pub(super) fn find(bytes: &[u8], found: &mut impl FnMut(Range<usize>)) {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.as_ref() {
        known.find(bytes, found);
    }
}

impl Secrets {
    pub(super) fn add(&mut self, secret: &[u8]) {
        let is_news = secret.len() >= SHORTEST && self.seen.len() < MOST;
        if !is_news || !self.seen.insert(secret.to_vec()) {
            return;
        }
        for form in forms(secret) {
            if form.len() < WINDOW {
                if form.len() >= SHORTEST {
                    self.short.push(form.to_vec());
                }
            } else {
                self.windows.extend(form.array_windows::<WINDOW>().copied());
            }
            for length in BEGINNING..WINDOW {
                if let Some(beginning) = form.get(..length) {
                    self.beginnings.insert(beginning.to_vec());
                }
            }
        }
    }

    pub(super) fn find(&self, bytes: &[u8], found: &mut impl FnMut(Range<usize>)) {
        if self.seen.is_empty() {
            return;
        }
        for (at, window) in bytes.array_windows::<WINDOW>().enumerate() {
            if self.windows.contains(window) {
                found(at..at + WINDOW);
            }
        }
        for secret in &self.short {
            for (at, window) in bytes.windows(secret.len()).enumerate() {
                if window == secret.as_slice() {
                    found(at..at + secret.len());
                }
            }
        }
        let cuts = (0..bytes.len()).filter(|at| {
            let rest = &bytes[*at..];
            ELLIPSES.iter().any(|ellipsis| rest.starts_with(ellipsis))
        });
        for cut in cuts.chain([bytes.len()]) {
            for length in BEGINNING..WINDOW {
                if let Some(start) = cut.checked_sub(length)
                    && self.beginnings.contains(&bytes[start..cut])
                {
                    found(start..cut);
                }
            }
        }
    }
}
