"""An OpenAI-compatible endpoint on loopback, for running documentation: chat completions and responses, not streamed."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEXT = "Order 1017 is late; it left the depot this morning."


def chat(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to POST /v1/chat/completions."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}],
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
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(chat(asked) if self.path.endswith("/chat/completions") else respond(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def fake_openai() -> Iterator[str]:
    """Runs the endpoint; gives its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
