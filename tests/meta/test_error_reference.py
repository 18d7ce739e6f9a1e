import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_is_what_the_code_says():
    script = ROOT / "scripts" / "errors_reference.py"
    made = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "errors.md").read_text() == made, "run scripts/errors_reference.py > docs/errors.md"
