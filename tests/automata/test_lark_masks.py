"""Masks of Lark grammars, bit for bit, against a naive recogniser that reads every token from every prefix."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detent.automata.compiler import Compiler
from detent.automata.matcher import Matcher, allocate_bitmask
from detent.automata.vocabulary import Vocabulary
from detent.grammar.lark.compile import compile_lark
from tests.naive import lexed_steps as naive
