"""What must hold, each as a function that says what is wrong, or nothing: the fuzzer, the shrinker and the tests call
the same ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from detent import GrammarError, Matcher, Unsatisfiable

from .engine import Engine, Options
from .instances import n_orders, orders
from .judges import Judges, NotStrict, parse
from .schemas import words

Check = Callable[[Engine, Any, str, Options], str | None]
MAX_ORDERS = 50


def _judged(schema: Any, text: str, options: Options) -> bool | None:
    """What both validators say of a text; None where they differ."""
    return Judges(schema, formats=options.format_assertion).verdict(parse(text))


def _behind(engine: Engine, schema: Any, text: str, options: Options) -> Matcher | None:
    """A matcher behind a beginning of a text; None where there is no grammar, or it does not take that."""
    grammar = engine.grammar_or_none(schema, options)
    matcher = None if grammar is None else grammar.matcher()
    return matcher if matcher is not None and matcher.accept_bytes(text.encode("utf-8", "surrogateescape")) else None


def under(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """A valid text is accepted."""
    grammar = engine.grammar_or_none(schema, options)
    if grammar is not None and not engine.accepts(grammar, text) and _judged(schema, text, options):
        return "a valid text is refused"
    return None


def over(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """An invalid text is refused."""
    grammar = engine.grammar_or_none(schema, options)
    if grammar is None or not engine.accepts(grammar, text):
        return None
    try:
        return "an invalid text is accepted" if _judged(schema, text, options) is False else None
    except NotStrict:
        return None


def strict(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """What is accepted is JSON, writes no key twice, and has no surrogate without its partner."""
    grammar = engine.grammar_or_none(schema, options)
    if grammar is None or not engine.accepts(grammar, text):
        return None
    try:
        parse(text)
    except NotStrict as problem:
        return f"a text is accepted although {problem}"
    return None


def unsatisfiable(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """A schema with an instance is not called unsatisfiable."""
    try:
        engine.grammar(schema, options)
    except Unsatisfiable:
        return "unsatisfiable, but a text is valid" if _judged(schema, text, options) else None
    except GrammarError:
        pass
    return None


def error(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """Refusals are ``GrammarError`` when compiling; nothing else is ever raised."""
    try:
        grammar = engine.grammar(schema, options)
    except GrammarError:
        return None
    except Exception as problem:
        return f"compiling raises {type(problem).__name__}: {problem}"
    try:
        matcher = grammar.matcher()
        for byte in text.encode():
            engine.allowed(matcher)
            if not matcher.accept_bytes(bytes([byte])):
                break
        engine.allowed(matcher)
    except Exception as problem:
        return f"after the first token: {type(problem).__name__}: {problem}"
    return None


def place(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """A refusal names a keyword where one stands."""
    try:
        engine.grammar(schema, options)
    except Unsatisfiable:
        return None
    except GrammarError as problem:
        resources = [schema, *(sub for sub in schema.get("$defs", {}).values() if isinstance(sub, dict))]
        found = [_point(root, problem.pointer) for root in resources]
        if not any(isinstance(at, dict) and (problem.keyword is None or problem.keyword in at) for at in found):
            return f"no {problem.keyword} at {problem.pointer!r}"
    return None


def dead(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """What was begun can be finished."""
    matcher = _behind(engine, schema, text, options)
    if matcher is None:
        return None
    if not engine.allowed(matcher).any():
        return "no token is allowed"
    try:
        return "nothing finishes this text" if engine.completion(matcher, words(schema)) is None else None
    except TimeoutError:
        engine.gave_up += 1
        return None


def mask(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """The mask has the tokens that are accepted one by one."""
    matcher = _behind(engine, schema, text, options)
    if matcher is None:
        return None
    got, wanted = engine.allowed(matcher), engine.mask_by_steps(matcher)
    if (got == wanted).all():
        return None
    wrong = [engine.vocabulary.token_bytes(t) for t in (got & ~wanted).nonzero()[0][:5]]
    missing = [engine.vocabulary.token_bytes(t) for t in (wanted & ~got).nonzero()[0][:5]]
    return f"mask differs from the steps: wrong {wrong}, missing {missing}"


def order(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """``order="schema"`` accepts nothing that ``order="any"`` does not."""
    narrow = engine.grammar_or_none(schema, _with(options, order="schema"))
    wide = engine.grammar_or_none(schema, _with(options, order="any"))
    if narrow is None or wide is None or strict(engine, schema, text, _with(options, order="schema")):
        return None
    if engine.accepts(narrow, text) and not engine.accepts(wide, text):
        return "accepted with order='schema', refused with order='any'"
    return None


def verdicts(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """Both orders agree on what is unsatisfiable and what is refused."""
    found = []
    for name in ("schema", "any"):
        try:
            engine.grammar(schema, _with(options, order=name))
            found.append("compiled")
        except Unsatisfiable:
            found.append("unsatisfiable")
        except GrammarError as problem:
            found.append(f"refused ({problem.keyword})")
    return None if found[0] == found[1] else f"order='schema': {found[0]}, order='any': {found[1]}"


def some_order(engine: Engine, schema: Any, text: str, options: Options) -> str | None:
    """A valid value can be written in some order of its keys when ``order="schema"``."""
    grammar = engine.grammar_or_none(schema, _with(options, order="schema"))
    if grammar is None or not _judged(schema, text, options):
        return None
    value = json.loads(text)
    if n_orders(value) > MAX_ORDERS or any(engine.accepts(grammar, json.dumps(each)) for each in orders(value)):
        return None
    return "a valid value is refused in every order of its keys"


def _point(value: Any, pointer: str) -> Any:
    """What a JSON pointer names, or None."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return None
    return value


def _with(options: Options, **changed: Any) -> Options:
    return Options(**{**vars(options), **changed})


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (under, over, strict, unsatisfiable, error, place, dead, mask, order, verdicts, some_order)
}
