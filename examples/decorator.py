"""A signature as a specification: the docstring is the prompt, the return type is what comes back."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

import detent

lm = detent.load()


@dataclass
class Person:
    name: Annotated[str, Field(max_length=30)]
    age: Annotated[int, Field(ge=0, lt=130)]


@detent.structured(lm, sampler=detent.Masking(temperature=0))
def read(text: str) -> Person:
    """{text}"""


@detent.structured(lm, sampler=detent.Masking(temperature=0))
async def read_later(text: str) -> Person:
    """{text}"""


async def several(*texts: str) -> list[Person]:
    return await asyncio.gather(*map(read_later, texts))


print(read("Nora is 34 years old."))
print(asyncio.run(several("Ada is 36 years old.", "Omar is 51 years old.")))
