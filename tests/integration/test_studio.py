"""Graphs in LangGraph Studio: what its server shows of them, and how they run there.

The server is the real one (`langgraph dev`), so it raises when a graph blocks its event loop.
"""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import LangGraphClient

from langgraph_orchestra.checkpoints import open_checkpointer, threads
from langgraph_orchestra.graphs import PatternGraph, create_sequential
from langgraph_orchestra.models import ScriptedModel
from langgraph_orchestra.nodes import Agent
from support.studio_graphs import GRAPHS
from support.studio_runs import (
    RunError,
    assistant_of,
    begun,
    chat,
    edges_of,
    interrupts_of,
    result_of,
)
from support.studio_server import StudioServer

APPROVE = {"decisions": [{"type": "approve"}]}


@pytest.fixture(scope="module")
def thread_of(studio: StudioServer) -> Callable[[str], str]:
    """Gives threads on which a graph has begun: side by side, since each takes a second."""
    wanted = ["reviewed"] * 6 + ["quick"] * 2 + ["asked", "teamed"]

    async def begin_all() -> list[str]:
        async with get_client(url=studio.url) as client:
            return await asyncio.gather(*(begun(client, graph) for graph in wanted))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        begun_threads = list(zip(wanted, asyncio.run(begin_all()), strict=True))

    def take(graph: str) -> str:
        found = next(pair for pair in begun_threads if pair[0] == graph)
        begun_threads.remove(found)
        return found[1]

    return take


@pytest.mark.parametrize(
    ("graph", "routes"),
    [
        ("quick", "__start__>intake intake>writer writer>__end__"),
        (
            "reviewed",
            "__start__>intake intake>researcher researcher>writer writer>editor"
            " editor?publish editor?writer editor?__end__ publish>__end__",
        ),
        (
            "asked",
            "__start__>intake intake>analyst intake>broker analyst>join broker>join"
            " join>aggregate aggregate>__end__",
        ),
        (
            "itemised",
            "__start__>intake intake?worker intake?aggregate worker>aggregate aggregate>__end__",
        ),
    ],
)
async def test_a_graph_is_drawn_with_its_participants_and_real_routes(client, graph, routes):
    drawn = await client.assistants.get_graph(await assistant_of(client, graph))

    edges = await edges_of(client, graph)
    assert edges == set(routes.split())
    assert {node["id"] for node in drawn["nodes"]} == {
        name for edge in edges for name in edge.replace("?", ">").split(">")
    }


async def test_teams_are_drawn_from_inside_at_any_depth(client):
    assistant = await assistant_of(client, "teamed")

    drawn = await client.assistants.get_graph(assistant, xray=True)

    assert {"team:helper", "team:core:expert"} <= {node["id"] for node in drawn["nodes"]}


async def test_a_description_stands_at_its_node(client):
    drawn = await client.assistants.get_graph(await assistant_of(client, "reviewed"))

    (editor,) = (node for node in drawn["nodes"] if node["id"] == "editor")
    assert editor["metadata"] == {
        "pattern": "sequential",
        "team": "sequential",
        "participant": "editor",
        "description": "Reviews the draft.",
    }
    assert all(node["metadata"]["description"] for node in drawn["nodes"] if node["id"] == "intake")


async def test_an_assistant_is_called_as_its_graph(client):
    assistants = await client.assistants.search(limit=100)

    names = {a["graph_id"]: a["name"] for a in assistants}
    assert {name: names[name] for name in GRAPHS} == {name: name for name in GRAPHS}


async def test_the_input_is_a_chat_and_nothing_else(client):
    schemas = await client.assistants.get_schemas(await assistant_of(client, "reviewed"))

    properties = schemas["input_schema"]["properties"]
    messages = properties["messages"]
    assert set(properties) == {"messages"}
    assert messages["type"] == "array"
    kinds = json.dumps(messages["items"])
    assert "#/$defs/HumanMessage" in kinds
    assert "#/$defs/AIMessage" in kinds


async def test_the_output_has_the_typed_answers_and_no_bookkeeping(client):
    online = await client.assistants.get_schemas(await assistant_of(client, "online"))
    asked = await client.assistants.get_schemas(await assistant_of(client, "asked"))

    assert set(online["output_schema"]["properties"]) == {"messages", "trail", "output", "stop"}
    assert set(asked["output_schema"]["properties"]) == {
        *online["output_schema"]["properties"],
        "results",
        "votes",
    }
    output = online["output_schema"]["properties"]["output"]
    assert {"$ref": "#/$defs/Rating"} in output["anyOf"]
    assert {"type": "string"} in output["anyOf"]


async def test_the_context_is_a_form_for_model_user_and_prompts(client):
    schemas = await client.assistants.get_schemas(await assistant_of(client, "online"))

    fields = schemas["context_schema"]["properties"]
    names = ["plain", "typed", "tooled"]
    prompts = {f"{name}_prompt" for name in names}
    assert set(fields) == {"model", "user"} | prompts
    assert [fields[field]["default"] for field in ("model", "user")] == [None, None]
    assert "provider:name" in fields["model"]["description"]
    assert fields["model"]["langgraph_nodes"] == names
    assert fields["user"]["description"]
    assert {fields[prompt]["langgraph_type"] for prompt in prompts} == {"prompt"}
    assert [fields[f"{name}_prompt"]["langgraph_nodes"] for name in names] == [[n] for n in names]
    assert fields["tooled_prompt"]["default"] == "Tooled."


async def test_prompts_of_an_assistant_hold_in_its_runs_and_those_of_a_run_come_first(client):
    context = {"model": "openai:gpt-4o-mini", "plain_prompt": "Mine.", "tooled_prompt": "Too."}
    assistant = await client.assistants.create("online", context=context)
    task = chat("octopus")

    its_own = await result_of(client, None, assistant["assistant_id"], input=task)
    of_run = await result_of(
        client, None, assistant["assistant_id"], input=task, context={"tooled_prompt": "Run's."}
    )

    said = [message["content"] for message in its_own["messages"] if message["type"] == "ai"]
    assert ("answer of Mine." in said, its_own["output"]) == (True, "answer of Too.")
    assert of_run["output"] == "answer of Run's."


async def test_a_bound_that_is_set_higher_than_built_is_refused(client):
    with pytest.raises(RunError, match="`max_turns` is 3; for one run it is from 1 to the 2"):
        await result_of(client, None, "debated", input=chat("octopus"), context={"max_turns": 3})


async def test_a_run_streams_tokens_updates_and_values_each_message_once(client):
    thread = (await client.threads.create())["thread_id"]
    texts = defaultdict(list)
    nodes: list[str] = []
    values: dict[str, Any] = {}
    async for part in client.runs.stream(
        thread,
        "reviewed",
        input=chat("octopus"),
        stream_mode=["values", "messages-tuple", "updates"],
    ):
        data: Any = part.data
        if part.event == "messages" and data[0]["content"]:
            texts[data[0]["id"]].append(data[0]["content"])
        elif part.event == "updates":
            nodes.extend(data)
        elif part.event == "values":
            values = data

    spoken = [message for message in values["messages"] if message["content"]]
    assert nodes == ["intake", "researcher", "writer", "__interrupt__"]
    assert {message["id"]: message["content"] for message in spoken[1:]} == {
        id_: "".join(pieces) for id_, pieces in texts.items()
    }
    assert ["An ", "octopus ", "has ", "eight ", "arms."] in texts.values()


async def test_an_interrupt_comes_with_an_id_its_payload_and_a_schema(client, thread_of):
    thread = thread_of("reviewed")

    found = await interrupts_of(client, thread)
    shown = await client.threads.get(thread)

    editor = found["editor"]
    assert shown["status"] == "interrupted"
    assert [[i["id"] for i in task] for task in shown["interrupts"].values()] == [[editor["id"]]]
    assert editor["value"] == {
        "action_requests": [
            {
                "name": "review_draft",
                "args": {
                    "participant": "writer",
                    "draft": "An octopus has eight arms.",
                    "round": 1,
                },
                "description": "Reviews the draft.\n\nAn octopus has eight arms.",
            }
        ],
        "review_configs": [
            {"action_name": "review_draft", "allowed_decisions": ["approve", "edit", "reject"]}
        ],
        "pattern": "sequential",
        "node": "editor",
        "path": "editor",
        "thread_task": "octopus",
    }
    assert "decisions" in editor["response_schema"]["properties"]


async def test_approve_edit_and_feedback_do_what_they_say(client, thread_of):
    edit = {"type": "edit", "edited_action": {"name": "review_draft", "args": {"draft": "8."}}}

    async def published(*answers: Any) -> Any:
        thread = thread_of("reviewed")
        results = [
            await result_of(client, thread, "reviewed", command={"resume": answer})
            for answer in answers
        ]
        return results[-1]["output"]

    outputs = await asyncio.gather(
        published(APPROVE),
        published({"decisions": [edit]}),
        published("make it shorter", APPROVE),
    )

    assert list(outputs) == [
        "published: An octopus has eight arms.",
        "published: 8.",
        "published: Eight.",
    ]


async def test_a_bad_answer_is_refused_and_can_be_given_again(client, thread_of):
    thread = thread_of("reviewed")
    before = await interrupts_of(client, thread)

    for bad in ({"decisions": [{"type": "dance"}]}, "   "):
        with pytest.raises(RunError, match=r"AnswerError: the answer of `editor` cannot be used"):
            await result_of(client, thread, "reviewed", command={"resume": bad})
    after = await interrupts_of(client, thread)
    result = await result_of(client, thread, "reviewed", command={"resume": APPROVE})

    assert after == before
    assert result["stop"]["reason"] == "completed"


async def test_a_person_in_a_branch_is_answered_by_id_and_no_branch_runs_again(client, thread_of):
    thread = thread_of("asked")

    (broker,) = (await interrupts_of(client, thread)).values()
    result = await result_of(client, thread, "asked", command={"resume": {broker["id"]: "Sell."}})

    assert broker["value"]["action_requests"][0]["description"] == "Buy or sell?"
    assert list(result["results"]) == ["analyst", "broker"]
    assert {name: r["output"] for name, r in result["results"].items()} == {
        "analyst": "Buy.",
        "broker": "Sell.",
    }
    assert [turn["agent"] for turn in result["trail"]] == ["analyst", "broker", "aggregate"]
    assert sum(turn["input_tokens"] for turn in result["trail"]) == 10


async def test_an_interrupt_three_levels_deep_surfaces_and_is_answered(client, thread_of):
    thread = thread_of("teamed")

    (expert,) = (await interrupts_of(client, thread)).values()
    result = await result_of(client, thread, "teamed", command={"resume": {expert["id"]: "It is."}})

    assert expert["value"]["path"] == "team/core/expert"
    assert [turn["path"] for turn in result["trail"]] == [
        "team/core/expert",
        "team/helper",
        "team/aggregate",
        "closer",
    ]
    assert result["output"] == "Closed."


async def test_a_map_reduce_keeps_the_order_of_its_items(client):
    result = await result_of(client, None, "itemised", input=chat("north\nsouth\nwest"))

    assert [(r["index"], r["name"], r["output"]) for r in result["results"]] == [
        (0, "worker[0]", "NORTH"),
        (1, "worker[1]", "SOUTH"),
        (2, "worker[2]", "WEST"),
    ]
    assert result["stop"] == {"reason": "completed", "detail": "", "by": None}


async def test_the_state_shows_messages_trail_and_stop_as_plain_data(client, thread_of):
    thread = thread_of("quick")

    state = await client.threads.get_state(thread)

    values: Any = state["values"]
    (question, answer), (turn,) = values["messages"], values["trail"]
    assert (question["type"], question["content"]) == ("human", "octopus")
    assert (answer["type"], answer["name"], answer["content"]) == ("ai", "writer", "Eight.")
    assert answer["usage_metadata"] == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    assert answer["additional_kwargs"] == {}
    assert [turn[key] for key in ("path", "step", "model")] == ["writer", 1, "scripted"]
    assert values["stop"] == {"reason": "completed", "detail": "", "by": None}
    assert state["next"] == []


async def test_a_second_run_keeps_the_conversation_and_counts_afresh(client, thread_of):
    thread = thread_of("quick")
    result = await result_of(client, thread, "quick", input=chat("second"))

    contents = [message["content"] for message in result["messages"]]
    assert contents == ["octopus", "Eight.", "second", "Eight."]
    assert [turn["step"] for turn in result["trail"]] == [1, 1]
    assert result["stop"]["reason"] == "completed"


async def test_a_run_can_be_taken_up_again_from_an_earlier_checkpoint(client, thread_of):
    thread = thread_of("reviewed")
    await result_of(client, thread, "reviewed", command={"resume": APPROVE})

    history = await client.threads.get_history(thread, limit=20)
    (before_writing,) = (state for state in history if state["next"] == ["writer"])
    again = await result_of(
        client, thread, "reviewed", checkpoint_id=before_writing["checkpoint"]["checkpoint_id"]
    )

    assert [turn["agent"] for turn in again["trail"]] == ["researcher", "writer"]
    assert list(await interrupts_of(client, thread)) == ["editor"]


async def test_the_form_names_model_and_user_and_nothing_blocks_the_server(client):
    context = {"model": "openai:gpt-4o-mini", "user": "ann"}

    result = await result_of(client, None, "online", input=chat("octopus"), context=context)

    assert result["output"] == "answer of Tooled."
    assert result["stop"]["reason"] == "completed"
    assert [
        (turn["agent"], turn["model"], turn["user"], turn["input_tokens"])
        for turn in result["trail"]
    ] == [
        ("plain", "gpt-4o-mini", "ann", 10),
        ("typed", "gpt-4o-mini", "ann", 10),
        ("tooled", "gpt-4o-mini", "ann", 20),
    ]
    assert all(turn["cost"] > 0 for turn in result["trail"])


async def test_a_run_without_a_model_says_what_to_set(client):
    with pytest.raises(RunError, match=r"ConfigurationError: no model is set"):
        await result_of(client, None, "online", input=chat("octopus"))


async def test_the_server_does_raise_where_a_participant_blocks_it(client):
    with pytest.raises(RunError, match="BlockingError"):
        await result_of(client, None, "blocking", input=chat("octopus"))


def helped_by(remote: RemoteGraph) -> PatternGraph:
    """A local sequence that begins with a graph on the server."""
    closer = Agent("closer", "Close.", model=ScriptedModel(lambda _: "Closed."))
    return create_sequential([remote, closer])


def check_helped(result: dict[str, Any]) -> None:
    assert result["output"] == "Closed."
    assert [(message.name, message.text) for message in result["messages"]] == [
        (None, "octopus"),
        ("helper", "Eight."),
        ("closer", "Closed."),
    ]
    assert [(turn.path, turn.step, turn.input_tokens) for turn in result["trail"]] == [
        ("helper/writer", 1, 10),
        ("closer", 2, 10),
    ]


def test_a_remote_graph_takes_part_in_a_sync_run(studio, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with get_sync_client(url=studio.url) as sync_client:
        app = helped_by(RemoteGraph("quick", sync_client=sync_client, name="helper")).compile()
        check_helped(app.invoke({"messages": "octopus"}))
        *_, last = app.stream({"messages": "octopus"}, stream_mode="values", subgraphs=False)

    check_helped(last)


async def test_a_remote_graph_takes_part_in_an_async_run(client):
    app = helped_by(RemoteGraph("quick", client=client, name="helper")).compile()

    check_helped(await app.ainvoke({"messages": "octopus"}))


async def test_a_remote_graph_with_a_memory_brings_only_what_is_new(client):
    graph = helped_by(RemoteGraph("quick", client=client, name="helper"))
    app = graph.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": str(uuid.uuid4())}}

    await app.ainvoke({"messages": "first"}, config)
    result = await app.ainvoke({"messages": "second"}, config)

    assert [turn.path for turn in result["trail"]] == ["helper/writer", "closer"] * 2
    texts = [message.text for message in result["messages"]]
    assert texts == ["first", "Eight.", "Closed.", "second", "Eight.", "Closed."]


@pytest.mark.xfail(
    strict=True,
    reason="`RemoteGraph` cannot hand an answer on: when it is resumed, it begins a run anew",
)
async def test_a_question_of_a_remote_graph_is_answered(client):
    app = helped_by(RemoteGraph("asked", client=client)).compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": str(uuid.uuid4())}}

    await app.ainvoke({"messages": "ACME"}, config)
    result = await app.ainvoke(Command(resume="Sell."), config)

    assert result["output"] == "Closed."


async def test_graphs_run_and_resume_where_unknown_types_are_blocked(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    names = ("reviewed", "asked", "teamed")

    async def run_twice(client: LangGraphClient, name: str) -> tuple[str, int]:
        thread = await begun(client, name)
        first = await result_of(client, thread, name, command={"resume": "approve"})
        second = await result_of(client, thread, name, input=chat("again"))
        return first["output"], len(second["trail"])

    graphs = {name: GRAPHS[name] for name in names}
    with StudioServer(tmp_path, graphs, {"LANGGRAPH_STRICT_MSGPACK": "true"}) as server:
        async with get_client(url=server.url) as client:
            outcomes = await asyncio.gather(*(run_twice(client, name) for name in names))

    assert outcomes == [
        ("published: An octopus has eight arms.", 6),
        ("## analyst\n\nBuy.\n\n## broker\n\napprove", 3),
        ("Closed.", 4),
    ]


SAVER = """
from langgraph_orchestra.checkpoints import aopen_checkpointer

def saver():
    return aopen_checkpointer("sqlite:///runs.db")
"""


async def test_the_sqlite_saver_serves_the_server_without_blocking_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "saver.py").write_text(SAVER)
    settings = {"checkpointer": {"path": "./saver.py:saver"}}
    with StudioServer(tmp_path, {"reviewed": GRAPHS["reviewed"]}, settings=settings) as server:
        async with get_client(url=server.url) as client:
            thread = await begun(client, "reviewed")
            result = await result_of(client, thread, "reviewed", command={"resume": APPROVE})
            state: Any = await client.threads.get_state(thread)

    with open_checkpointer(tmp_path / "runs.db") as saver:
        (info,) = threads(saver)
    assert result["output"] == "published: An octopus has eight arms."
    assert state["values"]["stop"]["reason"] == "completed"
    assert (info.thread_id, info.status) == (thread, "finished")
