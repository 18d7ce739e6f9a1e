"""Figures of several runs, as they are shown."""

from dataclasses import replace

import pytest

from benchmarks.cell import Cell, Result, Run
from benchmarks.results_table import markdown, rows, write_between_marks

CELL = Cell(50, 20.0, 4, has_results=False)
RUN = Run(
    records=1000, invocations=20, seconds=1.0, cpu_seconds=0.01, records_per_second=1000.0, cpu_per_100k=1.0,
    start_seconds=1.0, start_cpu_seconds=0.5, peak_mb=90.0, threads=31, endpoint_cpu_seconds=0.001, answered=1000,
    committed=1000,
)  # fmt: skip


def result(peer, *costs):
    return Result(CELL, peer, [replace(RUN, cpu_per_100k=cost) for cost in costs])


def test_medians_stand_side_by_side():
    [row] = rows([result("sink", 1.0, 9.0, 2.0), result("loop", 10.0)])

    assert row == ["50", "20 ms", "4", "no", "1,000", "1,000", "2.00", "10.00", "5.0x", "90", "90"]


def test_a_run_that_failed_gives_no_figures():
    failed = Result(CELL, "loop", [RUN, replace(RUN, fault="answered 1000, committed 999")])

    [row] = rows([result("sink", 1.0), failed])

    assert row[4:9] == ["1,000", "failed", "1.00", "failed", "-"]
    assert failed.as_json()["fault"] == "answered 1000, committed 999"


def test_json_has_the_range_of_the_cost():
    found = result("sink", 1.0, 3.0, 2.0).as_json()

    assert (found["cpu_per_100k"], found["cpu_per_100k_min"], found["cpu_per_100k_max"]) == (2.0, 1.0, 3.0)
    assert (found["batch"], found["latency_ms"], found["runs"]) == (50, 20.0, 3)


def test_figures_are_written_between_the_marks_of_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")

    write_between_marks(page, markdown([result("sink", 1.0)], None, "a machine"))

    text = page.read_text()
    assert text.startswith("before\n<!-- figures -->\n\na machine\n\n| batch |")
    assert text.endswith("|\n\n<!-- /figures -->\nafter\n")
    assert "old" not in text


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing of ours\n")

    with pytest.raises(ValueError, match="has no"):
        write_between_marks(page, "figures")
