"""Grammars for the corners of Lark's semantics, each with pieces of which texts near its language are made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import lark


@dataclass(frozen=True)
class Case:
    """A grammar, pieces of texts, and Lark's options."""

    grammar: str
    pieces: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    longest: int = 7

    def texts(self, count: int, seed: int = 0) -> Iterator[str]:
        """Random texts of the pieces."""
        source = random.Random(seed)
        for _ in range(count):
            yield "".join(source.choices(self.pieces, k=source.randint(0, self.longest)))


def oracle(case: Case) -> lark.Lark:
    """Lark itself."""
    return lark.Lark(case.grammar, **{"parser": "lalr", **case.options})


def judged(parser: lark.Lark, text: str) -> bool:
    """Whether Lark accepts a text."""
    try:
        parser.parse(text)
    except lark.exceptions.UnexpectedInput:
        return False
    return True


def case(grammar: str, pieces: str, **options: Any) -> Case:
    """A case; pieces are divided by spaces, where ``_`` stands for a space and ``^`` for a newline."""
    marks = str.maketrans("_^", " \n")
    return Case(grammar, tuple(piece.translate(marks) for piece in pieces.split()), options)


CASES = {
    "fallback": case('start: ("<" | "!" | "-" | "<!--" | "a")+', "< <! <!- <!-- a - !"),
    "fallback_number": case(
        'start: (INT | FLOAT | "..")+\nINT: /[0-9]+/\nFLOAT: /[0-9]+\\.[0-9]+/', "1 1. 1.5 . .. 1..2 12"
    ),
    "fallback_far": case('start: (A | B | "c")+\nA: "a"\nB: /a+b/', "a aa b c aab aaaa"),
    "fallback_newline": case('start: "x" (NL "x")*\nNL: / *\\n/\n%ignore / +/', "x _ ^ __ _^"),
    "shifts": case('start: ("a" | ">" | ">>" | ">>>" | ">>>=")+', "a > >> >>> >>>= ="),
    "no_sentence": case('start: A B | "b"\nA: /a+/\nB: /ab/', "a b ab aab"),
    "no_sentence_2": case('start: A A | B "!"\nA: /a+/\nB: /a+b/', "a b ! aa ab"),
    "keyword": case('start: "if" "=" NAME | NAME "=" NAME\nNAME: /[a-z]+/', "if = x iff i f"),
    "keyword_later": case(
        'start: stmt+\nstmt: "let" NAME ";" | NAME ";"\nNAME: /[a-z]+/\n%ignore " "', "let _ x ; lett le t"
    ),
    "keyword_case": case(
        'start: ("IF"i | NAME | LOW)+\nNAME: /[A-Z]+/\nLOW: /[a-z]+/\n%ignore " "', "if IF If iF x X _"
    ),
    "keyword_flags": case('start: "on" NAME | NAME "x"\nNAME: /[a-z]+/i\n%ignore " "', "on ON x X _ onx"),
    "keyword_two": case('start: A "." | B "," | "ab" ";"\nA: /a[a-z]/\nB: /ab?/', "a ab ac . , ;"),
    "keyword_priority": case('start: KEY "." | NAME ","\nKEY.1: "key"\nNAME: /[a-z]+/', "key keys k . ,"),
    "keyword_lookahead": case('start: A | B "b" | C "c"\nA: "a"\nB: /a(?=b)/\nC: /ac*(?=c)/', "a b c ab acc"),
    "keyword_ignored": case('start: NAME+ | "x"\nNAME: /[a-z]/\nX: "x"\n%ignore X', "x y xx"),
    "alternation_order": case('start: T "b"? "c"\nT: /a|ab/', "a b ab c abc"),
    "regex_order": case("start: (A | LONG)+\nA: /a(b|bc)?/\nLONG: /[a-z]{3}/", "a b c abc ab bc"),
    "terminal_priority": case("start: HEX NAME? | NAME\nHEX.2: /[a-f]+/\nNAME: /[a-z]+/", "a b x abx f"),
    "strings_as_pattern": case(
        'start: MOD? IDENT\nMOD: "public" | "static"\nIDENT: /[a-z]+/\n%ignore " "', "public static x _ publicx"
    ),
    "equals": case('start: (NAME | "==" | OP "!")+\nOP: /(<<|>>)?=/\nNAME: /[a-z]/', "a = == << <<= >>= ! =!"),
    "merged_lookahead": case(
        'start: (type "x" | "(" expr ")")+\ntype: NAME ["<" type ">"]\nexpr: NAME (">>" NAME)*\nNAME: /[A-Z]/',
        "Ax A< Ax>> > >> x (A )",
    ),
    "contextual_keyword": case(
        'start: "SELECT" NAME "FROM" NAME\nNAME: /[A-Za-z]+/\n%ignore " "', "SELECT_ FROM_ a _FROM SELECTa"
    ),
    "basic": case('start: A B | B "!"\nA: /a/\nB: /ab?/', "a b ab !", lexer="basic"),
    "basic_unused": case('start: "a" X\nX: /b/\n%ignore Y\nY: /ab/', "a b ab", lexer="basic"),
    "strings": case('%import common.ESCAPED_STRING\nstart: ESCAPED_STRING+\n%ignore " "', '" \\" \\ a _ \\\\'),
    "lazy": case("start: (C | D)+\nC: /\\/\\*.*?\\*\\//s\nD: /[a-z]/", "/* */ a * / ^"),
    "lazy_munch": case('start: A "b" | A "a"\nA: /a+?/', "a b aa"),
    "lookahead": case('start: (A | "b" | "c")+\nA: /a(?=b)|a(?=c$)/', "a b c ab ac"),
    "lookahead_far": case('start: (A | B | "!")+\nA: /a(?=b*!)/\nB: /[ab]/', "a b ! bb"),
    "lookahead_not": case("start: (A | B)+\nA: /a(?!a*b)/\nB: /b|ab|aab/", "a b aa"),
    "lookahead_end": case("start: A+ B?\nA: /a$|a\\Z|b/\nB: /a|\\n/", "a b ^"),
    "lookbehind": case("start: (A | B)+\nA: /(?<=b)a/\nB: /b|(?<!ab)c/", "a b c ab"),
    "line_start": case("start: (H | W | NL)+\nH: /^#+/m\nW: /[a-z#]/\nNL: /\\n/", "# a ^ ##"),
    "text_start": case("start: A B*\nA: /^a/\nB: /^b|c/", "a b c"),
    "word_boundary": case('start: (A | B | " ")+\nA: /a\\b/\nB: /b\\B|a/', "a b _ ab"),
    "keyword_boundary": case('start: (NAME | "if" | " ")+\nNAME: /(?!(if|or)\\b)[a-z]+/', "if or iff _ o r x"),
    "ignored_used": case('start: "a" S "b" | "a" "c"\nS: " "\n%ignore S', "a b c _"),
    "ignored_pattern": case('start: (X | "y")+\nX: /x+/\n%ignore /x /\n%ignore /[ #]+/', "x y _ # xx"),
    "range": case('start: ("a".."c" "0".."9"+)+', "a b d 1 0 9"),
    "repeats": case('start: "a"~2 "b"~1..3 ("c" "d")~0..1', "a aa b c cd d"),
    "repeats_long": case('start: "a"~51..60 "b"~3', "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a aaa b bbb"),
    "terminal_repeats": case('start: A B\nA: "a"~2..3 ("b"|"bc")? \nB: ["x"] "y"+', "aa a b c xy y"),
    "templates": case(
        'start: list{"a", ","} | pair{NAME}\nlist{x, s}: x (s x)*\npair{y}: "<" y y ">"\nNAME: /[b-z]/', "a , < > b c"
    ),
    "templates_nested": case('start: opt{twice{"a"}} "b"\nopt{x}: [x]\ntwice{x}: x x', "a b aa"),
    "rule_priority": case(
        'start: a "!"| b "?"\na: "x" c "."\nb: "x" d "." ","\nc.2: "y"\nd.1: "y"', "x y . , ! ? y.! y.,?"
    ),
    "nullable": case('start: a b a\na: ["a"]\nb: ("b"|)\n', "a b"),
    "right_recursion": case('start: "a" start | "b"', "a b ab"),
    "hidden_left": case('start: x start "a" | "b"\nx: ["x"]', "a b x"),
    "dangling_else": case('start: s\ns: "i" s | "i" s "e" s | "x"', "i e x"),
    "aliases": case('start: "a" -> one | ("b" | "c")+ -> two | x\n!x: "x" [y]\n?y: "y" | "(" y ")"', "a b c x y ( )"),
    "unicode": case('start: (/\\w+/ | "é" | "→")+\n%ignore " "', "é è → _ a 1 ´"),
    "case_folding": case('start: ("straße"i | "k"i | "s"i)+', "straße STRASSE STRAßE K \u212a ſ s"),
    "verbose": case("start: A+\nA: /a b  # the rest is a comment\n c/x", "abc a b c _"),
    "escapes": case('start: "\\n" | "\\t\\"" | "\\\\n" | /\\// | /[\\\\"]/ "\\u00e9"', '^ \\ n " / é'),
    "inner_terminals": case(
        'start: N\nN: D+ ("." D+)? | "-" N2\nN2: D\nD: "0".."9" | HEX\nHEX: /[a-f]/i', "1 . - a F g"
    ),
    "loop_first": case('start: (T | "a")+\nT: /c*b/', "a b c cb"),
    "empty_text": case('start: ("a" "b")*', "a b ab"),
    "declared": case('%declare TOOL\nstart: "a" TOOL? "b"', "a b TOOL"),
    "global_import": case(
        '%import common (WORD, NUMBER, WS)\n%import common.CNAME -> ID\nstart: (WORD | NUMBER | ID ";")+\n%ignore WS',
        "a 1 1.5 ; _ e a_1 1e",
    ),
    "python_strings": case(
        "%import python.STRING\n%import python.LONG_STRING\nstart: (STRING | LONG_STRING)+", '" \' a \\ b" """'
    ),
    "override": case('%import common.WORD\n%override WORD: /[0-9]+/\n%extend WORD: "x"\nstart: WORD+', "a 1 x 12"),
}
