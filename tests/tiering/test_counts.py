"""The numbers beside the lines: what each matches by itself, counted in one statement as the rules count in Python."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.services.customers import add_tag
from tests.cast import NOON, put_on_file
from tests.tiering.examining import come, ladder, night, noon, rule, use
from tiering.rules import Compare, decide, explain, holds, read_scheme
from tiering.selectors.counts import count_lines, nodes_of
from tiering.selectors.guests import known_guests
from tiering.selectors.schemes import preset, preset_codes

D = date(2026, 6, 19)


@pytest.fixture
def guests(store):
    """Forty guests who came on many days for many sums, a few with a tag."""
    found = [put_on_file(store, f"客{n}", noon(date(2025, 6, 1)), external_id=f"P{n:02}") for n in range(40)]
    for n, guest in enumerate(found):
        for visit in range(n % 7):
            come(store, guest, D - timedelta(days=visit * (n % 13 + 1)), yuan=n * 60 + visit * 100)
        if n % 5 == 0:
            add_tag(customer=guest, word="nearby_resident", actor=None, at=NOON)
    return found


NESTED = ladder(
    {"any": [
        rule("spend_30d", 3000),
        {"all": [rule("visits_30d", 2), {"tag": "nearby_resident"}]},
        {"at_least": 2, "of": [rule("spend_90d", 2000), rule("visits_90d", 4), rule("suggestions_2y", 1) | {"fact": "months_to_expiry"}]},
    ]},
    {"any": [rule("spend_30d", 500), rule("share_spend_90d", 60)]},
)  # fmt: skip


@pytest.mark.parametrize(
    "body", [NESTED, *(preset(code) for code in preset_codes())], ids=lambda body: body["id"]
)
def test_every_line_counts_whom_it_matches(store, guests, body):
    scheme = read_scheme(body)
    counts = count_lines(store, scheme, D)
    known = [each.known for each in known_guests(store, scheme, D, [guest.pk for guest in guests]).values()]
    assert counts.guests == len(known) == 40
    for path, node in nodes_of(scheme):
        if isinstance(node, Compare) and not explain(node, known[0]).measured:
            assert counts.lines[path] is None, path
        else:
            assert counts.lines[path] == sum(holds(node, each) for each in known), path
    sizes: dict[str, int] = {}
    for each in known:
        for code in decide(scheme, each).split("+"):
            sizes[code] = sizes.get(code, 0) + 1
    assert {code: n for code, n in counts.sizes.items() if n} == sizes


def test_the_paths_are_those_of_the_file():
    paths = [path for path, _ in nodes_of(read_scheme(NESTED))]
    assert paths == [
        "tiers[0].when", "tiers[0].when.any[0]", "tiers[0].when.any[1]", "tiers[0].when.any[1].all[0]",
        "tiers[0].when.any[1].all[1]", "tiers[0].when.any[2]", "tiers[0].when.any[2].of[0]", "tiers[0].when.any[2].of[1]",
        "tiers[0].when.any[2].of[2]", "tiers[1].when", "tiers[1].when.any[0]", "tiers[1].when.any[1]", "tiers[2].when",
    ]  # fmt: skip


def test_a_longer_scheme_asks_no_more_often(store, guests):
    """One statement counts every line; what a night looks at beforehand is the same for all schemes."""
    asked = []
    for body in (
        ladder(rule("spend_30d", 1)),
        NESTED,
        ladder(*({"any": [rule("spend_30d", 9 - n)] * 40} for n in range(7))),
    ):
        with CaptureQueriesContext(connection) as queries:
            count_lines(store, read_scheme(body), D)
        asked.append(len(queries))
    assert asked[0] == asked[1] == asked[2] <= 2


def test_another_stores_guests_are_not_counted(store, other_store, guests):
    put_on_file(other_store, "别店的客人", noon(D))
    assert count_lines(store, read_scheme(NESTED), D).guests == 40
    assert count_lines(other_store, read_scheme(NESTED), D).guests == 1


def test_the_sizes_are_what_the_next_night_decides(store, guests):
    counts = count_lines(store, use(store, NESTED), D)
    night(store, D)
    stands = list(store.patronages.values_list("tier", flat=True))
    assert counts.sizes == {code: stands.count(code) for code in "ABC"}
