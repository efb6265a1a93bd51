from .number import NumberSpec


class NumberSet:
    """stand-in until merged"""
    def __init__(self, specs): self.specs = tuple(s for s in specs if not s.is_empty())
    @classmethod
    def all(cls): return cls([NumberSpec(None, False, None, False)])
    @classmethod
    def of(cls, spec): return cls([spec])
    def __and__(self, o): return NumberSet(a.intersect(b) for a in self.specs for b in o.specs)
    def __or__(self, o): return NumberSet((*self.specs, *o.specs))
    def __invert__(self):
        out = NumberSet.all()
        for s in self.specs:
            if s.integer or s.lexical_integer or s.multiple_of is not None:
                raise NotImplementedError
            parts = []
            if s.lo is not None: parts.append(NumberSpec(None, False, s.lo, not s.lo_open))
            if s.hi is not None: parts.append(NumberSpec(s.hi, not s.hi_open, None, False))
            out = out & NumberSet(parts)
        return out
