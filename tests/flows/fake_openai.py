"""An OpenAI-compatible endpoint on loopback, for running documentation: chat completions and responses, not streamed."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
TEXT = "Order 1017 is late; it left the depot this morning."


def chat(asked: dict[str, Any], text: str = TEXT) -> dict[str, Any]:
    """The answer to POST /v1/chat/completions."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 12, "total_tokens": 26},
    }


def respond(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to POST /v1/responses: calls the first tool once, then answers."""
    items = asked["input"] if isinstance(asked["input"], list) else []
    answered = any(item.get("type") == "function_call_output" for item in items)
    output: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}],
    }  # fmt: skip
    if asked.get("tools") and not answered:
        output = {
            "id": "fc_1", "type": "function_call", "call_id": "call_1", "status": "completed",
            "name": asked["tools"][0]["name"], "arguments": '{"order_id":"1018"}',
        }  # fmt: skip
    return {
        "id": "resp_2" if answered else "resp_1", "object": "response", "created_at": 1_760_000_000, "status": "completed",
        "model": asked["model"], "output": [output], "tools": asked.get("tools", []), "tool_choice": "auto",
        "parallel_tool_calls": True, "error": None, "incomplete_details": None, "instructions": asked.get("instructions"),
        "metadata": {}, "temperature": 1.0, "top_p": 1.0,
        "usage": {
            "input_tokens": 40, "output_tokens": 12, "total_tokens": 52,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    script: Script | None = None
    seen: list[dict[str, Any]] | None = None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.seen is not None:
            self.seen.append(asked)
        status, said = 200, chat(asked) if self.path.endswith("/chat/completions") else respond(asked)
        if self.script is not None:
            status, said = self.script(asked)
        answer = json.dumps(said).encode()
        self.send_response(status)
        if status in (301, 302, 307, 308):
            self.send_header("Location", said["location"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def fake_openai(script: Script | None = None, seen: list[dict[str, Any]] | None = None) -> Iterator[str]:
    """Runs the endpoint; gives its base URL. `script` says what to answer (status, body); `seen` gets every request."""
    handler = type("Handler", (_Handler,), {"script": script and staticmethod(script), "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
