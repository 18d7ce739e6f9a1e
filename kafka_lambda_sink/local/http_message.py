"""HTTP/1.1 messages: a request as it came in, a reply to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(slots=True)
class Request:
    """One request as it came in."""

    method: str
    #: Path and query, raw: as they were signed.
    target: str
    version: str
    #: Header names and values in order, as sent.
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    _lookup: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._lookup = {name.lower(): value for name, value in self.headers}

    @property
    def path(self) -> str:
        """The raw path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name."""
        return self._lookup.get(name)

    @property
    def is_last(self) -> bool:
        """The client wants the connection closed after the reply."""
        connection = (self.header("connection") or "").lower()
        return connection == "close" or (self.version == "HTTP/1.0" and connection != "keep-alive")


@dataclass(slots=True)
class Reply:
    """One reply to be sent."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def head(self) -> bytes:
        """Status line and headers as given, with the blank line."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Status"
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def encode(self) -> bytes:
        """The whole reply; Content-Length is added where a body is allowed."""
        if self.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            return self.head()
        framed = Reply(self.status, [*self.headers, ("Content-Length", str(len(self.body)))])
        return framed.head() + self.body
