from collections.abc import Mapping
from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.core.errors import ConfigError, Problem
from tests.support.config_text import FIVE, Load, Refuse


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a configuration from the text of its files; the five keys come first unless `bare`."""

    def load_files(
        text: str = "",
        *,
        worker: str | None = None,
        overrides: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> LoadedConfig:
        path = tmp_path / "sink.properties"
        path.write_text(text if bare else FIVE + text, encoding="utf-8")
        worker_path = None
        if worker is not None:
            worker_path = tmp_path / "worker.properties"
            worker_path.write_text(worker, encoding="utf-8")
        return load(path, worker=worker_path, overrides=overrides or {}, environ=environ or {})

    return load_files


@pytest.fixture
def refuse_text(load_text: Load) -> Refuse:
    """The problems of a configuration that is refused."""

    def problems(text: str = "", **how: object) -> list[Problem]:
        with pytest.raises(ConfigError) as raised:
            load_text(text, **how)
        return raised.value.problems

    return problems
