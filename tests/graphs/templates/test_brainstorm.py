from itertools import pairwise

import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.brainstorm import (
    CONTRARIAN_PROMPT,
    CUSTOMER_PROMPT,
    ENGINEER_PROMPT,
    MARKETER_PROMPT,
    SHORTLIST_PROMPT,
    Shortlist,
    ideas_in,
)
from langgraph_orchestra.graphs.templates.idea_rules import Idea, idea_in, support_of, terms_in


def test_ideas_are_about_what_the_task_is_about(ask):
    result = ask("brainstorm", "How do we sell umbrellas in summer?")
    ideas = ideas_in(result["messages"])
    assert len(ideas) == 8
    assert all(any(word in one.title for word in ("umbrellas", "summer")) for one in ideas)
    other = ask("brainstorm", "Shorter queues at the bakery")
    assert {idea.title for idea in ideas}.isdisjoint(
        idea.title for idea in ideas_in(other["messages"])
    )


@pytest.mark.parametrize(
    ("task", "terms"),
    [
        (
            "How can the library in Halden bring more students in on weekday evenings?",
            ["library", "students", "weekday evenings"],
        ),
        ("Ideas for queues, queues and bakery counters.", ["queues", "bakery counters"]),
        ("Ideas?", ["ideas"]),
    ],
)
def test_terms_are_the_words_that_say_something(task, terms):
    assert terms_in(task) == terms


def test_ideas_build_on_those_of_others_that_were_said_before(ask):
    ideas = ideas_in(ask("brainstorm", TEMPLATES["brainstorm"].example)["messages"])
    before: dict[str, str] = {}
    for idea in ideas:
        assert not idea.builds_on or before[idea.builds_on] != idea.by
        before[idea.title] = idea.by
    assert sum(bool(idea.builds_on) for idea in ideas) > len(ideas) / 2


def test_everybody_speaks_once_a_round_nobody_twice_in_a_row_and_it_ends_without_new_ideas(ask):
    result = ask("brainstorm", TEMPLATES["brainstorm"].example)
    speakers = [turn.agent for turn in result["trail"] if turn.kind == "agent"]
    assert all(sorted(speakers[n : n + 4]) == sorted(set(speakers)) for n in (0, 4, 8))
    assert all(one != other for one, other in pairwise(speakers))
    assert result["stop"].by == "idle(2)"
    assert [message.text for message in result["messages"][-4:-1]] == ["Pass."] * 3


def test_idea_that_others_build_on_leads_the_shortlist(ask):
    shortlist = ask("brainstorm", TEMPLATES["brainstorm"].example)["output"]
    assert isinstance(shortlist, Shortlist)
    assert [idea.why for idea in shortlist.ideas] == sorted(
        (idea.why for idea in shortlist.ideas), reverse=True
    )
    assert str(shortlist).startswith("1. Without the library (contrarian)\n   Leave it out")


def test_support_counts_those_that_build_on_it_by_way_of_others():
    first, second = Idea("ann", "A", "", ""), Idea("bob", "B", "", "A")
    third, other = Idea("ann", "C", "", "B"), Idea("bob", "D", "", "")
    ideas = [first, second, third, other]
    assert [support_of(idea, ideas) for idea in ideas] == [2, 1, 0, 0]


def test_ideas_are_read_also_where_a_model_decorates_them():
    assert idea_in("ann", "**Idea:** Open late\n**How:** Until ten.") == Idea(
        "ann", "Open late", "Until ten.", ""
    )
    assert idea_in("ann", "Pass.") is None


def test_named_model_has_the_ideas_and_ranks_them(ask_model):
    def one(title: str) -> str:
        return f"Idea: {title}\nHow: Somehow."

    shortlist = Shortlist(ideas=[])
    result, model = ask_model(
        "brainstorm",
        "Sell more",
        {
            CUSTOMER_PROMPT: one("A"),
            ENGINEER_PROMPT: one("B"),
            MARKETER_PROMPT: one("C"),
            CONTRARIAN_PROMPT: one("D"),
            SHORTLIST_PROMPT: shortlist,
        },
    )
    assert result["output"] == shortlist
    assert str(shortlist) == "No ideas."
    assert result["stop"].by == "idle(2)"  # everybody repeats what they said
    assert len(model.calls) == 7
