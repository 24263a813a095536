"""A model that stands in for a real one until the run names one."""

from typing import ClassVar

from langgraph_orchestra.models.scripted import ReplyFunction, ScriptedModel

__all__ = ["StandIn"]


class StandIn(ScriptedModel):
    """Answers by a function of the messages, and gives way to a model that the run names.

    The templates run offline with it: `orchestra run TEMPLATE --model openai:gpt-5-mini`, a model
    in Studio's form, or the environment variable `ORCHESTRA_MODEL` puts a real one in its place.

    Args:
        reply: From the messages sent to a reply, as `ScriptedModel` takes them.
    """

    gives_way: ClassVar[bool] = True

    def __init__(self, reply: ReplyFunction) -> None:
        super().__init__(reply, usage=None, model_name="stand-in")
