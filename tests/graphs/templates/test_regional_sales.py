import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.regional_sales import REPORT_PROMPT, RegionFigures
from langgraph_orchestra.graphs.templates.sales_table import SAMPLE
from langgraph_orchestra.state import InputError

TABLE = """\
Who leads?

region,quarter,product,revenue
North,2025-Q2,Atlas,"1,500"
North,2025-Q1,Atlas,1000
South,2025-Q1,Atlas,800
South,2025-Q1,Cirrus,900
South,2025-Q2,Cirrus,850
"""


def test_regions_are_ranked_by_the_figures_of_the_table(run):
    result = run(TEMPLATES["regional_sales"].build().compile(), TABLE)
    assert result["output"] == (
        "Revenue from 2025-Q1 to 2025-Q2: 5,050. South leads.\n"
        "\n"
        "1. South: 2,550 (50.5%), growth -50.0%, best product Cirrus (1,750)\n"
        "2. North: 2,500 (49.5%), growth +50.0%, best product Atlas (2,500)\n"
        "\n"
        "Fastest growth: North (+50.0%). Slowest: South (-50.0%)."
    )


def test_each_region_has_a_typed_result_in_the_order_of_the_table(ask):
    results = ask("regional_sales", TABLE)["results"]
    assert [result.output for result in results] == [
        RegionFigures(
            region="North",
            revenue=2500,
            growth=0.5,
            periods=["2025-Q1", "2025-Q2"],
            best_product="Atlas",
            best_product_revenue=2500,
        ),
        RegionFigures(
            region="South",
            revenue=2550,
            growth=-0.5,
            periods=["2025-Q1", "2025-Q2"],
            best_product="Cirrus",
            best_product_revenue=1750,
        ),
    ]


def test_sample_that_the_example_names_comes_with_the_package(ask):
    output = ask("regional_sales", TEMPLATES["regional_sales"].example)["output"]
    assert output.startswith("Revenue from 2025-Q1 to 2025-Q4: 14,508,000. North America leads.")
    assert "1. North America: 5,155,000 (35.5%), growth +15.8%, best product Atlas" in output
    assert "Fastest growth: Asia Pacific (+25.3%). Slowest: Latin America (-3.4%)." in output


@pytest.mark.parametrize("naming", ["Compare {}, please.", "Look at '{}'", "({})"])
def test_file_may_be_named_in_the_task(ask, tmp_path, naming):
    path = tmp_path / "my sales.csv" if "'" in naming else tmp_path / "sales.csv"
    path.write_text("Country;Month;Sales\nNorway;Jan;1 200\nNorway;Feb;1500\nChad;Jan;900\n")
    assert ask("regional_sales", naming.format(path))["output"] == (
        "Revenue from Jan to Feb: 3,600. Norway leads.\n"
        "\n"
        "1. Norway: 2,700 (75.0%), growth +25.0%\n"
        "2. Chad: 900 (25.0%)"
    )


def test_own_file_of_the_samples_name_comes_before_the_sample(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / SAMPLE.name).write_text("region,revenue\nMoon,1\n")
    assert ask("regional_sales", f"Compare {SAMPLE.name}")["output"] == (
        "Revenue: 1. Moon leads.\n\n1. Moon: 1 (100.0%)"
    )


def test_prose_that_speaks_of_regions_is_not_taken_for_the_table(ask):
    prose = "Rank each region, please\nby country, by year\n\n"
    assert "South leads" in ask("regional_sales", prose + TABLE)["output"]


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ("Who leads?", "holds no table of sales: give CSV text with the columns `region`"),
        ("Look at missing.csv", "table `missing.csv` cannot be read: No such file"),
        ("region,product\nEU,Atlas", "no column `revenue`; its columns are `region`, `product`"),
        ("region,revenue\nEU,10\nUS,n/a", "line 3 of the table gives no revenue: `US,n/a`"),
        ("region,revenue\nEU,nan", "line 2 of the table gives no revenue"),
        ("region,revenue\n,10", "line 2 of the table names no region"),
    ],
)
def test_table_that_cannot_be_used_is_refused_with_the_reason(run, task, complaint):
    with pytest.raises(InputError, match=complaint):
        run(TEMPLATES["regional_sales"].build().compile(), task)


def test_named_model_writes_the_report_from_our_figures(ask_model):
    result, model = ask_model("regional_sales", TABLE, {REPORT_PROMPT: "South, but falling."})
    assert result["output"] == "South, but falling."
    [call] = model.calls
    _, task, north, south = (message.text for message in call.messages)
    assert task == TABLE
    assert north.startswith('region[0]: {"region":"North","revenue":2500.0,"growth":0.5')
    assert '"best_product":"Cirrus"' in south


def test_figures_are_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["regional_sales"]
    result = run(template.build().compile(checkpointer=saver), TABLE, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    results = reloaded.get_state({"configurable": {"thread_id": "1"}}).values["results"]
    assert results == result["results"]
    assert all(isinstance(one.output, RegionFigures) for one in results)


def test_columns_may_have_names_of_several_words(ask):
    table = "Sales region,Order date,Net revenue (USD)\nEU,2024,10\nEU,2025,15"
    assert ask("regional_sales", table)["output"] == (
        "Revenue from 2024 to 2025: 25. EU leads.\n\n1. EU: 25 (100.0%), growth +50.0%"
    )


def test_empty_file_is_refused(ask, tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(InputError, match="no column `region`; its columns are none"):
        ask("regional_sales", f"Compare {path}")
