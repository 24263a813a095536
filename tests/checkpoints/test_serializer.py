"""Values come back as what they were, or the error says what to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

from langgraph_orchestra import state
from langgraph_orchestra.checkpoints import open_checkpointer
from langgraph_orchestra.state import CheckpointError, ConfigurationError, OrchestrationContext

if TYPE_CHECKING:
    Artist = str


class Severity(Enum):
    """How bad a finding is."""

    HIGH = "high"


class Finding(BaseModel):
    """What a reviewer found."""

    text: str
    severity: Severity = Severity.HIGH


@dataclass(frozen=True)
class Report:
    """What a user's own participant answers."""

    title: str
    findings: list[Finding]


@dataclass(frozen=True)
class Sketch:
    """Has a field whose class is there for type checkers only."""

    by: "Artist"


class Outer:
    """Holds a class that cannot be found by its name."""

    class Nested(BaseModel):
        """Stored as `Nested` of this module."""


REPORT = Report("Octopuses", [Finding(text="they have three hearts")])


class State(TypedDict, total=False):
    """State of one value, of any type."""

    value: Any


def app_for(saver: Any, value: Any = None) -> Any:
    graph = StateGraph(State)
    graph.add_node("set", lambda _: {"value": value})
    graph.add_edge(START, "set")
    return graph.compile(checkpointer=saver)


def save(url: str, value: Any, **options: Any) -> None:
    with open_checkpointer(url, **options) as saver:
        app_for(saver, value).invoke({}, {"configurable": {"thread_id": "1"}})


def load(url: str, **options: Any) -> Any:
    with open_checkpointer(url, **options) as saver:
        return app_for(saver).get_state({"configurable": {"thread_id": "1"}}).values["value"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGGRAPH_AES_KEY", raising=False)


@pytest.fixture
def complaints() -> Iterator[list[SerdeEvent]]:
    """What LangGraph has to say about the types it meets."""
    events: list[SerdeEvent] = []
    unregister = register_serde_event_listener(events.append)
    yield events
    unregister()


def test_our_records_and_messages_come_back_typed_and_without_complaint(
    url: str, complaints: list[SerdeEvent]
) -> None:
    records = [
        record.model_construct()
        for record in (getattr(state, name) for name in state.__all__)
        if isinstance(record, type) and issubclass(record, BaseModel)
    ]
    messages: list[AnyMessage] = [
        HumanMessage("hello"),
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "1"}]),
        ToolMessage("a cat", tool_call_id="1"),
    ]
    values = [OrchestrationContext(model="m"), *messages]
    save(url, [*values, *records])
    loaded = load(url)
    assert loaded[: len(values)] == values
    assert [type(item) for item in loaded[len(values) :]] == [type(item) for item in records]
    assert complaints == []


def test_types_given_by_the_user_come_back_with_those_of_their_fields(
    url: str, complaints: list[SerdeEvent]
) -> None:
    save(url, [REPORT, Severity.HIGH])
    assert load(url, types=(Report,)) == [REPORT, Severity.HIGH]
    assert complaints == []


def test_a_type_whose_fields_cannot_be_looked_up_comes_back_too(url: str) -> None:
    save(url, Sketch(by="Ada"))
    assert load(url, types=(Sketch,)) == Sketch(by="Ada")


async def test_an_unknown_type_is_an_error_that_names_it_and_the_remedy(
    calls: Any, store: str
) -> None:
    async with calls.opened(store) as saver:
        app = app_for(saver, REPORT)
        await calls.invoke(app, {}, "1")
        with pytest.raises(CheckpointError, match=r"\.Report`.*open it with `types=\(") as caught:
            await calls.invoke(app, {}, "1")
    assert "Finding" in str(caught.value)


async def test_looking_at_a_thread_shows_values_of_unknown_types_as_plain_data(
    calls: Any, url: str
) -> None:
    save(url, Finding(text="three hearts"))
    async with calls.opened(url) as saver:
        assert [info.status for info in await calls.threads(saver)] == ["finished"]
        newest, *_ = await calls.history(saver, "1")
    assert newest.checkpoint["channel_values"]["value"]["text"] == "three hearts"


def test_a_clone_with_more_types_reads_them_from_the_same_store(store: str) -> None:
    with open_checkpointer(store) as saver:
        finding = Finding(text="three hearts")
        app_for(saver, finding).invoke({}, {"configurable": {"thread_id": "1"}})
        wider = saver.with_allowlist({(Finding.__module__, "Finding"), (__name__, "Severity")})
        config: Any = {"configurable": {"thread_id": "1"}}
        assert app_for(wider).get_state(config).values["value"] == finding
        with pytest.raises(CheckpointError, match="Finding"):
            app_for(saver).get_state(config)


def test_langgraphs_strict_mode_knows_the_types_that_a_graph_declares(tmp_path: Path) -> None:
    script = """
import sys
from dataclasses import dataclass
from typing import TypedDict
from langgraph.graph import START, StateGraph
from langgraph_orchestra.checkpoints import open_checkpointer

@dataclass
class Plan:
    steps: list[str]

class State(TypedDict):
    plan: Plan

graph = StateGraph(State)
graph.add_node("extend", lambda state: {"plan": Plan([*state["plan"].steps, "more"])})
graph.add_edge(START, "extend")
with open_checkpointer(sys.argv[1]) as saver:
    app = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    app.invoke({"plan": Plan(["first"])}, config)
    print(app.get_state(config).values["plan"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "runs.db")],
        env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "Plan(steps=['first', 'more'])", done.stderr


@pytest.mark.parametrize("wrong", [Report, ("Report",), (REPORT,)])
def test_types_that_are_not_classes_are_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="`types`"), open_checkpointer("memory://", types=wrong):
        pass


def test_a_class_within_a_class_is_refused_as_it_cannot_be_found_again() -> None:
    with (
        pytest.raises(ConfigurationError, match=r"`Outer\.Nested` cannot be restored"),
        open_checkpointer("memory://", types=(Outer.Nested,)),
    ):
        pass


class TestEncryption:
    """With a key, values are unreadable for others and readable for us."""

    KEY = b"sixteen bytes ok"

    @pytest.fixture(autouse=True)
    def _needs_pycryptodome(self) -> None:
        pytest.importorskip("Crypto")

    def test_values_are_not_readable_in_the_file(self, url: str, tmp_path: Path) -> None:
        save(url, "the secret recipe", key=self.KEY)
        content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"the secret recipe" not in content
        assert load(url, key=self.KEY) == "the secret recipe"

    def test_the_key_may_be_text_and_may_stand_in_the_environment(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(url, "the secret recipe", key=self.KEY.decode())
        monkeypatch.setenv("LANGGRAPH_AES_KEY", self.KEY.decode())
        assert load(url) == "the secret recipe"

    def test_records_stay_typed(self, url: str) -> None:
        context = OrchestrationContext(model="m")
        save(url, context, key=self.KEY)
        assert load(url, key=self.KEY) == context

    def test_memory_takes_a_key_too(self) -> None:
        with open_checkpointer("memory://", key=self.KEY) as saver:
            config: Any = {"configurable": {"thread_id": "1"}}
            app_for(saver, "soup").invoke({}, config)
            assert app_for(saver).get_state(config).values["value"] == "soup"

    @pytest.mark.parametrize("key", [None, b"another 16 bytes"], ids=["no key", "another key"])
    def test_without_the_right_key_the_file_is_refused_by_name(
        self, url: str, key: bytes | None
    ) -> None:
        save(url, "the secret recipe", key=self.KEY)
        with pytest.raises(CheckpointError, match=r"runs\.db` cannot be read.*`key`"):
            load(url, key=key)

    @pytest.mark.parametrize("key", [b"short", ""])
    def test_a_key_of_another_size_is_refused(self, key: bytes | str) -> None:
        with (
            pytest.raises(ConfigurationError, match=f"16, 24 or 32 bytes, not {len(key)}"),
            open_checkpointer("memory://", key=key),
        ):
            pass

    def test_an_empty_key_in_the_environment_is_not_taken_for_none(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LANGGRAPH_AES_KEY", "")
        with (
            pytest.raises(ConfigurationError, match="`LANGGRAPH_AES_KEY`"),
            open_checkpointer("memory://"),
        ):
            pass

    def test_a_key_of_another_type_is_a_type_error(self) -> None:
        wrong: Any = 1234567890123456
        with pytest.raises(TypeError, match="`key`"), open_checkpointer("memory://", key=wrong):
            pass


def test_a_key_without_pycryptodome_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "Crypto.Cipher", None)
    with (
        pytest.raises(
            ConfigurationError, match=r"`pycryptodome`.*langgraph-orchestra\[encryption\]"
        ),
        open_checkpointer("memory://", key=b"sixteen bytes ok"),
    ):
        pass
