"""The files that the demo runs on: those of the repository, of which an installed package has copies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import kafka_lambda_sink

_PACKAGE: Final = Path(kafka_lambda_sink.__file__).parent
#: Where the wheel has them (pyproject.toml, force-include), and where a clone has them.
_ROOTS: Final = (_PACKAGE / "samples", _PACKAGE.parent)


def sample(name: str) -> Path:
    """The file of this path below the repository's root."""
    return next(root / name for root in _ROOTS if (root / name).is_file())
