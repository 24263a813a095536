import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.graphs.templates.research_pipeline import (
    ANALYSE_PROMPT,
    RETRIEVE_PROMPT,
    WRITE_PROMPT,
    Analysis,
    Retrieved,
    Source,
)
from langgraph_orchestra.graphs.templates.research_rules import (
    searches_for,
    topic_of,
    unknown_sources,
    year_from,
)

EXAMPLE = TEMPLATES["research_pipeline"].example


def found(result) -> Retrieved:
    return Retrieved.model_validate_json(said_by("retrieve", result["messages"])[-1])


def analysis(result) -> Analysis:
    return Analysis.model_validate_json(said_by("analyse", result["messages"])[-1])


def section(report: str, title: str) -> str:
    return report.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0]


def test_report_says_what_follows_what_holds_what_is_disputed_and_what_is_not_known(ask):
    report = ask("research_pipeline", EXAMPLE)["output"]
    assert report.startswith("# The cargo bikes of Voltra and Ambera in daily use\n\n## What foll")
    assert "For service, Ambera does better than Voltra [W2] [F2] [W1] [F1]." in report
    assert "Voltra, service (bad): Voltra service is slow" in section(report, "What holds")
    assert section(report, "What is disputed") == (
        "Voltra, range (bad or good): After 500 charges, the Voltra range fell to a poor 48 km. "
        "[A1] The Voltra range is good for 70 km with a full box. [W1]"
    )
    gaps = section(report, "What is not known")
    assert "Only one text says this: Voltra, price (bad): At 5,900" in gaps
    assert "No text says anything on: motor." in gaps


def test_references_are_those_that_the_report_cites_and_no_other(ask):
    result = ask("research_pipeline", "Write a report on Ambera brakes. Sources: academic, web")
    assert {"W2", "W1"} & {one.reference for one in found(result).sources}
    assert section(result["output"], "References") == (
        "- [A2] Okafor: Braking distances of loaded cargo bikes (2024)\n"
        "- [W3] City Mobility: Nine family cargo bikes in the rain (2023)"
    )


def test_only_the_named_sources_are_searched_and_from_the_year_on(ask):
    result = ask("research_pipeline", EXAMPLE)
    sources = found(result).sources
    assert {one.reference[0] for one in sources} == {"A", "W", "F"}
    assert {one.year for one in sources} == {2024, 2025}
    all_years = ask("research_pipeline", EXAMPLE.replace("Since: 2024\n", ""))
    assert 2023 in {one.year for one in found(all_years).sources}


def test_source_that_nobody_can_search_is_a_gap_in_the_report(ask):
    result = ask("research_pipeline", EXAMPLE.replace("forums", "github"))
    assert found(result).missing == ["There is no search for github."]
    assert "There is no search for github." in section(result["output"], "What is not known")


def test_source_that_finds_nothing_is_a_gap_too(ask):
    result = ask("research_pipeline", "Voltra motor. Sources: social, academic. Since: 2025")
    assert found(result).missing == []
    result = ask("research_pipeline", "Voltra brakes. Sources: web, forums. Since: 2026")
    assert found(result).missing == [
        "search_web has found nothing.",
        "search_forums has found nothing.",
    ]
    result = ask("research_pipeline", "Ambera motor, Ambera brakes. Sources: social, forums")
    assert "search_forums" not in section(result["output"], "What is not known")


@pytest.mark.parametrize(
    "task", ["Write a report on agent frameworks.", "Topic: Voltra\nSources: github"]
)
def test_run_ends_where_nothing_is_found_and_nothing_is_made_up(ask, task):
    result = ask("research_pipeline", task)
    assert result["stop"].reason == "terminated"
    assert [turn.agent for turn in result["trail"]] == ["retrieve"]
    assert str(result["output"]).startswith("No report: nothing was found.")


def test_format_is_the_one_that_was_asked_for(ask):
    points = ask("research_pipeline", EXAMPLE.replace("article", "bullet points"))["output"]
    assert section(points, "What is disputed").startswith("- Voltra, range")
    assert len(section(points, "What follows").splitlines()) == 3


def test_trend_needs_several_texts_and_a_conflict_contrary_ones(ask):
    one = analysis(ask("research_pipeline", "Voltra range. Sources: web"))
    assert (one.trends, one.conflicts, len(one.gaps)) == ([], [], 1)
    two = analysis(ask("research_pipeline", "Voltra range. Sources: web, social"))
    assert (len(two.trends), two.conflicts, two.gaps) == (1, [], [])
    three = analysis(ask("research_pipeline", "Voltra range. Sources: web, social, papers"))
    assert (three.trends, len(three.conflicts), three.gaps) == ([], 1, [])


def test_task_is_read_by_its_labels_or_its_words():
    assert topic_of("Write a report on Ambera brakes.") == "Ambera brakes"
    assert topic_of("Sources: web\nTopic: Brakes") == "Brakes"
    assert year_from("texts since 2024, please") == 2024
    assert year_from("Voltra C3") == 0
    assert [one.__name__ for one in searches_for("Sources: industry, studies")] == [
        "search_papers",
        "search_web",
    ]
    assert len(searches_for("Brakes")) == 4
    assert unknown_sources("Sources: web, github, patents") == ["github", "patents"]


def test_named_model_writes_and_what_it_cites_and_never_found_is_named(playing_all, run):
    source = Source(reference="W1", title="A test", by="Us", year=2025, text="It is good.")
    context, model = playing_all(
        {
            RETRIEVE_PROMPT: [
                calling("search_web", query="Voltra"),
                Retrieved(sources=[source], missing=[]),
            ],
            ANALYSE_PROMPT: [
                Analysis(trends=["Good [W1]."], conflicts=[], gaps=[], implications=[])
            ],
            WRITE_PROMPT: ["It is good [W1], and cheap [W9]."],
        }
    )
    result = run(TEMPLATES["research_pipeline"].build().compile(), "Voltra", context=context)
    assert result["output"] == (
        "It is good [W1], and cheap [W9].\n\n## References\n\n"
        "- [W1] Us: A test (2025)\n- [W9] is none of the texts that were retrieved."
    )
    *_, last = model.calls
    assert "Good [W1]." in " ".join(message.text for message in last.messages)


def test_report_that_cites_nothing_says_so(playing_all, run):
    source = Source(reference="W1", title="A test", by="Us", year=2025, text="It is good.")
    context, _ = playing_all(
        {
            RETRIEVE_PROMPT: [Retrieved(sources=[source], missing=[])],
            ANALYSE_PROMPT: [Analysis(trends=[], conflicts=[], gaps=[], implications=[])],
            WRITE_PROMPT: ["It is good."],
        }
    )
    result = run(TEMPLATES["research_pipeline"].build().compile(), "Voltra", context=context)
    assert result["output"].endswith("The report cites nothing.")
