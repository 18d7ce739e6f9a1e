"""Packages as an installer leaves them: modules beside a folder of metadata."""

from __future__ import annotations

import tomllib
from pathlib import Path

from kafka_lambda_sink.transforms.entry_points import GROUP

_EXAMPLE = Path(__file__).parents[2] / "examples" / "transform"


def put_package(site: Path, module: str, source: str, entry_points: str, group: str = GROUP) -> None:
    """Put a package of one module into a new folder; the entry points are lines of `group`."""
    metadata = site / f"{module}-1.0.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry_points}\n", encoding="utf-8")
    (site / f"{module}.py").write_text(source, encoding="utf-8")


def put_example(folder: Path) -> Path:
    """The package of `examples/transform` as installed in a new folder below, which is to be put on the path."""
    project = tomllib.loads((_EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (entry,) = project["entry-points"][GROUP].items()
    source = (_EXAMPLE / "mask_email.py").read_text(encoding="utf-8")
    put_package(folder / "site", "mask_email", source, " = ".join(entry))
    return folder / "site"
