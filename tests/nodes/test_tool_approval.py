"""Approval of tool calls: which answers are understood, and what becomes of all others."""

from dataclasses import replace

import pytest
from langgraph.types import Command

from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.graphs import create_magentic, create_sequential
from langgraph_orchestra.state import AnswerError
from support.ledgers import ScriptedManager, everybody_once
from support.members import agent, wants
from support.results import asked, ended

PAY = wants("pay", amount=5)
BOTH = PAY.model_copy(update={"tool_calls": [*PAY.tool_calls, *wants("tip", "call-2").tool_calls]})


class Till:
    """Tools that note what is paid, and an agent that has to ask for both."""

    def __init__(self):
        self.paid = []

    def clerk(self, *replies):
        def pay(amount: int) -> str:
            """Pay."""
            self.paid.append(amount)
            return f"paid {amount}"

        def tip() -> str:
            """Tip."""
            self.paid.append("tip")
            return "tipped"

        return agent("clerk", *replies, tools=[pay, tip], approve_tools=["pay", "tip"])


def told(result):
    """What the model has read of its calls."""
    return [message.text for message in result["messages"] if message.type == "tool"]


APPROVED = (["paid 5"], [5])
EDITED = (["paid 7"], [7])


@pytest.mark.parametrize(
    ("answer", "results", "paid"),
    [
        ("approve", *APPROVED),
        ("Yes!", *APPROVED),
        (True, *APPROVED),
        ([{"type": "accept"}], *APPROVED),
        ({"type": "approve"}, *APPROVED),
        ({"decisions": [{"type": "approve"}]}, *APPROVED),
        ({"type": "edit", "args": {"amount": 7}}, *EDITED),
        ([{"type": "edit", "args": {"action": "pay", "args": {"amount": 7}}}], *EDITED),
        (
            {
                "decisions": [
                    {"type": "edit", "edited_action": {"name": "pay", "args": {"amount": 7}}}
                ]
            },
            *EDITED,
        ),
        (
            "too dear",
            ["A person has rejected this call of `pay`, with the reason: too dear"],
            [],
        ),
        (
            {"type": "reject", "feedback": "too dear"},
            ["A person has rejected this call of `pay`, with the reason: too dear"],
            [],
        ),
        ({"type": "respond", "message": "paid by hand"}, ["paid by hand"], []),
        ([{"type": "response", "args": "paid by hand"}], ["paid by hand"], []),
    ],
    ids=repr,
)
def test_every_form_of_an_answer_is_understood(run, saver, answer, results, paid):
    till = Till()
    app = create_sequential([till.clerk(PAY, "done")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=answer), thread="1")
    assert ended(result) == ("done", "completed")
    assert (till.paid, len(told(result))) == (paid, 1)
    assert told(result)[0].endswith(results[0])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "the answer is blank; decide one of `approve`, `edit`, `reject`, `respond`"),
        ("edit", "an `edit` needs the tool's new arguments"),
        ({"type": "edit", "args": "seven"}, "an `edit` needs the tool's new arguments"),
        ({"type": "respond"}, "the answer is blank"),
        (
            [{"type": "edit", "args": {"action": "tip", "args": {}}}],
            "an `edit` changes the arguments of `pay`, not the tool",
        ),
        ({"type": "perhaps"}, "'perhaps' is not possible here"),
        ({"decisions": []}, "1 tool calls wait for a decision, 0 were given"),
        ([{"type": "approve"}, {"type": "approve"}], "1 tool calls wait for a decision, 2 were"),
        (7, "an answer is text, a bool or a decision, not int"),
    ],
    ids=repr,
)
def test_an_answer_that_cannot_be_used_is_refused_and_can_be_given_again(
    run, saver, answer, reason
):
    # It was saved, and failed again with every further answer: the thread could never go on.
    till = Till()
    app = create_sequential([till.clerk(PAY, "done")]).compile(checkpointer=saver)
    before = asked(run(app, thread="1"))
    with pytest.raises(AnswerError, match=f"the answer of `clerk` cannot be used: {reason}"):
        run(app, Command(resume=answer), thread="1")
    (waiting,) = app.get_state({"configurable": {"thread_id": "1"}}).interrupts
    assert (waiting.id, till.paid) == (before.id, [])
    result = run(app, Command(resume="approve"), thread="1")
    assert (ended(result), till.paid) == (("done", "completed"), [5])


def test_several_calls_are_decided_in_their_order(run, saver):
    till = Till()
    app = create_sequential([till.clerk(BOTH, "done")]).compile(checkpointer=saver)
    request = asked(run(app, thread="1")).value
    assert [action["name"] for action in request["action_requests"]] == ["pay", "tip"]
    with pytest.raises(AnswerError, match="2 tool calls wait for a decision, 1 were given"):
        run(app, Command(resume="approve"), thread="1")
    result = run(app, Command(resume=["no", {"type": "approve"}]), thread="1")
    assert (ended(result), till.paid) == (("done", "completed"), ["tip"])


def test_a_tool_of_a_managed_team_is_answered_again_in_another_process(run, tmp_path):
    till = Till()
    for answer in (None, "", "approve"):
        clerk = till.clerk(PAY) if answer is None else till.clerk("done")
        manager = ScriptedManager(everybody_once)
        with open_checkpointer(f"sqlite:///{tmp_path}/runs.db") as saver:
            graph = create_magentic([clerk], manager=manager, approve_before=["pay"])
            app = graph.compile(checkpointer=saver)
            if answer == "":
                with pytest.raises(AnswerError, match="the answer is blank"):
                    run(app, Command(resume=answer), thread="1")
                continue
            given = "the task" if answer is None else Command(resume=answer)
            result = run(app, given, thread="1")
    assert (ended(result), till.paid) == (("the end", "completed"), [5])


def test_the_model_is_told_what_ran_in_place_of_its_call(run, saver):
    till = Till()
    app = create_sequential([till.clerk(PAY, "done")]).compile(checkpointer=saver)
    run(app, thread="1")
    edit = {"type": "edit", "args": {"amount": 7}}
    result = run(app, Command(resume=edit), thread="1")
    (call,) = next(m for m in result["messages"] if m.type == "ai").tool_calls
    assert call["args"] == {"amount": 5}
    assert told(result) == [
        'A person has changed this call before it ran, to {"amount": 7}. Do not repeat yours.\n\n'
        "paid 7"
    ]


def test_the_model_is_told_of_a_rejection_without_a_reason(run, saver):
    till = Till()
    app = create_sequential([till.clerk(PAY, "done")]).compile(checkpointer=saver)
    run(app, thread="1")
    result = run(app, Command(resume=False), thread="1")
    assert told(result) == [
        "A person has rejected this call of `pay`, without a reason. Do not repeat it."
    ]


def test_an_edit_is_for_one_call_and_not_for_a_later_one_of_the_same_id(run, saver):
    till = Till()

    def refund(amount: int) -> str:
        """Give back."""
        till.paid.append(-amount)
        return f"gave back {amount}"

    clerk = till.clerk(PAY, wants("refund", amount=2), "done")
    clerk = replace(clerk, tools=[*clerk.tools, refund])
    app = create_sequential([clerk]).compile(checkpointer=saver)
    run(app, thread="1")
    run(app, Command(resume={"type": "edit", "args": {"amount": 7}}), thread="1")
    assert till.paid == [7, -2]
