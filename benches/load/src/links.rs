//! The links of a database that was filled and multiplied: the token of each one by its number.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use medialink_link::{KeyFile, KeyRing, matrix::RoomId, sign_short};

use crate::bridge::MARK;

/// Makes link IDs from numbers, each of another: this is odd, and times less than 2^28 it stays below 2^63.
/// `benches/scaling/copies.py` has the same.
const SPREAD: u64 = 25_214_903_917;

#[derive(Debug, Args)]
pub struct Where {
    /// What `fill` has written.
    #[arg(long)]
    links: PathBuf,
    /// How many copies of each there are, itself included.
    #[arg(long, default_value_t = 1)]
    copies: u64,
    /// The key file of the service, which signs the links of the copies.
    #[arg(long)]
    key_file: PathBuf,
}

/// A link that was issued by the API.
struct Issued {
    room: String,
    issued_s: u32,
    token: String,
}

/// All links of a database.
pub struct Links {
    issued: Vec<Issued>,
    copies: u64,
    keys: KeyRing,
    /// Links of each room of the first copy, by their age; the largest room first.
    of_rooms: Vec<Vec<u64>>,
}

impl Links {
    pub fn read(of: &Where) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(&of.links)?;
        let issued = text.lines().map(line).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!issued.is_empty(), "there are no links");
        let mut by_room = std::collections::BTreeMap::<&str, Vec<u64>>::new();
        for (number, link) in (0..).zip(&issued) {
            by_room.entry(&link.room).or_default().push(number);
        }
        let mut of_rooms: Vec<_> = by_room.into_values().collect();
        of_rooms.sort_by_key(|links| std::cmp::Reverse(links.len()));
        Ok(Self {
            copies: of.copies,
            keys: keys(&of.key_file)?,
            of_rooms,
            issued,
        })
    }

    pub fn count(&self) -> u64 {
        self.issued.len() as u64 * self.copies
    }

    pub fn copies(&self) -> u64 {
        self.copies
    }

    /// The links of a room, which has this rank among those of a copy.
    pub fn of_room(&self, copy: u64, rank: u64) -> impl Iterator<Item = u64> {
        let rank = usize::try_from(rank).unwrap_or(0) % self.of_rooms.len();
        let first = copy * self.issued.len() as u64;
        self.of_rooms[rank].iter().map(move |number| first + number)
    }

    /// The room of a link.
    pub fn room(&self, number: u64) -> String {
        let (copy, link) = self.find(number);
        link.room.replacen(MARK, &mark(copy), 1)
    }

    /// The token of a link.
    pub fn token(&self, number: u64) -> anyhow::Result<String> {
        let (copy, link) = self.find(number);
        if copy == 0 {
            return Ok(link.token.clone());
        }
        let room = RoomId::parse(&self.room(number))?;
        let id = (number * SPREAD) % (1 << 48);
        let id: [u8; 6] = id.to_be_bytes()[2..].try_into()?;
        let token = sign_short(self.keys.active(), &room, link.issued_s, id);
        Ok(token.expose().to_owned())
    }

    fn find(&self, number: u64) -> (u64, &Issued) {
        let of_copy = self.issued.len() as u64;
        let at = usize::try_from(number % of_copy).unwrap_or(0);
        (number / of_copy, &self.issued[at])
    }
}

/// What a copy has in its names.
pub fn mark(copy: u64) -> String {
    format!("c{copy:04}")
}

fn line(line: &str) -> anyhow::Result<Issued> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[_, room, issued_ms, token] = fields.as_slice() else {
        anyhow::bail!("not a line of `fill`: {line}");
    };
    let issued_ms: u64 = issued_ms.parse()?;
    Ok(Issued {
        room: room.to_owned(),
        issued_s: u32::try_from(issued_ms / 1000)?,
        token: token.to_owned(),
    })
}

fn keys(path: &Path) -> anyhow::Result<KeyRing> {
    let path = path
        .to_str()
        .context("the path of the key file is not UTF-8")?;
    let file = config::File::new(path, config::FileFormat::Yaml);
    let file = config::Config::builder().add_source(file).build()?;
    let file: KeyFile = file.try_deserialize()?;
    Ok(KeyRing::from_entries(file.keys)?)
}
