"""Which classes a checkpoint must be able to rebuild, found from annotations."""

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

__all__ = ["data_types_in", "is_data_type", "with_members"]


def is_data_type(item: Any) -> bool:
    """Whether it is a class whose objects a checkpoint stores under its name."""
    return isinstance(item, type) and (issubclass(item, BaseModel | Enum) or is_dataclass(item))


def data_types_in(hint: Any) -> Iterator[type]:
    """The data types an annotation mentions, however deep."""
    if is_data_type(hint):
        yield hint
    for argument in get_args(hint):
        yield from data_types_in(argument)


def with_members(classes: Iterable[type]) -> set[type]:
    """The classes and those of their fields: an enum in a model is stored as a value of its own."""
    found: set[type] = set()
    waiting = list(classes)
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            waiting.extend(member for hint in _field_types(item) for member in data_types_in(hint))
    return found


def _field_types(item: type) -> list[Any]:
    if issubclass(item, BaseModel):
        return [field.annotation for field in item.model_fields.values()]
    if is_dataclass(item):
        try:
            return list(get_type_hints(item).values())
        except NameError:  # imported for type checkers only, so there is no class to allow
            return []
    return []
