"""Laws under a constraint: how the next token is drawn when only some tokens are allowed."""
