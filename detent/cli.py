"""The command line: ``detent demo`` and ``detent check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

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
    instance: Annotated[Path | None, typer.Argument(help="A JSON text to judge by the schema.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse what cannot be enforced exactly.")] = True,
) -> None:
    """Tell what of a JSON Schema is enforced; exit with 1 when it is refused, or the instance is invalid.

    With --no-strict, what was left out of the schema is checked by a validator: detent[validate].
    """
    from detent.automata.compiler import Compiler
    from detent.automata.vocabulary import Vocabulary
    from detent.grammar.errors import GrammarError, Violated
    from detent.grammar.types import output_type

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
        matcher, data = grammar.matcher(), instance.read_bytes()
        valid = matcher.accept_bytes(data) and matcher.is_complete()
        if valid:
            try:
                grammar.residual(data.decode()).check()
            except (Violated, ImportError) as error:
                console.print(str(error), markup=False)
                valid = False
        console.print("[green]valid[/]" if valid else "[red]invalid[/]")
        raise typer.Exit(0 if valid else 1)
