"""`timeline`, `conversation` and `spending` as figures, and the pictures they are made of."""

import subprocess
import sys
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langgraph_orchestra import reports
from langgraph_orchestra.reports import conversation, spending, timeline
from langgraph_orchestra.reports.conversations import conversation_picture
from langgraph_orchestra.reports.pictures.bars import spending_picture
from langgraph_orchestra.reports.pictures.gantt import timeline_picture
from langgraph_orchestra.reports.pictures.measure import fitting, width_of
from langgraph_orchestra.reports.pictures.svg import svg_of
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.reports.usage import usage_by_participant, usage_in_all
from langgraph_orchestra.state import ConfigurationError, Stop
from support.everything import everything_said
from support.pictures import boxes, labels, overlapping
from support.trails import chain, turn

FIGURES = [timeline, conversation, spending]
TRAILS = {
    "none": [],
    "one that took no time": [turn("a", 1, seconds=0.0)],
    "all at the same time": [turn(f"w[{i}]", i + 1, seconds=3.0) for i in range(40)],
    "three hundred": chain(*["a", "team/b", "team/c"] * 100, input_tokens=10, cost=0.1),
    "many names": chain(*(f"participant_with_a_long_name_{i}" for i in range(40))),
    "days apart": [turn("a", 1), turn("b", 2, 250_000.0), *chain("a", at=900_000.0)],
    "without a path": [turn("", 1).model_copy(update={"agent": "a"})],
    "names that no font has": chain("\U0001f600 \u6f22\u5b57 $x_1$", "\x1b[31m<b>"),
}


def pictures_of(values):
    recording = recording_of(values)
    trail = recording.trail
    return [
        timeline_picture(recording.runs),
        timeline_picture(recording.runs, 358),
        conversation_picture(recording),
        spending_picture(usage_by_participant(trail), usage_in_all(trail)),
    ]


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("name", TRAILS)
def test_any_trail_makes_a_figure_that_can_be_saved(draw, name):
    figure = draw({"trail": TRAILS[name], "stop": Stop(reason="completed")})
    file = BytesIO()
    figure.savefig(file, dpi=20)
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", TRAILS)
def test_nothing_leaves_its_picture_and_svg_is_well_formed(name):
    for picture in pictures_of({"trail": TRAILS[name]}):
        assert ET.fromstring(svg_of(picture)).tag.endswith("svg")
        for box in boxes(picture):
            assert box.x >= 0
            assert box.x + box.width <= picture.width + 0.1
            assert box.y >= 0
            assert box.y + box.height <= picture.height + 0.1


@pytest.mark.parametrize("words", ["<script>&\"'", "\ud800\x00\x1b[0m", "$a$ $", "%s {} \\alpha"])
def test_words_of_any_kind_can_be_drawn(words):
    values = everything_said(words)
    for picture in pictures_of(values):
        ET.fromstring(svg_of(picture))
    for draw in FIGURES:
        draw(values).savefig(BytesIO(), dpi=20)


@pytest.mark.parametrize(
    ("asked", "unloaded"),
    [
        ("timeline({})", "matplotlib.pyplot"),
        ("timeline_table({}), report({})", "matplotlib"),
        ("timeline_table({}), report({})", "langsmith.evaluation.evaluator"),
    ],
)
def test_only_what_is_asked_for_is_loaded(asked, unloaded):
    script = (
        f"import sys; from langgraph_orchestra.reports import timeline, timeline_table, report; "
        f"{asked}; print({unloaded!r} in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("draw", FIGURES)
def test_without_matplotlib_the_extra_is_named(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigurationError, match=r"install `langgraph-orchestra\[plot\]`"):
        draw({"trail": chain("a")})


@pytest.mark.parametrize("draw", FIGURES)
def test_what_is_no_result_is_refused(draw):
    with pytest.raises(TypeError, match="`result` is the mapping"):
        draw("a result")


@pytest.mark.parametrize(("most", "error"), [(1, ValueError), (True, TypeError), ("9", TypeError)])
def test_a_number_of_rows_that_makes_no_picture_is_refused(most, error):
    with pytest.raises(error, match="`most`"):
        conversation({"trail": chain("a")}, most=most)


def test_bars_stand_where_and_as_long_as_turns_were():
    trail = [turn("a", 1, 0, 2), turn("b", 2, 0, 4), turn("c", 3, 4, 4)]
    a, b, c = [box for box in boxes(timeline_picture([trail])) if box.hint]
    assert a.x == b.x
    assert b.width == pytest.approx(2 * a.width)
    assert c.x == pytest.approx(b.x + b.width)
    assert overlapping([(box.x, box.y, box.width, box.height) for box in (a, b, c)]) == []


def test_items_of_a_map_that_ran_at_once_do_not_hide_each_other():
    trail = TRAILS["all at the same time"]
    bars = [box for box in boxes(timeline_picture([trail])) if box.hint]
    assert len(bars) == len(trail)
    assert overlapping([(box.x, box.y, box.width, box.height) for box in bars]) == []


def test_what_failed_has_a_colour_of_its_own_and_says_why():
    trail = [turn("a", 1, outcome="timed_out", detail="too slow")]
    (bar,) = [box for box in boxes(timeline_picture([trail])) if box.hint]
    assert bar.fill == "failed"
    assert "too slow" in bar.hint


def test_pauses_and_runs_are_named():
    recording = recording_of({"trail": TRAILS["days apart"]})
    told = labels(timeline_picture(recording.runs))
    assert {"run 1", "run 2", "2 d 21 h idle"} <= set(told)


def test_ticks_count_the_work_and_not_the_pauses():
    trail = [turn("a", 1, 0, 10), turn("b", 2, 50_000, 10)]
    told = labels(timeline_picture([trail]))
    assert {"0 s", "5 s", "10 s", "15 s", "20 s"} <= set(told)


def test_labels_of_a_conversation_stay_on_the_page_and_are_cut_where_they_are_long():
    said = [HumanMessage("word " * 100), AIMessage("word " * 100, name="a")]
    picture = conversation_picture(recording_of({"messages": said, "trail": chain("a")}))
    told = [text for text in labels(picture) if text.startswith("word")]
    assert all(text.endswith("…") for text in told)
    assert len(told) == 2


def test_a_long_conversation_says_how_much_it_leaves_out():
    picture = conversation_picture(recording_of({"trail": TRAILS["three hundred"]}), 10)
    assert "291 more" in labels(picture)


def test_tokens_are_told_apart_and_where_there_are_none_time_is_shown():
    counted = chain("a", input_tokens=3000, output_tokens=1000)
    whole = usage_in_all(counted)
    read, written, *_ = boxes(spending_picture(usage_by_participant(counted), whole))
    assert read.width == pytest.approx(3 * written.width)
    silent = spending_picture(usage_by_participant(chain("a")), usage_in_all(chain("a")))
    assert "tokens read" not in labels(silent)


def test_a_text_is_cut_to_its_room():
    assert fitting("short", 200) == "short"
    cut = fitting("a text that is too long for its room", 80)
    assert cut.endswith("…")
    assert width_of(cut) <= 80


def test_public_names_are_functions_whatever_was_loaded_before():
    for name in reports.__all__:
        assert callable(getattr(reports, name))
    assert set(reports.__all__) <= set(dir(reports))
    with pytest.raises(AttributeError, match="`nothing`"):
        reports.nothing  # noqa: B018
