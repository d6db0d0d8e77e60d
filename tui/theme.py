"""convrec's own two themes. Their colours are told apart by people with any colour vision (Okabe and Ito, 2008)."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="convrec-dark",
    primary="#56B4E9",
    secondary="#8AA4B8",
    accent="#E6A532",
    warning="#E6A532",
    error="#F0805A",
    success="#2FC29B",
    foreground="#E3E7EA",
    background="#12171C",
    surface="#182027",
    panel="#222C35",
    dark=True,
    variables={
        "footer-key-foreground": "#E6A532",
        "input-selection-background": "#56B4E9 35%",
        "block-cursor-foreground": "#12171C",
        "block-cursor-background": "#56B4E9",
    },
)

LIGHT = Theme(
    name="convrec-light",
    primary="#0067A3",
    secondary="#4E6475",
    accent="#9A5B00",
    warning="#9A5B00",
    error="#B23A0E",
    success="#00735A",
    foreground="#1D2429",
    background="#FBFAF7",
    surface="#F3F1EB",
    panel="#E7E4DB",
    dark=False,
    variables={
        "footer-key-foreground": "#9A5B00",
        "input-selection-background": "#0067A3 25%",
        "block-cursor-foreground": "#FBFAF7",
        "block-cursor-background": "#0067A3",
    },
)

OWN = (DARK, LIGHT)

WIDTHS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]
"""classes that screens get by their columns"""
HEIGHTS = [(0, "-short"), (20, "-tall")]
"""classes that screens get by their lines"""
