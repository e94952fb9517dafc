from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.signals.rolled_up import Rollup
from scoring.store.family_links import FamilyLink, Kept, Kin, Names, read_links
from scoring.store.family_walk import MOST_LEVELS, MOST_MEMBERS, Family, Walk, walked


def known(*links: FamilyLink) -> dict[str, Kept]:
    """What a store has that was told of these links, and nothing of any other name."""
    found: dict[str, Kept] = {}
    for link in links:
        for name in link.child:
            one = found.setdefault(name, Kept())
            found[name] = Kept((*one.up, link), one.down)
        for name in link.parent:
            one = found.setdefault(name, Kept())
            found[name] = Kept(one.up, (*one.down, link))
    return found


def link(child: str, parent: str, at: int = 1) -> FamilyLink:
    return FamilyLink(at, tuple(child.split()), tuple(parent.split()))


def members(names: str, rollup: Rollup, *links: FamilyLink) -> list[str]:
    return [one.kin.names[0] for one in Walk(known(*links)).family(tuple(names.split()), rollup).members]


TREE = (link("a:2", "a:1"), link("a:3", "a:1"), link("a:4", "a:3"), link("a:5", "a:4"))


@pytest.mark.parametrize(
    ("rollup", "account", "found"),
    [
        (Rollup.NONE, "a:3", ["a:3"]),
        (Rollup.PARENT, "a:3", ["a:3", "a:4", "a:5"]),
        (Rollup.PARENT, "a:5", ["a:5"]),
        (Rollup.PARENT, "a:1", ["a:1", "a:2", "a:3", "a:4", "a:5"]),
        (Rollup.FAMILY, "a:4", ["a:4", "a:1", "a:3", "a:2", "a:5"]),
        (Rollup.FAMILY, "a:9", ["a:9"]),
    ],
)
def test_a_walk_goes_beneath_an_account_or_beneath_its_topmost_parent(
    rollup: Rollup, account: str, found: list[str]
) -> None:
    assert members(account, rollup, *TREE) == found


def test_members_know_their_level_and_parent() -> None:
    family = Walk(known(*TREE)).family(("a:4",), Rollup.FAMILY)
    seen = {one.kin.names[0]: (one.level, one.parent and one.parent.names[0]) for one in family.members}
    assert seen == {
        "a:1": (1, None),
        "a:2": (2, "a:1"),
        "a:3": (2, "a:1"),
        "a:4": (3, "a:3"),
        "a:5": (4, "a:4"),
    }


def test_an_account_is_found_by_any_name_that_a_link_gave_it() -> None:
    links = (link("a:2 d:two.com", "a:1"), link("a:3", "a:1 d:one.com"), link("d:four.com", "d:two.com"))
    for name in ("a:1", "d:one.com"):
        found = members(name, Rollup.PARENT, *links)
        assert (found[0], set(found[1:])) == (name, {"a:2", "a:3", "d:four.com"})
    for name in ("a:2", "d:two.com", "a:2 d:two.com"):
        assert members(name, Rollup.PARENT, *links)[1:] == ["d:four.com"]


def test_accounts_that_share_a_domain_stay_apart_by_their_ids() -> None:
    links = (link("a:2 d:acme.com", "a:1 d:acme.com"), link("a:3 d:acme.com", "a:1 d:acme.com"))
    assert members("a:1 d:acme.com", Rollup.PARENT, *links) == ["a:1", "a:2", "a:3"]
    assert members("a:2 d:acme.com", Rollup.PARENT, *links) == ["a:2"]
    assert members("a:2 d:acme.com", Rollup.FAMILY, *links) == ["a:2", "a:1", "a:3"]


def test_of_two_links_of_a_child_the_latest_holds() -> None:
    links = (link("a:2", "a:1", at=5), link("a:2", "a:9", at=6))
    assert members("a:1", Rollup.PARENT, *links) == ["a:1"]
    assert members("a:9", Rollup.PARENT, *links) == ["a:9", "a:2"]
    assert members("a:2", Rollup.FAMILY, *links) == ["a:2", "a:9"]


def test_a_link_that_only_the_parent_has_does_not_hold_and_one_that_only_the_child_has_does() -> None:
    both = known(link("a:2", "a:1"))
    only_parent = both | {"a:2": Kept()}
    assert len(Walk(only_parent).family(("a:1",), Rollup.PARENT).members) == 1
    only_child = both | {"a:1": Kept()}
    found = Walk(only_child).family(("a:2",), Rollup.FAMILY).members
    assert [one.kin.names[0] for one in found] == ["a:2", "a:1"]


def test_a_child_whose_links_cannot_be_read_counts_as_the_parent_says() -> None:
    links = known(link("a:2", "a:1")) | {"a:2": Kept(readable=False)}
    walk = Walk(links)
    found = walk.family(("a:1",), Rollup.PARENT).members
    assert [one.kin.names[0] for one in found] == ["a:1", "a:2"]
    assert not walk.is_readable(found[1].kin)


def test_names_that_were_met_and_are_not_known_are_noted() -> None:
    one = link("a:2 d:two.com", "a:1")
    walk = Walk({"a:1": Kept(down=(one,))})
    walk.family(("a:1",), Rollup.PARENT)
    assert walk.unknown == {"a:2", "d:two.com"}


@pytest.mark.parametrize("rollup", [Rollup.PARENT, Rollup.FAMILY])
def test_a_circle_in_the_store_ends_a_walk(rollup: Rollup) -> None:
    circle = (link("a:1", "a:2"), link("a:2", "a:3"), link("a:3", "a:1"), link("a:4", "a:4"))
    assert sorted(members("a:1", rollup, *circle)) == ["a:1", "a:2", "a:3"]
    assert members("a:4", rollup, *circle) == ["a:4"]


def chain(length: int) -> list[FamilyLink]:
    return [link(f"a:{number:03}", f"a:{number - 1:03}") for number in range(1, length)]


def test_a_walk_goes_ten_levels_down_and_up_and_says_that_there_are_more() -> None:
    for length, cut in ((MOST_LEVELS, False), (MOST_LEVELS + 1, True), (MOST_LEVELS + 9, True)):
        store = Walk(known(*chain(length)))
        for name, rollup in (("a:000", Rollup.PARENT), (f"a:{length - 1:03}", Rollup.FAMILY)):
            family = store.family((name,), rollup)
            assert (len(family.members), family.cut) == (MOST_LEVELS, cut)


def test_a_walk_meets_a_thousand_accounts_and_says_that_there_are_more() -> None:
    for count, cut in ((MOST_MEMBERS - 1, False), (MOST_MEMBERS, True)):
        links = known(*(link(f"a:{number:05}", "a:top") for number in range(count)))
        family = Walk(links).family(("a:top",), Rollup.PARENT)
        assert (len(family.members), family.cut) == (MOST_MEMBERS, cut)


NODES = [f"a:{number}" for number in range(6)] + ["d:x.com", "a:7 d:y.com", "d:y.com", "a:8 d:y.com"]
LINKS = st.lists(
    st.builds(link, st.sampled_from(NODES), st.sampled_from(NODES), at=st.integers(1, 20)), max_size=14
)


@given(LINKS, st.sampled_from(NODES), st.sampled_from([*Rollup]))
def test_whatever_stands_in_the_store_a_walk_ends_meets_nobody_twice_and_heeds_no_order(
    links: list[FamilyLink], start: str, rollup: Rollup
) -> None:
    def seen(family: Family) -> list[tuple[Names, int]]:
        return [(tuple(sorted(one.kin.names)), one.level) for one in family.members]

    names = tuple(start.split())
    family = Walk(known(*links)).family(names, rollup)
    ids = [name for one in family.members for name in one.kin.ids]
    assert len(ids) == len(set(ids))
    assert family.own.kin.given == names
    assert seen(Walk(known(*links[::-1])).family(names, rollup)) == seen(family)


@given(LINKS, st.sampled_from(NODES), st.sampled_from([*Rollup]))
def test_reading_names_as_they_are_met_finds_what_knowing_all_of_them_does(
    links: list[FamilyLink], start: str, rollup: Rollup
) -> None:
    everything = known(*links)
    names = tuple(start.split())

    async def read(wanted: Sequence[str]) -> Mapping[str, Kept]:
        return {name: everything.get(name, Kept()) for name in wanted}

    found, _ = asyncio.run(walked(lambda walk: walk.family(names, rollup), read))
    assert found == Walk(everything).family(names, rollup)


def test_a_line_is_read_back_and_anything_else_is_refused() -> None:
    one = FamilyLink(7, ("a:1", "d:ü.com"), ("a:#5f",))
    assert read_links(one.line() + b"\n" + one.line()) == (one, one)
    for damaged in (b"x", b"[1]", b'[1,[],["a:1"]]', b'["1",["a:1"],["a:2"]]', b'{"at":1}'):
        with pytest.raises(ValueError, match=r"."):
            read_links(damaged)


def test_an_account_by_its_domain_alone_is_any_that_has_the_domain() -> None:
    kin = Kin(("d:acme.com",), ("d:acme.com",), ())
    assert kin.is_side(("a:1", "d:acme.com"))
    assert not kin.is_side(("a:1", "d:other.com"))


def test_a_walk_that_takes_too_many_readings_says_that_it_did_not_read_all() -> None:
    async def read(wanted: Sequence[str]) -> Mapping[str, Kept]:
        """Give each name one more name of the same account, without end."""
        return {name: Kept(up=[link(f"{name} {name}x", "a:1")]) for name in wanted}

    family, known_ = asyncio.run(walked(lambda walk: walk.family(("d:a",), Rollup.PARENT), read))
    assert len(family.own.kin.names) > MOST_LEVELS
    assert any(not one.readable for one in known_.values())
