"""The grammar as a logits processor in ``model.generate``, here with beams."""

import json

from transformers import AutoModelForCausalLM, AutoTokenizer

import detent
from detent.model import MODEL_DIR

SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Kyoto", "Lima", "Oslo"]}, "capital": {"type": "boolean"}},
    "required": ["city", "capital"],
    "additionalProperties": False,
}

model = AutoModelForCausalLM.from_pretrained(MODEL_DIR)
tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
compiler = detent.Compiler(detent.Vocabulary.from_transformers(tokenizer, n=model.config.vocab_size))
processor = detent.LogitsProcessor(compiler.json_schema(SCHEMA, whitespace="bounded"))

inputs = tokenizer("City: Lima. Capital: yes.", return_tensors="pt", return_token_type_ids=False)
outputs = model.generate(
    **inputs, logits_processor=[processor], num_beams=3, num_return_sequences=3, max_new_tokens=60, do_sample=False
)
for output in outputs:
    text = tokenizer.decode(output[inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    print(json.loads(text))
