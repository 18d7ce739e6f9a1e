import subprocess
import sys
from pathlib import Path
from typing import get_args

from kafka_lambda_sink.core.problem_id import ProblemId

ROOT = Path(__file__).parents[2]


def test_is_what_the_code_says():
    script = ROOT / "scripts" / "errors_reference.py"
    made = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "errors.md").read_text() == made, "run scripts/errors_reference.py > docs/errors.md"


def test_no_problem_is_explained_that_nobody_raises():
    package = ROOT / "kafka_lambda_sink"
    code = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "problem_id.py")
    assert [name for name in get_args(ProblemId) if f'"{name}"' not in code] == []
