"""Figures of several runs, as they are shown."""

import json

import pytest

from benchmarks.figures import Figures
from benchmarks.plots import digest, draw
from benchmarks.results_table import (
    PLOTS,
    bar_rows,
    between_marks,
    cost_rows,
    delay_rows,
    markdown,
    write_between_marks,
)

RUN = {
    "cell": "const-50", "round": 1, "records_per_second": 1000.0, "cpu_per_100k": 1.0, "mb_per_cpu_second": 20.0,
    "start_seconds": 0.5, "peak_mb": 90.0,
}  # fmt: skip
DELAYS = {
    "cell": "delay", "peer": "sink", "round": 1, "offered_records_per_second": 3000.0, "p50": 1.0, "p90": 2.0,
    "p99": 11.0, "p999": 20.0, "cpu_cores": 0.5,
}  # fmt: skip


def runs(peer, *costs):
    return [RUN | {"peer": peer, "cpu_per_100k": cost} for cost in costs]


def figures(*found):
    return Figures(machine="a machine", load_before="1", load_after="2", seconds=8.0, runs=found)


def test_a_file_has_what_was_measured(tmp_path):
    written = figures(*runs("sink", 1.0, 2.0), DELAYS)
    (tmp_path / "file.json").write_text(written.as_json())

    read = Figures.read(tmp_path / "file.json")

    assert read.as_json() == written.as_json()
    assert read.runs == list(written.runs)


def test_medians_and_the_range_of_the_cost_are_shown():
    [sink, loop] = cost_rows(figures(*runs("sink", 1.0, 9.0, 2.0), *runs("loop", 10.0)))

    assert sink[2:] == ["sink", "1,000", "2.00", "1.00-9.00", "20", "0.50", "90", "3"]
    assert (loop[2], loop[4], loop[-1]) == ("loop", "10.00", "1")


def test_a_run_that_failed_gives_no_figures():
    found = figures(
        *runs("sink", 1.0), *runs("loop", 9.0), {"cell": "const-50", "peer": "loop", "round": 2, "fault": "ended"}
    )

    [_, loop] = cost_rows(found)

    assert loop[2:] == ["loop", *["failed"] * 6, "2"]
    assert bar_rows(found) == []
    assert found.faults == ["const-50, loop: ended"]


@pytest.mark.parametrize(
    ("cost", "shown"), [(0.48, ["0.32", "at most 0.33", "met"]), (0.6, ["0.40", "at most 0.33", "missed"])]
)
def test_a_bar_divides_medians_and_says_of_how_many(cost, shown):
    [row] = bar_rows(figures(*runs("sink", 0.1, cost, 9.0), *runs("benthos", 1.5, 1.5)))

    assert row == ["CPU time / benthos's, batch 50", *shown, "2"]


def test_a_bar_can_be_a_least_value():
    cells = [
        {"cell": "order-key", "peer": "sink", "records_per_second": 25_000.0},
        {"cell": "order-partition", "peer": "sink", "records_per_second": 250.0},
    ]

    [row] = bar_rows(figures(*cells))

    assert row[1:] == ["100x", "at least 100x", "met", "1"]


def test_delays_have_a_table_and_a_bar():
    found = figures(DELAYS, DELAYS | {"p99": 9.0}, DELAYS | {"p99": 8.0})

    assert delay_rows(found) == [["delay", "30 % load, window 0", "3,000", "1.0", "2.0", "9.0", "20.0", "0.50", "3"]]
    assert bar_rows(found) == [["timestamp to endpoint, p99", "9.0 ms", "at most 10.0 ms", "met", "3"]]


def test_figures_are_written_between_the_marks_of_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    text = markdown(figures(*runs("sink", 1.0)), "page")

    write_between_marks(page, text)

    assert between_marks(page) == text
    assert page.read_text().startswith("before\n<!-- figures -->\n\na machine; load average 1 before, 2 after;")
    assert page.read_text().endswith(".png)\n\n<!-- /figures -->\nafter\n")
    assert "old" not in page.read_text()


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing of ours\n")

    with pytest.raises(ValueError, match="has no"):
        write_between_marks(page, "figures")

    assert page.read_text() == "nothing of ours\n"


def test_pictures_say_which_figures_they_show(tmp_path):
    found = figures(*runs("sink", 1.0), *runs("benthos", 2.0), DELAYS)

    draw(found, tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.png" for name in PLOTS}
    assert digest(found) == digest(Figures(**json.loads(found.as_json())))
    assert all(digest(found).encode() in path.read_bytes() for path in tmp_path.iterdir())
