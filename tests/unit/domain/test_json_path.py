"""Paths into JSON: what they find, what they refuse, and that nothing in a document makes them fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.json_path import (
    BadPath,
    Every,
    Item,
    Name,
    Path,
    Where,
    find,
    parse_path,
    parse_source,
    read,
    read_all,
)

ORDER = {
    "id": 7,
    "buyer": {"email": "", "mail": "a@example.org", "first": "Ines", "last": None},
    "gift.note": "hush",
    "items": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2, "meta": [{"key": "x", "value": "y"}]}, None],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
names = st.text("abcXYZ_-09é$", min_size=1, max_size=6).filter(lambda name: not name.startswith("$"))
steps = st.lists(
    names.map(Name)
    | st.integers(-3, 3).map(Item)
    | st.just(Every())
    | st.builds(Where, names, st.text("ab {}1", max_size=3)),
    min_size=1,
    max_size=5,
).filter(lambda steps: isinstance(steps[0], Name))


def written(steps: list[Name | Item | Every | Where]) -> str:
    text = ""
    for step in steps:
        match step:
            case Name(key):
                text += f".{key}" if text else key
            case Item(index):
                text += f"[{index}]"
            case Every():
                text += "[*]"
            case Where(key, value):
                text += f"[{key}={value}]"
    return text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", [(7, "id")]),
        ("buyer.mail", [("a@example.org", "buyer.mail")]),
        ('"gift.note"', [("hush", '"gift.note"')]),
        ("items[0].sku", [("A", "items[0].sku")]),
        ("items[-2].sku", [("B", "items[1].sku")]),
        ("items[*].n", [(1, "items[0].n"), (2, "items[1].n")]),
        ("items[sku=B].n", [(2, "items[1].n")]),
        ("items[n=1].sku", [("A", "items[0].sku")]),
        ("items[*].meta[key=x].value", [("y", "items[1].meta[0].value")]),
        ("items[sku=B][n=2].n", [(2, "items[1].n")]),
        ("items[sku=B][n=1].n", []),
        ("buyer[first=Ines].mail", [("a@example.org", "buyer.mail")]),
        ("items[9].sku", []),
        ("buyer[0]", []),
        ("id.more", []),
        ("nobody", []),
    ],
)
def test_a_path_finds_values_and_says_where_they_stand(path: str, found: list[tuple[object, str]]) -> None:
    assert [(one.value, one.path) for one in find(ORDER, parse_path(path))] == found


def test_an_empty_path_is_the_document_itself() -> None:
    assert [one.value for one in find(ORDER, parse_path(""))] == [ORDER]


def test_a_condition_may_name_a_word_that_is_told_later() -> None:
    path = parse_path("items[sku={sku}].n")
    assert [one.value for one in find(ORDER, path, {"sku": "B"})] == [2]
    assert find(ORDER, path) == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("$.id", "begins with $"),
        ("a..b", "has no name where '.b'"),
        ("a.", "ends with a dot"),
        (".a", "has no name where '.a'"),
        ("a b", "has no dot or bracket before ' b'"),
        ("a[", "'[', which is none of"),
        ("a[x]", "'[x]', which is none of"),
        ("a[0", "'[0', which is none of"),
        ("a]", "has no dot or bracket before ']'"),
        ('"a', "has no name where"),
        ("a[*]b", "has no dot or bracket before 'b'"),
    ],
)
def test_a_path_that_cannot_be_read_says_where(path: str, says: str) -> None:
    with pytest.raises(BadPath, match=None) as error:
        parse_path(path)
    assert says in str(error.value)


def test_the_first_alternative_that_says_something_counts() -> None:
    found = read(ORDER, parse_source(["buyer.email", "buyer.nobody", "buyer.mail"]))
    assert found is not None
    assert (found.value, found.path) == ("a@example.org", "buyer.mail")


def test_joined_paths_leave_out_what_is_not_there() -> None:
    found = read(ORDER, parse_source("buyer.first + buyer.last"))
    assert found is not None
    assert (found.value, found.path) == ("Ines", "buyer.first")


def test_a_fixed_text_has_no_place() -> None:
    found = read(ORDER, parse_source(["nobody", "=EUR"]))
    assert found is not None
    assert (found.value, found.path) == ("EUR", "")


def test_all_values_are_those_of_the_first_alternative_that_has_any() -> None:
    assert [one.value for one in read_all(ORDER, parse_source(["nobody[*]", "items[*].n", "id"]))] == [1, 2]


@pytest.mark.parametrize("written", [[], "a + ", "", ["a", "b..c"]])
def test_a_source_that_names_nothing_is_refused(written: str | list[str]) -> None:
    with pytest.raises(BadPath):
        parse_source(written)


@given(steps)
def test_a_path_is_read_as_it_is_written(steps: list[Name | Item | Every | Where]) -> None:
    assert parse_path(written(steps)) == Path(written(steps), tuple(steps))


@given(json_values, steps)
def test_whatever_is_found_is_found_again_by_its_own_place(
    document: object, steps: list[Name | Item | Every | Where]
) -> None:
    for found in find(document, Path("", tuple(steps))):
        assert [one.value for one in find(document, parse_path(found.path))] == [found.value]


@given(st.text(max_size=20))
def test_any_text_is_a_path_or_a_bad_path(text: str) -> None:
    try:
        path = parse_path(text)
    except BadPath:
        return
    assert find({}, path) is not None
