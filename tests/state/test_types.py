"""The classes that a checkpoint must know are found wherever an annotation mentions them."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel

from langgraph_orchestra.state.types import data_types_in, is_data_type, with_members

if TYPE_CHECKING:
    Artist = str


class Colour(Enum):
    """An enum."""

    RED = "red"


class Leaf(BaseModel):
    """A model with an enum inside."""

    colour: Colour


@dataclass
class Branch:
    """A dataclass with models inside."""

    leaves: list[Leaf]
    parent: "Branch | None" = None


@dataclass
class Sketch:
    """A field's class is there for type checkers only."""

    by: "Artist"


@pytest.mark.parametrize("item", [Colour, Leaf, Branch])
def test_enums_models_and_dataclasses_are_data_types(item):
    assert is_data_type(item)


@pytest.mark.parametrize("item", [str, list[Leaf], Leaf(colour=Colour.RED), None, "Leaf", dict])
def test_nothing_else_is_a_data_type(item):
    assert not is_data_type(item)


@pytest.mark.parametrize(
    ("hint", "found"),
    [
        (Leaf, {Leaf}),
        (list[Leaf] | None, {Leaf}),
        (Annotated[dict[str, list[Leaf | Branch]], "reducer"], {Leaf, Branch}),
        (tuple[Colour, ...], {Colour}),
        (Literal["Leaf"], set()),
        (Any, set()),
        (str, set()),
    ],
)
def test_data_types_are_found_however_deep(hint, found):
    assert set(data_types_in(hint)) == found


def test_members_of_members_are_found_and_a_circle_ends():
    assert with_members([Branch]) == {Branch, Leaf, Colour}


def test_a_class_whose_fields_cannot_be_looked_up_stands_for_itself():
    assert with_members([Sketch]) == {Sketch}
