"""Events of the house: a tasting, a salon, a dinner. Who is invited, who comes, what it cost and what came of it."""
