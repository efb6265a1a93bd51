"""The command line: ``detent demo`` and ``detent check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from detent.automata.matcher import Matcher

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def demo(
    samples: Annotated[int, typer.Option(min=1, help="Texts sampled at temperature 1, with and without.")] = 200,
    seed: Annotated[int, typer.Option(help="Makes the run reproducible.")] = 0,
) -> None:
    """Extract typed objects from small texts with the bundled model, and measure what the constraint is worth."""
    import torch

    from detent.demo import show

    torch.set_num_threads(1)  # so small a model gains nothing from more, and loses much on a busy machine
    show(samples, seed, Console())


@app.command()
def check(
    schema: Annotated[Path, typer.Argument(help="A file with a JSON Schema; - is the standard input.")],
    instance: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="A JSON text to judge by the schema.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse what cannot be enforced exactly.")] = True,
) -> None:
    """Tell what of a JSON Schema is enforced; exit with 1 when it is refused, or the instance is invalid: where.

    With --no-strict, what was left out of the schema is checked by a validator: detent[validate].
    """
    from detent.automata.compiler import Compiler
    from detent.automata.vocabulary import Vocabulary
    from detent.grammar.errors import GrammarError, Violated
    from detent.grammar.types import output_type

    if str(schema) != "-" and not schema.is_file():
        raise typer.BadParameter(f"there is no file {schema}.")
    single_bytes = Vocabulary.from_tokens([*(bytes([value]) for value in range(256)), None], eos=[256])
    try:
        text = sys.stdin.read() if str(schema) == "-" else schema.read_text(encoding="utf-8")
        grammar = Compiler(single_bytes).json_schema(output_type(text).schema, order="any", strict=strict)
    except GrammarError as error:
        Console(stderr=True).print(Text.assemble(("refused ", "red"), str(error)))
        raise typer.Exit(1) from None
    console = Console()
    console.print_json(data=grammar.explain())
    if instance is not None:
        data = instance.read_bytes()
        fault = _first_fault(grammar.matcher(), data)
        if fault is None:
            try:
                grammar.residual(data.decode()).check()
            except (Violated, ImportError) as error:
                fault = str(error)
        if fault is not None:
            console.print(fault, markup=False, highlight=False, soft_wrap=True)
        console.print("[green]valid[/]" if fault is None else "[red]invalid[/]")
        raise typer.Exit(0 if fault is None else 1)


def _first_fault(matcher: Matcher, data: bytes) -> str | None:
    """Where a text leaves the grammar, over a vocabulary of single bytes, and what could stand there instead."""
    n_read = next((k for k, byte in enumerate(data) if not matcher.accept(byte)), len(data))
    if n_read == len(data) and matcher.is_complete():
        return None
    from detent.automata.matcher import allocate_bitmask

    mask = allocate_bitmask(1, len(matcher.grammar.vocabulary))
    matcher.fill_bitmask(mask)
    before = data[:n_read].decode("utf-8", errors="replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    begin = max(before.rfind("\n") + 1, len(before) - EXCERPT)
    after = data[n_read:].decode("utf-8", errors="replace").partition("\n")[0][:EXCERPT]
    what = "the text ends too early" if n_read == len(data) else "not allowed"
    arrow = " " * (len(before) - begin) + "^"
    expected = _listed([byte for byte in range(256) if mask[0, byte >> 5] >> (byte & 31) & 1])
    return f"line {line}, column {column}: {what}\n{before[begin:]}{after}\n{arrow}\nhere may come {expected}"


def _listed(allowed: list[int]) -> str:
    """Bytes in words: runs of visible characters, white space, and the rest."""
    runs: list[list[int]] = []
    for byte in (b for b in allowed if 0x20 < b < 0x7F):
        if runs and runs[-1][1] == byte - 1:
            runs[-1][1] = byte
        else:
            runs.append([byte, byte])
    words = [chr(a) if a == b else f"{chr(a)} {chr(b)}" if b == a + 1 else f"{chr(a)}-{chr(b)}" for a, b in runs]
    words += ["white space"] * any(byte in b" \t\r\n" for byte in allowed)
    words += ["characters beyond ASCII"] * any(byte >= 0x80 for byte in allowed)
    return ", ".join(words) if words else "nothing more"


EXCERPT = 60  # characters of a line that are shown on each side of a fault
