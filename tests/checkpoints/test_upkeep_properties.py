"""Whatever has happened to a thread, pruning, deleting and forking change no state that stays."""

import operator
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Overwrite, interrupt

from langgraph_orchestra.checkpoints import fork, open_checkpointer

from .conftest import extend


class Team(TypedDict, total=False):
    """What a nested graph remembers."""

    known: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=3)]
    turn: int


class Answer(TypedDict, total=False):
    """What it gives back."""

    turn: int


class State(TypedDict, total=False):
    """State with all kinds of values."""

    often: Annotated[list[str], DeltaChannel(extend, snapshot_frequency=5)]
    seldom: Annotated[list[str], DeltaChannel(extend)]
    plain: Annotated[list[str], operator.add]
    turn: int


def compiled(saver: Any, *, remembers: bool | None) -> Any:
    """A graph with a part that works while a nested graph may ask up to two questions."""

    def ask(state: Team) -> Team:
        turn = state.get("turn", 0)
        answers = [interrupt(f"question {number}") for number in range(turn % 3)]
        return {"known": answers or ["nothing"]}

    def work(state: State) -> dict[str, Any]:
        turn = state.get("turn", 0)
        update: dict[str, Any] = {"often": Overwrite(["new"]) if turn % 7 == 0 else [f"{turn}"]}
        return {**update, "seldom": [f"{turn}"]} if turn % 4 == 0 else update

    inner: Any = StateGraph(Team, output_schema=Answer)
    inner.add_node("read", lambda state: {"known": [f"read {state.get('turn')}"]})
    inner.add_node("ask", ask)
    inner.add_edge(START, "read")
    inner.add_edge("read", "ask")
    graph: Any = StateGraph(State)
    graph.add_node("begin", lambda state: {"plain": ["begun"], "often": ["begun"]})
    graph.add_node("work", work)
    graph.add_node("team", inner.compile(checkpointer=remembers))
    graph.add_node("end", lambda state: {"often": ["end"], "plain": ["end"]}, defer=True)
    graph.add_edge(START, "begin")
    for name in ("work", "team"):
        graph.add_edge("begin", name)
        graph.add_edge(name, "end")
    return graph.compile(checkpointer=saver)


class Thread:
    """A thread, and what may happen to it."""

    def __init__(self, saver: Any, app: Any) -> None:
        self.saver, self.app, self.id, self.turn = saver, app, "1", 0

    @property
    def config(self) -> dict[str, Any]:
        return {"configurable": {"thread_id": self.id}}

    def steps(self) -> list[tuple[str, Any]]:
        """Ids and states of the checkpoints, newest first, without stubs."""
        return [
            (found.config["configurable"]["checkpoint_id"], found)
            for found in self.app.get_state_history(self.config)
            if found.metadata["step"] != -2
        ]

    def standing(self) -> Any:
        """State, nodes due, open questions, and states of nested graphs."""
        state = self.app.get_state(self.config, subgraphs=True)
        questions = sorted(str(found.value) for found in state.interrupts)
        nested = [getattr(task.state, "values", None) for task in state.tasks]
        return state.values, state.next, questions, nested

    def run(self, value: Any, durability: str, **place: str) -> None:
        config = {"configurable": {"thread_id": self.id, **place}}
        run = {"metadata": {"run_id": f"run {self.turn}"}}
        self.turn += 1
        self.app.invoke(value, {**config, **run}, durability=durability)

    def go_on(self, durability: str) -> None:
        state = self.app.get_state(self.config)
        if state.interrupts:
            self.run(Command(resume=f"answer {self.turn}"), durability)
        elif state.next:
            self.run(None, durability)
        else:
            self.speak(durability)

    def speak(self, durability: str) -> None:
        self.run({"turn": self.turn, "often": [f"said {self.turn}"]}, durability)

    def go_back(self, durability: str, number: int) -> None:
        steps = self.steps()
        self.run(None, durability, checkpoint_id=steps[number % len(steps)][0])

    def fork(self, _: str, number: int) -> None:
        steps, before = self.steps(), self.standing()
        id_, snapshot = steps[number % len(steps)]
        there, self.id = self.id, fork(self.saver, self.id, id_)
        [(forked, begun)] = self.steps()
        assert (forked, begun.values) == (id_, snapshot.values)
        if number % len(steps) == 0:
            assert self.standing() == before
        here, self.id = self.id, there
        assert self.standing() == before
        self.id = here

    def prune(self, _: str, number: int) -> None:
        how: dict[str, Any] = [
            {},
            {"strategy": "keep_last", "keep": number + 1},
            {"strategy": "younger_than", "age": timedelta()},
        ][number % 3]
        before, steps = self.standing(), dict(self.steps())
        self.saver.prune([self.id], **how)
        assert self.standing() == before
        left = dict(self.steps())
        assert 0 < len(left) <= how.get("keep", 1)
        assert {id_: found.values for id_, found in left.items()} == {
            id_: steps[id_].values for id_ in left
        }

    def delete_run(self, _: str, number: int) -> None:
        steps = self.steps()
        run = f"run {number}"
        self.saver.delete_for_runs([run])
        assert {id_: found.values for id_, found in self.steps()} == {
            id_: found.values for id_, found in steps if found.metadata.get("run_id") != run
        }


def deeds() -> Any:
    always = st.sampled_from([Thread.go_on, Thread.go_on, Thread.speak])
    placed = st.sampled_from([Thread.go_back, Thread.fork, Thread.prune, Thread.delete_run])
    durability = st.sampled_from(["sync", "async", "exit"])
    number = st.integers(0, 6)
    return st.lists(
        st.one_of(st.tuples(always, durability), st.tuples(placed, durability, number)), max_size=14
    )


@settings(max_examples=25)
@given(deeds=deeds())
@pytest.mark.parametrize("remembers", [None, True], ids=["afresh", "remembers"])
def test_no_upkeep_changes_a_state_that_stays(
    remembers: bool | None, deeds: list[tuple[Any, ...]]
) -> None:
    with (
        TemporaryDirectory() as folder,
        open_checkpointer(f"{folder}/runs.db", synchronous="NORMAL") as saver,
    ):
        thread = Thread(saver, compiled(saver, remembers=remembers))
        thread.speak("sync")
        for deed, *how in deeds:
            if not thread.steps():
                return
            deed(thread, *how)
