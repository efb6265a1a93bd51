"""Verification: tokens of the target's law that agree with a draft as often as can be."""

from __future__ import annotations

import torch

from detent.sampler.masking import invert


def choose(
    target: torch.Tensor,
    uniforms: torch.Tensor,
    children: torch.Tensor | None = None,
    draft: torch.Tensor | None = None,
) -> torch.Tensor:
    """Choose one token per row, by the target's law, preferring what was drafted.

    Parameters
    ----------
    target : torch.Tensor, float ``[rows, width]``
        The target's laws, under the mask of their row.
    uniforms : torch.Tensor, float64 ``[rows, n + 1]``
        Independent of each other and of the drafts.
    children : torch.Tensor, int64 ``[rows, n]``, optional
        Tokens that were drawn from ``draft`` one after another without replacement; -1 behind the last.
    draft : torch.Tensor, float ``[rows, width]``, optional
        The laws that the children were drawn from, under the same mask and the same options as the target's.

    Returns
    -------
    torch.Tensor, int64 ``[rows]``
        Whatever the drafts are, these tokens follow the target's law exactly; none has probability zero there.

    Notes
    -----
    A child ``x`` is kept with a probability of ``min(1, p(x) / q(x))``; else it is taken out of ``q``, and ``p``
    becomes what of it ``q`` did not cover. With one child this is Leviathan et al. 2023 (arXiv:2211.17192, appendix
    A.1), with more recursive rejection (Jeon et al. 2024, arXiv:2402.14160, section 3.1). The comparison is strict, so
    a uniform number of 0 keeps nothing impossible.
    """
    if children is None or draft is None:
        return invert(target, uniforms[:, -1])
    p, q = target.double(), draft.double()
    chosen = torch.full_like(children[:, 0], -1)
    for rank in range(children.shape[1]):
        token = children[:, rank]
        asked = (chosen < 0) & (token >= 0)
        index = token.clamp(min=0).unsqueeze(1)
        kept = asked & (uniforms[:, rank] * q.gather(1, index).squeeze(1) < p.gather(1, index).squeeze(1))
        chosen = torch.where(kept, token, chosen)
        refused = (asked & ~kept).unsqueeze(1)
        p_left, q_left = reject(p, q, index)
        p, q = torch.where(refused, p_left, p), torch.where(refused, q_left, q)
    return torch.where(chosen < 0, invert(p, uniforms[:, -1]), chosen)


def reject(p: torch.Tensor, q: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both laws behind a refused token.

    Parameters
    ----------
    p, q : torch.Tensor, float64 ``[rows, width]``
        The target's law and the draft's.
    tokens : torch.Tensor, int64 ``[rows, 1]``
        What was drawn from ``q``.

    Returns
    -------
    p : torch.Tensor, float64 ``[rows, width]``
        ``max(p - q, 0)``, normalised. Where rounding leaves nothing of it, the laws are equal and it is ``p``.
    q : torch.Tensor, float64 ``[rows, width]``
        Without the token, normalised; zero where there was no other.
    """
    residual = (p - q).clamp(min=0)
    mass = residual.sum(-1, keepdim=True)
    p = torch.where(mass > 0, residual / mass, p)
    q = q.scatter(1, tokens, 0.0)
    mass = q.sum(-1, keepdim=True)
    return p, torch.where(mass > 0, q / mass, q)
