"""A lazy property is computed once, when first asked for."""

from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from langgraph_orchestra.nodes.lazy import lazy


@dataclass(frozen=True)
class Shelf:
    """Something that counts its books slowly."""

    books: list[str]
    counted: list[str] = field(default_factory=list)

    @lazy
    def length(self) -> int:
        """How many books there are."""
        self.counted.append("counted")
        return len(self.books)


def test_it_is_computed_once_and_only_when_asked_for():
    shelf = Shelf(["a", "b"])
    assert shelf.counted == []
    assert (shelf.length, shelf.length) == (2, 2)
    assert shelf.counted == ["counted"]


def test_each_object_has_its_own():
    assert (Shelf(["a"]).length, Shelf([]).length) == (1, 0)


def test_the_class_shows_the_property_and_its_description():
    assert isinstance(Shelf.length, lazy)
    assert Shelf.length.__doc__ == "How many books there are."


def test_a_frozen_object_stays_frozen():
    with pytest.raises(FrozenInstanceError):
        Shelf([]).length = 3
