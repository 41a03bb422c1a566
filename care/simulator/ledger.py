"""What was accepted, in order: append-only, and on disk before the answer goes out."""

import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass
class Entry:
    """One accepted message. `status` is what the operator reported: "" so far nothing, "delivered"
    or "undelivered", at `status_at` and with the provider's `status_code`. Times are ISO 8601."""

    provider: str
    phone: str
    out_id: str
    template: str
    params: dict[str, str]
    sign: str
    at: str
    signed_at: str
    message_id: str
    text: str
    parts: int
    nonce: str = ""
    status: str = field(default="", compare=False)
    status_code: str = field(default="", compare=False)
    status_at: str = field(default="", compare=False)

    @property
    def moment(self) -> datetime:
        """When it was accepted."""
        return datetime.fromisoformat(self.at)


class Ledger:
    """The entries in memory, and as JSON lines in `path` if there is one.

    A file holds two kinds of lines: "accepted", and "status" for what became known later. `sync`
    makes an accepted line survive a power cut (fsync, one for all threads that wait together), not
    only the death of this process. A half-written last line, left by such a cut, is dropped at
    start: its sender never got an answer.
    """

    def __init__(self, path: Path | None = None, *, sync: bool = True) -> None:
        self._entries: list[Entry] = []
        self._by_phone: dict[str, list[Entry]] = defaultdict(list)
        self._by_message: dict[tuple[str, str], Entry] = {}
        self._lock = threading.Lock()
        self._sync = sync
        self._written = 0
        self._durable = 0
        self._flushing = threading.Lock()
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            self._file = path.open("ab")

    def accept(self, entries: list[Entry]) -> None:
        """Record accepted messages. Returns when they are durable."""
        with self._lock:
            for entry in entries:
                self._remember(entry)
            ticket = self._write({"kind": "accepted", **asdict(entry)} for entry in entries)
        self._settle(ticket)

    def report(self, entry: Entry, status: str, code: str, at: str) -> None:
        """Record what the operator reported of an entry; a later report overrides."""
        with self._lock:
            entry.status, entry.status_code, entry.status_at = status, code, at
            self._write(
                [
                    {
                        "kind": "status",
                        "provider": entry.provider,
                        "message_id": entry.message_id,
                        "phone": entry.phone,
                        "status": status,
                        "status_code": code,
                        "status_at": at,
                    }
                ]
            )

    def select(self, *, phone: str = "", out_id: str = "", provider: str = "") -> list[Entry]:
        """The entries that match every given value, oldest first."""
        with self._lock:
            entries = list(self._by_phone.get(phone, ())) if phone else list(self._entries)
        return [
            entry
            for entry in entries
            if (not out_id or entry.out_id == out_id) and (not provider or entry.provider == provider)
        ]

    @property
    def total(self) -> int:
        """How many were accepted in all."""
        return len(self._entries)

    def last(self, count: int) -> list[Entry]:
        """The newest entries, newest first."""
        with self._lock:
            return self._entries[: -count - 1 : -1]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _remember(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._by_phone[entry.phone].append(entry)
        self._by_message[entry.message_id, entry.phone] = entry

    def _write(self, lines: Iterable[dict[str, Any]]) -> int:
        if self._file is None:
            return 0
        for line in lines:
            self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        self._written += 1
        return self._written

    def _settle(self, ticket: int) -> None:
        """Wait until write number `ticket` is on disk. One thread syncs for all that wait."""
        if self._file is None or not self._sync:
            return
        with self._flushing:
            if self._durable >= ticket:
                return
            written = self._written
            os.fsync(self._file.fileno())
            self._durable = written

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)
        for line in data[:whole].splitlines():
            record = json.loads(line)
            if record.pop("kind") == "accepted":
                self._remember(Entry(**record))
            else:
                entry = self._by_message.get((record["message_id"], record["phone"]))
                if entry is not None:
                    entry.status = record["status"]
                    entry.status_code = record["status_code"]
                    entry.status_at = record["status_at"]
