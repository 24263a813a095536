from langgraph_orchestra.graphs.templates.content_pipeline import (
    EDIT_PROMPT,
    RESEARCH_PROMPT,
    WRITE_PROMPT,
)


def said(result, name: str) -> list[str]:
    return [message.text for message in result["messages"] if message.name == name]


def test_article_is_made_of_the_facts_in_the_task(ask):
    result = ask(
        "content_pipeline",
        "Please write a post about our new office. It is in Oslo. It opens on 3 May.",
    )
    assert said(result, "research") == [
        "Notes on our new office\n- It is in Oslo.\n- It opens on 3 May."
    ]
    assert result["output"] == "# Our new office\n\nIt is in Oslo.\n\nIt opens on 3 May."


def test_editor_cuts_padding_and_keeps_capitals_and_figures(ask):
    task = "Write about lamps. In order to save power, we sold a large number of lamps. Really 400."
    result = ask("content_pipeline", task)
    [draft] = said(result, "write")
    assert "In order to" in draft
    assert result["output"] == "# Lamps\n\nTo save power, we sold many lamps.\n\n400."


def test_without_facts_the_article_says_that_there_are_none(ask):
    for task in ("Write a short article about octopuses", "Octopuses"):
        output = ask("content_pipeline", task)["output"]
        assert "the task gives no facts about octopuses" in output.lower()


def test_each_stage_reads_the_task_and_the_stage_before(ask_model):
    result, model = ask_model(
        "content_pipeline",
        "Write about octopuses",
        {RESEARCH_PROMPT: "three hearts", WRITE_PROMPT: "a draft", EDIT_PROMPT: "finished"},
    )
    assert result["output"] == "finished"
    assert [[message.text for message in call.messages[1:]] for call in model.calls] == [
        ["Write about octopuses"],
        ["Write about octopuses", "research: three hearts"],
        ["Write about octopuses", "write: a draft"],
    ]
