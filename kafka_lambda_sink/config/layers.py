"""The layers a configuration is made of, as sources of pydantic-settings: the first that has a value wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

#: The keyword argument that carries the layers through the constructor of a settings class.
LAYERS: Final = "layers__"


class LayerSource(PydanticBaseSettingsSource):
    """One layer (the command line, the environment, a file): text by attribute, None for a blank optional value."""

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - their port
        """Value, attribute, and that it is not to be read as JSON."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values of the layer."""
        return dict(self._values)


def layer_sources(
    settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource
) -> tuple[PydanticBaseSettingsSource, ...]:
    """The layers that the constructor was given, highest precedence first; empty when it was given none."""
    if not isinstance(init_settings, InitSettingsSource):
        return ()
    return tuple(LayerSource(settings_cls, layer) for layer in init_settings.init_kwargs.get(LAYERS, ()))
