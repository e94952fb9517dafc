from __future__ import annotations

from scoring.signals.names import Names
from scoring.signals.record import OTHER_NAME, Records
from tests.scoring.signals.test_bounds import records_of

NAMES = Names.from_ids({"type": {"visit": 2, "surge": 5}, "channel": {"web": 4}})


def records(*types: int) -> Records:
    return records_of([(number, 1, 0, kind, 0, 1.0, 4, 0) for number, kind in enumerate(types)])


def test_no_name_and_other_are_names_from_the_start() -> None:
    assert Names().missing(records_of([(1, 1, 0, 1, 0, 1.0, 0, 0)])) == []
    assert Names().types == ("", OTHER_NAME)


def test_a_number_between_known_ones_is_missing_until_it_is_learnt() -> None:
    assert NAMES.missing(records(2, 3, 5, 7, 3)) == [("type", 3), ("type", 7)]
    assert NAMES.unknown(records(2, 3, 5, 7)).tolist() == [False, True, False, True]
    more = NAMES.with_more([(("type", 3), "demo"), (("type", 7), "call")])
    assert more.missing(records(2, 3, 5, 7)) == []
    assert more.types == ("", OTHER_NAME, "visit", "demo", "", "surge", "", "call")
    assert more.channels == NAMES.channels
