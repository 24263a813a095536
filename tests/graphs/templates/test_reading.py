import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from langgraph_orchestra.graphs.templates.reading import (
    figure,
    matches,
    money,
    number,
    percent,
    said_by,
    sentences,
    task_in,
    typed_in,
)

PROMPT = [
    SystemMessage("You are an editor."),
    HumanMessage("write: this is the task"),
    HumanMessage("write: a draft, write: more", name="write"),
    HumanMessage("region[0]: north"),
    HumanMessage("region[12]: south"),
]


def test_task_is_what_no_colleague_said():
    assert task_in(PROMPT[:3]) == "write: this is the task"


def test_what_a_colleague_said_comes_without_their_name():
    assert said_by("write", PROMPT) == ["a draft, write: more"]
    assert said_by("region", PROMPT) == ["north", "south"]
    assert said_by("nobody", PROMPT) == []


def test_what_a_colleague_said_is_found_in_a_view_too():
    assert said_by("write", [HumanMessage("task"), AIMessage("a draft", name="write")]) == [
        "a draft"
    ]


@pytest.mark.parametrize(
    ("label", "text", "value", "unit"),
    [
        ("p/e", "P/E: 18.4", 18.4, ""),
        ("p/e", "| P/E | 18.4 |", 18.4, ""),
        ("income", "an income of $84,000 a year", 84_000, "year"),
        ("income", "Monthly net income: 4,000", 4_000, "month"),
        ("income", "income 84k/year", 84_000, "year"),
        ("income", "income of 1.2 million", 1_200_000, ""),
        ("emissions", "Emissions: -8%", -8, "%"),
        ("term", "Term: 60 months", 60, "month"),
        ("over", "over a 5-year term", 5, "year"),
        ("income", "yearly\nincome 5\na year", 5, ""),
    ],
)
def test_figure_is_the_number_after_its_label_with_its_unit(label, text, value, unit):
    assert figure(label, text) == (value, unit)


@pytest.mark.parametrize(
    "text", ["income unknown", "income. Debt 5", "income, debt 5", "income\n5", "incomes 5"]
)
def test_figure_of_another_label_is_not_taken(text):
    assert figure("income", text) is None


def test_matches_are_whole_words_each_once_in_their_order():
    assert matches("down|503", "Down: 503, shutdown, 503") == ["Down", "503"]


def test_sentences_are_parted_at_their_ends_and_at_lines():
    assert sentences("One. Two!\n- 3.5 of four?\n\n") == ["One.", "Two!", "3.5 of four?"]


def test_figures_are_written_alike_everywhere():
    assert [money(1234.5), money(0)] == ["1,234", "0"]
    assert [number(1120.5), number(118.0), number(0.625)] == ["1,120.5", "118", "0.62"]
    assert [percent(0.165), percent(0.165, signed=True), percent(-0.034, signed=True)] == [
        "16.5%",
        "+16.5%",
        "-3.4%",
    ]


class Answer(BaseModel):
    """A typed answer."""

    count: int


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ('{"count": 1}', [1]),
        ('ann: {"count": 1}', [1]),
        ('ann: {"count": 1}\nbob: {"count": 2} {"name": "x"}', [1, 2]),
        ('{"results": {"count": 1}}', []),  # of another kind
        ('a {brace} and {"count": 3}', [3]),
        ('{"count": "many"} {"count"', []),
        ("", []),
    ],
)
def test_typed_answers_are_found_among_words(text, counts):
    assert [one.count for one in typed_in(Answer, [HumanMessage(text)])] == counts
