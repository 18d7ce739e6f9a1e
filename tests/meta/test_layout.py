"""House rules that no linter knows: sizes, docstrings of what is public, names that say nothing."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kafka_lambda_sink"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 350
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_name(path):
    return str(path.relative_to(ROOT))


def definitions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))]


def lines_of(node):
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def public_definitions(body):
    """Public classes and functions of a module, and public methods of such classes."""
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def is_overload_or_override(node):
    return any(
        "overload" in ast.unparse(decorator) or "override" in ast.unparse(decorator)
        for decorator in node.decorator_list
    )


@pytest.mark.parametrize("path", MODULES, ids=module_name)
class TestModule:
    def test_is_small(self, path):
        assert len(path.read_text().splitlines()) <= MAX_MODULE_LINES

    def test_has_small_functions(self, path):
        large = [
            f"{node.name}: {lines_of(node)} lines"
            for node in definitions(ast.parse(path.read_text()))
            if isinstance(node, FUNCTIONS) and lines_of(node) > MAX_FUNCTION_LINES
        ]
        assert large == []

    def test_documents_what_is_public(self, path):
        tree = ast.parse(path.read_text())
        undocumented = [
            node.name
            for node in public_definitions(tree.body)
            if not ast.get_docstring(node) and not is_overload_or_override(node)
        ]
        assert ast.get_docstring(tree)
        assert undocumented == []

    def test_has_a_name_that_says_something(self, path):
        words = {word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")}
        assert words & EMPTY_NAMES == set()


def test_modules_are_found():
    assert PACKAGE / "core" / "errors.py" in MODULES
