"""Config providers: `${env:NAME}`, `${file:path:key}` and `${dir:path:key}` in values.

What a provider returns is taken as it is: references in it are not followed. Files are read only below the directory of
the configuration file and /run/secrets, unless the command line, the environment or the worker file allows more
(`config.providers.allowed.paths`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from kafka_lambda_sink.config.properties import read_settings
from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem

ALLOWED_PATHS = "config.providers.allowed.paths"
_SECRETS = Path("/run/secrets")
_REFERENCE = re.compile(r"\$\{(?P<provider>[A-Za-z0-9_-]+):(?:(?P<path>[^}:]*):)?(?P<key>[^}]*)\}")
_CLASSES = {
    "EnvVarConfigProvider": "env",
    "FileConfigProvider": "file",
    "DirectoryConfigProvider": "dir",
}
_PROVIDER_KEY = re.compile(r"config\.providers(?:\.(?P<alias>[^.]+)\.(?P<what>class|param\..+))?")


class UnresolvedError(ValueError):
    """A reference cannot be resolved. The message names the reference, never a value."""


class Providers:
    """Resolves references, for one load of a configuration."""

    def __init__(self, environ: Mapping[str, str], allowed: Iterable[Path], names: Mapping[str, str]) -> None:
        self._environ = environ
        self._allowed = [path.resolve() for path in allowed]
        self._names = names
        self._files: dict[Path, dict[str, str]] = {}

    def expand(self, setting: Setting) -> Setting:
        """The setting with its references replaced, once. Raises UnresolvedError."""
        if "${" not in setting.value:
            return setting
        value = _REFERENCE.sub(self._resolve, setting.value)
        return setting if value == setting.value else dataclasses.replace(setting, value=value, is_provided=True)

    def _resolve(self, match: re.Match[str]) -> str:
        provider, path, key = match["provider"], match["path"], match["key"]
        kind = self._names.get(provider)
        if kind == "env":
            return self._variable(key)
        if kind == "file":
            return self._entry(path, key, match.group())
        if kind == "dir":
            return self._file(path, key, match.group())
        raise UnresolvedError(
            f"`{match.group()}`: there is no config provider `{provider}`; there are env, file and dir"
        )

    def _variable(self, name: str) -> str:
        if name not in self._environ:
            raise UnresolvedError(f"the environment variable {name} is not set")
        return self._environ[name]

    def _entry(self, path: str | None, key: str, reference: str) -> str:
        file = self._checked(path, reference)
        if file not in self._files:
            read = read_settings(file)
            if read.problems:
                raise UnresolvedError(f"`{reference}`: {read.problems[0].message}")
            self._files[file] = {setting.key: setting.value for setting in read.settings}
        if key not in self._files[file]:
            raise UnresolvedError(f"`{reference}`: the file has no key {key}")
        return self._files[file][key]

    def _file(self, path: str | None, name: str, reference: str) -> str:
        file = self._checked(f"{path}/{name}" if path else None, reference)
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UnresolvedError(f"`{reference}` cannot be read: {type(error).__name__}") from None

    def _checked(self, path: str | None, reference: str) -> Path:
        if not path:
            raise UnresolvedError(f"`{reference}` names no path: write ${{file:path:key}} or ${{dir:path:file}}")
        file = Path(path).resolve()
        if not any(file.is_relative_to(allowed) for allowed in self._allowed):
            raise UnresolvedError(
                f"`{reference}` is outside of the directories that may be read; {ALLOWED_PATHS} on the command line, "
                "in the environment or in the worker file widens them"
            )
        return file


def providers_from(
    settings: Iterable[Setting], *, config_file: Path, environ: Mapping[str, str]
) -> tuple[Providers, list[Problem]]:
    """Providers as the command line, the environment and the worker file declare them.

    Connect's own keys (`config.providers`, `.<alias>.class`, `.<alias>.param.allowed.paths`) give other names to our
    three providers.
    """
    allowed = [config_file.resolve().parent, _SECRETS]
    names = {kind: kind for kind in _CLASSES.values()}
    problems = []
    for setting in settings:
        match = _PROVIDER_KEY.fullmatch(setting.key)
        if setting.key == ALLOWED_PATHS or (match and match["what"] == "param.allowed.paths"):
            allowed += [Path(part.strip()) for part in setting.value.split(",") if part.strip()]
        elif match and match["what"] == "class":
            kind = _CLASSES.get(setting.value.strip().rsplit(".", 1)[-1])
            if kind:
                names[match["alias"]] = kind
            else:
                problems.append(
                    setting.problem(
                        "not-built-yet", "this config provider is not built yet; there are env, file and dir"
                    )
                )
    return Providers(environ, allowed, names), problems
