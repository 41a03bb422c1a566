"""Seats, costs, opinions and spans, case by case as numbered in docs/rules/events.md. No Django."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from care.events.seats import Effect, each_fen, mean_opinion, places_free, seat_for, spans


@pytest.mark.parametrize(
    ("seats", "accepted", "expected"),
    [
        pytest.param(20, 19, "accepted", id="1-the-20th-of-20"),
        pytest.param(20, 20, "waiting", id="1-the-21st-of-20"),
        pytest.param(20, 25, "waiting", id="1-seats-were-taken-away"),
        pytest.param(None, 500, "accepted", id="2-no-end-of-seats"),
    ],
)
def test_a_yes(seats: int | None, accepted: int, expected: str):
    assert seat_for(seats, accepted) == expected


@pytest.mark.parametrize(
    ("seats", "accepted", "waiting", "expected"),
    [
        pytest.param(20, 19, 3, 1, id="3-one-withdrew"),
        pytest.param(20, 20, 3, 0, id="3-nobody-withdrew"),
        pytest.param(22, 20, 3, 2, id="3-two-seats-more"),
        pytest.param(30, 20, 3, 3, id="3-more-seats-than-wait"),
        pytest.param(10, 20, 3, 0, id="3-fewer-seats"),
        pytest.param(None, 20, 3, 3, id="2-no-end-of-seats"),
    ],
)
def test_who_moves_up(seats: int | None, accepted: int, waiting: int, expected: int):
    assert places_free(seats, accepted, waiting) == expected


@pytest.mark.parametrize(
    ("cost", "attended", "expected"),
    [
        pytest.param(620_000, 31, Fraction(20_000), id="6-6200-for-31"),
        pytest.param(100, 3, Fraction(100, 3), id="6-exact"),
        pytest.param(None, 31, None, id="6-no-cost"),
        pytest.param(620_000, 0, None, id="6-nobody"),
    ],
)
def test_what_a_guest_cost(cost: int | None, attended: int, expected: Fraction | None):
    assert each_fen(cost, attended) == expected


@pytest.mark.parametrize(
    ("opinions", "expected"),
    [
        pytest.param([5, 4, 4, 5, 3], Decimal("4.2"), id="7-five"),
        pytest.param([4, 4, 4, 5], Decimal("4.3"), id="7-halves-up"),
        pytest.param([], None, id="7-none"),
    ],
)
def test_what_they_thought(opinions: list[int], expected: Decimal | None):
    assert mean_opinion(opinions) == expected


def test_8_the_day_itself_is_in_neither_span():
    before, after = spans(date(2026, 6, 20))
    assert before == (date(2026, 5, 21), date(2026, 6, 19))
    assert after == (date(2026, 6, 21), date(2026, 7, 20))
    assert Effect(31, 30_000, 120_000).more_fen == 90_000
