"""What the figures should be: ratios, differences and bounds of medians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import Figures

_Term = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a bar."""

    value: float
    #: The least number of runs that a median of it was taken of.
    runs: int
    is_met: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A bound of what is computed from medians."""

    about: str
    #: Cell, peer and figure of each.
    terms: tuple[_Term, ...]
    compute: Callable[..., float]
    limit: float
    form: str
    is_most: bool = True

    @property
    def bound(self) -> str:
        """`at most 0.33`."""
        return f"at {'most' if self.is_most else 'least'} {self.form.format(self.limit)}"

    def verdict(self, figures: Figures) -> Verdict | None:
        """None where a median is missing."""
        medians = [figures.median(*term) for term in self.terms]
        known = [median for median in medians if median is not None]
        if len(known) < len(medians):
            return None
        value = self.compute(*known)
        runs = min(len(figures.each(*term)) for term in self.terms)
        return Verdict(value, runs, value <= self.limit if self.is_most else value >= self.limit)


def _cost(about: str, cell: str, beside: str, limit: float) -> Bar:
    terms = tuple((cell, peer, "cpu_per_100k") for peer in ("sink", beside))
    return Bar(f"CPU time / {beside}'s, {about}", terms, lambda ours, theirs: ours / theirs, limit, "{:.2f}")


def _bound(about: str, term: _Term, limit: float, form: str, *, is_most: bool = True) -> Bar:
    return Bar(about, (term,), lambda value: value, limit, form, is_most)


#: 32 partitions with one batch of 50 each in 20 ms, and the part of it that one core should reach.
_ONE_CORE = 0.6 * 32 * 50 / 0.020
BARS: tuple[Bar, ...] = (
    _cost("batch 1", "const-1", "benthos", 0.65),
    _cost("batch 50", "const-50", "benthos", 0.33),
    _cost("batch 500", "const-500", "benthos", 0.22),
    _cost("batch 50, 1 KB, echo", "echo-1k", "benthos", 0.5),
    _cost("batch 50, 10 KB, echo", "echo-10k", "benthos", 0.5),
    _cost("batch 50", "const-50", "loop", 1 / 6),
    _bound("values a CPU second, 10 KB, echo", ("echo-10k", "sink", "mb_per_cpu_second"), 100, "{:.0f} MB",
           is_most=False),
    Bar(
        "what a response topic adds, batch 50, echo",
        (("results-50", "sink", "cpu_per_100k"), ("echo-50", "sink", "cpu_per_100k")),
        lambda with_results, without: with_results - without,
        1.0,
        "{:.2f} CPU s/100k",
    ),
    Bar(
        "ordering=key / ordering=partition, records/s",
        (("order-key", "sink", "records_per_second"), ("order-partition", "sink", "records_per_second")),
        lambda by_key, by_partition: by_key / by_partition,
        100,
        "{:.0f}x",
        is_most=False,
    ),
    _bound("timestamp to endpoint, p99", ("delay", "sink", "p99"), 10, "{:.1f} ms"),
    _bound("timestamp to endpoint, p99, response topic", ("delay-results", "sink", "p99"), 15, "{:.1f} ms"),
    _bound(
        "32 partitions, 20 ms, batch 50, one core", ("one-core", "sink", "records_per_second"), _ONE_CORE,
        "{:,.0f} records/s", is_most=False,
    ),
    _bound("start to first invocation", ("rest", "sink", "start_seconds"), 3, "{:.2f} s"),
    _bound("resident memory at rest", ("rest", "sink", "resident_mb"), 120, "{:.0f} MB"),
    _bound("idle CPU", ("rest", "sink", "idle_cpu_percent"), 1, "{:.2f} % of a core"),
)  # fmt: skip
