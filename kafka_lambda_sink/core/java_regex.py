"""Patterns of Java, compiled by Python."""

from __future__ import annotations

import re

#: Java syntax that Python reads otherwise or not at all, and what stands for it.
_REFUSED = (
    (re.compile(r"\\[pP](?:\{|[A-Z])"), r"\p{…} classes", "write the characters out, e.g. [A-Za-z]"),
    (re.compile(r"&&"), "intersections of classes (&&)", "use a look-ahead"),
    (re.compile(r"\[\^?[^\]\\]*\["), "a class inside a class", "write one class"),
    (re.compile(r"\\[GRXhHVeczZ]"), r"\G, \R, \X, \h, \H, \V, \e, \c, \z and \Z", "topic names need none of them"),
    (re.compile(r"\\x\{|\\0|\\k<"), r"\x{…}, \0… and \k<…>", "write the character itself"),
    (re.compile(r"[*+?}]\+"), "possessive quantifiers", "drop the second +"),
    (re.compile(r"\(\?>"), "atomic groups", "use (?:…)"),
)
_QUOTED = re.compile(r"\\Q(?P<text>.*?)(?:\\E|\Z)|\\.", re.DOTALL)
_NAMED_GROUP = re.compile(r"(?P<group>\(\?<)(?=[A-Za-z])|\\.")
_ESCAPED_SIGN = re.compile(r"\\[^A-Za-z0-9]")


def compile_java_regex(pattern: str) -> re.Pattern[str]:
    r"""Compile a Java pattern. Use `fullmatch` where Java says `matches`.

    Python's syntax is Java's but for a few constructs: `\Q…\E` and `(?<name>…)` are translated, the rest that differs
    is refused by name, as a pattern that quietly matches something else loses records. Raises ValueError.
    """
    quoted = _QUOTED.sub(lambda found: found[0] if found["text"] is None else re.escape(found["text"]), pattern)
    bare = _ESCAPED_SIGN.sub("x", quoted)
    for construct, what, instead in _REFUSED:
        if construct.search(bare):
            raise ValueError(f"{what} are not supported in a pattern; {instead}")
    try:
        return re.compile(_NAMED_GROUP.sub(lambda found: "(?P<" if found["group"] else found[0], quoted), re.ASCII)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
