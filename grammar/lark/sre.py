"""The parser of `re`, which moved in Python 3.11."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    from re import _casefix, _constants, _parser  # type: ignore[attr-defined]

    constants: Any = _constants
    parser: Any = _parser
    extra_cases: dict[int, tuple[int, ...]] = _casefix._EXTRA_CASES
else:
    import sre_compile
    import sre_constants
    import sre_parse

    constants, parser, extra_cases = sre_constants, sre_parse, sre_compile._ignorecase_fixes  # type: ignore[attr-defined]
