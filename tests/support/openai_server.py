"""A local server that speaks OpenAI's chat-completions protocol, for tests without a network.

    with OpenAIServer([rate_limited(retry_after=0.01), Answer("Eight.")]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        resolve_model("openai:some-model").invoke("How many arms has an octopus?")
        assert server.requests[0].body["model"] == "some-model"

Each answer closes its connection, as a client that keeps connections in a pool would hold sockets
open after the test, and warnings about those are errors.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol, Self
from uuid import uuid4

__all__ = [
    "Answer",
    "Dropped",
    "Failure",
    "Malformed",
    "OpenAIServer",
    "Reply",
    "Request",
    "Slow",
    "Structured",
    "ToolCall",
    "Usage",
    "rate_limited",
    "server_error",
]

COMPLETIONS = "/v1/chat/completions"


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]


@dataclass(frozen=True)
class Usage:
    input_tokens: int = 10
    output_tokens: int = 5

    def payload(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
        }


@dataclass(frozen=True)
class ToolCall:
    name: str
    args: Mapping[str, Any]
    id: str = field(default_factory=lambda: f"call_{uuid4().hex}")

    def payload(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": json.dumps(self.args)}
        return {"id": self.id, "type": "function", "function": function}


class Reply(Protocol):
    """What the server does with one request."""

    def send(self, connection: "Connection", body: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Answer:
    """A message of the model: text, tool calls, or both; `usage=None` reports none."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = Usage()

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        if body.get("stream"):
            connection.send_events(self.events(body))
        else:
            connection.send_json(200, self.completion(body))

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.tool_calls:
            message["tool_calls"] = [call.payload() for call in self.tool_calls]
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason()}
        usage = {"usage": self.usage.payload()} if self.usage else {}
        return {**_envelope("chat.completion", body), "choices": [choice], **usage}

    def events(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        envelope = _envelope("chat.completion.chunk", body)
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": ""},
            *self._content_deltas(),
            *self._calls(),
        ]
        choices: list[dict[str, Any]] = [
            {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
        ]
        choices.append({"index": 0, "delta": {}, "finish_reason": self._finish_reason()})
        events = [{**envelope, "choices": [choice]} for choice in choices]
        if self.usage and (body.get("stream_options") or {}).get("include_usage"):
            events.append({**envelope, "choices": [], "usage": self.usage.payload()})
        return events

    def _finish_reason(self) -> str:
        return "tool_calls" if self.tool_calls else "stop"

    def _content_deltas(self) -> Iterator[dict[str, Any]]:
        for word in re.findall(r"\S+\s*|\s+", self.text):
            yield {"content": word}

    def _calls(self) -> Iterator[dict[str, Any]]:
        for index, call in enumerate(self.tool_calls):
            payload = call.payload()
            arguments = payload["function"].pop("arguments")
            opening = {**payload["function"], "arguments": ""}
            yield {"tool_calls": [{**payload, "index": index, "function": opening}]}
            middle = len(arguments) // 2
            for part in (arguments[:middle], arguments[middle:]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


@dataclass(frozen=True)
class Structured:
    """A structured answer, in the way the request asks for it.

    As JSON text for `response_format`, else as a call of the forced tool, or of the last one
    where the request forces none in particular.
    """

    value: Mapping[str, Any]
    usage: Usage | None = Usage()

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        self._answer(body).send(connection, body)

    def _answer(self, body: dict[str, Any]) -> Answer:
        tools = body.get("tools")
        if "response_format" in body or not tools:
            return Answer(json.dumps(self.value), usage=self.usage)
        choice = body.get("tool_choice")
        forced = choice if isinstance(choice, dict) else tools[-1]
        call = ToolCall(forced["function"]["name"], self.value)
        return Answer(tool_calls=(call,), usage=self.usage)


@dataclass(frozen=True)
class Failure:
    """An error status with OpenAI's error body; `retry_after` is in seconds."""

    status: int
    message: str
    retry_after: float | None = None

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        error = {"message": self.message, "type": "error", "param": None, "code": None}
        connection.send_json(self.status, {"error": error}, headers)


def rate_limited(retry_after: float) -> Failure:
    """429, to be tried again after `retry_after` seconds."""
    return Failure(429, "Rate limit reached", retry_after)


def server_error(retry_after: float | None = 0.01) -> Failure:
    """500; without `retry_after` clients wait half a second before they try again."""
    return Failure(500, "The server had an error", retry_after)


@dataclass(frozen=True)
class Malformed:
    """Status 200 with a body, or an event of the stream, that is broken JSON."""

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        if body.get("stream"):
            connection.send_raw_events([b'data: {"id": "chatcmpl-1", "choices": [{\n\n'])
        else:
            connection.send_bytes(200, b'{"id": "chatcmpl-1", "choices": [{')


@dataclass(frozen=True)
class Dropped:
    """The connection is lost: before the answer begins, or after part of it was sent.

    `after` is how many events of a stream get through; of a plain answer half does, if any.
    """

    answer: Answer = Answer("This sentence is never finished")
    after: int = 0

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        if not self.after:
            connection.close_connection = True
        elif body.get("stream"):
            connection.send_events(self.answer.events(body)[: self.after], complete=False)
        else:
            payload = json.dumps(self.answer.completion(body)).encode()
            connection.send_bytes(200, payload[: len(payload) // 2], announced=len(payload))


@dataclass(frozen=True)
class Slow:
    """A reply that begins after `seconds`, or as soon as the server closes."""

    seconds: float
    reply: Reply

    def send(self, connection: "Connection", body: dict[str, Any]) -> None:
        connection.server.closing.wait(self.seconds)
        self.reply.send(connection, body)


class Connection(BaseHTTPRequestHandler):
    """One connection, which carries one request."""

    protocol_version = "HTTP/1.1"
    timeout = 10  # A client that connects and then says nothing must not hold up closing.
    server: "_Server"
    server_version: ClassVar[str] = "OpenAIServer"  # type: ignore[misc]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.reply_to(Request(self.path, headers, body)).send(self, body)

    def send_json(
        self, status: int, payload: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_bytes(status, json.dumps(payload).encode(), headers=headers)

    def send_bytes(
        self,
        status: int,
        content: bytes,
        *,
        announced: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        length = str(len(content) if announced is None else announced)
        self._send_head(
            status,
            {"Content-Type": "application/json", "Content-Length": length, **(headers or {})},
        )
        self.wfile.write(content)

    def send_events(self, events: list[dict[str, Any]], *, complete: bool = True) -> None:
        lines = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
        self.send_raw_events(
            [*lines, b"data: [DONE]\n\n"] if complete else lines, complete=complete
        )

    def send_raw_events(self, lines: list[bytes], *, complete: bool = True) -> None:
        # Chunked, so that a lost connection cannot be taken for the end of the stream.
        self._send_head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        for line in [*lines, b""] if complete else lines:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Keep the output of the tests clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # Closing waits for the threads, so that none outlives the test.
    request_queue_size = 128

    def __init__(self, reply_to: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.reply_to = reply_to
        self.closing = threading.Event()
        self.errors: list[BaseException] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        # A client that gave up is part of some tests.
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.errors.append(error)


class OpenAIServer:
    """A server on 127.0.0.1 at a free port, running inside `with`.

    Args:
        behaviour: Replies in order, one per request, or a function from the body of a request to
            its reply, which is called in the thread of that request.

    Raises:
        ExceptionGroup: At the end, if the function failed or a request was malformed.
    """

    def __init__(self, behaviour: Iterable[Reply] | Callable[[dict[str, Any]], Reply]) -> None:
        self._choose = behaviour if callable(behaviour) else _in_order(behaviour)
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = _Server(self._reply_to)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._server.errors:
            raise BaseExceptionGroup("the server could not reply", self._server.errors)

    @property
    def base_url(self) -> str:
        """What goes into `OPENAI_BASE_URL`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What a process must have set to talk to this server, and past any proxy."""
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": "sk-test",
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def _reply_to(self, request: Request) -> Reply:
        with self._lock:
            self._requests.append(request)
        if request.path != COMPLETIONS:
            return Failure(404, f"`{request.path}` is not served, only `{COMPLETIONS}`")
        return self._choose(request.body)


def _in_order(replies: Iterable[Reply]) -> Callable[[dict[str, Any]], Reply]:
    left = list(replies)
    lock = threading.Lock()

    def choose(_: dict[str, Any]) -> Reply:
        with lock:
            # 400 is an error that clients do not try again.
            return left.pop(0) if left else Failure(400, "the test gave the server no more replies")

    return choose


def _envelope(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
    }
