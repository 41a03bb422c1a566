"""One statement that knows every guest of a store on a business day: the fact columns `f`.

The catalogue says what a fact is; here its pieces become one SELECT: a grouped pass over the store's index for
the windows, the running sums of the patronage for the whole past, and the dated rows (tags, judgements,
introductions, gaps in the profile) as known at one moment. Shared by the night, the preview, the explanation
and the export, so that all of them see the same numbers.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tiering import facts
from tiering.facts import CATALOGUE, SHARE, STREAK_BITS, Day

ACTIVE_DAYS = 365


@dataclass(frozen=True)
class Question:
    """Which facts of which store on which day, as known when (`known_at` empty: now)."""

    store_id: int
    on: date
    keys: tuple[str, ...]
    tags: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    observe_months: int = 0
    known_at: datetime | None = None
    customer_ids: tuple[int, ...] | None = None


@dataclass
class _Parts:
    ctes: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)


def fact_rows(question: Question) -> tuple[str, dict[str, Any]]:
    """The WITH clause that ends in `f` (one row a guest of the store), and its parameters.

    Columns of `f`: customer_id, label (the tier on the door), label_since, one column a fact (and `<key>__per`
    where the denominator varies), tags text[], judged text[], unrated jsonb (NULL: may be rated).
    """
    return _Builder(question).build()


class _Builder:
    def __init__(self, question: Question) -> None:
        self.q = question
        self.day = Day(question.on)
        self.bases = facts.with_bases(question.keys)
        self.shares = [key for key in question.keys if facts.shared(key)]
        self.known = question.known_at is not None
        self.parts = _Parts(params={"store": question.store_id, "day": question.on})
        # With knowledge of the past, or visits after D, the running sums of today say nothing.
        self.trust = "false" if self.known else "p.last_visit_on <= %(day)s"
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
        self._window()
        self._past()
        self._introductions()
        self._dated_words()
        self._unrated()
        rows = (
            f"SELECT p.customer_id, p.external_id, p.tier AS label, p.tier_since AS label_since, "
            f"{', '.join(parts.columns)} FROM customers_patronage p {' '.join(parts.joins)} "
            f"WHERE p.store_id = %(store)s{self._only('p.customer_id')}"
        )
        if not self.shares:
            parts.ctes.append(f"f AS ({rows})")
        else:
            parts.ctes.append(f"g AS ({rows})")
            parts.ctes.append(self._ranked())
        return "WITH " + ",\n".join(parts.ctes), parts.params

    def _only(self, column: str) -> str:
        # Shares rank a guest among all guests: then the others must be computed too.
        narrow = self.q.customer_ids is not None and not self.shares
        return f" AND {column} = ANY(%(customers)s)" if narrow else ""

    def _fill(self, sql: str) -> str:
        return sql.replace("%(trust)s", self.trust).replace("%(counted)s", self.counted)

    def _window(self) -> None:
        windows = {key: CATALOGUE[key].window for key in self.bases}
        asked = {key: window(self.day) for key, window in windows.items() if window}
        for key in self.bases:
            fact = CATALOGUE[key]
            self.parts.columns.append(f"{self._fill(fact.column)} AS {key}")
            if fact.per_column:
                self.parts.columns.append(f"{fact.per_column} AS {key}__per")
        if not asked:
            return
        low = min(start for start, _ in asked.values())
        columns = []
        for key, (start, end) in asked.items():
            fact = CATALOGUE[key]
            bounds = []
            if start > low and key != "consecutive_weeks":
                bounds.append(f"v.business_date >= '{start}'::date")
            if end < self.day.on:
                bounds.append(f"v.business_date <= '{end}'::date")
            only = f" FILTER (WHERE {' AND '.join(bounds)})" if bounds else ""
            columns.append(f"{fact.aggregate}{only} AS {key}")
            if fact.per_column:
                columns.append(f"count(*){only} AS {key}__per")
        monday = self.day.sunday - timedelta(days=6)
        self.parts.params["streak_weeks"] = min((monday - low).days // 7, STREAK_BITS - 2)
        self.parts.params["low"] = low
        self.parts.ctes.append(
            f"w AS (SELECT v.customer_id, {', '.join(columns)} FROM customers_visit v "
            f"WHERE v.store_id = %(store)s AND v.business_date BETWEEN %(low)s AND %(day)s "
            f"AND {self.counted} AND v.customer_id IS NOT NULL{self._only('v.customer_id')} GROUP BY v.customer_id)"
        )
        self.parts.joins.append("LEFT JOIN w ON w.customer_id = p.customer_id")

    def _past(self) -> None:
        """`h`: the whole past of the guests whose running sums reach beyond D; the latest visit alone where that is all."""
        asked = {key for key in self.bases if CATALOGUE[key].source == "h"}
        if self.q.observe_months:
            asked.add("first_visit_on")
        if self.shares:
            asked.add("last_visit_on")
        if not asked:
            return
        untrusted = "" if self.known else " AND p.last_visit_on > %(day)s"
        guests = f"WHERE p.store_id = %(store)s{untrusted}{self._only('p.customer_id')}"
        visits = (
            "FROM customers_visit v WHERE v.customer_id = p.customer_id AND v.store_id = p.store_id "
            f"AND v.business_date <= %(day)s AND {self.counted}"
        )
        latest = (
            f"LATERAL (SELECT v.business_date AS last_on, v.amount_fen AS last_bill {visits} "
            'ORDER BY v.visited_at DESC, v.external_id COLLATE "C" DESC LIMIT 1) latest'
        )
        whole = (
            "LATERAL (SELECT min(v.business_date) AS first_on, count(*) AS visits, "
            f"sum(v.amount_fen) AS spend {visits}) whole"
        )
        needs_whole = not asked <= {"last_visit_on", "last_bill", "days_since_last_visit"}
        self.parts.ctes.append(
            f"h AS (SELECT p.customer_id, {'whole.*, ' if needs_whole else ''}latest.* FROM customers_patronage p "
            f"LEFT JOIN {latest} ON true {f'CROSS JOIN {whole} ' if needs_whole else ''}{guests})"
        )
        self.parts.joins.append("LEFT JOIN h ON h.customer_id = p.customer_id")

    def _introductions(self) -> None:
        if not any(CATALOGUE[key].source == "i" for key in self.bases):
            return
        first, last = self.day.full_month
        self.parts.params |= {"month_first": first, "month_last": last}
        if self.known:
            paid = (
                "(SELECT min(v.business_date) FROM customers_visit v WHERE v.customer_id = q.customer_id "
                f"AND v.store_id = q.store_id AND v.amount_fen > 0 AND {self.counted})"
            )
            living = "n.recorded_at <= %(known_at)s AND (n.voided_at IS NULL OR n.voided_at > %(known_at)s)"
        else:
            paid, living = "q.first_paid_on", "n.voided_at IS NULL"
        # One phone counts once: a guest without an own number goes by the first contact number.
        number = (
            "coalesce((SELECT encode(t.number_index, 'hex') FROM customers_phone t WHERE t.customer_id = q.customer_id "
            "ORDER BY t.kind DESC, t.id LIMIT 1), q.customer_id::text)"
        )
        self.parts.ctes.append(
            f"brought AS (SELECT n.introducer_id AS customer_id, {number} AS number, {paid} AS paid_on "
            "FROM customers_introduction n JOIN customers_patronage q ON q.customer_id = n.customer_id "
            f"AND q.store_id = %(store)s WHERE {living}{self._only('n.introducer_id')})"
        )
        self.parts.ctes.append(
            "i AS (SELECT customer_id, count(DISTINCT number) FILTER "
            "(WHERE paid_on BETWEEN %(month_first)s AND %(month_last)s) AS new_customers_1m, "
            "count(DISTINCT number) FILTER (WHERE paid_on <= %(day)s) AS referrals_total "
            "FROM brought GROUP BY customer_id)"
        )
        self.parts.joins.append("LEFT JOIN i ON i.customer_id = p.customer_id")

    def _dated_words(self) -> None:
        for name, words, table, column, start, stop, bounds in (
            ("tags", self.q.tags, "customers_tag", "word", "added_at", "removed_at", ""),
            (
                "judged", self.q.codes, "tiering_judgement", "code", "recorded_at", "withdrawn_at",
                " AND x.store_id = %(store)s AND x.valid_from <= %(day)s "
                "AND (x.valid_until IS NULL OR x.valid_until >= %(day)s)",
            ),
        ):  # fmt: skip
            if not words:
                self.parts.columns.append(f"NULL::text[] AS {name}")
                continue
            self.parts.params[name] = list(words)
            living = (
                f"x.{start} <= %(known_at)s AND (x.{stop} IS NULL OR x.{stop} > %(known_at)s)"
                if self.known
                else f"x.{stop} IS NULL"
            )
            self.parts.ctes.append(
                f"{name} AS (SELECT x.customer_id, array_agg(x.{column}::text) AS words FROM {table} x "
                f"WHERE x.{column} = ANY(%({name})s) AND {living}{bounds}{self._only('x.customer_id')} "
                "GROUP BY x.customer_id)"
            )
            self.parts.joins.append(f"LEFT JOIN {name} ON {name}.customer_id = p.customer_id")
            self.parts.columns.append(f"{name}.words AS {name}")

    def _unrated(self) -> None:
        clauses = []
        if self.q.requires:
            self.parts.params["requires"] = list(self.q.requires)
            living = (
                "x.missing_from <= %(known_at)s AND (x.filled_at IS NULL OR x.filled_at > %(known_at)s)"
                if self.known
                else "x.filled_at IS NULL"
            )
            self.parts.ctes.append(
                "gaps AS (SELECT x.customer_id, jsonb_agg(x.field ORDER BY x.field) AS fields "
                "FROM customers_profilegap x JOIN customers_patronage p ON p.customer_id = x.customer_id "
                f"AND p.store_id = %(store)s WHERE x.field = ANY(%(requires)s) AND {living}"
                f"{self._only('x.customer_id')} GROUP BY x.customer_id)"
            )
            self.parts.joins.append("LEFT JOIN gaps ON gaps.customer_id = p.customer_id")
            clauses.append(
                "CASE WHEN gaps.fields IS NOT NULL THEN "
                "jsonb_build_array(jsonb_build_object('code', 'missing', 'fields', gaps.fields)) END"
            )
        if self.q.observe_months:
            first = self._fill(CATALOGUE["first_visit_on"].column)
            self.parts.params["observe"] = f"{self.q.observe_months} months"
            until = f"(({first}) + %(observe)s::interval)::date"
            clauses.append(
                f"CASE WHEN ({first}) IS NULL OR {until} > %(day)s THEN "
                f"jsonb_build_array(jsonb_build_object('code', 'observing', 'until', {until})) END"
            )
        if not clauses:
            self.parts.columns.append("NULL::jsonb AS unrated")
        elif len(clauses) == 1:
            self.parts.columns.append(f"{clauses[0]} AS unrated")
        else:
            both = " || ".join(f"coalesce({clause}, '[]'::jsonb)" for clause in clauses)
            self.parts.columns.append(f"nullif({both}, '[]'::jsonb) AS unrated")

    def _ranked(self) -> str:
        """`f` with the shares: 100 * guests not above / guests, among those seen in the last 365 days."""
        last = self._fill(CATALOGUE["last_visit_on"].column)
        self.parts.params["active_from"] = self.q.on - timedelta(days=ACTIVE_DAYS - 1)
        active = f"({last}) >= %(active_from)s"
        source = next(n for n, cte in enumerate(self.parts.ctes) if cte.startswith("g AS"))
        self.parts.ctes[source] = self.parts.ctes[source].replace(
            " FROM customers_patronage p", f", {active} AS active FROM customers_patronage p", 1
        )
        columns = []
        for key in self.shares:
            base = key.removeprefix(SHARE)
            fact = CATALOGUE[base]
            order = f"g.{base}::numeric / g.{base}__per" if fact.per_column else f"g.{base}"
            seen = f"coalesce(g.active, false) AND g.{base} IS NOT NULL"
            columns.append(
                f"CASE WHEN {seen} THEN 100 * count(*) FILTER (WHERE {seen}) OVER (ORDER BY {order}) END AS {key}"
            )
            columns.append(f"count(*) FILTER (WHERE {seen}) OVER () AS {key}__per")
        return f"f AS (SELECT g.*, {', '.join(columns)} FROM g)"
