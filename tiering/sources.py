"""The sources of facts that are not visits in a window: each adds its piece to the one statement of `tiering.query`.

Pure. Every source is a set of dated rows: what counts is what is living now, or what was known at one moment.
"""

from typing import TYPE_CHECKING

from tiering.facts import CATALOGUE, LAST_WINDOW

if TYPE_CHECKING:
    from tiering.query import Builder


def add_all(builder: "Builder") -> None:
    """Every source that the question needs."""
    _past(builder)
    _before_last(builder)
    _introductions(builder)
    _events(builder)
    _seats(builder)
    _feedback(builder)
    _profile(builder)
    _words(builder)
    _unrated(builder)
    _overrides(builder)
    _prior(builder)


def _needs(builder: "Builder", source: str) -> bool:
    return any(CATALOGUE[key].source == source for key in builder.bases)


def _past(builder: "Builder") -> None:
    """`h`: the whole past of the guests whose running sums reach beyond D; the latest visit alone where that is all."""
    asked = {key for key in builder.bases if CATALOGUE[key].source == "h"}
    if builder.q.observe_months:
        asked.add("first_visit_on")
    if builder.shares:
        asked.add("last_visit_on")
    if not asked or (builder.q.newest and not builder.known):
        return
    untrusted = "" if builder.known else " AND p.last_visit_on > %(day)s"
    guests = f"WHERE p.store_id = %(store)s{untrusted}{builder.only('p.customer_id')}"
    visits = (
        "FROM customers_visit v WHERE v.customer_id = p.customer_id AND v.store_id = p.store_id "
        f"AND v.business_date <= %(day)s AND {builder.counted}"
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
    builder.parts.add(
        "h",
        f"SELECT p.customer_id, {'whole.*, ' if needs_whole else ''}latest.* FROM customers_patronage p "
        f"LEFT JOIN {latest} ON true {f'CROSS JOIN {whole} ' if needs_whole else ''}{guests}",
    )


def _before_last(builder: "Builder") -> None:
    """`l`: how often a guest came in the 90 days that ended with the latest visit."""
    if not _needs(builder, "l"):
        return
    visits = (
        "FROM customers_visit v WHERE v.customer_id = p.customer_id AND v.store_id = p.store_id "
        f"AND v.business_date <= %(day)s AND {builder.counted}"
    )
    builder.parts.add(
        "l",
        "SELECT p.customer_id, came.n AS visits_90d_before_last FROM customers_patronage p "
        f"CROSS JOIN LATERAL (SELECT max(v.business_date) AS last_on {visits}) latest "
        f"CROSS JOIN LATERAL (SELECT count(*) AS n {visits} "
        f"AND v.business_date > latest.last_on - {LAST_WINDOW}) came "
        f"WHERE p.store_id = %(store)s{builder.only('p.customer_id')}",
    )


def _introductions(builder: "Builder") -> None:
    """`i`: the guests brought whose first paid visit lies in the last full month, and up to D."""
    if not _needs(builder, "i"):
        return
    _full_month(builder)
    if builder.known:
        paid = (
            "(SELECT min(v.business_date) FROM customers_visit v WHERE v.customer_id = q.customer_id "
            f"AND v.store_id = q.store_id AND v.amount_fen > 0 AND {builder.counted})"
        )
        late = ""
    else:
        paid = "q.first_paid_on"
        # Few guests are new in a month: where only they are asked for, only their introducers are looked up.
        lately = " AND q.first_paid_on BETWEEN %(month_first)s AND %(month_last)s"
        late = "" if "referrals_total" in builder.bases else lately
    # One phone counts once: a guest without an own number goes by the first contact number.
    number = (
        "coalesce((SELECT encode(t.number_index, 'hex') FROM customers_phone t WHERE t.customer_id = q.customer_id "
        "ORDER BY t.kind DESC, t.id LIMIT 1), q.customer_id::text)"
    )
    builder.parts.ctes.append(
        f"brought AS (SELECT n.introducer_id AS customer_id, {number} AS number, {paid} AS paid_on "
        "FROM customers_introduction n JOIN customers_patronage q ON q.customer_id = n.customer_id "
        f"AND q.store_id = %(store)s{late} WHERE {builder.living('n', 'recorded_at', 'voided_at')}"
        f"{builder.only('n.introducer_id')})"
    )
    builder.parts.add(
        "i",
        "SELECT customer_id, count(DISTINCT number) FILTER "
        "(WHERE paid_on BETWEEN %(month_first)s AND %(month_last)s) AS new_customers_1m, "
        "count(DISTINCT number) FILTER (WHERE paid_on <= %(day)s) AS referrals_total "
        "FROM brought GROUP BY customer_id",
    )


def _full_month(builder: "Builder") -> None:
    first, last = builder.day.full_month
    builder.parts.params |= {"month_first": first, "month_last": last}


def _events(builder: "Builder") -> None:
    """`e`: the restaurant's own events that a guest took part in."""
    if _needs(builder, "e"):
        builder.parts.params["events_from"] = builder.day.back(90)
        builder.parts.add(
            "e",
            "SELECT x.customer_id, count(*) AS events_90d FROM customers_participation x "
            "WHERE x.store_id = %(store)s AND x.attended_on BETWEEN %(events_from)s AND %(day)s "
            f"AND {builder.living('x', 'recorded_at', 'voided_at')}{builder.only('x.customer_id')} "
            "GROUP BY x.customer_id",
        )


def _seats(builder: "Builder") -> None:
    """`g`: the bills of tables at which somebody sat as the guest of another."""
    if _needs(builder, "g"):
        builder.parts.params["seats_from"] = builder.day.back(365)
        builder.parts.add(
            "g",
            "SELECT x.customer_id, sum(v.amount_fen) AS influenced_365d FROM customers_visitguest x "
            "JOIN customers_visit v ON v.id = x.visit_id WHERE v.store_id = %(store)s AND x.role = 'guest' "
            f"AND v.business_date BETWEEN %(seats_from)s AND %(day)s AND {builder.counted} "
            f"AND {builder.living('x', 'recorded_at', 'removed_at')}{builder.only('x.customer_id')} "
            "GROUP BY x.customer_id",
        )


def _feedback(builder: "Builder") -> None:
    """`b`: suggestions judged valid in the last full month; complaints; both since ever."""
    if not _needs(builder, "b"):
        return
    _full_month(builder)
    builder.parts.params["complaints_from"] = builder.day.back(90)
    judged = " AND x.judged_at <= %(known_at)s" if builder.known else ""
    builder.parts.ctes.append(
        "told AS (SELECT x.customer_id, x.opened_on AS told_on, NULL::date AS valid_on, true AS complained "
        "FROM feedback_complaint x WHERE x.store_id = %(store)s AND x.opened_on <= %(day)s "
        f"AND {builder.living('x', 'opened_at', 'withdrawn_at')}{builder.only('x.customer_id')} "
        "UNION ALL SELECT x.customer_id, x.made_on, "
        f"CASE WHEN x.judged = 'valid'{judged} THEN x.judged_on END, false "
        "FROM feedback_suggestion x WHERE x.store_id = %(store)s AND x.made_on <= %(day)s "
        f"AND {builder.living('x', 'recorded_at', 'withdrawn_at')}{builder.only('x.customer_id')})"
    )
    builder.parts.add(
        "b",
        "SELECT customer_id, count(*) AS feedback_total, "
        "count(*) FILTER (WHERE valid_on BETWEEN %(month_first)s AND %(month_last)s) AS suggestions_1m, "
        "count(*) FILTER (WHERE complained AND told_on >= %(complaints_from)s) AS complaints_90d "
        "FROM told GROUP BY customer_id",
    )


def _profile(builder: "Builder") -> None:
    """`c`: the profile; as known at a moment past from the history of its changes."""
    fields = builder.q.fields
    if fields or _needs(builder, "c"):
        if builder.known:
            builder.parts.joins.append(
                "LEFT JOIN LATERAL (SELECT x.* FROM customers_customerevent x WHERE x.pgh_obj_id = p.customer_id "
                "AND x.pgh_created_at <= %(known_at)s ORDER BY x.pgh_id DESC LIMIT 1) c ON true"
            )
        else:
            builder.parts.joins.append("JOIN customers_customer c ON c.id = p.customer_id")
    for name in fields:
        said = (
            "CASE c.married WHEN true THEN 'yes' WHEN false THEN 'no' ELSE '' END"
            if name == "married"
            else f'lower(c.{name} COLLATE "C")'
        )
        builder.parts.columns.append(f"{said} AS profile_{name}")


def _words(builder: "Builder") -> None:
    """Tags, and judgements in force."""
    for name, words, table, column, start, stop, bounds in (
        ("tags", builder.q.tags, "customers_tag", "word", "added_at", "removed_at", ""),
        (
            "judged", builder.q.codes, "tiering_judgement", "code", "recorded_at", "",
            " AND x.store_id = %(store)s AND x.valid_from <= %(day)s "
            "AND (x.valid_until IS NULL OR x.valid_until >= %(day)s)",
        ),
    ):  # fmt: skip
        if not words:
            builder.parts.columns.append(f"NULL::text[] AS {name}")
            continue
        builder.parts.params[name] = list(words)
        living = builder.living("x", start, stop) if stop else _not_taken_back(builder)
        builder.parts.add(
            name,
            f"SELECT x.customer_id, array_agg(x.{column}::text) AS words FROM {table} x "
            f"WHERE x.{column} = ANY(%({name})s) AND {living}{bounds}"
            f"{builder.only('x.customer_id')} GROUP BY x.customer_id",
        )
        builder.parts.columns.append(f"{name}.words AS {name}")


def _unrated(builder: "Builder") -> None:
    """What keeps a guest unrated: a mandatory field missing, months of observation not over."""
    clauses = []
    if builder.q.requires:
        builder.parts.params["requires"] = list(builder.q.requires)
        builder.parts.add(
            "gaps",
            "SELECT x.customer_id, jsonb_agg(x.field ORDER BY x.field) AS fields "
            "FROM customers_profilegap x JOIN customers_patronage p ON p.customer_id = x.customer_id "
            "AND p.store_id = %(store)s WHERE x.field = ANY(%(requires)s) "
            f"AND {builder.living('x', 'missing_from', 'filled_at')}"
            f"{builder.only('x.customer_id')} GROUP BY x.customer_id",
        )
        clauses.append(
            "CASE WHEN gaps.fields IS NOT NULL THEN "
            "jsonb_build_array(jsonb_build_object('code', 'missing', 'fields', gaps.fields)) END"
        )
    if builder.q.observe_months:
        first = builder.fill(CATALOGUE["first_visit_on"].column)
        builder.parts.params["observe"] = f"{builder.q.observe_months} months"
        until = f"(({first}) + %(observe)s::interval)::date"
        clauses.append(
            f"CASE WHEN ({first}) IS NULL OR {until} > %(day)s THEN "
            f"jsonb_build_array(jsonb_build_object('code', 'observing', 'until', {until})) END"
        )
    if not clauses:
        builder.parts.columns.append("NULL::jsonb AS unrated")
    elif len(clauses) == 1:
        builder.parts.columns.append(f"{clauses[0]} AS unrated")
    else:
        both = " || ".join(f"coalesce({clause}, '[]'::jsonb)" for clause in clauses)
        builder.parts.columns.append(f"nullif({both}, '[]'::jsonb) AS unrated")


def _not_taken_back(builder: "Builder") -> str:
    """What a person said and took back (or said anew) after D had ended was in force on D."""
    builder.parts.params["ended_at"] = builder.q.ended_at
    meanwhile = "x.withdrawn_at >= %(ended_at)s"
    if builder.known:
        meanwhile += " OR x.withdrawn_at > %(known_at)s"
    known = "x.recorded_at <= %(known_at)s AND " if builder.known else ""
    return f"{known}(x.withdrawn_at IS NULL OR {meanwhile})"


def _overrides(builder: "Builder") -> None:
    """`o`: the tier that a person gave by hand and that is in force on D."""
    if not builder.q.axis:
        return
    builder.parts.params["axis"] = builder.q.axis
    if not builder.q.by_hand:
        builder.parts.columns.append(
            "NULL::text AS given, NULL::date AS given_until, NULL::bigint AS given_id"
        )
        return
    # At most one is living at a time; of rows taken back since, the one written last was in force then.
    builder.parts.add(
        "o",
        "SELECT DISTINCT ON (x.customer_id) x.customer_id, x.tier, x.valid_until, x.id FROM tiering_override x "
        "WHERE x.store_id = %(store)s AND x.axis = %(axis)s AND %(day)s BETWEEN x.valid_from AND x.valid_until "
        f"AND {_not_taken_back(builder)}{builder.only('x.customer_id')} ORDER BY x.customer_id, x.id DESC",
    )
    builder.parts.columns.append("o.tier AS given, o.valid_until AS given_until, o.id AS given_id")


def _prior(builder: "Builder") -> None:
    """`s`: where a guest stood before the night of D, by the decisions; since when the rules have said lower."""
    if not builder.q.prior:
        return
    then = " AND d.decided_at <= %(known_at)s" if builder.known else ""
    builder.parts.add(
        "s",
        # What was given by hand ends on its day: no protection of the scheme is for it.
        "SELECT DISTINCT ON (d.customer_id) d.customer_id, d.business_date AS since, "
        "CASE WHEN d.reasons -> 0 ->> 'code' = 'override' THEN NULL ELSE d.tier END AS tier "
        "FROM tiering_tierdecision d WHERE d.store_id = %(store)s AND d.axis = %(axis)s "
        f"AND d.business_date < %(day)s{then}{builder.only('d.customer_id')} "
        "ORDER BY d.customer_id, d.business_date DESC, d.id DESC",
    )
    builder.parts.add(
        "fading",
        "SELECT x.customer_id, min(x.since) AS since FROM tiering_fading x WHERE x.store_id = %(store)s "
        "AND x.axis = %(axis)s AND x.since < %(day)s AND (x.until IS NULL OR x.until >= %(day)s)"
        f"{builder.only('x.customer_id')} GROUP BY x.customer_id",
    )
    builder.parts.columns.append("s.tier AS prior, s.since AS prior_since, fading.since AS fading_since")
