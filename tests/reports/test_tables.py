"""What the terminal shows of a run."""

from langchain_core.messages import AIMessage, HumanMessage
from rich.console import Console

from langgraph_orchestra.reports import conversation_table, spending_table, timeline_table
from langgraph_orchestra.state import Stop
from support.trails import chain, turn


def printed(table, width=80):
    """A table as it comes out of a pipe, without the blanks at the ends of lines."""
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_work_side_by_side_stands_side_by_side():
    trail = [turn("a", 1, 0, 2), turn("b", 2, 0, 4), turn("join", 3, 4, 4, kind="aggregate")]
    bars = {
        line.split()[1]: line.index("━") for line in printed(timeline_table({"trail": trail}))[1:]
    }
    assert bars["a"] == bars["b"] < bars["join"]


def test_a_turn_that_took_no_time_has_a_bar():
    lines = printed(timeline_table({"trail": [turn("a", 1, seconds=0.0)]}))
    assert "━" in lines[-1]


def test_days_of_waiting_leave_room_for_the_work():
    trail = [turn("a", 1, 0, 4), turn("b", 2, 200_000, 4)]
    first, second = printed(timeline_table({"trail": trail}))[1:]
    assert first.count("━") == second.count("━") > 5


def test_outcomes_reasons_and_tokens_are_told():
    trail = [
        turn("a", 1, outcome="failed", detail="ValueError: no", input_tokens=1200),
        turn("selector", 2, kind="decision", detail="b: is next"),
    ]
    text = "\n".join(printed(timeline_table({"trail": trail})))
    assert "failed: ValueError: no" in text
    assert "1,200" in text
    assert "b: is next" in text


def test_each_participant_is_summed_up_and_all_of_them():
    trail = chain("team/a", "b", "team/a", input_tokens=10, output_tokens=5, cost=0.25)
    lines = printed(spending_table({"trail": trail}))
    assert [line.split()[:5] for line in lines[1:]] == [
        ["team/a", "2", "20", "10", "$0.5000"],
        ["b", "1", "10", "5", "$0.2500"],
        ["all", "3", "30", "15", "$0.7500"],
    ]


def test_the_items_of_a_map_are_one_worker():
    lines = printed(spending_table({"trail": chain(*(f"w[{i}]" for i in range(12)))}))
    assert [line.split()[:2] for line in lines[1:]] == [["w", "12"], ["all", "12"]]


def test_three_hundred_turns_and_hostile_names_fit_into_eighty_columns():
    trail = chain(*(f"[bold]{'x' * (i % 60)}\x1b[31m" for i in range(300)), detail="word " * 60)
    for table in (timeline_table({"trail": trail}), spending_table({"trail": trail})):
        text = printed(table)
        assert max(map(len, text)) <= 80
        assert "[b" in "".join(text)
        assert "\x1b" not in "".join(text)


def test_runs_of_a_thread_are_numbered():
    lines = printed(timeline_table({"trail": [*chain("a", "b"), *chain("a")]}))
    assert lines[0].split()[:2] == ["run", "step"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["1", "1", "a"],
        ["1", "2", "b"],
        ["2", "1", "a"],
    ]


def test_an_empty_trail_is_a_table_without_rows():
    assert len(printed(timeline_table({}))) == 1
    assert printed(spending_table({}))[-1].split()[:2] == ["all", "0"]


def test_who_passed_what_to_whom_is_a_row_each():
    values = {
        "messages": [HumanMessage("Write [b]"), AIMessage("A\ndraft", name="a")],
        "trail": chain("a"),
        "stop": Stop(reason="completed"),
    }
    lines = printed(conversation_table(values))
    assert [line.split() for line in lines] == [
        ["from", "to", "what"],
        ["user", "a", "Write", "[b]"],
        ["a", "user", "A", "draft"],
    ]
