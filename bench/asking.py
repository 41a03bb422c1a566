"""What people ask of the rules: a scheme tried on the whole chain, a guest explained. P11 and `explain`."""

from bench.measure import Figure, alternate, versus
from bench.rounds import Rounds

# In a small chain what a question costs anyway, whatever the rows, outweighs them.
JUDGED_FROM = 90_000
EXPLAINED = 30
# 20 ms where a read by primary key takes 0.125 ms.
READS = 160


def asking_figures(rounds: Rounds) -> list[Figure]:
    """The chain's preview against floor S, equal to the stores' own; an explanation against a read by primary key."""
    told, cost = rounds.worker.ask("chain", on=rounds.on)
    counted = f"facts of {told['guests']:,} guests counted before in {told['counted_ms'] / 1000:.1f} s, {cost.cpu:.1f} CPU s"
    pairs = alternate(rounds.floor, lambda: rounds.worker.cost("chain", on=rounds.on))
    unlike = rounds.worker.answer("chain_unlike", on=rounds.on)
    store_id, _ = rounds.sizes[len(rounds.sizes) // 2]
    took = rounds.worker.answer("explain", on=rounds.on, store_id=store_id, guests=EXPLAINED)
    return [
        versus(
            "P11", "a scheme tried on the whole chain, against floor S", pairs, 0.2,
            judged=rounds.guests >= JUDGED_FROM,
            note=f"{pairs.goal('wall') * 1000:.0f} ms; judged from {JUDGED_FROM:,} guests; {counted}",
        ),
        Figure("P11_same", "stores whose own preview says otherwise", unlike, "stores", 0, exact=True),
        Figure(
            "explain", "a regular guest explained, in reads by primary key", took["explain"] * 1000, "CPU ms", READS,
            floor=took["read"] * 1000, ratio=took["explain"] / took["read"],
            note=f"{took['wall'] * 1000:.0f} ms by the clock, {EXPLAINED} guests",
        ),
    ]  # fmt: skip
