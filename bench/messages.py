"""Texts: a day planned against one scan of the guests, a festival against a raw insert, a provider's limit, the outbox."""

import os
import threading
import time
from collections import Counter
from typing import Any

from bench.ground import Size
from bench.measure import Figure, alternate, versus
from bench.worker import Worker

ACCOUNT = {
    "SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "bench", "SMS_ACCESS_KEY_SECRET": "bench", "SMS_SIGN_NAME": "熟客小馆",
}  # fmt: skip
QUEUED_AT_MOST = 200_000
RELAYS, THREADS = 2, 10
PROVIDER_SECONDS = 0.05
DRAINED_SECONDS = 12
PAGE_MS, KEY_MS = 200, 0.2


def message_figures(url: str, size: Size) -> list[Figure]:
    """Everything about texts on a database that nobody needs afterwards."""
    os.environ.update(ACCOUNT)
    with Worker(url) as worker:
        stores = [int(pk) for pk in worker.answer("text_stores")]
        found = _day(worker, stores, size)
        place = worker.answer("text_gather", guests=min(size.customers, QUEUED_AT_MOST))
        found += _festival(worker, place)
        found += _drain(url, worker, place)
        found += _outbox(worker, place, size)
    return found


def _day(worker: Worker, stores: list[int], size: Size) -> list[Figure]:
    """Planning the birthdays of a day of all stores, against one scan of the guests."""
    worker.answer("text_clear")
    first = worker.answer("text_day", stores=stores)
    again = worker.answer("text_day", stores=stores)
    pairs = alternate(
        lambda: worker.cost("text_scan"),
        lambda: worker.cost("text_day", stores=stores),
        before_goal=lambda: worker.answer("text_clear"),
    )
    note = f"{first['planned']} texts, {len(stores)} stores"
    return [
        Figure("P16_day_again", "rows a second planning of the day adds", again["rows"] - first["rows"], "rows", 0,
               exact=True),
        versus("P16_day", f"planning a day of {size.customers:,} guests, against one scan of them", pairs, 3.0, note=note),
    ]  # fmt: skip


def _festival(worker: Worker, place: dict[str, int]) -> list[Figure]:
    """A festival for everybody in one statement, against the raw insert of as many rows."""
    store = place["store"]
    worker.answer("text_clear")
    counts = worker.answer("text_queue", store=store)
    rows = sum(n for name, n in counts.items() if name not in ("parts", "cost_fen", "calls"))
    wished = worker.answer("text_wished")
    again = worker.answer("text_queue", store=store)
    more = sum(n for name, n in again.items() if name not in ("parts", "cost_fen", "calls"))

    def raw() -> Any:
        worker.answer("text_clear")
        return worker.cost("text_raw", store=store)

    pairs = alternate(
        raw,
        lambda: worker.cost("text_queue", store=store),
        before_goal=lambda: worker.answer("text_clear"),
        pairs=3,
    )
    note = f"{rows:,} rows, {counts['planned']:,} to send"
    return [
        Figure("P16_again", "rows a second queueing adds", more, "rows", 0, exact=True),
        Figure("P16_all", "guests without a row", place["guests"] - wished, "guests", 0, exact=True),
        versus("P16", "queueing a festival, against a raw INSERT … SELECT", pairs, 1.2, note=note),
    ]


def _drain(url: str, worker: Worker, place: dict[str, int]) -> list[Figure]:
    """Two relays against a provider of 50 ms: how near its limit, and that nothing goes out twice."""
    limit = RELAYS * THREADS / PROVIDER_SECONDS
    worker.answer("text_clear")
    worker.answer("text_queue", store=place["store"])
    texts = worker.answer("text_due", store=place["store"], texts=int(limit * DRAINED_SECONDS))
    told: list[tuple[Any, Any]] = []
    with Worker(url) as one, Worker(url) as two:
        begin = time.time() + 3

        def run(relay: Worker) -> None:
            told.append(relay.ask("drain", threads=THREADS, begin=begin))

        threads = [threading.Thread(target=run, args=[relay]) for relay in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    taken = Counter(text for answer, _ in told for text in answer["taken"])
    wall = max(answer["ended"] for answer, _ in told) - begin
    rate = texts / wall
    each = [len(answer["taken"]) for answer, _ in told]
    return [
        Figure("P17_once", "texts that were not taken exactly once", texts - sum(n == 1 for n in taken.values()),
               "texts", 0, exact=True, note=f"{texts:,} texts, {' + '.join(map(str, each))}"),
        Figure("P17", f"drain, {RELAYS} relays of {THREADS} threads, one claim a text", rate, "texts/s", 0.9, "least",
               floor=limit, ratio=rate / limit, note=f"{sum(cost.cpu for _, cost in told) / texts * 1e6:.0f} µs CPU a text"),
    ]  # fmt: skip


def _outbox(worker: Worker, place: dict[str, int], size: Size) -> list[Figure]:
    """The outbox page over years of texts, as a multiple of reading one row by its key."""
    rows = worker.answer("text_rows", store=place["store"], rows=5 * size.customers)
    told = worker.answer("text_pages", store=place["store"], times=15)
    key, goal = told["key"], PAGE_MS / KEY_MS
    names = {
        "page": "the outbox as it opens", "rare": "a state that no text is in", "month": "a month of last year, filtered",
    }  # fmt: skip
    return [
        Figure(f"outbox_{name}", f"{what}, {rows:,} texts in the store", told[name], "ms", goal, floor=key,
               ratio=told[name] / key, note=f"{told[name]:.0f} ms")
        for name, what in names.items()
    ]  # fmt: skip
