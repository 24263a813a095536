"""An observer: a person with words, and without a role or a type."""

import pytest
from pydantic import BaseModel

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_group_chat
from langgraph_orchestra.nodes import Human, approval, everything, question
from langgraph_orchestra.nodes.observer import observer_from
from langgraph_orchestra.nodes.participant import Scene
from langgraph_orchestra.state import ConfigurationError
from support.chats import talkers
from support.results import asked


class Form(BaseModel):
    """A typed answer."""


SCENE = Scene("group_chat", everything())


@pytest.mark.parametrize("given", ["guide", 3, talkers("guide")[0], Human])
def test_only_a_person_observes(given):
    with pytest.raises(TypeError, match="`observer` is a `Human` or None"):
        observer_from(given, SCENE)


@pytest.mark.parametrize(
    ("person", "setting"),
    [
        (approval("guide"), "role"),
        (question("guide", "Well?"), "role"),
        (Human("guide", schema=Form), "schema"),
    ],
)
def test_a_role_or_a_type_of_an_observer_is_refused_with_the_remedy(person, setting):
    with pytest.raises(ConfigurationError, match=f"`{setting}` of `guide` .* leave it out"):
        observer_from(person, SCENE)


def shown(observer, run):
    """What an observer reads before the first turn."""
    with open_checkpointer("memory://") as saver:
        graph = create_group_chat(talkers("ann"), observer=observer, max_turns=1)
        waiting = run(graph.compile(checkpointer=saver), thread="1")
    (action,) = asked(waiting).value["action_requests"]
    return action["description"]


def test_an_observer_reads_what_was_said_last(run):
    told = "Say something before the next turn, or approve.\n\nthe task"
    assert shown(Human("guide"), run) == told


def test_an_observer_reads_their_description(run):
    assert shown(Human("guide", "Keep them on topic."), run) == "Keep them on topic.\n\nthe task"


@pytest.mark.parametrize("ask", ["Well?", lambda view: f"{'We'}ll?"])
def test_an_observer_may_be_asked_in_other_words(ask, run):
    assert shown(Human("guide", ask=ask), run) == "Well?"


def test_an_async_function_may_ask(run):
    async def ask(view):
        return f"After {view.task}?"

    assert shown(Human("guide", ask=ask), run) == "After the task?"
