from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from tests.support.config_text import FIVE, Load


@pytest.fixture
def loads(tmp_path: Path) -> Load:
    """Loads a configuration from what stands behind the five keys."""

    def load_text(text: str) -> LoadedConfig:
        path = tmp_path / "sink.properties"
        path.write_text(FIVE + text, encoding="utf-8")
        return load(path, environ={})

    return load_text
