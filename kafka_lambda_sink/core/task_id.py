"""Which of a connector's tasks a process runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TaskId:
    """A number from 0, as Connect counts, and how many there are on this machine."""

    number: int = 0
    #: `tasks.max` when the processes were started.
    of: int = 1

    def name(self, shared: str) -> str:
        """This task's own form of a name that must tell the tasks apart. A task that is alone keeps it as it is."""
        return shared if self.of == 1 else f"{shared}-{self.number}"


#: The only task of a connector.
ALONE: Final = TaskId()
