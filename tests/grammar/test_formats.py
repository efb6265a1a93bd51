from __future__ import annotations

import datetime
import ipaddress
import random
import re
import unicodedata

import pytest

from detent.grammar import dfa, formats, regex
from detent.grammar.dfa import CharDfa
from detent.grammar.errors import GrammarError


def automaton(name: str, draft: int = 2020) -> CharDfa:
    found = formats.format_texts(name, draft=draft)
    assert found is not None
    return formats.as_dfa(found)


def holds(name: str, text: str, draft: int = 2020) -> bool:
    return dfa.matches(automaton(name, draft), text)


def test_dates_are_those_of_the_calendar() -> None:
    for year in (1, 4, 100, 400, 1900, 1999, 2000, 2023, 2024, 9999):
        for month in range(14):
            for day in range(33):
                try:
                    valid = bool(datetime.date(year, month, day))
                except ValueError:
                    valid = False
                assert holds("date", f"{year:04}-{month:02}-{day:02}") == valid


def test_leap_seconds_are_at_midnight_in_utc() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        sign, hours, minutes = rng.choice("+-"), rng.randrange(24), rng.randrange(60)
        offset = (hours * 60 + minutes) * (1 if sign == "+" else -1)
        local = (23 * 60 + 59 + offset + rng.choice([0, 0, 0, 1, -1, 60, rng.randrange(1440)])) % 1440
        text = f"{local // 60:02}:{local % 60:02}:60.5{sign}{hours:02}:{minutes:02}"
        valid = (local - offset) % 1440 == 1439
        assert holds("time", text) == valid
        assert holds("date-time", f"2016-12-31t{text}") == valid
        assert holds("time", text.replace(":60.5", ":59"))
    assert holds("time", "23:59:60z") and not holds("time", "23:58:60z")


def test_addresses_are_those_of_ipaddress() -> None:
    rng = random.Random(2)
    for _ in range(5000):
        groups = [rng.choice(["", "0", "12", "abcd", "fffff", "1.2.3.4", "::"]) for _ in range(rng.randrange(1, 10))]
        text = ":".join(groups)
        try:
            valid = bool(ipaddress.IPv6Address(text))
        except ValueError:
            valid = False
        assert holds("ipv6", text) == valid, text
    for _ in range(5000):
        text = ".".join(rng.choice(["0", "9", "10", "01", "199", "249", "255", "256", "", "x"]) for _ in range(4))
        try:
            valid = bool(ipaddress.IPv4Address(text))
        except ValueError:
            valid = False
        assert holds("ipv4", text) == valid, text


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("duration", ["P4Y", "P1Y2M3DT4H5M6S", "PT36H", "P2W"], ["P", "PT", "P1Y2D", "PT1H2S", "P1Y2W", "PT0.5S"]),
        ("email", ["a.b@c.d", '"a b"@c', "a@[127.0.0.1]", "a@[IPv6:::1]"], [".a@b", "a..b@c", "a@b=c", "a@", "a b@c"]),
        ("idn-email", ["δ@ε.com", "a@b"], ["δ", "a＠b"]),
        (
            "hostname",
            ["a", "a-b.c1", "a--b.c", "a" * 63],
            ["", ".", "a.", "-a", "a-", "a_b", "a" * 64, "ab--c", "xn--x"],
        ),
        ("uuid", ["2EB8AA08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "x"]),
        (
            "uri",
            ["http://a.b/c?d#e", "urn:x:y", "ldap://[2001:db8::7]/c=GB?o", "http://[v1.fe]", "a:", "a:///b"],
            ["//a", "a", "http://a b", "http://[::1", "a:%6G", "a:/[::1]", "http://a:b/", "a:é", "1a:b", "a:b#c#d"],
        ),
        ("uri-reference", ["", "//a/b", "/a", "a/b:c", "?a", "#b", "./a:b"], ["1:b", "#a\\b", "/[::1]", "//a@b@c/"]),
        ("iri", ["http://ƒøø/π?\ue000", "a:b"], ["ƒøø", "http://a\n", "a:\ue000"]),
        ("iri-reference", ["âππ", "#ƒ"], ["\\\\a", "#a\\b"]),
        (
            "uri-template",
            ["", "a{b}c", "{+a,b*}", "{v:999}", "{a.b}"],
            ["{", "{}", "{v:0}", "{v:10000}", "{a..b}", "a b"],
        ),
        ("json-pointer", ["", "/", "/a/~0~1", "/\n"], ["a", "/~", "/~2", "#/a"]),
        ("relative-json-pointer", ["0", "12/a", "0#", "0//"], ["", "/a", "01", "0##", "-1"]),
    ],
)
def test_formats(name: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not holds(name, text)] == []
    assert [text for text in no if holds(name, text)] == []


def test_hostnames_have_253_characters_at_most() -> None:
    label = "a" * 63
    assert holds("hostname", ".".join([label] * 3 + ["a" * 61]))
    assert not holds("hostname", ".".join([label] * 3 + ["a" * 62]))


def test_lengths_of_hostnames_are_counted_beside_a_small_automaton() -> None:
    texts = formats.format_texts("hostname")
    assert texts is not None and formats.format_texts("hostname") is texts
    ((language, shortest, longest),) = texts.parts()
    assert language is not None and language.n_states < 1000 and (shortest, longest) == (1, 253)
    assert formats.format_texts("date", draft=4) is None


PATTERNS_YES = r"""
a ^$ a|b| (a)(?:b)(?<n>c) (?=a)b (?<!a)b ((?=(a))b) [] [^] [a-z-9] [\w-] [-a] [a-] [^\]\-\\] [!-~] [а-я] .*?
a+?b{2}c{2,} d{2,3}?e{9,10}f{10,19}g{0,7} \cA\x41\u0041\u{1F600}\0\t\/\^ \p{Lu}\P{L} [\u4e00-\u9fa5] [^\x00-\x7F]
(a)\1 ((((((((a)))))))) \bx\B (?<n>a)\k<n> (a)x(?<Q>ab?)\d\k<Q>{2}(c)\1
"""
PATTERNS_NO = r"""
( ) (a a) [ [a ] { } a{ a{,2} a{2,1} a{20,19} * a** a{1}{2} ^* \b+ (?=a)* (?<=a)? [z-a] [\w-z] [a-\d] \a \- \_ \1(a)
(a)\2 \01 (a)\10 \x4 \u{110000} \p{Klingon} \c1 (?i)a (?P<n>a) (?#a) (?>a) (?<1>a) (?<n>a)(?<n>b) \k<n> (?<n>a)\k<m>
(?<n>a)\k<n (?<n>a)\k<n>** (?<n>a)\k<nn> (?<n>a\k<n> \
"""


def test_patterns_are_those_of_ecma_262() -> None:
    assert [p for p in ["", *PATTERNS_YES.split()] if not holds("regex", p)] == []
    assert [p for p in PATTERNS_NO.split() if holds("regex", p)] == []
    for text in PATTERNS_YES.split():
        regex.parse(text)


def random_texts(language: CharDfa, count: int) -> list[str]:
    """Texts of an automaton: steps at random, after a while the shortest way to the end."""
    rng = random.Random(4)
    shortest = dfa.lengths(language)[0].tolist()
    ways = [[(c, to) for c, to in enumerate(row) if to >= 0] for row in language.trans.tolist()]
    letters = [chr(points[0]) for points in language.class_sets]
    found = []
    for _ in range(count):
        state, text, length = 0, "", rng.randrange(2, 25)
        while len(text) < length or not language.accept[state]:
            steps = ways[state]
            if len(text) >= length:
                steps = [(c, to) for c, to in steps if shortest[to] < shortest[state]]
            c, state = rng.choice(steps)
            text += letters[c]
        found.append(text)
    return found


def test_patterns_of_the_format_are_read() -> None:
    for text in random_texts(automaton("regex"), 1000):
        try:
            regex.parse(text)
        except GrammarError as error:
            assert "which a back-reference repeats" in str(error)


def test_formats_depend_on_the_draft() -> None:
    assert holds("hostname", "ab--cd.xn--x", draft=6) and not holds("hostname", "ab--cd", draft=7)
    assert formats.format_texts("date", draft=4) is None
    assert formats.format_texts("duration", draft=7) is None
    assert formats.format_texts("path") is None
    assert automaton("uri", 4) is automaton("uri", 2020)


IDN_YES = """
실례.테스트 1host ßς་〇 ۽۾ l·l α͵β א׳ב ・ぁ ・丈 ب٠ب ۰0 क\u094d\u200dष क\u094d\u200cष بي\u200cبي
a。b．c｡d παράδειγμα.com münchen.de пример.рф ไทย A.b
"""
IDN_NO = """
〮실례 실〮례 \u0903hello \u0300hello \u0488hello ـߺ 〱 a·l ·l l·a l· α͵S α͵ A׳ב ׳ב
def・abc ・ ب٠۰ क\u200dष \u200dष क\u094d\u200cषx\u200cy
0a.א 0ا aא א0٠ xn--7a xn--X XN--aa---o47jg78q a..b . 。 .a a． é- -é ab--é É e\u0301 ﬁ a_é é_ ᄀ ä\u200d
"""


def test_internationalised_hostnames() -> None:
    texts = formats.format_texts("idn-hostname")
    assert texts is not None
    assert [name for name in [*IDN_YES.split(), "a" * 63, ".".join(["a" * 62] * 4)] if not texts.matches(name)] == []
    assert [name for name in ["", *IDN_NO.split(), "a" * 64] if texts.matches(name)] == []


def test_labels_beyond_ascii_have_a_valid_other_form() -> None:
    texts = formats.format_texts("idn-hostname")
    assert texts is not None
    language = texts.parts()[0][0]
    assert language is not None
    for name in filter(texts.matches, random_texts(language, 3000)):
        labels = re.split("[.\u3002\uff0e\uff61]", name)
        encoded = [n if n.isascii() else "xn--" + n.encode("punycode").decode() for n in labels]
        assert len(".".join(encoded)) <= 253 and all(0 < len(n) <= 63 for n in encoded)
        for label in labels:
            assert label.isascii() or unicodedata.normalize("NFC", label) == label == label.lower()
            assert unicodedata.category(label[0])[0] != "M" and "-" not in (label[0], label[-1])


def test_the_longest_labels_beyond_ascii_fit() -> None:
    texts = formats.format_texts("idn-hostname")
    assert texts is not None
    rng = random.Random(6)
    far = [chr(point) for point in (0x323AF, 0x2EBE0, 0x1E900 + 34, 0x4E00, 0xE0, 0x30000)]
    for _ in range(2000):
        label = "".join(rng.choices([*far, "a"], k=10))
        assert len(label.encode("punycode")) <= 59


def test_every_format_is_made_once_and_has_an_example() -> None:
    for names in formats._SINCE.values():
        for name in set(names.split()) - {"idn-hostname"}:
            text = dfa.example(automaton(name))
            assert text is not None and holds(name, text)
            assert automaton(name) is automaton(name)
