from pathlib import Path

from tests.support.golden import GOLDEN, regenerate


def test_the_golden_files_are_what_the_java_classes_say(tmp_path: Path):
    regenerate(tmp_path)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (GOLDEN / "expected").iterdir()}
    assert made == committed, "run `scripts/golden`"
