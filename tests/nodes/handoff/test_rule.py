"""`HandoffRule`: a frozen specification that refuses what it cannot be."""

from dataclasses import FrozenInstanceError

import pytest

from langgraph_orchestra.nodes import HandoffRule


def test_a_rule_is_frozen():
    rule = HandoffRule("b", when=bool)
    assert (rule.source, rule.reason) == (None, "")
    with pytest.raises(FrozenInstanceError):
        rule.target = "c"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 1, "when": bool}, "`target` of a `HandoffRule`"),
        ({"target": "b", "when": True}, "`when` of the `HandoffRule` to `b`"),
        ({"target": "b", "when": bool, "source": 1}, "`source` of a `HandoffRule`"),
        ({"target": "b", "when": bool, "reason": None}, "`reason` of a `HandoffRule`"),
    ],
)
def test_what_a_rule_cannot_be_is_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        HandoffRule(**arguments)


@pytest.mark.parametrize(
    ("source", "active", "applies"),
    [(None, "a", True), (None, "b", False), ("a", "a", True), ("a", "c", False)],
)
def test_a_rule_applies_to_its_source_and_never_to_its_target(source, active, applies):
    assert HandoffRule("b", when=bool, source=source).applies_to(active) is applies
