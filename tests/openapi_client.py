"""Uses a client that was generated from /openapi.json: a link's whole life. For mypy --strict.

    python tests/openapi_client.py URL ROOM_ID MXC...      the bridge's token in API_TOKEN
"""

import os
import sys

from medialink_client import AuthenticatedClient
from medialink_client.api.links import (
    get_link,
    issue_link,
    issue_links,
    link_event,
    list_links,
    revoke_link,
    revoke_links,
)
from medialink_client.models import (
    EntryError,
    Error,
    IssueBatch,
    IssueBatchOutcome,
    IssueLink,
    Link,
    LinkedEvent,
    LinkEvent,
    LinkEventEvent,
    LinkPage,
    Revocation,
    RevocationOutcome,
)


def main(url: str, room_id: str, first: str, second: str) -> None:
    client = AuthenticatedClient(
        base_url=url, token=os.environ["API_TOKEN"], raise_on_unexpected_status=True
    )

    link = issue_link.sync(client=client, body=IssueLink(room_id=room_id, mxc=first))
    assert isinstance(link, Link), link
    # What is always told needs no look whether it is.
    url_of_link: str | None = link.url
    expires_ts: int | None = link.expires_ts
    assert url_of_link is not None and expires_ts is not None
    assert (link.state, link.mxc, link.event_id) == ("live", first, None)
    again = issue_link.sync_detailed(client=client, body=IssueLink(room_id=room_id, mxc=first))
    assert again.status_code == 200 and isinstance(again.parsed, Link)
    assert again.parsed.link_id == link.link_id

    batch = IssueBatch(
        links=[IssueLink(room_id=room_id, mxc=second), IssueLink(room_id=room_id, mxc="nonsense")]
    )
    outcome = issue_links.sync(client=client, body=batch)
    assert isinstance(outcome, IssueBatchOutcome), outcome
    issued, refused = outcome.results
    assert isinstance(issued, Link) and issued.mxc == second, issued
    assert isinstance(refused, EntryError), refused
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")

    event = LinkEventEvent.from_dict(
        {
            "type": "m.room.message",
            "room_id": room_id,
            "event_id": "$event",
            "sender": "@alice:example.org",
            "content": {"msgtype": "m.image", "body": "cat.png", "url": first},
        }
    )
    linked = link_event.sync(client=client, body=LinkEvent(event=event))
    assert isinstance(linked, LinkedEvent), linked
    of_event = linked.links[0].link
    assert isinstance(of_event, Link) and of_event.event_id == "$event"

    page = list_links.sync(client=client, room_id=room_id, limit=2)
    assert isinstance(page, LinkPage), page
    assert [found.link_id for found in page.links] == [of_event.link_id, issued.link_id]
    assert page.next_ is not None
    page = list_links.sync(client=client, room_id=room_id, from_=page.next_)
    assert isinstance(page, LinkPage), page
    assert [found.link_id for found in page.links] == [link.link_id] and page.next_ is None

    revoked = revoke_link.sync(link.link_id, client=client)
    assert isinstance(revoked, Link) and revoked.state == "revoked"
    shown = get_link.sync(link.link_id, client=client)
    assert isinstance(shown, Link) and shown.state == "revoked"
    rest = revoke_links.sync(client=client, body=Revocation(room_id=room_id))
    assert isinstance(rest, RevocationOutcome) and rest.revoked == 2

    missing = get_link.sync_detailed("AAECAwQF", client=client)
    assert missing.status_code == 404 and isinstance(missing.parsed, Error)
    assert missing.parsed.errcode == "M_NOT_FOUND"
    stranger = AuthenticatedClient(base_url=url, token="not-the-token")
    unknown = list_links.sync(client=stranger)
    assert isinstance(unknown, Error) and unknown.errcode == "M_UNKNOWN_TOKEN"
    print(url_of_link)


if __name__ == "__main__":
    main(*sys.argv[1:])
