from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detent.grammar.recent import Recent

ENTRIES = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 6)), max_size=40)


@settings(derandomize=True, deadline=None)
@given(ENTRIES, st.integers(1, 12))
def test_as_a_list(entries: list[tuple[bool, int, int]], most: int) -> None:
    recent, kept = Recent[int](most), list[tuple[int, int, int]]()  # the newest last: key, value, weight
    for number, (is_put, key, weight) in enumerate(entries):
        found = next((entry for entry in kept if entry[0] == key), None)
        if is_put:
            kept = [*(entry for entry in kept if entry[0] != key), (key, number, weight)]
            while sum(entry[2] for entry in kept) > most and len(kept) > 1:
                del kept[0]
            recent.put(key, number, weight)
        else:
            assert recent.get(key) == (found and found[1])
            if found is not None:
                kept = [*(entry for entry in kept if entry[0] != key), found]


def test_values() -> None:
    recent = Recent[str](3)
    recent.put("a", "x", 1)
    recent.put("b", "y", 1)
    assert recent.get("a") == "x" and recent.values() == ["y", "x"]
