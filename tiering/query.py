"""One statement that knows every guest of a store on a business day: the fact columns `f`.

The catalogue says what a fact is; here its pieces become one SELECT: a grouped pass over the store's index for
the windows, the running sums of the patronage for the whole past, the dated rows of `tiering.sources` as known at
one moment, then shares and scores over them. Shared by the night, the preview, the explanation and the export, so
that all of them see the same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tiering import facts, sources
from tiering.compile import points
from tiering.facts import CATALOGUE, NEAR_DAYS, PAST, SHARE, STREAK_WEEKS, Day
from tiering.rules import Score

ACTIVE_DAYS = 365


@dataclass(frozen=True)
class Question:
    """Which facts of which store on which day, as known when (`known_at` empty: now).

    `keys` may name shares and scores; `scores` says what these are made of. `zone`: the store's, for facts that
    look at the hour. `axis`: whose overrides count (`by_hand`: there are some); `prior`: where the guest stood before
    that night, too. `ended_at`: the moment the day was over; what a person took back later was in force on it.
    `newest`: no counted visit of the store lies after the day, so that the running sums of now are those of the day.
    """

    store_id: int
    on: date
    keys: tuple[str, ...]
    tags: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    observe_months: int = 0
    scores: tuple[Score, ...] = ()
    zone: str = "Asia/Shanghai"
    axis: str = ""
    by_hand: bool = True
    prior: bool = False
    ended_at: datetime | None = None
    newest: bool = False
    known_at: datetime | None = None
    customer_ids: tuple[int, ...] | None = None


@dataclass
class Parts:
    """The pieces of the statement as they are gathered."""

    ctes: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, sql: str, column: str = "customer_id") -> None:
        """A source by its name, joined to the guest."""
        self.ctes.append(f"{name} AS ({sql})")
        self.joins.append(f"LEFT JOIN {name} ON {name}.{column} = p.customer_id")


def fact_rows(question: Question) -> tuple[str, dict[str, Any]]:
    """The WITH clause that ends in `f` (one row a guest of the store), and its parameters.

    Columns of `f`: customer_id, external_id, label (the tier on the door of the main axis), label_since, labels (of the
    others), one column a fact (and `<key>__per` where the denominator varies, `<key>__short`), profile_<field>, tags text[],
    judged text[], unrated jsonb (NULL: may be rated); with an `axis` given, given_until, given_id (a tier by hand);
    with `prior` prior, prior_since, fading_since.
    """
    return Builder(question).build()


_CASTS = {date: "date", datetime: "timestamptz", int: "bigint", str: "text"}


def fact_rows_of_days(questions: Sequence[Question]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same question of many days, in as few statements as there are shapes: rows of `f` with the day as `on`.

    What differs from day to day is a row of a VALUES list beside which the one statement runs: it is planned once.
    """
    shapes: dict[str, list[dict[str, Any]]] = {}
    for question in questions:
        sql, params = fact_rows(question)
        shapes.setdefault(sql, []).append(params)
    for sql, each in shapes.items():
        differ = [name for name, value in each[0].items() if any(params[name] != value for params in each)]
        columns = list(dict.fromkeys(["day", *differ]))
        shared = {name: value for name, value in each[0].items() if name not in columns}
        for name in columns:
            sql = sql.replace(f"%({name})s", f"days.{name}")
        told: dict[str, Any] = {}
        rows = []
        for n, params in enumerate(each):
            told |= {f"{name}_{n}": params[name] for name in columns}
            cells = [f"%({name}_{n})s::{_CASTS[type(params[name])]}" for name in columns]
            rows.append(f"({', '.join(cells)})")
        yield (
            f"SELECT days.day AS on, one.* FROM (VALUES {', '.join(rows)}) days ({', '.join(columns)}) "
            f"CROSS JOIN LATERAL ({sql} SELECT f.* FROM f) one",
            shared | told,
        )


class Builder:
    """Gathers the pieces of one question; `tiering.sources` adds what is not a visit in the window."""

    def __init__(self, question: Question) -> None:
        self.q = question
        self.day = Day(question.on)
        self.shares = [key for key in question.keys if facts.shared(key)]
        self.scores = [s for s in question.scores if {s.fact, SHARE + s.fact} & set(question.keys)]
        parts = [part.fact for score in self.scores for part in score.parts if facts.is_measured(part.fact)]
        self.shares += [key for key in dict.fromkeys(parts) if facts.shared(key) and key not in self.shares]
        self.bases = facts.with_bases([*question.keys, *parts])
        self.known = question.known_at is not None
        self.parts = Parts(params={"store": question.store_id, "day": question.on, "zone": question.zone})
        self.counted = (
            "v.counted_at <= %(known_at)s AND (v.voided_at IS NULL OR v.voided_at > %(known_at)s)"
            if self.known
            else "v.voided_at IS NULL AND v.counted_at IS NOT NULL"
        )

    def build(self) -> tuple[str, dict[str, Any]]:
        q, parts = self.q, self.parts
        parts.params["sunday"] = self.day.sunday
        if self.known:
            parts.params["known_at"] = q.known_at
        if q.customer_ids is not None:
            parts.params["customers"] = list(q.customer_ids)
        for key in self.bases:
            fact = CATALOGUE[key]
            parts.columns.append(f"{self.fill(fact.column)} AS {key}")
            if fact.per_column:
                parts.columns.append(f"{self.fill(fact.per_column)} AS {key}__per")
            if fact.short:
                parts.columns.append(f"{self.fill(fact.short)} AS {key}__short")
        self._window()
        sources.add_all(self)
        if self.shares:
            last = self.fill(CATALOGUE["last_visit_on"].column)
            parts.params["active_from"] = q.on - timedelta(days=ACTIVE_DAYS - 1)
            parts.columns.append(f"({last}) >= %(active_from)s AS active")
        rows = (
            f"SELECT p.customer_id, p.external_id, p.tier AS label, p.tier_since AS label_since, p.labels, "
            f"{', '.join(parts.columns)} FROM customers_patronage p {' '.join(parts.joins)} "
            f"WHERE p.store_id = %(store)s{self.only('p.customer_id')}"
        )
        layers = [rows, *self._layers()]
        for n, layer in enumerate(layers[:-1]):
            parts.ctes.append(f"f{n} AS ({layer})")
        parts.ctes.append(f"f AS ({layers[-1]})")
        return "WITH " + ",\n".join(parts.ctes), parts.params

    def only(self, column: str) -> str:
        """The condition that narrows to the guests asked for."""
        # Shares rank a guest among all guests: then the others must be computed too.
        narrow = self.q.customer_ids is not None and not self.shares
        return f" AND {column} = ANY(%(customers)s)" if narrow else ""

    def living(self, row: str, start: str, stop: str) -> str:
        """The condition under which a dated row counts: now, or as known at the moment asked for."""
        if self.known:
            return f"{row}.{start} <= %(known_at)s AND ({row}.{stop} IS NULL OR {row}.{stop} > %(known_at)s)"
        return f"{row}.{stop} IS NULL"

    def fill(self, sql: str) -> str:
        """The SQL of the catalogue with its names resolved for this question."""
        sql = sql.replace("%(counted)s", self.counted)
        for name, (running, counted) in PAST.items():
            # With knowledge of the past, or visits after D, the running sums of today say nothing.
            if self.known:
                past = counted
            elif self.q.newest:
                past = running
            else:
                past = f"CASE WHEN p.last_visit_on <= %(day)s THEN {running} ELSE {counted} END"
            sql = sql.replace(f"%({name})s", past)
        if "%(living_dish)s" in sql:
            sql = sql.replace("%(living_dish)s", self.living("n", "recorded_at", "withdrawn_at"))
        return sql

    def _window(self) -> None:
        """`w`: every windowed fact, in one grouped pass over the long windows and one over the short.

        Most filters concern the last months only: a pass of their own spares them the older visits. Whoever came
        lately came within the long window, so the long pass knows everybody.
        """
        windows = {key: CATALOGUE[key].window for key in self.bases}
        asked = {key: window(self.day) for key, window in windows.items() if window}
        if not asked:
            return
        near = self.day.back(NEAR_DAYS)
        short = {key: bounds for key, bounds in asked.items() if bounds[0] >= near}
        long = {key: bounds for key, bounds in asked.items() if key not in short}
        self.parts.params["streak_weeks"] = STREAK_WEEKS
        if short and long:
            self.parts.ctes.append(f"far AS ({self._pass('far', long)})")
            self.parts.ctes.append(f"near AS ({self._pass('near', short)})")
            self.parts.add(
                "w",
                f"SELECT far.*, {', '.join(f'near.{name}' for name in self._names(short))} "
                "FROM far LEFT JOIN near ON near.customer_id = far.customer_id",
            )
        else:
            self.parts.add("w", self._pass("all", asked))

    def _pass(self, name: str, asked: dict[str, tuple[date, date]]) -> str:
        """One grouped pass over the visits from the oldest day that any of these windows has."""
        low = min(start for start, _ in asked.values())
        self.parts.params[f"low_{name}"] = low
        columns = []
        for key, (start, end) in asked.items():
            fact = CATALOGUE[key]
            bounds = []
            if start > low:
                self.parts.params[f"{key}_from"] = start
                bounds.append(f"v.business_date >= %({key}_from)s")
            if end < self.day.on:
                self.parts.params[f"{key}_to"] = end
                bounds.append(f"v.business_date <= %({key}_to)s")
            narrow = [*bounds, self.fill(fact.only)] if fact.only else bounds
            columns.append(f"{fact.aggregate}{_filter(narrow)} AS {key}")
            if fact.per_column == f"w.{key}__per":
                columns.append(f"count(*){_filter(bounds)} AS {key}__per")
        return (
            f"SELECT v.customer_id, {', '.join(columns)} FROM customers_visit v "
            f"WHERE v.store_id = %(store)s AND v.business_date BETWEEN %(low_{name})s AND %(day)s "
            f"AND {self.counted}{self.only('v.customer_id')} GROUP BY v.customer_id"
        )

    @staticmethod
    def _names(asked: dict[str, tuple[date, date]]) -> list[str]:
        pers = [f"{key}__per" for key in asked if CATALOGUE[key].per_column == f"w.{key}__per"]
        return [*asked, *pers]

    def _layers(self) -> list[str]:
        """What is computed over the rows: shares of facts, then scores, then shares of scores."""
        layers: list[str] = []

        def layer(columns: list[str]) -> None:
            if columns:
                layers.append(f"SELECT g.*, {', '.join(columns)} FROM f{len(layers)} g")

        ranked_scores = [key for key in self.shares if facts.is_score(key.removeprefix(SHARE))]
        layer([column for key in self.shares if key not in ranked_scores for column in self._ranked(key)])
        layer([f"{points(score, 'g')} AS {score.fact}" for score in self.scores])
        layer([column for key in ranked_scores for column in self._ranked(key)])
        return layers

    def _ranked(self, key: str) -> list[str]:
        """A share: 100 * guests not above / guests, among those seen in the last 365 days."""
        base = key.removeprefix(SHARE)
        order = f"g.{base}::numeric / nullif(g.{base}__per, 0)" if facts.per_of(base) is None else f"g.{base}"
        seen = f"coalesce(g.active, false) AND g.{base} IS NOT NULL"
        return [
            f"CASE WHEN {seen} THEN 100 * count(*) FILTER (WHERE {seen}) OVER (ORDER BY {order}) END AS {key}",
            f"count(*) FILTER (WHERE {seen}) OVER () AS {key}__per",
        ]


def _filter(bounds: list[str]) -> str:
    return f" FILTER (WHERE {' AND '.join(bounds)})" if bounds else ""
