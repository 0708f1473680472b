"""The tiny random model: built on the spot, knows nothing, for trying the loop where no weights can be had.

A Qwen3-style decoder with random, seeded weights, a byte-level BPE tokenizer learned from the text below, and the
chat template of Qwen3-Instruct as TRL ships it. It is the same on every machine with the same library versions; the
digest in `facts` tells whether it is. It is called whetstone-tiny-random everywhere, so that nobody takes it for more.
`python -m training.workers.tiny FOLDER` writes it, to load an adapter on it elsewhere.
"""

import hashlib
import itertools
import sys
from pathlib import Path
from typing import Any

NAME = "whetstone-tiny-random"
SEED = 20_240
VOCABULARY = 1_600
HIDDEN, LAYERS, HEADS, LENGTH = 96, 2, 4, 8_192

_OPENERS = (
    "I can help you with that.", "Let me look that up for you.", "I found your order.", "I am sorry about the trouble.",
    "Thank you for waiting.", "Could you tell me your order number?", "Please confirm that you want to proceed.",
    "The tests pass now.", "I will read the file first.", "The error comes from this function.",
)  # fmt: skip
_OBJECTS = (
    "the order", "your refund", "the reservation", "your flight", "the payment method", "the shipping address",
    "the user profile", "the file", "the function", "the test", "the account", "the product", "the customer",
)  # fmt: skip
_VERBS = (
    "cancel",
    "return",
    "exchange",
    "update",
    "check",
    "search",
    "read",
    "write",
    "fix",
    "transfer",
    "find",
    "book",
)
_JSON = (
    '{"name": "get_order_details", "arguments": {"order_id": "#W1234567"}}',
    '{"type": "function", "function": {"name": "find_user", "description": "Find a user by email address", '
    '"parameters": {"type": "object", "properties": {"email": {"type": "string"}, "user_id": {"type": "string"}}, '
    '"required": ["email"]}}}',
    '{"status": "delivered", "items": [{"item_id": "1008292230", "price": 193.38, "options": {"color": "black"}}]}',
    '{"error": "not found"}', "# Tools\n\nYou may call one or more functions to assist with the user query.",
    "def main(arguments: list[str]) -> int:\n    return 0\n",
    "Traceback (most recent call last):\n  File \"app.py\", line 12",
)  # fmt: skip

_WORDS = """
the be to of and a in that have it for not on with as you do at this but by from they we say or an will my one all
would there their what so up out if about who get which go me when make can like time no just know take people into
year your good some could them see other than then now look only come its over think also back after use two how our
work first well way even new want because any these give day most us is are was were been has had did done does made
may must should here where why again still before between through under while each both such very more less many much
number name address email phone date price total amount order item items product payment refund card gift balance
account customer agent policy support request confirm details available option options size color material return
exchange cancel shipped delivered pending processed status reason change modify update original different same
method credit paypal zip code street city state country user users profile flight flights reservation passenger
airport departure arrival cabin economy business baggage insurance book booking travel hotel seat nonstop transfer
human thank please sorry hello welcome help issue problem question answer information provide check verify found
error failed failure success true false null none string integer object array type value values key keys list
file files path line lines code function class method test tests run running build import return print read write
open close edit patch commit branch repository directory module package version install python command output input
argument arguments parameter parameters default expected actual exception traceback assertion result results
message messages content role system assistant tool tools call calls response query search data table column row
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
october november december morning afternoon evening today tomorrow yesterday week month minute minutes hour hours
"""


def corpus() -> list[str]:
    """The text that the tokenizer is learned from: the words of support and coding agents, combined."""
    sentences = [
        f"{opener} I can {verb} {thing}. Would you like me to {verb} {thing} (yes or no)?"
        for opener, (verb, thing) in zip(itertools.cycle(_OPENERS), itertools.product(_VERBS, _OBJECTS), strict=False)
    ]
    known = _WORDS.split()
    words = [" " + word for word in known] + [word.capitalize() for word in known] + [f'"{word}"' for word in known]
    return [*sentences, *(_JSON * 8), *_OPENERS, *(words * 4)]


def build(folder: Path) -> dict[str, Any]:
    """Write model and tokenizer into `folder` and return their facts: parameters, vocabulary, digest.

    The random state of the process is left as it was.
    """
    import torch
    import trl
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    markers = ["<tool_call>", "</tool_call>", "<think>", "</think>", "<tool_response>", "</tool_response>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(markers),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        additional_special_tokens=["<|im_start|>"],
        clean_up_tokenization_spaces=False,
    )
    fast.add_tokens(markers)
    template = Path(trl.__file__).parent / "chat_templates" / "qwen3_instruct_2507.jinja"
    fast.chat_template = template.read_text(encoding="utf-8")
    config = Qwen3Config(
        vocab_size=len(fast),
        hidden_size=HIDDEN,
        intermediate_size=3 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        head_dim=HIDDEN // HEADS,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=True,
        initializer_range=0.1,  # with the usual 0.02 so narrow a model cannot become sure of anything
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = Qwen3ForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    weights = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json"):
        weights.update((folder / name).read_bytes())
    return {
        "name": NAME,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "vocabulary": len(fast),
        "digest": weights.hexdigest(),
    }


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))  # noqa: T201
