"""Make strict, self-contained JSON schemas of the Kubernetes kinds that our manifests use.

    python scripts/kubernetes_schemas.py VERSION SWAGGER

SWAGGER is `api/openapi-spec/swagger.json` of that version, to be had as a Go module:
`go mod download -json k8s.io/kubernetes@v1.34.1` prints its directory. Strict: a field that the API does not know is
refused, as by `kubectl apply --validate=strict`. Descriptions are left out. Writes to tests/data/k8s.
"""  # noqa: INP001  # a script

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_OUT = Path(__file__).parents[1] / "tests" / "data" / "k8s"
_KINDS = {
    "ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
}
#: Swagger calls these strings; the API server takes numbers too.
_NUMBERS_TOO = frozenset(
    {"io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity"}
)
_PREFIX = "#/definitions/"
_KEPT = ("type", "format", "items", "additionalProperties", "required", "enum", "$ref")


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without its descriptions, and closed where it lists its properties."""
    kept = {key: strict(value) if isinstance(value, dict) else value for key, value in schema.items() if key in _KEPT}
    if "properties" in schema:
        kept["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        kept["additionalProperties"] = False
    return kept


def references(schema: Any) -> set[str]:
    """Names of the definitions that a schema refers to itself."""
    if isinstance(schema, dict):
        found = {name for value in schema.values() for name in references(value)}
        reference = schema.get("$ref")
        return found | {reference.removeprefix(_PREFIX)} if isinstance(reference, str) else found
    return set()


def schema_of(kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a kind with all the definitions it needs."""
    wanted, found = {name}, dict[str, Any]()
    while wanted:
        each = wanted.pop()
        found[each] = {"type": ["string", "number"]} if each in _NUMBERS_TOO else strict(definitions[each])
        wanted |= references(found[each]) - found.keys()
    top = found.pop(name)
    group = definitions[name]["x-kubernetes-group-version-kind"][0]
    version = "/".join(part for part in (group["group"], group["version"]) if part)
    top["properties"] |= {"apiVersion": {"const": version}, "kind": {"const": kind}}
    top["required"] = ["apiVersion", "kind", "metadata", *(["spec"] if "spec" in top["properties"] else [])]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "definitions": dict(sorted(found.items()))}


def main() -> None:
    """Write one file a kind."""
    version, path = sys.argv[1:]
    swagger = json.loads(Path(path).read_text(encoding="utf-8"))
    _OUT.mkdir(parents=True, exist_ok=True)
    for kind, name in _KINDS.items():
        schema = {
            "$comment": f"Made by scripts/kubernetes_schemas.py from Kubernetes {version}.",
            **schema_of(kind, name, swagger["definitions"]),
        }
        text = json.dumps(schema, indent=1, sort_keys=False)
        (_OUT / f"{kind.lower()}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
