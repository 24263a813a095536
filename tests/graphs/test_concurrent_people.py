"""People in several branches at once: their questions, their answers, and what is not run again."""

from collections import Counter

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import Command, interrupt

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_concurrent, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent, Human, Member, first, question
from langgraph_orchestra.state import AnswerError, ConfigurationError

CONFIG = {"configurable": {"thread_id": "1"}}


class Desk:
    """A panel of two people and two machines that counts how often each machine has worked."""

    def __init__(self):
        self.calls = Counter[str]()

    def graph(self, **options):
        def works(name):
            def speak(view):
                self.calls[name] += 1
                return f"{name}'s answer"

            return Member(speak, name=name)

        return create_concurrent(
            [Human("zoe"), works("quick"), Human("adam"), works("slow")], **options
        )


def asked(result):
    """Ids of the open interrupts by the person who is asked."""
    return {i.value["node"]: i.id for i in result.get("__interrupt__", ())}


def test_interrupts_of_two_branches_surface_together_with_their_ids(run, saver):
    app = Desk().graph().compile(checkpointer=saver)

    result = run(app, "Pick a colour", thread="1")

    ids = asked(result)
    assert set(ids) == {"zoe", "adam"}
    assert ids["zoe"] != ids["adam"]
    for interrupted in result["__interrupt__"]:
        value = interrupted.value
        [request] = value["action_requests"]
        assert request["name"] == "answer"
        assert request["args"] == {
            "participant": value["node"],
            "message": "Pick a colour",
            "task": "Pick a colour",
        }
        assert value["review_configs"] == [
            {"action_name": "answer", "allowed_decisions": ["respond"]}
        ]
        assert value["pattern"] == "concurrent"
        assert value["path"] == value["node"]
        assert value["thread_task"] == "Pick a colour"


@pytest.mark.parametrize("order", [("zoe", "adam"), ("adam", "zoe")], ids=" ".join)
def test_interrupts_are_answered_one_by_one_in_either_order(run, saver, order):
    desk = Desk()
    app = desk.graph().compile(checkpointer=saver)

    result = run(app, thread="1")
    ids = asked(result)
    for place, person in enumerate(order):
        result = run(app, Command(resume={ids[person]: f"{person} says so"}), thread="1")
        assert set(asked(result)) == set(order[place + 1 :])

    assert {name: r.output for name, r in result["results"].items()} == {
        "zoe": "zoe says so",
        "quick": "quick's answer",
        "adam": "adam says so",
        "slow": "slow's answer",
    }
    assert desk.calls == {"quick": 1, "slow": 1}


def test_an_open_interrupt_keeps_its_id_while_another_is_answered(run, saver):
    app = Desk().graph().compile(checkpointer=saver)

    before = asked(run(app, thread="1"))
    after = asked(run(app, Command(resume={before["zoe"]: "blue"}), thread="1"))

    assert after == {"adam": before["adam"]}


def test_interrupts_are_answered_together_by_a_map_of_their_ids(run, saver):
    desk = Desk()
    app = desk.graph().compile(checkpointer=saver)

    ids = asked(run(app, thread="1"))
    answers = {
        ids["zoe"]: "blue",
        ids["adam"]: {"decisions": [{"type": "respond", "message": "red"}]},
    }
    result = run(app, Command(resume=answers), thread="1")

    assert (result["results"]["zoe"].output, result["results"]["adam"].output) == ("blue", "red")
    assert [t.agent for t in result["trail"]] == ["zoe", "quick", "adam", "slow", "aggregate"]
    said = [(type(m), m.name, m.text) for m in result["messages"][1:5]]
    assert said == [
        (HumanMessage, "zoe", "blue"),
        (AIMessage, "quick", "quick's answer"),
        (HumanMessage, "adam", "red"),
        (AIMessage, "slow", "slow's answer"),
    ]
    assert desk.calls == {"quick": 1, "slow": 1}


@pytest.mark.parametrize("bad", ["zoe", "adam"])
def test_a_bad_answer_beside_a_good_one_is_refused_and_the_good_one_is_kept(run, saver, bad):
    desk = Desk()
    app = desk.graph().compile(checkpointer=saver)
    good = "adam" if bad == "zoe" else "zoe"

    ids = asked(run(app, thread="1"))
    with pytest.raises(AnswerError, match=f"`{bad}`"):
        run(app, Command(resume={ids[bad]: "", ids[good]: "fine"}), thread="1")
    open_ones = [i.id for task in app.get_state(CONFIG).tasks for i in task.interrupts]
    result = run(app, Command(resume={ids[bad]: "better"}), thread="1")

    assert ids[bad] in open_ones
    assert result["results"][bad].output == "better"
    assert result["results"][good].output == "fine"
    assert desk.calls == {"quick": 1, "slow": 1}


def test_a_bad_answer_alone_leaves_both_questions_open(run, saver):
    app = Desk().graph().compile(checkpointer=saver)

    ids = asked(run(app, thread="1"))
    with pytest.raises(AnswerError):
        run(app, Command(resume={ids["zoe"]: ["approve", "reject"]}), thread="1")
    result = run(app, Command(resume={ids["zoe"]: "blue", ids["adam"]: "red"}), thread="1")

    assert result["results"]["zoe"].output == "blue"
    assert result["results"]["adam"].output == "red"


@pytest.mark.parametrize("on_failure", ["record", "raise"])
def test_a_bad_answer_is_never_recorded_as_the_failure_of_a_branch(run, saver, on_failure):
    app = Desk().graph(on_failure=on_failure).compile(checkpointer=saver)

    ids = asked(run(app, thread="1"))
    with pytest.raises(AnswerError):
        run(app, Command(resume={ids["zoe"]: "", ids["adam"]: ""}), thread="1")
    result = run(app, Command(resume={ids["zoe"]: "blue", ids["adam"]: "red"}), thread="1")

    assert result["stop"].reason == "completed"


def test_two_people_answer_a_rebuilt_graph_over_sqlite(run, tmp_path):
    url = f"sqlite:///{tmp_path}/runs.db"
    desk = Desk()

    def in_a_new_process(task):
        with open_checkpointer(url) as saver:
            return run(desk.graph().compile(checkpointer=saver), task, thread="1")

    ids = asked(in_a_new_process("go"))
    result = in_a_new_process(Command(resume={ids["adam"]: "red"}))
    assert asked(result) == {"zoe": ids["zoe"]}
    result = in_a_new_process(Command(resume={ids["zoe"]: "blue"}))

    assert [(name, r.output) for name, r in result["results"].items()] == [
        ("zoe", "blue"),
        ("quick", "quick's answer"),
        ("adam", "red"),
        ("slow", "slow's answer"),
    ]
    assert [t.step for t in result["trail"]] == [1, 2, 3, 4, 5]
    assert desk.calls == {"quick": 1, "slow": 1}


def test_resuming_the_same_checkpoint_three_times_gives_the_same_state_three_times(run, saver):
    app = Desk().graph().compile(checkpointer=saver)
    ids = asked(run(app, thread="1"))
    checkpoint = app.get_state(CONFIG).config

    def resumed():
        answers = {ids["zoe"]: "blue", ids["adam"]: "red"}
        result = run(app, Command(resume=answers), config=checkpoint)
        timeless = {"started_at", "seconds"}
        return {
            "output": result["output"],
            "results": [(n, r.output) for n, r in result["results"].items()],
            "messages": [(m.name, m.text) for m in result["messages"]],
            "trail": [t.model_dump(exclude=timeless) for t in result["trail"]],
        }

    assert resumed() == resumed() == resumed()


def test_interrupts_of_two_nested_teams_surface_and_reach_only_their_own_node(run, saver):
    calls = Counter[str]()

    def team(name):
        def draft(view):
            calls[name] += 1
            return f"{name} draft"

        graph = create_sequential([Member(draft, name="drafter"), Human("editor")])
        return graph.compile(name=name)

    app = create_concurrent([team("zeta"), team("alpha")]).compile(checkpointer=saver)

    result = run(app, thread="1")
    ids = {i.value["path"]: i.id for i in result["__interrupt__"]}
    assert set(ids) == {"zeta/editor", "alpha/editor"}
    result = run(app, Command(resume={ids["alpha/editor"]: "approve"}), thread="1")
    assert [i.id for i in result["__interrupt__"]] == [ids["zeta/editor"]]
    edit = {"type": "edit", "args": {"draft": "zeta edited"}}
    result = run(app, Command(resume={ids["zeta/editor"]: {"decisions": [edit]}}), thread="1")

    assert result["results"]["zeta"].output == "zeta edited"
    assert result["results"]["alpha"].output == "alpha draft"
    assert calls == {"zeta": 1, "alpha": 1}


def test_tool_approvals_of_two_agents_surface_together_and_each_tool_runs_once(run, saver):
    paid = []

    def pay(amount: int) -> str:
        """Pay somebody."""
        paid.append(amount)
        return f"paid {amount}"

    def clerk(name, amount):
        call = AIMessage("", tool_calls=[{"name": "pay", "args": {"amount": amount}, "id": name}])
        model = ScriptedModel([call, f"{name} is done"])
        return Agent(name, "Pay.", model=model, tools=[pay], approve_tools=["pay"])

    app = create_concurrent([clerk("zeta", 1), clerk("alpha", 2)]).compile(checkpointer=saver)

    result = run(app, thread="1")
    ids = {i.value["action_requests"][0]["args"]["amount"]: i.id for i in result["__interrupt__"]}
    yes = {"decisions": [{"type": "approve"}]}
    result = run(app, Command(resume={ids[2]: yes}), thread="1")
    assert paid == [2]
    result = run(app, Command(resume={ids[1]: yes}), thread="1")

    assert paid == [2, 1]
    assert result["results"]["zeta"].output == "zeta is done"
    assert result["results"]["alpha"].output == "alpha is done"


def test_an_interrupt_of_ones_own_in_a_function_is_answered_like_any_other(run, saver):
    def asks(view):
        return f"they said {interrupt('which?')}"

    app = create_concurrent([asks, question("adam", "And you?")]).compile(checkpointer=saver)

    result = run(app, thread="1")
    [own] = [i.id for i in result["__interrupt__"] if i.value == "which?"]
    result = run(app, Command(resume={own: "that one"}), thread="1")
    result = run(app, Command(resume={asked(result)["adam"]: "me too"}), thread="1")

    assert result["results"]["asks"].output == "they said that one"
    assert result["results"]["adam"].output == "me too"


def test_a_branch_that_fails_beside_a_waiting_person_is_not_run_again(run, saver):
    calls = Counter[str]()

    def breaks(view):
        calls["breaks"] += 1
        raise ValueError("no")

    app = create_concurrent([Human("zoe"), breaks]).compile(checkpointer=saver)

    run(app, thread="1")
    result = run(app, Command(resume="blue"), thread="1")

    assert result["results"]["breaks"].failure.message == "no"
    assert result["output"] == "## zoe\n\nblue"
    assert calls == {"breaks": 1}


def test_a_person_is_still_asked_after_a_failure_beside_them_is_mended(run, saver):
    calls = Counter[str]()

    def breaks_once(view):
        calls["breaks_once"] += 1
        if calls["breaks_once"] == 1:
            raise ValueError("not yet")
        return "sound"

    graph = create_concurrent([Human("zoe"), breaks_once], on_failure="raise")
    app = graph.compile(checkpointer=saver)

    with pytest.raises(ValueError, match="not yet"):
        run(app, thread="1")
    [asked_again] = run(app, None, thread="1")["__interrupt__"]
    result = run(app, Command(resume={asked_again.id: "blue"}), thread="1")

    assert [r.output for r in result["results"].values()] == ["blue", "sound"]
    assert calls == {"breaks_once": 2}


def test_one_open_question_takes_a_plain_answer(run, saver):
    app = create_concurrent([Human("zoe")]).compile(checkpointer=saver)

    run(app, thread="1")

    assert run(app, Command(resume="blue"), thread="1")["output"] == "## zoe\n\nblue"


def test_a_person_cannot_race():
    with pytest.raises(ConfigurationError, match="`zoe` is a person and cannot race"):
        create_concurrent([Human("zoe"), Human("adam")], aggregate=first())
