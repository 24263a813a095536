"""What a person answers is understood in every form that people and their tools send it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from langgraph_orchestra.nodes.answers import Answer, Decision, answer_type

REVIEW = answer_type(("approve", "edit", "reject"))
RESPOND = answer_type(("respond",))
PLAN = answer_type(("approve", "edit", "respond", "reject"))
OBSERVE = answer_type(("approve", "respond"), blank="goes_on")
ESCALATION = answer_type(("respond", "reject"), blank="ends")
CHOICE = answer_type(("respond",), blank="ends", choices=["ann", "Bob", "bob", "3"])
OPTIONAL = answer_type(("respond",), blank="ends")


class Visit(BaseModel):
    """What may be asked for."""

    city: str
    approved: bool = False
    type: str = ""


TYPED = answer_type(("respond",), value_type=Visit)


def decided(answers: type[Answer], raw: Any) -> Decision | None:
    return answers.model_validate(raw).decision


def decisions(*given: dict[str, Any]) -> dict[str, Any]:
    return {"decisions": list(given)}


APPROVALS = [
    True,
    "approve",
    "Approve",
    " yes ",
    "ok",
    "OK!",
    "Yes.",
    {"type": "approve"},
    decisions({"type": "approve"}),
    [{"type": "accept", "args": None}],
    [{"type": "approve"}],
    {"type": "accept"},
    {"approved": True},
]


@pytest.mark.parametrize("answers", [REVIEW, PLAN, OBSERVE])
@pytest.mark.parametrize("raw", APPROVALS, ids=repr)
def test_an_approval_is_understood_in_every_form(answers, raw):
    decision = decided(answers, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("approve", "")


@pytest.mark.parametrize("answers", [REVIEW, PLAN, ESCALATION])
@pytest.mark.parametrize(
    ("raw", "feedback"),
    [
        (False, ""),
        ("reject", ""),
        ("No", ""),
        ("no.", ""),
        ({"type": "reject"}, ""),
        (decisions({"type": "reject"}), ""),
        (decisions({"type": "reject", "message": "shorter"}), "shorter"),
        (decisions({"type": "reject", "feedback": "shorter"}), "shorter"),
        (decisions({"type": "reject", "message": None}), ""),
        (decisions({"type": "reject", "message": " \n"}), ""),
        ({"type": "reject", "message": "shorter"}, "shorter"),
        ([{"type": "ignore", "args": None}], ""),
        ({"approved": False, "feedback": "shorter"}, "shorter"),
    ],
    ids=repr,
)
def test_a_rejection_is_understood_in_every_form_with_its_feedback(answers, raw, feedback):
    decision = decided(answers, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("reject", feedback)


@pytest.mark.parametrize(
    "raw",
    [
        "shorter, please",
        {"type": "respond", "message": "shorter, please"},
        decisions({"type": "respond", "message": "shorter, please"}),
        [{"type": "response", "args": "shorter, please"}],
    ],
    ids=repr,
)
def test_any_other_words_at_a_review_reject_with_that_feedback(raw):
    decision = decided(REVIEW, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("reject", "shorter, please")


@pytest.mark.parametrize("answers", [REVIEW, PLAN])
@pytest.mark.parametrize(
    "raw",
    [
        {"type": "edit", "args": {"draft": "better"}},
        {"type": "edit", "args": "better"},
        {"type": "edit", "args": {"text": "better"}},
        {"type": "edit", "edited_action": {"name": "review_draft", "args": {"draft": "better"}}},
        decisions(
            {
                "type": "edit",
                "edited_action": {
                    "name": "review_draft",
                    "args": {"participant": "ada", "draft": "better", "round": 1},
                },
            }
        ),
        [{"type": "edit", "args": {"action": "review_draft", "args": {"draft": "better"}}}],
    ],
    ids=repr,
)
def test_an_edit_is_understood_in_every_form_as_the_new_draft(answers, raw):
    decision = decided(answers, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("edit", "better")


@pytest.mark.parametrize(
    "raw",
    [
        "edit",
        " Edit. ",
        {"type": "edit"},
        {"type": "edit", "args": None},
        {"type": "edit", "args": {}},
        {"type": "edit", "args": {"draft": "  "}},
        {"type": "edit", "args": {"draft": 5}},
        {"type": "edit", "args": 5},
        {"type": "edit", "edited_action": {"name": "review_draft"}},
    ],
    ids=repr,
)
def test_an_edit_without_a_new_text_is_refused(raw):
    with pytest.raises(ValidationError, match="an `edit` needs the new text"):
        decided(REVIEW, raw)


@pytest.mark.parametrize("answers", [RESPOND, PLAN, OBSERVE, ESCALATION])
@pytest.mark.parametrize(
    "raw",
    [
        "in Lisbon",
        {"type": "respond", "message": "in Lisbon"},
        decisions({"type": "respond", "message": "in Lisbon"}),
        decisions({"type": "respond", "feedback": "in Lisbon"}),
        [{"type": "response", "args": "in Lisbon"}],
        ["in Lisbon"],
    ],
    ids=repr,
)
def test_words_are_understood_in_every_form(answers, raw):
    decision = decided(answers, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("respond", "in Lisbon")


@pytest.mark.parametrize("words", ["yes", "no", "approve", "reject", "edit", "  two\nlines  "])
def test_where_words_are_asked_for_even_yes_and_no_are_words_as_they_were_written(words):
    decision = decided(RESPOND, words)
    assert decision is not None
    assert (decision.type, decision.text) == ("respond", words)


@pytest.mark.parametrize(
    ("raw", "chosen"),
    [
        ("ann", "ann"),
        (" ANN\n", "ann"),
        ("Bob", "Bob"),
        ("bob", "bob"),
        ("1", "ann"),
        (" 2 ", "Bob"),
        (3, "3"),
        (4, "3"),
        ({"type": "respond", "message": "ann"}, "ann"),
        ({"type": "respond", "message": 1}, "ann"),
        ({"type": "respond", "feedback": "1"}, "ann"),
        (decisions({"type": "respond", "message": "ann"}), "ann"),
        ([{"type": "response", "args": "1"}], "ann"),
        (["ann"], "ann"),
    ],
    ids=repr,
)
def test_a_choice_is_understood_by_its_name_and_else_by_its_number(raw, chosen):
    decision = decided(CHOICE, raw)
    assert decision is not None
    assert (decision.type, decision.text) == ("respond", chosen)


@pytest.mark.parametrize("raw", ["carl", "BOB", "0", "5", 0, -1, 5, "1.", "ann bob"], ids=repr)
def test_a_choice_that_is_not_offered_is_refused_with_what_is(raw):
    with pytest.raises(ValidationError, match=r"choose one of `ann` \(1\), `Bob` \(2\), "):
        decided(CHOICE, raw)


def test_no_is_a_message_where_nothing_can_be_rejected():
    decision = decided(OBSERVE, "no")
    assert decision is not None
    assert (decision.type, decision.text) == ("respond", "no")


BLANKS = ["", "  \n", [], [""], decisions(), {"type": "respond", "message": " "}]


@pytest.mark.parametrize("answers", [OPTIONAL, OBSERVE, ESCALATION, CHOICE])
@pytest.mark.parametrize("raw", BLANKS, ids=repr)
def test_a_blank_answer_is_none_where_it_may_be(answers, raw):
    assert decided(answers, raw) is None


@pytest.mark.parametrize("answers", [REVIEW, RESPOND, PLAN])
@pytest.mark.parametrize("raw", BLANKS, ids=repr)
def test_a_blank_answer_is_refused_with_what_is_possible_where_it_may_not_be(answers, raw):
    with pytest.raises(ValidationError, match="blank; decide one of `"):
        decided(answers, raw)


@pytest.mark.parametrize("answers", [OPTIONAL, OBSERVE, CHOICE])
def test_ignoring_what_cannot_be_rejected_is_a_blank_answer(answers):
    ignored = [{"type": "ignore", "args": None}]
    assert decided(answers, ignored) is None
    with pytest.raises(ValidationError, match="blank"):
        decided(RESPOND, ignored)


@pytest.mark.parametrize(
    ("answers", "raw"),
    [
        (RESPOND, True),
        (RESPOND, {"type": "approve"}),
        (RESPOND, {"type": "edit", "args": {"draft": "x"}}),
        (RESPOND, {"type": "reject", "message": "no"}),
        (OBSERVE, {"type": "reject"}),
        (OBSERVE, False),
        (ESCALATION, True),
        (ESCALATION, {"type": "approve"}),
        (ESCALATION, {"type": "edit", "args": {"draft": "x"}}),
        (ESCALATION, {"approved": True}),
        (OBSERVE, {"type": "edit", "args": {"draft": "x"}}),
        (OBSERVE, {"approved": False}),
        (REVIEW, {"type": "shrug"}),
        (REVIEW, {"type": "Approve"}),
    ],
    ids=repr,
)
def test_what_cannot_be_decided_here_is_refused_with_what_can(answers, raw):
    with pytest.raises(ValidationError, match="not possible here; decide one of `") as refused:
        decided(answers, raw)
    assert all(f"`{kind}`" in str(refused.value) for kind in answers.allowed)


@pytest.mark.parametrize(
    "raw",
    [
        1,
        0,
        1.5,
        None,
        b"approve",
        {},
        {"message": "approve"},
        {"type": None},
        {"type": ["approve"]},
        {"type": {"approve": True}},
        {"type": True},
        {"approved": "yes"},
        {"approved": 1},
        {"decisions": None},
        {"decisions": {}},
        {"decisions": 1},
        [["approve"]],
        [None],
        [1],
        datetime(2026, 11, 20, tzinfo=UTC),
    ],
    ids=repr,
)
@pytest.mark.parametrize("answers", [REVIEW, RESPOND, PLAN, OPTIONAL])
def test_what_is_no_answer_at_all_is_refused(answers, raw):
    with pytest.raises(ValidationError):
        decided(answers, raw)


@pytest.mark.parametrize("several", [[True, True], decisions({"type": "approve"}, {"type": "x"})])
def test_several_decisions_are_refused(several):
    with pytest.raises(ValidationError, match="2 decisions were given; give exactly one"):
        decided(REVIEW, several)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("answers", [REVIEW, RESPOND])
def test_an_endless_nest_of_lists_is_refused(answers):
    for raw in (nested(100_000), {"type": nested(100_000)}, {"decisions": nested(100_000)}):
        with pytest.raises(ValidationError):
            decided(answers, raw)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (5, "5"),
        (["a", 1], '["a", 1]'),
        ({"city": "Lisbon"}, '{"city": "Lisbon"}'),
        (datetime(2026, 11, 20, tzinfo=UTC), '"2026-11-20 00:00:00+00:00"'),
    ],
)
def test_a_message_that_is_no_text_becomes_one(message, text):
    decision = decided(RESPOND, {"type": "respond", "message": message})
    assert decision is not None
    assert decision.text == text


@pytest.mark.parametrize(
    "raw",
    [
        {"city": "Lisbon", "approved": True, "type": "business"},
        '{"city": "Lisbon", "approved": true, "type": "business"}',
        decisions({"city": "Lisbon", "approved": True, "type": "business"}),
        {
            "type": "respond",
            "message": {"city": "Lisbon", "approved": True, "type": "business"},
        },
        {
            "type": "respond",
            "message": '{"city": "Lisbon", "approved": true, "type": "business"}',
        },
    ],
    ids=repr,
)
def test_a_typed_answer_is_understood_whatever_its_fields_are_called(raw):
    decision = decided(TYPED, raw)
    assert decision is not None
    assert decision.value == Visit(city="Lisbon", approved=True, type="business")


@pytest.mark.parametrize("raw", ["Lisbon", {"town": "Lisbon"}, "{", '"\ud800"', True], ids=ascii)
def test_an_answer_of_another_type_is_refused(raw):
    with pytest.raises(ValidationError):
        decided(TYPED, raw)


def shown_to_clients(answers: type[Answer]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of an answer, and the fields of a decision in it."""
    schema = TypeAdapter(answers).json_schema()
    return schema, schema["$defs"]["Decision"]["properties"]


@pytest.mark.parametrize("answers", [REVIEW, RESPOND, PLAN, OBSERVE, ESCALATION, CHOICE, TYPED])
def test_clients_are_shown_what_can_be_decided_and_nothing_of_ours(answers):
    _, fields = shown_to_clients(answers)
    assert fields["type"]["enum"] == list(answers.allowed)
    edited = {"edited_action"} if "edit" in answers.allowed else set()
    assert set(fields) == {"type", "message", *edited}


def test_clients_are_shown_that_an_answer_in_words_needs_them():
    schema, fields = shown_to_clients(RESPOND)
    assert schema["$defs"]["Decision"]["required"] == ["type", "message"]
    assert "default" not in fields["message"]


def test_clients_are_shown_what_there_is_to_choose():
    _, fields = shown_to_clients(CHOICE)
    assert fields["message"]["enum"] == ["ann", "Bob", "bob", "3"]


def test_clients_are_shown_the_type_that_is_asked_for():
    _, fields = shown_to_clients(TYPED)
    assert fields["message"]["contentMediaType"] == "application/json"
    assert fields["message"]["contentSchema"] == Visit.model_json_schema()


@pytest.mark.parametrize(
    ("answers", "blank", "default", "least"),
    [
        (REVIEW, "refused", None, 1),
        (OBSERVE, "goes_on", None, 0),
        (ESCALATION, "ends", None, 0),
        (answer_type(("respond",), default="blue"), "default", "blue", 0),
        (answer_type(("respond",), blank="ends", default=""), "default", "", 0),
    ],
)
def test_clients_are_shown_what_a_blank_answer_means(answers, blank, default, least):
    schema, _ = shown_to_clients(answers)
    assert (schema["x-blank"], schema["x-default"]) == (blank, default)
    assert schema["properties"]["decisions"].get("minItems", 0) == least


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["approve", "accept", "yes", "ok", "no", "reject", "respond", "edit", "\ud800"]
    ),
)
KEYS = st.one_of(
    st.sampled_from(
        ["type", "message", "feedback", "args", "edited_action", "draft", "approved", "decisions"]
    ),
    st.text(max_size=4),
)
JSON = st.recursive(
    LEAVES,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS, inside, max_size=4),
    max_leaves=10,
)


def says_so(raw: Any) -> bool:
    """Whether there is any word of approval in an answer."""
    if isinstance(raw, dict):
        return any(says_so(value) for value in raw.values())
    if isinstance(raw, list):
        return any(says_so(value) for value in raw)
    if isinstance(raw, str):
        said = raw.strip().casefold().strip(".!")
        return said in {"approve", "approved", "accept", "yes", "y", "ok", "okay"}
    return raw is True


@pytest.mark.parametrize(
    "answers", [REVIEW, RESPOND, PLAN, OBSERVE, ESCALATION, OPTIONAL, TYPED, CHOICE]
)
@given(raw=JSON)
@example(raw={"type": ["approve"]})
@example(raw={"type": "\ud800"})
@example(raw={"type": "respond", "message": "\ud800"})
@example(raw={"type": "edit", "args": {"args": {"args": {}}}})
def test_whatever_is_answered_is_either_refused_or_a_decision_that_was_possible(answers, raw):
    try:
        decision = decided(answers, raw)
    except ValidationError:
        return
    if decision is None:
        assert answers.blank != "refused"
        return
    assert decision.type in answers.allowed
    assert decision.type != "approve" or says_so(raw)
    assert decision.type not in ("edit", "respond") or decision.text.strip()
    if answers.value_type is not None:
        assert isinstance(decision.value, answers.value_type)
