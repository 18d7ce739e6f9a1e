"""The figures of the performance page are those of the file beside it: none is typed."""

from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.plots import digest
from benchmarks.results_table import PLOTS, between_marks, markdown

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = Figures.read(DOCS / "performance.json")
AGAIN = 'run `make bench ARGS="--from-json docs/performance.json --markdown docs/performance.md"`'


def test_the_tables_are_what_the_runs_give():
    assert between_marks(DOCS / "performance.md") == markdown(FIGURES, "performance"), AGAIN


def test_the_pictures_show_these_runs():
    made_of = {path.stem: digest(FIGURES).encode() in path.read_bytes() for path in (DOCS / "performance").iterdir()}

    assert made_of == dict.fromkeys(PLOTS, True), AGAIN
