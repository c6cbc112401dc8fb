//! Bridges and rooms: what they may use, what rooms allow, and who is followed most.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    config::{ByteRate, Config, Rate},
    pages::{Block, Cell, Field, Form as PageForm, Table, bytes, span},
    storage::{links, meta_events, room_policies},
    usage::Talker,
};

use super::{
    super::state::AppState, entry::links_with, error::ConsoleError, form::Fields,
    policy::policy_page, session::Visitor,
};

const SECTION: &str = "/console/rooms";
/// How many talkers are shown.
const TALKERS: usize = 15;

/// `GET /console/rooms`.
pub(super) async fn page(
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let state = &visitor.state;
    let fields = Fields::parse(request.query_string().as_bytes());
    let room_id = fields.get("room_id").filter(|id| id.len() <= 255);
    let now = state.clock.now_ms();
    let [rooms, senders] = state.follows.talkers(now, TALKERS);
    let mut blocks = vec![
        Block::Table(bridges(state).await?),
        Block::Table(quotas(state.config())),
        Block::Heading("Who is followed most, in the last one to two hours of this process"),
        Block::Table(talkers("Rooms", "room_id", &rooms)),
        Block::Table(talkers("Senders", "sender", &senders)),
        Block::Heading("What a room allows"),
        Block::Form(PageForm {
            action: SECTION.to_owned(),
            asks: true,
            fields: vec![Field::typed("room_id", "Room", room_id.unwrap_or_default())],
            button: "Show",
            is_grave: false,
        }),
    ];
    if let Some(room_id) = room_id {
        blocks.push(policy(state, room_id).await?);
        blocks.push(Block::Way(policy_page(room_id), "Set what it allows…"));
    }
    Ok(visitor.page(SECTION, "Rooms and bridges", blocks))
}

async fn bridges(state: &AppState) -> Result<Table, ConsoleError> {
    let reader = state.database.reader();
    let live = links::count_by_bridge(reader).await?;
    let waiting = meta_events::count_by_bridge(reader).await?;
    let of = |counts: &[(String, i64)], id: &str| {
        Cell::amount(
            counts
                .iter()
                .find(|(found, _)| found == id)
                .map_or(0, |found| found.1),
        )
    };
    let cells = |(id, network, user): (&str, &str, &str)| {
        vec![
            Cell::text(id),
            Cell::text(network),
            Cell::text(user),
            of(&live, id),
            of(&waiting, id),
        ]
    };
    let config = state.config();
    let configured = config.bridges.iter().map(|bridge| {
        let user = bridge.user_id.to_string();
        cells((&bridge.id, &bridge.network, &user))
    });
    let gone = live.iter().filter(|(id, _)| config.bridge(id).is_none());
    let gone = gone.map(|(id, _)| cells((id, "not configured any more", "")));
    Ok(Table {
        caption: "Bridges",
        head: vec!["ID", "Network", "User", "Live links", "Meta events to do"],
        rows: configured.chain(gone).collect(),
        empty: "",
    })
}

/// What may be used, by the configuration.
fn quotas(config: &Config) -> Table {
    let limits = &config.limits;
    let rate = |rate: Option<Rate>| {
        rate.map(|rate| format!("{} in {}", rate.amount, of_ms(rate.per.as_millis())))
    };
    let byte_rate = |rate: Option<ByteRate>| {
        rate.map(|rate| format!("{} in {}", bytes(rate.bytes), of_ms(rate.per.as_millis())))
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let all = [
        ("Client", "requests", rate(limits.per_client.requests)),
        ("Client", "bytes", byte_rate(limits.per_client.bytes)),
        ("Client", "bad links", rate(limits.per_client.bad_links)),
        (
            "Client",
            "streams at once",
            number(limits.per_client.streams),
        ),
        ("Link", "follows", rate(limits.per_link.follows)),
        ("Link", "bytes", byte_rate(limits.per_link.bytes)),
        ("Room", "new links", rate(limits.per_room.links)),
        ("Room", "bytes", byte_rate(limits.per_room.bytes)),
        ("Sender", "new links", rate(limits.per_sender.links)),
        ("Bridge", "new links", rate(limits.per_bridge.links)),
        ("Bridge", "pastes", rate(limits.per_bridge.pastes)),
        ("Process", "streams at once", number(limits.total.streams)),
        (
            "Process",
            "downloads at once",
            number(limits.total.upstream_fetches),
        ),
    ];
    let cells = |(of, what, most): (&str, &str, Option<String>)| {
        vec![
            Cell::text(of),
            Cell::text(what),
            Cell::text(most.as_deref().unwrap_or("no limit")),
        ]
    };
    Table {
        caption: "Quotas of the configuration",
        head: vec!["Each", "Of what", "At most"],
        rows: all.map(cells).to_vec(),
        empty: "",
    }
}

fn of_ms(ms: u128) -> String {
    span(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn talkers(caption: &'static str, criterion: &str, talkers: &[Talker]) -> Table {
    let most = talkers.first().map_or(0, |talker| talker.amount.bytes);
    let percent = |bytes: u64| {
        let percent = (u128::from(bytes) * 100)
            .checked_div(u128::from(most))
            .unwrap_or(0);
        u8::try_from(percent).unwrap_or(100)
    };
    let cells = |talker: &Talker| {
        let amount = talker.amount;
        let count = i64::try_from(amount.bytes).unwrap_or(i64::MAX);
        vec![
            Cell::text(&talker.id).to(links_with(criterion, &talker.id)),
            Cell::bytes(count).with_bar(percent(amount.bytes)),
            Cell::amount(i64::try_from(amount.follows).unwrap_or(i64::MAX)),
        ]
    };
    Table {
        caption,
        head: vec!["ID", "Served", "Follows"],
        rows: talkers.iter().map(cells).collect(),
        empty: "Nothing was followed.",
    }
}

async fn policy(state: &AppState, room_id: &str) -> Result<Block, ConsoleError> {
    let known = room_policies::find(state.database.reader(), room_id).await?;
    let Some(known) = known else {
        let told = "Nothing is known of this room's policy: it has not been asked.";
        return Ok(Block::Notice(told.to_owned()));
    };
    let policy = &known.policy;
    let yes = |is_so: bool| Cell::text(if is_so { "yes" } else { "no" });
    let size = policy.max_size.map(|size| bytes(size.unsigned_abs()));
    Ok(Block::Facts(vec![
        (
            "Room",
            Cell::text(room_id).to(links_with("room_id", room_id)),
        ),
        ("Links are allowed", yes(policy.enabled)),
        (
            "Longest lifetime",
            Cell::optional(policy.max_lifetime_ms.map(span).as_deref()),
        ),
        ("Largest media", Cell::optional(size.as_deref())),
        ("Only pages", yes(policy.pages_only)),
        ("Set by", Cell::optional(known.event_id.as_deref())),
        ("Known to hold at", Cell::moment(known.known_at)),
        ("Has to be asked", yes(known.must_ask)),
    ]))
}
