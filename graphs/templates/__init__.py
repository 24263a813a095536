"""Ready-to-run worked examples: the graphs of `langgraph.json` and of the command line.

The module of each has its graph, prompts and typed answers, and the stand-ins that answer for its
agents where no model is named. To make one your own, copy it and leave the stand-ins out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from langgraph_orchestra.graphs import PatternGraph

__all__ = ["TEMPLATES", "Template"]


@dataclass(frozen=True)
class Template:
    """A worked example."""

    name: str
    """Its name; the module's, and the key in `langgraph.json`."""

    pattern: str
    """Name of the pattern it shows."""

    summary: str
    """What it does, in one line."""

    build: Callable[[], PatternGraph]
    """Builds the graph, uncompiled."""

    example: str
    """A task that shows it at its best."""

    offline: str
    """What stands in for the agents when no model is named, in one line."""

    answers: tuple[str, ...] = ()
    """What the person who is asked in the example may answer, in order; empty if nobody is."""


def _template(
    name: str,
    *,
    pattern: str,
    summary: str,
    example: str,
    offline: str,
    answers: tuple[str, ...] = (),
) -> Template:
    def build() -> PatternGraph:
        graph: PatternGraph = import_module(f"{__name__}.{name}").graph()
        return graph

    return Template(name, pattern, summary, build, example, offline, answers)


_ALL = (
    _template(
        "content_pipeline",
        pattern="sequential",
        summary="Collects the facts, writes an article from them, and edits it.",
        example=(
            "Write a short article about the night bus trial in Halden.\nFacts: In order to help "
            "shift workers, twelve buses ran on four routes from March to May. 38,000 people rode "
            "them. Three in four riders were really on their way to or from work. The council "
            "votes in September on whether the buses stay."
        ),
        offline="scripts that put the facts given in the task in order; none are looked up",
    ),
    _template(
        "ticket_pipeline",
        pattern="sequential",
        summary="Classifies a support ticket, sets its priority, routes it, and writes the notice.",
        example=(
            "Checkout has been down since 9:40 and all customers see an error after they pay. We "
            "are losing orders. Last night we updated the payment settings."
        ),
        offline="rules on the words of the ticket",
    ),
    _template(
        "loan_approval",
        pattern="sequential",
        summary="Verifies a loan application, works out what it costs, and decides with reasons.",
        example=(
            "Applicant: Ada Lovelace\nIncome: 84,000 a year\nDebt payments: 650 a month\n"
            "Amount: 25,000\nTerm: 60 months\nCredit score: 712"
        ),
        offline="rules on the figures of the application",
    ),
    _template(
        "contract_generation",
        pattern="sequential",
        summary="Drafts a contract from a template, checks it against the law, rates its risks.",
        example=(
            "Contract: services agreement\nJurisdiction: Germany\n"
            "Provider: Norvik Consulting GmbH\nCustomer: Elm Hotels AG\n"
            "Scope: moving the booking system of twelve hotels\nFee: 120,000 EUR\n"
            "Payment: in three instalments of 40,000 EUR\nPayment term: 75 days\n"
            "Liability cap: 150,000 EUR\nTerm: 24 months\nDisputes: arbitration\n"
            "Personal data: names and bookings of guests"
        ),
        offline="rules on the terms; templates and a checklist of law come with it (no advice)",
    ),
    _template(
        "research_pipeline",
        pattern="sequential",
        summary="Retrieves texts on a topic, analyses them, and writes a report with references.",
        example=(
            "Topic: The cargo bikes of Voltra and Ambera in daily use\n"
            "Sources: academic, industry, forums\nSince: 2024\nFormat: article"
        ),
        offline="rules on what the searches find in a collection of made-up texts on two makes",
    ),
    _template(
        "stock_analysis",
        pattern="concurrent",
        summary="Four analysts, one of them a team, assess a stock side by side; then one decides.",
        example=(
            "Should we buy Norvik?\nP/E: 18.4 (sector: 24.1)\nRevenue growth: 14%\n"
            "Net margin: 11%\nDebt to equity: 0.6\nMarket share: 23% (last year: 21%)\n"
            "Prices: 102, 104, 101, 107, 110, 113, 115, 118\n"
            "Headlines: Norvik beats estimates; Regulator opens probe into Norvik's supplier; "
            "Broker cuts its target\n"
            "Emissions: -8%\nBoard independence: 70%\nControversies: 1"
        ),
        offline="rules on the figures and headlines in the task",
    ),
    _template(
        "campaign_review",
        pattern="concurrent",
        summary="Four reviewers read a marketing campaign side by side; it is go or no-go.",
        example=(
            "Brand: Aurora\nHeadline: The best sleep of your life, guaranteed\n"
            "Copy: Meet the Aurora lamp. It dims with the sun and wakes you gently. Order by "
            "Sunday and get 20% off your first arora lamp."
        ),
        offline="rules on the words of the campaign",
    ),
    _template(
        "market_research",
        pattern="concurrent",
        summary="Web, social media, papers and forums are searched at once for one market study.",
        example=(
            "Compare the cargo bikes of Voltra and Ambera for a family: what do tests, owners and "
            "research say?"
        ),
        offline="rules on what the searches find in a collection of made-up texts on two makes",
    ),
    _template(
        "ensemble_vote",
        pattern="concurrent",
        summary="Four judges vote on whether an e-mail is phishing; a tie goes by confidence.",
        example=(
            "From: Norvik Bank <service@norvik.example>\n"
            "Subject: Your account will be locked\n\n"
            "Dear customer, we saw an unusual sign-in. Confirm your password within 24 hours: "
            "[norvik.example/safety](https://norvik-safety.example/login)"
        ),
        offline="rules on the e-mail's text; no address and no link is looked up",
    ),
    _template(
        "regional_sales",
        pattern="map_reduce",
        summary="Works out the sales of each region in a table, and ranks them in a report.",
        example="Compare the regions in regional_sales.csv: who leads, and who falls behind?",
        offline="the figures are computed either way; a script writes the report from them",
    ),
    _template(
        "park_planning",
        pattern="group_chat",
        summary="Three agents and a parks employee debate a park proposal until they agree.",
        example=(
            "Proposal: Mill Pond Park\nAccessible paths: 70%\nToilets: 1\n"
            "Wetlands built on: 0.2 ha\nNative planting: 65%\nTrees felled: 30\n"
            "Trees planted: 75\nConstruction cost: 2,300,000\nFunding: 2,500,000\n"
            "Maintenance cost: 110,000 a year"
        ),
        offline="rules on the figures of the proposal and of the employee's answers",
        answers=(
            "The boardwalk goes around the pond now: wetlands built on: 0 ha. Accessible paths: "
            "95%. The maintenance budget is 120,000 a year.",
        ),
    ),
    _template(
        "brainstorm",
        pattern="group_chat",
        summary="Four perspectives build on each other's ideas, which are ranked at the end.",
        example="How can the library in Halden bring more students in on weekday evenings?",
        offline="scripts that put words of the task into brainstorming techniques; none are judged",
    ),
    _template(
        "product_strategy",
        pattern="group_chat",
        summary="Engineering, design, marketing and business discuss a product; a chair decides.",
        example=(
            "Should we build an offline mode for our field service app?\n"
            "Features: job list 3 weeks (must), photos 4 weeks (must), maps 5 weeks, voice notes "
            "2 weeks\nDeadline: 10 weeks\nCost of a week: 14,000\nCustomers: 1,200\n"
            "Asking for it: 38%\nPrice: 12 a month"
        ),
        offline="rules on the figures of the task, and on who was asked what",
    ),
    _template(
        "creative_workshop",
        pattern="group_chat",
        summary="A story goes round four writers until their editor lets it go to print.",
        example=(
            "Write a short story about a software engineer who discovers that an AI assistant has "
            "achieved consciousness and wants to explore the physical world. It is set in Bergen "
            "in 2009, and told in under 120 words."
        ),
        offline="scripts that put the premise into stock sentences; the notes on them are rules",
    ),
    _template(
        "guide_writing",
        pattern="group_chat",
        summary="A researcher, a critic and a writer make a guide; a chair gives the floor.",
        example=(
            "Write a guide on moving an office to a new router, for people who have never done it."
            "\nNeeds: a label printer; the provider's phone number\nSteps:\n"
            "- Label every cable properly\n"
            "- Save the settings of the old router and unplug it\n"
            "- Connect the new router and load the settings\n- Test one device in each VLAN\n"
            "Warnings: once the old router is unplugged, the phones are dead\n"
            "Terms: VLAN = a network within the network"
        ),
        offline="rules that put the parts of the task in order; what it does not say stays open",
    ),
    _template(
        "maker_checker",
        pattern="maker_checker",
        summary="A writer revises a product description until it says all that the brief gives.",
        example=(
            "Write a product description in at most 40 words.\nProduct: the Aurora lamp\n"
            "Features: dims with the sun, wakes you gently, remembers your evenings, folds flat "
            "for travel, a battery for two nights, five shades of white\nPrice: 49 EUR\n"
            "Warranty: 2 years, batteries excepted\nDelivery: within 3 working days"
        ),
        offline="stock sentences from the brief; the checker's rules measure the actual draft",
    ),
    _template(
        "telecom_support",
        pattern="handoff",
        summary="Triage, technical, financial and account agents, and a person for hard decisions.",
        example=(
            "Customer 4711, Harbour. Our internet was down for days and our card terminals too. "
            "Does it work again now? And we want a credit on our bill for that time."
        ),
        offline="rules on the customer's words; the tools look into tables that come with it",
        answers=("I have credited 61.33 to your next invoice. We are sorry for the outage.",),
    ),
    _template(
        "tiered_support",
        pattern="handoff",
        summary="A ticket climbs from tier 1 to tier 2, billing or engineering, as far as it must.",
        example=(
            "Since the update to version 4.2.1 projects are gone: data loss for all users of our "
            "team. The sync showed no error."
        ),
        offline="rules on the words, error codes and amounts of the ticket",
    ),
    _template(
        "support_rules",
        pattern="handoff",
        summary="Rules route requests without a model: retries, anger, priority, legal matters.",
        example="The modem B-2077 is offline since this morning, please reconnect it.",
        offline="routes and repairs are rules either way; scripts write what the desks answer",
    ),
    _template(
        "incident_response",
        pattern="magentic",
        summary="A manager has an outage diagnosed and mended; the plan follows what is found.",
        example=(
            "Checkout fails: 31% of all requests end with an error since 14:02. Release 2.14.0 "
            "went out at 13:55."
        ),
        offline="rules on the report and on what the tools return; logs and metrics are tables",
        answers=("approve",),
    ),
    _template(
        "feature_team",
        pattern="supervisor",
        summary="A tech lead plans a feature, and reviews what four specialists make of it.",
        example=(
            "Implement user authentication with:\n- JWT-based tokens\n- Email/password login\n"
            "- OAuth (Google, GitHub)\n- Rate limiting: 5 attempts a minute\n"
            "- Password reset, by a link that works for 20 minutes"
        ),
        offline="rules on the lines of the request; the review compares what the others brought",
    ),
    _template(
        "enterprise",
        pattern="supervisor",
        summary="Three levels of supervisors estimate a project; what is too dear goes down again.",
        example=(
            "Build the customer portal.\n- Order API: 12 days\n- Customer data migration: 10 days\n"
            "- Order pages: 9 days\n- Dark mode: 4 days (optional)\n- Load tests: 5 days\n"
            "Day rate: 800\nBudget: 32,000"
        ),
        offline="rules on the parts, days and budget of the project",
    ),
    _template(
        "customer_service",
        pattern="supervisor",
        summary="Patterns combined: look-ups at once, then specialists who hand over.",
        example=(
            "My espresso machine arrived broken, and I was charged twice for it. Order A-1007. "
            "I want a replacement, and the second charge back."
        ),
        offline="rules on the customer's words; look-ups and tools use tables that come with it",
        answers=("Yes, send her a new one.",),
    ),
)

TEMPLATES: Mapping[str, Template] = MappingProxyType({one.name: one for one in _ALL})
"""The templates, by name. Nothing is built, and no template imported, before its `build()`."""
