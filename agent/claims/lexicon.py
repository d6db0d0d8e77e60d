"""English words by which a sentence claims a fact: what compares, praises, negates, or speaks of the person.

Adjectives map to roles of attributes, never to a domain.
"""

from __future__ import annotations

import re

from convrec.retrieval.schema import Role

COMPARATIVES: dict[str, tuple[Role, int]] = {
    "shorter": (Role.DURATION, -1),
    "briefer": (Role.DURATION, -1),
    "quicker": (Role.DURATION, -1),
    "longer": (Role.DURATION, 1),
    "newer": (Role.YEAR, 1),
    "later": (Role.YEAR, 1),
    "more recent": (Role.YEAR, 1),
    "older": (Role.YEAR, -1),
    "earlier": (Role.YEAR, -1),
    "less recent": (Role.YEAR, -1),
    "cheaper": (Role.PRICE, -1),
    "less expensive": (Role.PRICE, -1),
    "more affordable": (Role.PRICE, -1),
    "pricier": (Role.PRICE, 1),
    "dearer": (Role.PRICE, 1),
    "costlier": (Role.PRICE, 1),
    "more expensive": (Role.PRICE, 1),
    "better rated": (Role.QUALITY, 1),
    "rated better": (Role.QUALITY, 1),
    "higher rated": (Role.QUALITY, 1),
    "rated higher": (Role.QUALITY, 1),
    "better reviewed": (Role.QUALITY, 1),
    "worse rated": (Role.QUALITY, -1),
    "lower rated": (Role.QUALITY, -1),
    "rated lower": (Role.QUALITY, -1),
    "better known": (Role.POPULARITY, 1),
    "more popular": (Role.POPULARITY, 1),
    "more famous": (Role.POPULARITY, 1),
    "less known": (Role.POPULARITY, -1),
    "lesser known": (Role.POPULARITY, -1),
    "less popular": (Role.POPULARITY, -1),
    "more obscure": (Role.POPULARITY, -1),
}
EQUATIVES: dict[str, tuple[Role, int]] = {
    "long": (Role.DURATION, 1),
    "short": (Role.DURATION, -1),
    "new": (Role.YEAR, 1),
    "recent": (Role.YEAR, 1),
    "old": (Role.YEAR, -1),
    "expensive": (Role.PRICE, 1),
    "pricey": (Role.PRICE, 1),
    "cheap": (Role.PRICE, -1),
    "popular": (Role.POPULARITY, 1),
    "famous": (Role.POPULARITY, 1),
    "well known": (Role.POPULARITY, 1),
    "well rated": (Role.QUALITY, 1),
}
QUALIFIERS: dict[str, tuple[Role, int]] = {
    "well rated": (Role.QUALITY, 1),
    "highly rated": (Role.QUALITY, 1),
    "top rated": (Role.QUALITY, 1),
    "well reviewed": (Role.QUALITY, 1),
    "well received": (Role.QUALITY, 1),
    "well regarded": (Role.QUALITY, 1),
    "good ratings": (Role.QUALITY, 1),
    "high ratings": (Role.QUALITY, 1),
    "poorly rated": (Role.QUALITY, -1),
    "badly rated": (Role.QUALITY, -1),
    "low ratings": (Role.QUALITY, -1),
    "popular": (Role.POPULARITY, 1),
    "well known": (Role.POPULARITY, 1),
    "widely known": (Role.POPULARITY, 1),
    "famous": (Role.POPULARITY, 1),
    "widely rated": (Role.POPULARITY, 1),
    "widely seen": (Role.POPULARITY, 1),
    "hidden gem": (Role.POPULARITY, -1),
    "little known": (Role.POPULARITY, -1),
    "lesser known": (Role.POPULARITY, -1),
    "under the radar": (Role.POPULARITY, -1),
    "obscure": (Role.POPULARITY, -1),
    "few people": (Role.POPULARITY, -1),
    "recent": (Role.YEAR, 1),
    "brand new": (Role.YEAR, 1),
    "cheap": (Role.PRICE, -1),
    "inexpensive": (Role.PRICE, -1),
    "affordable": (Role.PRICE, -1),
    "expensive": (Role.PRICE, 1),
    "pricey": (Role.PRICE, 1),
    "on the short side": (Role.DURATION, -1),
    "on the long side": (Role.DURATION, 1),
}
"""said of the item itself: true in the upper (1) or lower (-1) part of the catalogue"""
GRADABLE: dict[str, tuple[Role, int]] = {
    "short": (Role.DURATION, -1),
    "brief": (Role.DURATION, -1),
    "long": (Role.DURATION, 1),
    "lengthy": (Role.DURATION, 1),
    "old": (Role.YEAR, -1),
    "new": (Role.YEAR, 1),
}
"""adjectives with other everyday meanings: a claim only after a form of 'to be' or 'a', before the noun or a pause"""


def _alternatives(words: dict[str, tuple[Role, int]]) -> str:
    return "|".join(re.escape(w).replace(r"\ ", r"[\s-]+") for w in sorted(words, key=len, reverse=True))


COMPARATIVE = re.compile(rf"\b({_alternatives(COMPARATIVES)})\s+(?:\w+\s+)?than\b\s*(.*)", re.IGNORECASE | re.DOTALL)
HEAVIER = re.compile(r"\b(heavier|lighter)\s+than\b\s*(.*)", re.IGNORECASE | re.DOTALL)
EQUATIVE = re.compile(
    rf"\b(not\s+|n't\s+)?(?:quite\s+|nearly\s+|just\s+)?as\s+({_alternatives(EQUATIVES)})\s+as\b\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
QUALIFIER = re.compile(rf"\b({_alternatives(QUALIFIERS)})\b(?!\s+than\b)", re.IGNORECASE)
GRADED = re.compile(
    rf"\b(?:is|it's|was|a|an|and|fairly|quite|pretty|rather|very|relatively|comparatively)\s+"
    rf"({_alternatives(GRADABLE)})(?=\s*(?:[,.;!?]|$|and\b|but\b|NOUN\b))",
    re.IGNORECASE,
)

EVALUATIVE = re.compile(
    r"\b(awards?|award[\s-]winning|award[\s-]winner|prizes?|prize[\s-]winning|oscars?|emmys?|grammys?|golden globes?|"
    r"palme d'or|booker|pulitzer|nobel|medals?|trophy|nominated|nominations?|nominees?|winner|winning|wins|won|"
    r"acclaimed|acclaim|critics?|critically|reviewers|"
    r"masterpiece|masterwork|cult|classic|iconic|legendary|timeless|landmark|groundbreaking|influential|unrivalled|"
    r"unmatched|peerless|number one|no\. ?1|#1|best[\s-]?sell(?:er|ers|ing)|blockbuster|box[\s-]office|smash hit|"
    r"chart[\s-]topp(?:er|ing)|record[\s-]breaking|true story|true events|based on|adapted from|adaptation|sequel|"
    r"prequel|remake|reboot|spin-?off|trilogy|franchise|streaming|for free|free of charge|on sale|discount(?:ed)?|"
    r"guaranteed?|warranty|certified|universally|everyone|everybody|nobody|all ages|world[\s-]famous|"
    r"controversial|banned|uncut|restored|debut|final film|sold out|limited edition|handmade|organic|"
    r"millions|subtitles|subtitled|dubbed|black[\s-]and[\s-]white|violence|violent|nudity|gore|gory|swearing|"
    r"jump scares?|gluten|allergens?|sugar|"
    r"eco[\s-]friendly|non[\s-]toxic|bpa[\s-]free|waterproof|unbreakable|family[\s-]friendly|child[\s-]friendly|"
    r"kid[\s-]friendly|suitable for (?:children|kids))\b",
    re.IGNORECASE,
)
"""facts that a record must state itself: praise by third parties, origins, sales, guarantees"""

SUPERLATIVE = re.compile(
    r"\b(?:the\s+)?(?:(?<!at )(?<!than )most\s+(?!of\b|people\b|likely\b)\w+|least\s+\w+ed\b|"
    r"(?:best|worst)(?!\s+(?:match|fit|guess)\b)|greatest|finest|[a-z]{3,}est\b|"
    r"top\s+(?:\d+|ten|pick of)|unique|one of a kind)"
    r"|\b(?:only|first|second|third|fourth|fifth|final|previous|next)\s+(?:one\b|NOUN\b|part\b|in\s+the\b)"
    r"|\b(?:twice|half|\w+\s+times)\s+(?:as|the)\b",
    re.IGNORECASE,
)
NOT_SUPERLATIVE = frozenset(
    "west forest guest interest honest rest test contest request quest protest harvest closest nearest modest suggest "
    "midwest arrest digest earnest invest manifest tempest conquest everest budapest latest chest crest nest vest pest "
    "jest zest quest bequest behest infest northwest southwest".split()
)

ASKED = re.compile(
    r"\byou(?:'ve|'d|\s+have|\s+had)?\s+(?:also\s+|just\s+)?(?:asked|wanted|want|said|mentioned|requested|named|"
    r"were\s+(?:looking|asking)|are\s+(?:looking|asking)|described|wished)\b(?:\s+(?:for|to|about))?",
    re.IGNORECASE,
)
THAN_ASKED = re.compile(
    r"\bthan\s+(?:what\s+)?(?:you(?:'d|\s+had)?\s+(?:asked|wanted|said|set|hoped)|asked)\b", re.IGNORECASE
)
LIKED = re.compile(
    r"\byou(?:'ve|\s+have)?\s+(?:also\s+|really\s+|both\s+|once\s+|often\s+|usually\s+|clearly\s+|tend\s+to\s+)?"
    r"(like|likes|liked|love|loved|enjoy|enjoyed|adore|adored|prefer|preferred|rated\s+highly|favou?r)\b",
    re.IGNORECASE,
)
KNEW = re.compile(
    r"\byou(?:'ve|\s+have)?\s+(?:also\s+|already\s+)?(saw|seen|watched|read|bought|owned|own|finished|rated|played|"
    r"heard|visited)\b",
    re.IGNORECASE,
)
TASTE = re.compile(
    r"\byour\s+(?:\w+\s+)?(?:history|taste|tastes|favou?rites?|ratings|past|usual|likes|profile)\b"
    r"|\bwhat\s+you\s+(?:usually|normally|often)\b",
    re.IGNORECASE,
)
SHARED = re.compile(r"\b(?:shares?|sharing|shared|same|in\s+common|both)\b", re.IGNORECASE)
THAN_TYPICAL = re.compile(r"^(?:the\s+)?(?:most|average|usual|typical|many)\b", re.IGNORECASE)

NEGATORS = frozenset(
    "no not without isn't aren't wasn't never nor neither non nothing minus zero lacks lacking avoids skips doesn't "
    "hasn't contains-no none hardly".split()
)
JOINERS = frozenset({"or", "nor", "and"})

QUALITY_WORDS = frozenset("rate rates rated rating score scores scored average averages averaging".split())
POPULARITY_WORDS = frozenset(
    "vote votes rating ratings review reviews people viewers readers voters sales sold downloads buyers".split()
)
DURATION_WORDS = frozenset("runtime long length lasts runs running takes duration".split())
YEAR_WORDS = frozenset("released from year published since before after made until dates".split())
PRICE_WORDS = frozenset("price priced costs cost".split())
ROLE_WORDS = {
    Role.QUALITY: QUALITY_WORDS,
    Role.POPULARITY: POPULARITY_WORDS,
    Role.DURATION: DURATION_WORDS,
    Role.YEAR: YEAR_WORDS,
    Role.PRICE: PRICE_WORDS,
}

FUNCTION_WORDS = frozenset(
    "a an the and or but nor so yet if then than that this these those it its it's he she they them his her their "
    "i me my we us our you your yours of in on at to for from by with without about as into over under after before "
    "between through during is are was were be been being has have had do does did will would can could should may "
    "might must not no yes up down out off again more most less least very quite rather too also just only even still "
    "here there where when while who whom whose which what why how all any both each few many much some such same "
    "other another one two like likes liked love loved enjoy enjoyed asked wanted said named because since".split()
)
TONE_WORDS = frozenset(
    "love time fun good great nice way world life people person man woman day night year story mood feel feeling "
    "taste pick choice match list fit close start end light dark sweet warm cold easy hard big small little real true "
    "worth try look watch read use give take make work play line turn point side right left past present first last "
    "new old young short long high low best better well bit lot thing things kind sort part place side note home "
    "memory friends friend family heart mind music title word words length price rating score name number age "
    "language country interest surprise gem trade off different similar strong quiet slow fast touch sense hand "
    "usual favorite favourite evening weekend free safe power style tone plot fan fans theme themes".split()
)
"""everyday words that a large vocabulary of tags may hold too: alone and in lower case they claim nothing"""
MAKES = frozenset(
    "directs directed writes wrote written stars starred plays played composed sings sang made makes created brings "
    "delivers shines gives steals appears leads led returns designed".split()
)
"""verbs before which a single capitalised word at the beginning of a sentence is somebody's name"""
ITSELF = re.compile(r"^\s*(?:it|this|that)\b(?!\s+\w+ed\b)", re.IGNORECASE)
ALLOWED_CAPITALS = frozenset({"i", "ok", "tv", "i'm", "i've", "i'd", "i'll"})

COUNTRY_ALIASES = {
    "united states of america": ("USA", "US", "United States", "America", "American"),
    "united states": ("USA", "US", "United States of America", "America", "American"),
    "united kingdom": ("UK", "Britain", "Great Britain", "British"),
}
