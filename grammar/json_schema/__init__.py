"""JSON Schema: documents and references, nodes, and goals (what a value must be, one JSON type at a time)."""

from .goals import Goal, Goals
from .values import Array, Literal, Number, Object, String, Value

__all__ = ["Array", "Goal", "Goals", "Literal", "Number", "Object", "String", "Value"]
