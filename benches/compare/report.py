"""The report: from measurements to Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median, quantiles

from first_byte import FirstBytes
from forwarding import BLOCKS, EVENTS, Forwarding, Way
from memory import Memory
from throughput import Comparison, Run, WARM_UP_S

BESIDE_NGINX = (
    "nginx has two workers, `secure_link_md5`, `proxy_pass` with keepalive to the upstream, and "
    "`proxy_cache` where it caches; Medialink has its defaults, one worker per core. Both write a "
    "line per request into a file. The upstream is an nginx of its own with static files, whose "
    "processor time is not counted. A refused link is a forged one: nginx answers 403, Medialink "
    "404."
)
BESIDE_EARLIER = (
    "Two builds of Medialink with the same configuration, before the same upstream as above."
)
BESIDE_SYNAPSE = (
    "A real Synapse, asked for media with the access token, and Medialink with that media in its "
    "cache."
)

_SHARED = (
    "Load generator (wrk, one thread), upstream and servers share the cores of one machine, over "
    "loopback and without TLS, so the processor time of the server per request (all its processes, "
    "user and system) tells more than requests per second."
)
_RATIOS = (
    "Ratios: the median of the rounds' ratios, and the smallest and the largest of them. Of "
    "requests per second, more is better; of everything else, less."
)
_COMPARED: dict[str, Callable[[Run], float]] = {
    "requests/s": lambda run: run.per_second,
    "CPU/request": lambda run: run.cpu_us,
    "p50": lambda run: run.load.p50_ms,
    "p90": lambda run: run.load.p90_ms,
    "p99": lambda run: run.load.p99_ms,
}
_RATIO_COLUMNS = ["load", "ratio", *_COMPARED]
_LOAD_COLUMNS = [
    "load",
    "server",
    "requests/s",
    "CPU µs/request",
    "requests/CPU s",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "errors",
]


def header(facts: list[tuple[str, str]]) -> str:
    """Report the facts about the machine and the programs."""
    facts_text = "; ".join(f"{name}: {value}" for name, value in facts)
    return f"# Medialink beside nginx and the homeserver\n\n{_sentence(facts_text)}"


def loads(comparisons: list[Comparison], text: str, rounds: int, seconds: int) -> str:
    """Tell figures and ratios of all loads."""
    how = (
        f"{text} Each load ran {rounds} times for {seconds} s, the two servers in turns, each time "
        f"after {WARM_UP_S} s that do not count. {_SHARED}"
    )
    return "\n\n".join(
        [
            how,
            _table(_LOAD_COLUMNS, [row for one in comparisons for row in _load_rows(one)]),
            _errors(comparisons),
            _RATIOS,
            _table(_RATIO_COLUMNS, [_ratio_row(one) for one in comparisons]),
        ]
    )


def first_bytes(measured: list[FirstBytes]) -> str:
    """Tell the times until the first byte."""
    rows = []
    for one in measured:
        direct = next(iter(one.times.values()))
        for name, times in one.times.items():
            more = [here - there for here, there in zip(times, direct, strict=True)]
            added = "" if times is direct else _spread(more, "+.2f")
            rows.append([one.title, name, f"{len(times)}", _spread(times, ".2f"), added])
    text = (
        "From the request, over a connection that is open, to the first byte of the body of "
        "100 MiB; cold: the cache has not seen the media. An upload to Synapse is asked for more "
        "than once, by links of different content tokens, which are different media to the cache. "
        "Medians in ms, and in parentheses the smallest and the largest; the difference is taken "
        "round by round."
    )
    table = _table(["homeserver", "way", "requests", "first byte", "more than direct"], rows)
    return f"{text}\n\n{table}"


def memories(measured: list[list[Memory]], seconds: int) -> str:
    """Tell the memory under slow readers."""
    rows = [
        [
            one.case,
            one.name,
            f"{one.before:.1f}",
            f"{one.peak:.1f}",
            f"{one.peak - one.before:.1f}",
            f"{one.served} of {one.readers}",
        ]
        for case in measured
        for one in case
    ]
    text = (
        f"Resident memory in MiB, for {seconds} s of readers that take 64 KiB a second each of "
        "100 MiB, before and at most; the servers are fresh in each case. nginx: the sum of all "
        "its processes, where shared pages count in each. What is put into files is not counted. "
        "Without a cache, and with different links, the upstream gives 512 KiB a second to each "
        "request, so that what nginx puts into files for its readers has an end. Served: readers "
        "that got bytes and were not broken off."
    )
    table = _table(["case", "server", "before", "peak", "growth", "served"], rows)
    return f"{text}\n\n{table}"


def forwardings(measured: list[Forwarding]) -> str:
    """Report the time of a transaction, directly and through Medialink."""
    return "\n\n".join(_forwarding(one) for one in measured)


def _forwarding(measured: Forwarding) -> str:
    direct, through = measured.direct, measured.through
    count = len(through.times)
    text = (
        f"{count:,} transactions of {EVENTS} events, {measured.body_bytes / 1024:.0f} KiB on "
        "average, one after the other over one connection that stays open, as Synapse sends them: "
        "directly to a small server that reads them and answers `{}`, and through Medialink in "
        f"front of it, in turns of {count // BLOCKS:,}. Each tenth transaction has a redaction, "
        "each third a member event. The bridge got every one of them, as long as it was sent."
    )
    ways = _table(
        ["way", "transactions/s", "events/s", "p50 ms", "p90 ms", "p99 ms", "most ms"],
        [[way.name, *_way_figures(way)] for way in (direct, through)],
    )
    figures: list[tuple[str, Callable[[list[float]], float]]] = [
        ("transactions/s", lambda times: len(times) / sum(times)),
        ("p50", lambda times: _percentile(times, 50)),
        ("p99", lambda times: _percentile(times, 99)),
    ]
    pairs = list(zip(direct.blocks, through.blocks, strict=True))
    ratios = _table(
        ["ratio", *(name for name, _ in figures)],
        [
            [
                "through / directly",
                *(
                    _spread([figure(other) / figure(base) for base, other in pairs], ".2f")
                    for _, figure in figures
                ),
            ]
        ],
    )
    added = {
        f"added p{number}, ms": _spread(
            [_percentile(other, number) - _percentile(base, number) for base, other in pairs],
            ".2f",
        )
        for number in (50, 99)
    }
    costs = added | {
        "CPU s of Medialink per 1,000 transactions": f"{measured.cpu_s / count * 1000:.2f}",
        "its resident memory, MiB: before": f"{measured.before:.1f}",
        f"after {count // BLOCKS:,} transactions": f"{measured.after[0]:.1f}",
        f"after {count // 2:,}": f"{measured.after[BLOCKS // 2 - 1]:.1f}",
        f"after {count:,}": f"{measured.after[-1]:.1f}",
        "at most": f"{measured.peak:.1f}",
    }
    rows = [[name, value] for name, value in costs.items()]
    how = (
        f"Ratios and what is added, of the {BLOCKS} turns: the median, the smallest and the "
        "largest. Of transactions per second, more is better; of all else, less."
    )
    return "\n\n".join([text, ways, how, ratios, _table(["cost", "value"], rows)])


def _way_figures(way: Way) -> list[str]:
    times = way.times
    per_second = 1000 * len(times) / sum(times)
    return [
        f"{per_second:,.0f}",
        f"{per_second * EVENTS:,.0f}",
        *(f"{_percentile(times, number):.2f}" for number in (50, 90, 99)),
        f"{max(times):.2f}",
    ]


def _percentile(values: Sequence[float], number: int) -> float:
    return quantiles(values, n=100, method="inclusive")[number - 1]


def _errors(comparisons: list[Comparison]) -> str:
    errors = sum(run.errors for one in comparisons for _, runs in _by_server(one) for run in runs)
    if errors:
        return "**Not all answers were the expected ones: see the column of errors.**"
    return "The figures are medians. No connection failed, and all answers were the expected ones."


def _load_rows(comparison: Comparison) -> list[list[str]]:
    load = f"{comparison.title}, {comparison.connections} connections"
    return [[load, name, *_figures(runs)] for name, runs in _by_server(comparison)]


def _ratio_row(comparison: Comparison) -> list[str]:
    ratio = f"{comparison.other} / {comparison.base}"
    return [comparison.title, ratio, *(_ratio(comparison, figure) for figure in _COMPARED.values())]


def _by_server(comparison: Comparison) -> list[tuple[str, list[Run]]]:
    return [
        (comparison.base, [base for base, _ in comparison.rounds]),
        (comparison.other, [other for _, other in comparison.rounds]),
    ]


def _figures(runs: list[Run]) -> list[str]:
    cpu_us = median(run.cpu_us for run in runs)
    return [
        f"{median(run.per_second for run in runs):,.0f}",
        f"{cpu_us:.1f}",
        f"{1e6 / cpu_us:,.0f}" if cpu_us else "",
        *(
            f"{median(times):.2f}"
            for times in (
                [run.load.p50_ms for run in runs],
                [run.load.p90_ms for run in runs],
                [run.load.p99_ms for run in runs],
            )
        ),
        f"{sum(run.errors for run in runs)}",
    ]


def _ratio(comparison: Comparison, figure: Callable[[Run], float]) -> str:
    pairs = [(figure(base), figure(other)) for base, other in comparison.rounds]
    found = [other / base for base, other in pairs if base]
    if not found:
        return ""
    # Of a small ratio, two digits are not enough.
    return _spread(found, ".2f" if median(found) >= 0.1 else ".4f")


def _spread(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
