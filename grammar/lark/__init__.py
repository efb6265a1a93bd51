"""Lark grammars: their text to the tables of a lexer and a parser, exactly as Lark 1.3 reads them."""
