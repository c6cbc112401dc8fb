"""Tables of Markdown, and their places in docs/SCALING.md."""

from __future__ import annotations

import math
from pathlib import Path

# How much of a core is used on average, so that there is room for peaks.
BUSY = 0.5
CORES = 2


def table(head: list[str], rows: list[list[object]]) -> str:
    """Write a table; numbers with as many digits as they deserve."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_word(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _word(cell: object) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, (int, float)):
        return str(cell)
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"


def sizes(of: dict[str, list[dict]]) -> str:
    """Tell what follows cost in databases of different sizes."""
    rows = []
    for engine, all_sizes in of.items():
        first = _cold(all_sizes[0])
        for one in all_sizes:
            follows = one["follows"]
            cold, warm, cached = (follows[name] for name in ("not remembered", "remembered", "cached"))
            rows.append([
                engine, one["links"], cold["cpu_us"], warm["cpu_us"], cold["cpu_us"] - warm["cpu_us"],
                cold["server_us"], cold["lookups"], f"{_cold(one) / first:.2f}", cached["cpu_us"], cold["p50_ms"],
                cold["p99_ms"], cold["ready_s"], cold["rss_mib"],
            ])  # fmt: skip
    head = [
        "database", "links", "not remembered, µs", "remembered, µs", "difference, µs", "server of the database, µs",
        "lookups per follow", "against the smallest", "remembered and cached, µs", "p50 ms", "p99 ms", "ready after s",
        "MiB",
    ]  # fmt: skip
    return table(head, rows)


def _cold(size: dict) -> float:
    cold = size["follows"]["not remembered"]
    return cold["cpu_us"] + cold["server_us"]


def space(of: dict[str, list[dict]]) -> str:
    """Tell how much a link takes."""
    rows = []
    for engine, all_sizes in of.items():
        for one in all_sizes:
            rate = one["by_api"]
            how = f"through the API, {rate:,.0f}/s" if rate else "copied in the database"
            rows.append([engine, one["links"], how, one["bytes_per_link"]])
    return table(["database", "links", "how they came there", "bytes per link"], rows)


def issuing(of: dict[str, dict]) -> str:
    """Tell what issuing costs."""
    rows = []
    for engine, loads in of.items():
        for load, one in loads.items():
            rows.append([
                engine, load, one["links_per_second"], one["p50_ms"], one["p99_ms"], one["cpu_us"], one["server_us"],
                one["cpu_with_events_us"], one["calls_per_1000"], one["rss_mib"],
            ])  # fmt: skip
    head = [
        "database", "load", "links/s", "p50 ms", "p99 ms", "µs/link", "server of the database, µs/link",
        "µs/link, meta events included", "homeserver calls per 1,000 links", "MiB",
    ]  # fmt: skip
    return table(head, rows)


def days(of: list[tuple[str, dict]]) -> str:
    """Tell how the days went."""
    rows = []
    for engine, one in of:
        for kind, answers in one["kinds"].items():
            statuses = ", ".join(f"{count:,} × {status}" for status, count in answers["statuses"].items())
            rows.append([
                f"{engine}, {one['replicas']}", kind, answers["per_second"], answers["p50_ms"], answers["p99_ms"], statuses,
            ])  # fmt: skip
    first = table(["database, replicas", "what", "per second", "p50 ms", "p99 ms", "answers"], rows)
    rows = []
    for engine, one in of:
        requests = one["follows"] + one["issued"]
        rows.append([
            f"{engine}, {one['replicas']}", sum(one["cpu_s"]), one["server_cpu_s"], sum(one["cpu_s"]) / requests * 1e6,
            one["server_cpu_s"] / requests * 1e6, one["lookups_per_follow"], one["downloads_per_follow"],
            one["calls_per_1000"], " + ".join(f"{mib:.0f}" for mib in one["rss_mib"]), one["served_too_late"],
        ])  # fmt: skip
    head = [
        "database, replicas", "CPU s", "CPU s of the server of the database", "µs per request", "of that server, µs",
        "lookups per follow", "downloads per follow", "homeserver calls per 1,000 links", "MiB", "served too late",
    ]  # fmt: skip
    return first + "\n\n" + table(head, rows)


def one_machine(of: dict[str, list[dict]], issued: dict[str, dict]) -> str:
    """Tell what a machine does that has the service and its database, and nothing else."""
    at_work = CORES * BUSY * 1e6
    text = f"{CORES} cores, of which {BUSY:.0%} are used on average: {at_work:,.0f} µs in each second.\n\n"
    rows = []
    for engine, all_sizes in of.items():
        largest = all_sizes[-1]["follows"]
        cold, cached = (largest[name] for name in ("not remembered", "cached"))
        cost = issued[engine]["batches of 100, 4 callers"]
        issue = cost["cpu_with_events_us"] + cost["server_us"]
        born = [one for one in all_sizes if one["by_api"]][-1]["bytes_per_link"]
        rows.append([
            engine, at_work / cached["cpu_us"], at_work / (cold["cpu_us"] + cold["server_us"]), at_work / issue,
            100e9 / born / 1e6, largest["not remembered"]["rss_mib"],
        ])  # fmt: skip
    head = [
        "database", "follows/s, remembered and cached", "or follows/s, not remembered", "or links/s",
        "million links in 100 GB", "MiB of the service",
    ]  # fmt: skip
    return text + table(head, rows)


def replicas(of: dict[str, list[dict]]) -> str:
    """Tell how many replicas a rate of follows takes: all of them not remembered, the costliest kind."""
    largest = of["PostgreSQL"][-1]["follows"]
    cold, cached = largest["not remembered"], largest["cached"]
    text = (
        f"A follow that is not remembered and not cached costs {cold['cpu_us']:.0f} µs of a replica and "
        f"{cold['server_us']:.0f} µs of PostgreSQL; one that is both costs {cached['cpu_us']:.0f} µs of a replica. "
        f"A replica has {CORES} cores, of which {BUSY:.0%} are used on average: {CORES * BUSY * 1e6:,.0f} µs in each "
        f"second. One replica more than that stays, so that one may go.\n\n"
    )
    rows = []
    for rate in (1, 100, 10_000, 100_000):
        cells: list[object] = [rate]
        for cost in (cold["cpu_us"], cached["cpu_us"]):
            needed = rate * cost / (CORES * BUSY * 1e6)
            cells += [f"{rate:,} × {cost:.0f} / 1,000,000 = {needed:.4g}", max(1, math.ceil(needed)) + 1]
        cells.append(rate * cold["server_us"] / 1e6)
        rows.append(cells)
    head = [
        "follows/s", "none remembered: replicas at work", "with one to spare", "all remembered and cached: at work",
        "with one to spare", "cores of PostgreSQL, none remembered",
    ]  # fmt: skip
    return text + table(head, rows)


def many_links(of: dict[str, list[dict]], issued: dict[str, dict]) -> str:
    """Tell what many links take."""
    rows = []
    for engine, all_sizes in of.items():
        born = [one for one in all_sizes if one["by_api"]][-1]["bytes_per_link"]
        cost = issued[engine]["batches of 100, 4 callers"]
        for links in (10**6, 10**7, 10**8, 10**9):
            rate = links / (14 * 86_400)
            cores = rate * (cost["cpu_with_events_us"] + cost["server_us"]) / 1e6
            rows.append([
                engine, f"{links:.0e}".replace("e+0", " × 10^"), f"{links * born / 1e9:,.4g} GB", rate, cores,
                rate * cost["calls_per_1000"] / 1000, links / (7 * 86_400),
            ])  # fmt: skip
    head = [
        "database", "live links", "database", "links/s that keep them (lifetime of 14 days)", "cores for that",
        "homeserver calls/s for that", "touches/s if all are local (each 7 days)",
    ]  # fmt: skip
    return table(head, rows)


def rooms(issued: dict[str, dict]) -> str:
    """Tell what a room costs: a link in a room of its own, against one in a busy room."""
    rows = []
    for engine, loads in issued.items():
        busy, lone = loads["batches of 100, 4 callers"], loads["batches of 100, each link in a room of its own"]
        rows.append([
            engine, busy["cpu_with_events_us"], lone["cpu_with_events_us"],
            lone["cpu_with_events_us"] - busy["cpu_with_events_us"], busy["calls_per_1000"] / 1000,
            lone["calls_per_1000"] / 1000,
        ])  # fmt: skip
    head = [
        "database", "link in a busy room, µs", "link in a room of its own, µs", "so a new room, µs",
        "homeserver calls for a link in a busy room", "for one in a room of its own",
    ]  # fmt: skip
    return table(head, rows)


def write(path: Path, parts: dict[str, str]) -> None:
    """Put each part between its marks."""
    text = path.read_text()
    for name, part in parts.items():
        begin, end = f"<!-- {name}: written by benches/scaling.sh -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not found or not also_found:
            raise SystemExit(f"{path} has no place for {name}")
        text = f"{before}{begin}\n\n{part}\n\n{end}{after}"
    path.write_text(text)
