"""Whether texts with gaps can be completed: against exhaustion, and by hand."""

from __future__ import annotations

from random import Random

import pytest
from lark import Lark

from detent import infill
from detent.grammar.errors import GrammarError, Unenforceable, Unsatisfiable
from detent.infill import Gap, Infiller
from tests.infill.cases import GRAMMARS, STRANGE, Case, alphabet, random_case
from tests.naive.infill import Grammar

ALL = GRAMMARS | STRANGE
CASES = 50


def gaps(case: Case) -> list[str | Gap]:
    return [part if isinstance(part, str) else Gap(*part) for part in case.parts]


@pytest.mark.parametrize("name", ALL)
def test_agrees_with_exhaustion_and_finds_a_shortest_filling(name: str) -> None:
    rng, naive = Random(name), Grammar(ALL[name])
    oracle = Lark(ALL[name], parser="earley", lexer="dynamic_complete")
    for _ in range(CASES):
        case = random_case(ALL[name], rng)
        fewest = naive.fewest_tokens(case.parts, case.vocab or alphabet(ALL[name], case))
        infiller = Infiller(ALL[name], vocab=case.vocab)
        assert infiller.completable(gaps(case)) == (fewest is not None), case
        assert fewest is not None or not case.witnessed, case
        filling = infiller.complete(gaps(case))
        assert (filling and filling.n_tokens) == fewest, case
        if filling:
            check(case, filling)
            if filling.text:
                oracle.parse(filling.text)


def check(case: Case, filling: infill.Filling) -> None:
    """The fixed parts are there, the gaps hold tokens, and as many as they may."""
    texts, tokens = [], iter(filling.gaps)
    for part in case.parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        found = [token.decode() for token in next(tokens)]
        low, high = part
        assert low <= len(found) and (high is None or len(found) <= high)
        assert all(token in case.vocab if case.vocab else len(token) == 1 for token in found)
        texts += found
    assert "".join(texts) == filling.text


ANBN = GRAMMARS["anbn"]


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("parts", "options", "expected"),
    [
        (["aa", None], {}, True),
        (["aa", ""], {}, True),
        (["", "bb"], {}, True),
        (["ba", None], {}, False),
        (["aa", None], {"max_gap_tokens": 2}, True),
        (["aa", None], {"max_gap_tokens": 1}, False),
        (["aa", None], {"max_gap_tokens": 1, "vocab": ["bb"]}, True),
        (["aa", None], {"max_gap_tokens": 2, "exact": True, "vocab": ["bb"]}, False),
        (["aa", None], {"max_gap_tokens": 3, "exact": True, "vocab": ["b", ""]}, True),
        (["aa", None], {"vocab": ["abbb"]}, True),
        (["aaa", None], {"vocab": ["abbb"]}, False),
        (["aa", None, "b"], {"max_gap_tokens": 0}, False),
        (["aa", None, "bb"], {"max_gap_tokens": 0}, True),
        ([Gap(1, 1), "b", Gap(0, 0)], {}, True),
        ([None, None, "aabb"], {"max_gap_tokens": 0, "exact": True}, True),
        ([None], {}, True),
        ([], {}, True),
        ([""], {}, True),
        ([None], {"max_gap_tokens": 1, "exact": True}, False),
        ([b"a", None], {}, True),
    ],
)
def test_forms(parts: list[str | None], options: dict[str, object], expected: bool) -> None:
    assert infill.completable(ANBN, parts, **options) is expected
    assert (infill.complete(ANBN, parts, **options) is not None) is expected


def test_start() -> None:
    grammar = 'start: "x"\nother: "y" start'
    assert infill.completable(grammar, ["yx"], start="other")
    assert not infill.completable(grammar, ["yx"])


def test_terminals_are_what_python_matches() -> None:
    """Not the regular languages that one reads: the first alternative wins, and laziness ends a match early."""
    grammar = r"start: /\+|\+[1-9]/"
    assert infill.completable(grammar, ["+"]) and not infill.completable(grammar, ["+2"])
    grammar = "%import common.ESCAPED_STRING\nstart: ESCAPED_STRING"
    assert infill.completable(grammar, [r'"a\"b"']) and not infill.completable(grammar, ['"a"b"'])
    assert not infill.completable(grammar, ['"a', '"b"'], max_gap_tokens=0)
    assert infill.completable(grammar, ['"a', '"b"'], max_gap_tokens=1)


def test_terminals_have_no_competition() -> None:
    grammar = "start: NAME+\nNAME: /[a-z]+/\n%ignore / +/"
    assert infill.completable(grammar, ["  if x  "])
    assert infill.completable('start: "if" NAME\nNAME: /[a-z]+/', ["ifx"])


def test_references_to_groups_of_few_texts() -> None:
    grammar = r"start: /(a|b)\1/"
    assert infill.completable(grammar, ["b", None])
    assert not infill.completable(grammar, ["ab"])


@pytest.mark.parametrize(
    ("grammar", "error"),
    [
        ("start: missing", GrammarError),
        ("start: (", GrammarError),
        ("begin: /a/", GrammarError),
        ("start: A\n%declare A", GrammarError),
        ("start: /a(?=b)/", Unenforceable),
        (r"start: /(a*)\1/", Unenforceable),
        ("start: start", Unsatisfiable),
        ("start: /a{99999999}/", GrammarError),
        ({"type": "object"}, Unenforceable),
        ({"type": "number", "minimum": 0.5}, Unenforceable),
        (False, Unsatisfiable),
    ],
)
def test_refused(grammar: infill.Grammar, error: type[GrammarError]) -> None:
    with pytest.raises(error):
        infill.completable(grammar, [None])


def test_wrong_bounds() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        infill.completable(ANBN, [None], max_gap_tokens=-1)
    with pytest.raises(ValueError, match="exact asks for"):
        infill.completable(ANBN, [None], exact=True)


def test_large_texts() -> None:
    text = "[" + ",".join(f'{{"k{i}": [{i}, true, "x y"]}}' for i in range(14)) + "]"
    assert len(text) > 300
    infiller = Infiller(GRAMMARS["json"])
    cut = [text[i : i + 25] for i in range(0, len(text), 27)]
    assert len(cut) > 11
    assert infiller.completable(cut) and infiller.completable(cut, max_gap_tokens=2, exact=True)
    assert not infiller.completable([*cut, "]}"], max_gap_tokens=0)
    assert not infiller.completable([*cut[:5], "tru1", *cut[5:]], max_gap_tokens=0)


def test_patterns_and_schemas() -> None:
    regex = infill.read_regex("[a-c]+-[0-9]{2,3}")
    assert infill.completable(regex, ["b", "-1"], max_gap_tokens=0) is False
    assert infill.complete(regex, ["b", "-1", None]) in {f"b-1{i}" for i in range(10)}
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Z]"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "tags": {"type": "array", "items": {"enum": ["a", "é"]}, "minItems": 1, "maxItems": 2},
        },
        "required": ["name", "tags"],
        "additionalProperties": False,
    }
    good = ['{"name": "A", "tags": ["a", "\\u00e9"]}', '{"name":"Ab\\n","age":150,"tags":["\\u0061"]}']
    bad = [
        '{"name": "a", "tags": ["a"]}',
        '{"name":"A","age":151,"tags":["a"]}',
        '{"name":"A","tags":[]}',
        '{"name":"A"}',
    ]
    assert all(infill.completable(schema, [text]) for text in good)
    assert not any(infill.completable(schema, [text]) for text in bad)
    assert infill.completable(schema, ['{"name": "', ': ["', None])
    assert not infill.completable(schema, ['{"name": "', ': ["'])


def test_front_door() -> None:
    import detent

    assert detent.infill.completable is infill.completable
    assert infill.Threshold(0.5).threshold == 0.5
