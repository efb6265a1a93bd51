"""Layout of the integer table of a number specification: written by the grammar, read by the number kernels.

A number is compared with a bound by its significant digits and the position of its point: ``0.D x 10^q``, ``D``
without leading zeros. ``q`` counts from the first significant digit; ``x`` is a written exponent.
"""

from __future__ import annotations

# What of a number is written: see :mod:`.number`.
START, MINUS, ZERO, ZERO_POINT, ZERO_TAIL, WHOLE, POINT, TAIL, E, E_SIGN, E_DIGITS = range(11)

EXPONENT_DIGITS = 3
EXPONENT_MAX = 10**EXPONENT_DIGITS - 1

INFINITE = 1 << 20  # beyond every position and exponent; sums of a few still fit int32

# Comparison of the digits read so far with those of a bound; smaller values count the digits that agree.
LESS = 0x7FFE
GREATER = 0x7FFF

# What a kernel keeps of the digits N read so far, in one field: N mod MODULUS, and in the bits above how many exponents
# from the first wanted multiple on are free of excluded ones (NEVER: all of them).
RESIDUE_BITS = 20
RESIDUE = (1 << RESIDUE_BITS) - 1
NEVER = (1 << (31 - RESIDUE_BITS)) - 1

FLAGS = 0
ZERO_OK = 1  # zero is admitted
POINT_OK = 2  # a point and an exponent are admitted
PLAIN_OK = 4  # a text with neither is admitted
LISTED = 8  # the table is that of a list: see below
EXCLUDED = 1  # offset of the excluded steps from the table's start; 0: there are none
MODULUS = 2  # digits are kept modulo this: M, or the least common multiple of M and those of excluded steps; 0: no step
COPRIME = 3  # values are multiples of M / 10^PLACES; M = BASE^BASE_POWER * COPRIME, 10 does not divide M
BASE = 4  # 2 or 5
BASE_POWER = 5
PLACES = 6
COVER = 7  # the least c so that every 10^c consecutive integers hold a multiple, and one that no excluded step divides
SMALLEST = 8  # q of the least positive multiple
SIDES = 9  # two offsets from the table's start: the records of the positive and of the negative sign
HEADER = 11

# The record of one sign: bounds on the magnitude, then on written exponents.
SIDE_OK = 0  # 1: some number has this sign (zero has both)
FREE = 1  # 1: every real magnitude is admitted
LO_Q = 2
LO_OPEN = 3
LO_LENGTH = 4
LO_DIGITS = 5  # offset of the digits from the table's start
HI_Q = 6
HI_OPEN = 7
HI_LENGTH = 8
HI_DIGITS = 9
X_FIRST = 10  # written exponents lie in [X_FIRST, X_LAST]
X_LAST = 11
Q_FIRST = 12  # and give a q in [Q_FIRST, Q_LAST]
Q_LAST = 13
P_FIRST = 14  # positions of the point saturate at P_FIRST and P_LAST
P_LAST = 15
F_LAST = 16  # counts of fraction digits saturate at F_LAST
COMPARED = 17  # comparison with both bounds before the first digit: lower | upper << 16
SIDE = 18

# The excluded steps: values are multiples of none of them. Each is itself a multiple of the wanted step.
EX_STEP = 0  # M of the wanted step; 0: any real, and then PLACES is that of the finest excluded step
EX_SPREAD = 1  # the most exponents from the first wanted multiple to the first excluded one
EX_COUNT = 2
EX_STEPS = 3  # then one record for each step M / 10^s
EX_COPRIME = 0  # as in the header
EX_BASE = 1
EX_BASE_POWER = 2
EX_GAP = 3  # PLACES - s
EX_MODULUS = 4  # M
EX_STRIDE = 5

# The table of a list of numbers. Behind the flags: the longest written exponents, the least and greatest q of a number
# that is written with one, and two offsets from the table's start: the numbers of either sign.
L_EXPONENT = 1
L_Q_FIRST = 2
L_Q_LAST = 3
L_SIDES = 4
L_HEADER = 6
# Those of one sign: how many there are, the most digits of one, where positions of the point saturate, and the numbers,
# by their digits and then by q.
L_COUNT = 0
L_LONGEST = 1
L_P_FIRST = 2
L_ENTRIES = 3
L_Q = 0
L_LENGTH = 1
L_DIGITS = 2  # offset from the table's start
L_ENTRY = 3
