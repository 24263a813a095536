"""A thread that belongs to somebody is nobody else's to read, resume, list, fork or delete."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langgraph_orchestra.checkpoints import OwnedThreads
from langgraph_orchestra.state import CheckpointError, ConfigurationError

from .conftest import SyncCalls, extend

FOREIGN = "thread `1` belongs to another owner"


class State(TypedDict, total=False):
    """State of a graph that asks."""

    said: Annotated[list[str], DeltaChannel(extend)]
    answer: str


class Asked(TypedDict, total=False):
    """State of the team in it."""

    answer: str


@pytest.fixture
async def opened(calls: SyncCalls, store: str) -> AsyncIterator[BaseCheckpointSaver[str]]:
    async with calls.opened(store) as saver:
        yield saver


def asking(saver: Any) -> Any:
    inner: Any = StateGraph(Asked)
    inner.add_node("ask", lambda _: {"answer": interrupt("May I?")})
    inner.add_edge(START, "ask")
    graph: Any = StateGraph(State)
    graph.add_node("team", inner.compile())
    graph.add_node("say", lambda state: {"said": [state["answer"]]})
    graph.add_edge(START, "team")
    graph.add_edge("team", "say")
    return graph.compile(checkpointer=saver)


@pytest.fixture
async def run(calls: SyncCalls) -> Callable[..., Any]:
    is_sync = type(calls) is SyncCalls

    async def invoke(
        app: Any, value: Any, owner: str | None = None, thread: str = "1", **place: str
    ) -> Any:
        named = {"owner": owner} if owner is not None else {}
        config = {"configurable": {"thread_id": thread, **named, **place}}
        return app.invoke(value, config) if is_sync else await app.ainvoke(value, config)

    return invoke


async def test_an_owner_goes_on_with_their_thread(opened: Any, run: Any) -> None:
    app = asking(OwnedThreads(opened))
    await run(app, {"said": ["hello"]}, "ann")
    result = await run(app, Command(resume="yes"), "ann")
    assert result["said"] == ["hello", "yes"]
    await run(app, {"said": ["again"]}, "ann")
    result = await run(app, Command(resume="no"), "ann")
    assert result["said"] == ["hello", "yes", "again", "no"]
    state = app.get_state({"configurable": {"thread_id": "1", "owner": "ann"}}, subgraphs=True)
    assert state.values == result
    assert state.next == ()


@pytest.mark.parametrize("value", [{"said": ["mine"]}, None, Command(resume="mine")])
async def test_another_cannot_run_or_resume_it(opened: Any, run: Any, value: Any) -> None:
    app = asking(OwnedThreads(opened))
    await run(app, {"said": ["hello"]}, "ann")
    with pytest.raises(CheckpointError, match=FOREIGN):
        await run(app, value, "bob")
    result = await run(app, Command(resume="yes"), "ann")
    assert result["said"] == ["hello", "yes"]


async def test_another_cannot_begin_anew_in_it_from_a_checkpoint_that_is_not_there(
    opened: Any, run: Any
) -> None:
    app = asking(OwnedThreads(opened))
    await run(app, {"said": ["hello"]}, "ann")
    missing = "2f000000-0000-6000-8000-000000000000"
    with pytest.raises(CheckpointError, match=FOREIGN):
        await run(app, {"said": ["mine"]}, "bob", checkpoint_id=missing)
    result = await run(app, Command(resume="yes"), "ann")
    assert result["said"] == ["hello", "yes"]


async def test_who_names_nobody_is_told_to(opened: Any, run: Any) -> None:
    app = asking(OwnedThreads(opened))
    await run(app, {"said": ["hello"]}, "ann")
    with pytest.raises(CheckpointError, match="belongs to an owner: name who calls"):
        await run(app, None)


async def test_another_cannot_read_it(calls: Any, opened: Any, run: Any) -> None:
    view = OwnedThreads(opened)
    await run(asking(view), {"said": ["hello"]}, "ann")
    [newest, *_] = await calls.history(opened, "1")
    elsewhere = {"thread_id": "1", "checkpoint_ns": "elsewhere"}
    for place in ({"thread_id": "1"}, newest.config["configurable"], elsewhere):
        config = {"configurable": {**place, "owner": "bob"}}
        with pytest.raises(CheckpointError, match=FOREIGN):
            await calls.of(view, "get_tuple", config)
        with pytest.raises(CheckpointError, match=FOREIGN):
            await calls.of(view, "get_delta_channel_history", config=config, channels=["said"])
    with pytest.raises(CheckpointError, match=FOREIGN):
        asking(view).get_state({"configurable": {"thread_id": "1", "owner": "bob"}})


async def test_another_cannot_list_it_and_does_not_see_it(
    calls: Any, opened: Any, run: Any
) -> None:
    for thread, owner in (("1", "ann"), ("2", "bob"), ("3", None)):
        await run(asking(OwnedThreads(opened)), {"said": ["hello"]}, owner, thread)
    with pytest.raises(CheckpointError, match=FOREIGN):
        await calls.history(OwnedThreads(opened, "bob"), "1")
    seen = {info.thread_id for info in await calls.threads(OwnedThreads(opened, "bob"))}
    assert seen == {"2", "3"}
    nobodys = {info.thread_id for info in await calls.threads(OwnedThreads(opened))}
    assert nobodys == {"3"}
    assert len(await calls.threads(opened)) == 3


async def test_another_cannot_fork_it_and_the_owner_can(calls: Any, opened: Any, run: Any) -> None:
    await run(asking(OwnedThreads(opened)), {"said": ["hello"]}, "ann")
    [newest, *_] = await calls.history(OwnedThreads(opened, "ann"), "1")
    with pytest.raises(CheckpointError, match=FOREIGN):
        await calls.fork(OwnedThreads(opened, "bob"), "1", newest.checkpoint["id"])
    forked = await calls.fork(OwnedThreads(opened, "ann"), "1", newest.checkpoint["id"])
    app = asking(OwnedThreads(opened))
    with pytest.raises(CheckpointError, match="belongs to another owner"):
        await run(app, Command(resume="mine"), "bob", forked)
    assert (await run(app, Command(resume="yes"), "ann", forked))["said"] == ["hello", "yes"]


async def test_another_cannot_delete_it(calls: Any, opened: Any, run: Any) -> None:
    await run(asking(OwnedThreads(opened)), {"said": ["hello"]}, "ann")
    with pytest.raises(CheckpointError, match=FOREIGN):
        await calls.of(OwnedThreads(opened, "bob"), "delete_thread", "1")
    assert await calls.history(opened, "1") != []
    await calls.of(OwnedThreads(opened, "ann"), "delete_thread", "1")
    assert await calls.history(opened, "1") == []


async def test_a_thread_without_owner_becomes_that_of_who_goes_on_with_it(
    opened: Any, run: Any
) -> None:
    app = asking(OwnedThreads(opened))
    await run(app, {"said": ["hello"]})
    assert (await run(app, Command(resume="yes"), "ann"))["said"] == ["hello", "yes"]
    with pytest.raises(CheckpointError, match=FOREIGN):
        await run(app, {"said": ["mine"]}, "bob")


async def test_what_was_saved_before_a_thread_had_an_owner_is_theirs_too(
    calls: Any, opened: Any, run: Any
) -> None:
    view = OwnedThreads(opened)
    await run(asking(view), {"said": ["hello"]})
    *_, oldest = await calls.history(opened, "1")
    await run(asking(view), Command(resume="yes"), "ann")
    config = {"configurable": {**oldest.config["configurable"], "owner": "bob"}}
    with pytest.raises(CheckpointError, match=FOREIGN):
        await calls.of(view, "get_tuple", config)


async def test_a_thread_is_not_listed_by_what_was_saved_before_it_had_an_owner(
    calls: Any, opened: Any, run: Any
) -> None:
    view = OwnedThreads(opened)
    await run(asking(view), {"said": ["hello"]})
    await run(asking(view), Command(resume="yes"), "ann")
    for other in (OwnedThreads(opened, "bob"), view):
        assert await calls.threads(other) == []
    [seen] = await calls.threads(OwnedThreads(opened, "ann"))
    assert seen.thread_id == "1"


@pytest.mark.parametrize("owner", ["ann", None])
async def test_metadata_of_a_run_does_not_say_whose_its_thread_is(
    calls: Any, opened: Any, owner: str | None
) -> None:
    app = asking(OwnedThreads(opened, owner)).with_config(metadata={"owner": "bob", "tag": "x"})
    await calls.invoke(app, {"said": ["hello"]}, "1")
    assert await calls.history(OwnedThreads(opened, owner), "1", limit=1)
    result = await calls.invoke(app, Command(resume="yes"), "1")
    assert result["said"] == ["hello", "yes"]
    [newest] = await calls.history(opened, "1", limit=1)
    assert newest.metadata["tag"] == "x"


async def test_the_owner_of_the_view_is_who_calls_if_no_config_says_so(
    opened: Any, run: Any
) -> None:
    await run(asking(OwnedThreads(opened, "ann")), {"said": ["hello"]})
    with pytest.raises(CheckpointError, match=FOREIGN):
        await run(asking(OwnedThreads(opened, "bob")), {"said": ["mine"]})
    result = await run(asking(OwnedThreads(opened, "bob")), Command(resume="yes"), "ann")
    assert result["said"] == ["hello", "yes"]


async def test_owned_threads_are_copied_and_pruned_by_their_owners(
    calls: Any, tmp_path: Any, run: Any
) -> None:
    async with calls.opened(str(tmp_path / "runs.db")) as saver:
        await run(asking(OwnedThreads(saver)), {"said": ["hello"]}, "ann")
        for work in (("copy_thread", "1", "2"), ("prune", ["1"])):
            with pytest.raises(CheckpointError, match=FOREIGN):
                await calls.of(OwnedThreads(saver, "bob"), *work)
            await calls.of(OwnedThreads(saver, "ann"), *work)
        for thread in ("1", "2"):
            with pytest.raises(CheckpointError, match="belongs to another owner"):
                await run(asking(OwnedThreads(saver)), None, "bob", thread)
            result = await run(asking(OwnedThreads(saver)), Command(resume="yes"), "ann", thread)
            assert result["said"] == ["hello", "yes"]


async def test_a_plain_saver_asks_nobody(opened: Any, run: Any) -> None:
    await run(asking(OwnedThreads(opened)), {"said": ["hello"]}, "ann")
    assert (await run(asking(opened), Command(resume="yes")))["said"] == ["hello", "yes"]


@pytest.mark.parametrize(("owner", "error"), [("", ConfigurationError), (7, TypeError)])
async def test_an_owner_is_a_text(opened: Any, run: Any, owner: Any, error: Any) -> None:
    with pytest.raises(error, match="`owner` is"):
        OwnedThreads(opened, owner)
    with pytest.raises(error, match="`owner` is"):
        await run(asking(OwnedThreads(opened)), {"said": ["hello"]}, owner)
