"""The masks of a batch, written by whoever has time: the caller, and a helper that looks for work.

Both share a *board*, an int64 array: what is to be written, and one word, the *ticket*, that says which rows are taken.
Rows are taken in *lots*. The helper takes them from the front, as soon as the first are offered, the caller from the
back when all are: so each lot mostly stays with the core that wrote it last, in whose cache it is. Nobody waits for a
helper that does not come, only for one that has taken a lot.

A ticket holds the number of lots that are offered, those taken from the front and those from the back. It changes by
compare-and-swap, so a helper that comes late takes nothing of a batch that it did not see; and all else on the board
stays as it is until every lot that was taken is done.
"""

from __future__ import annotations

from .arena import STATE, STATE_STRIDE, STATUS, WORDS
from .atomic import add, address_of, load, pause, rows_at, swap
from .jit import kernel
from .masks import OWN, recipe, write_mask
from .states import S_SUSPECTS

# words of a board; those that both write at the same time are lines of a cache apart
TICKET, DONE, AWAKE, PATIENCE = 0, 16, 32, 33
ARENA, MASK, N_ROWS, LOT, MINE, HEADER = 48, 50, 52, 53, 64, 80  # arrays: address and length
FRONT, BACK, OFFERED = 1, 1 << 21, 1 << 42  # one more of each in a ticket
SHARED, ALONE, ASLEEP, PENDING = 0, 1, 2, 3
LOOKS = 1000  # at what the helper has written, before others may have the processor


def board_of(n: int) -> int:
    """How many words a board of ``n`` rows has: the rows of all, then their recipes, stand behind the header."""
    return HEADER + 2 * n


@kernel("void(A, int32[:, ::1], int64[::1], i8, i8)")
def begin(A, mask, B, n, lot):
    """Put a batch of ``n`` rows on a board, of which none is offered yet; the batch before must be finished.

    Parameters
    ----------
    mask : (rows, words) int32
    B : (board_of(n) or more,) int64
        The row of the mask of matcher ``j`` becomes ``j``; whoever wants others writes them behind the header.
    lot : int
        How many rows are taken at once.
    """
    B[ARENA], B[ARENA + 1], B[MASK], B[MASK + 1] = address_of(A), len(A), address_of(mask), len(mask)
    B[N_ROWS], B[LOT] = n, lot
    for j in range(n):
        B[HEADER + j] = j
    B[DONE] = B[MINE] = 0
    add(B, TICKET, -load(B, TICKET))


@kernel("i8(A, A, int64[::1], i8, i8)")
def offer(A, V, B, start, stop):
    """Make the recipes of states (0: none) from ``start`` on, and offer all rows before ``stop`` when all have theirs.

    Parameters
    ----------
    B : (board_of(n) or more,) int64
        The states stand where their recipes shall be. Those from :data:`.masks.OWN` on have none.
    stop : int
        A multiple of the size of a lot, or ``n``.

    Returns
    -------
    int
        ``stop``; else the index of the first whose recipe is not all of its mask, or cannot be made here.
    """
    states = HEADER + B[N_ROWS]
    for j in range(start, stop):
        state = B[states + j]
        if state == 0:
            continue
        made = recipe(A, V, state) if state < OWN else 0
        if made == 0 or A[A[STATE] + state * STATE_STRIDE + S_SUSPECTS] != 0:
            A[STATUS] = 0
            return j
        B[states + j] = made
    lots = (stop + B[LOT] - 1) // B[LOT]
    add(B, TICKET, (lots - load(B, TICKET) // OFFERED) * OFFERED)
    return stop


@kernel("i8(int64[::1], i8)")
def take_lot(B, side):
    """Take a lot from one side (``FRONT``, ``BACK``); -1 when none is left."""
    while True:
        ticket = load(B, TICKET)
        lots, back, front = ticket // OFFERED, ticket // BACK % BACK, ticket % BACK
        if front + back >= lots:
            return -1
        if swap(B, TICKET, ticket, ticket + side):
            return front if side == FRONT else lots - 1 - back


@kernel("void(A, int32[:, ::1], int64[::1], i8)")
def write_lot(A, mask, B, lot):
    """Write the masks of one lot."""
    n, size = B[N_ROWS], B[LOT]
    for j in range(lot * size, min(n, (lot + 1) * size)):
        made = B[HEADER + n + j]
        if made != 0:
            write_mask(A, made, mask, B[HEADER + j])


@kernel("i8(A, int32[:, ::1], int64[::1])", nogil=True)
def finish(A, mask, B):
    """Write what is offered and was not taken, and wait for what was.

    It runs off the interpreter lock: it only reads what was published before, and memory of an arena never moves.

    Returns
    -------
    int
        ``SHARED`` when both have written some, ``ALONE`` when one wrote all though the helper was awake, ``ASLEEP``
        when it was not, and ``PENDING`` when it has not written all that it took: to be called again, since it may
        wait for the processor.
    """
    lots, mine, lot = load(B, TICKET) // OFFERED, 0, take_lot(B, BACK)
    while lot >= 0:
        write_lot(A, mask, B, lot)
        mine += 1
        lot = take_lot(B, BACK)
    B[MINE] += mine
    add(B, DONE, mine)
    for _ in range(LOOKS):
        if load(B, DONE) == lots:
            if 0 < B[MINE] < lots:
                return SHARED
            return ALONE if load(B, AWAKE) != 0 else ASLEEP
        pause()
    return PENDING


@kernel("void(int64[::1])", nogil=True)
def help_out(B):
    """Write lots of whatever batches come, until none has come for ``B[PATIENCE]`` looks at the ticket."""
    add(B, AWAKE, 1)
    looks = 0
    while looks < load(B, PATIENCE):
        lot = take_lot(B, FRONT)
        if lot < 0:
            pause()
            looks += 1
            continue
        A = rows_at(B[ARENA], 1, B[ARENA + 1])[0]
        write_lot(A, rows_at(B[MASK], B[MASK + 1], int(A[WORDS])), B, lot)
        add(B, DONE, 1)
        looks = 0
    add(B, AWAKE, -1)
