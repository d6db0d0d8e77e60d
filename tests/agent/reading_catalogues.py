"""Three small catalogues without a vocabulary in common, for the reader of requests."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from convrec.retrieval.catalogue import EPOCH, Catalogue, CategoryColumn, Column, FlagColumn, NumberColumn
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

K = AttributeKind
Row = dict[str, Any]

_FILMS = """
Alien|1979|Horror,Science Fiction|117|en|United Kingdom,United States|Ridley Scott|Sigourney Weaver,John Hurt|alien,spaceship|8.1|9100
Blade Runner|1982|Science Fiction,Thriller|117|en|United States|Ridley Scott|Harrison Ford,Rutger Hauer|android,dystopia|7.9|7000
Ghostbusters|1984|Comedy,Fantasy|107|en|United States|Ivan Reitman|Bill Murray,Dan Aykroyd|ghost,new york|7.3|5600
Back to the Future|1985|Comedy,Science Fiction,Adventure|116|en|United States|Robert Zemeckis|Michael J. Fox|time travel|8.0|9900
The Princess Bride|1987|Comedy,Romance,Fantasy,Family|98|en|United States|Rob Reiner|Cary Elwes,Robin Wright|sword|7.6|3500
Evil Dead II|1987|Comedy,Horror|84|en|United States|Sam Raimi|Bruce Campbell|cabin,gore|7.5|1600
When Harry Met Sally|1989|Comedy,Romance|96|en|United States|Rob Reiner|Meg Ryan,Billy Crystal|friendship,new york|7.4|2500
Die Hard|1988|Action,Thriller|131|en|United States|John McTiernan|Bruce Willis,Alan Rickman|christmas,heist|7.8|8000
Groundhog Day|1993|Comedy,Romance,Fantasy|101|en|United States|Harold Ramis|Bill Murray|time loop|7.6|4600
Rushmore|1998|Comedy,Drama|93|en|United States|Wes Anderson|Bill Murray,Jason Schwartzman|school|7.4|900
The Royal Tenenbaums|2001|Comedy,Drama|110|en|United States|Wes Anderson|Gene Hackman,Bill Murray|family|7.4|1700
Lost in Translation|2003|Drama,Romance|102|en|United States,Japan|Sofia Coppola|Bill Murray,Scarlett Johansson|tokyo|7.4|3800
The Matrix|1999|Action,Science Fiction|136|en|United States|Lana Wachowski|Keanu Reeves|dystopia,hacker|8.2|14000
Inception|2010|Action,Science Fiction,Thriller|148|en|United States|Christopher Nolan|Leonardo DiCaprio|dream,heist|8.3|20000
Memento|2000|Thriller,Mystery|113|en|United States|Christopher Nolan|Guy Pearce|memory|8.2|8000
Interstellar|2014|Drama,Science Fiction,Adventure|169|en|United States|Christopher Nolan|Matthew McConaughey|space|8.4|18000
Dune|2021|Science Fiction,Adventure|155|en|United States|Denis Villeneuve|Timothée Chalamet|desert|7.8|9000
Titanic|1997|Drama,Romance|194|en|United States|James Cameron|Leonardo DiCaprio,Kate Winslet|ship|7.9|15000
Amélie|2001|Comedy,Romance|122|fr|France|Jean-Pierre Jeunet|Audrey Tautou|paris|7.9|7000
La Haine|1995|Drama,Crime|98|fr|France|Mathieu Kassovitz|Vincent Cassel|police,paris|8.1|2000
The Intouchables|2011|Comedy,Drama|112|fr|France|Olivier Nakache|Omar Sy|friendship|8.3|11000
Spirited Away|2001|Animation,Family,Fantasy|125|ja|Japan|Hayao Miyazaki|Rumi Hiiragi|spirit|8.5|9800
My Neighbor Totoro|1988|Animation,Family,Fantasy|86|ja|Japan|Hayao Miyazaki|Noriko Hidaka|forest|8.1|4000
Ringu|1998|Horror,Mystery|96|ja|Japan|Hideo Nakata|Nanako Matsushima|curse|7.1|900
Oldboy|2003|Drama,Thriller,Mystery|120|ko|South Korea|Park Chan-wook|Choi Min-sik|revenge|8.2|5500
Parasite|2019|Comedy,Drama,Thriller|133|ko|South Korea|Bong Joon-ho|Song Kang-ho|class|8.5|12000
Singin' in the Rain|1952|Comedy,Romance,Music|103|en|United States|Stanley Donen|Gene Kelly|musical,dancing|8.1|2100
The Sound of Music|1965|Drama,Family,Music|174|en|United States|Robert Wise|Julie Andrews|musical,nun|7.8|2200
Unforgiven|1992|Western|130|en|United States|Clint Eastwood|Clint Eastwood,Gene Hackman|revenge|7.9|3000
The Good, the Bad and the Ugly|1966|Western|161|it|Italy|Sergio Leone|Clint Eastwood|gold|8.4|5600
Toy Story|1995|Animation,Comedy,Family|81|en|United States|John Lasseter|Tom Hanks,Tim Allen|toy|7.9|12500
Toy Story 2|1999|Animation,Comedy,Family|92|en|United States|John Lasseter|Tom Hanks,Tim Allen|toy|7.5|8900
Sleepless in Seattle|1993|Comedy,Romance,Drama|105|en|United States|Nora Ephron|Tom Hanks,Meg Ryan|letter|6.6|1500
Saving Private Ryan|1998|Drama,War|169|en|United States|Steven Spielberg|Tom Hanks,Matt Damon|soldier|8.0|10500
Jurassic Park|1993|Adventure,Science Fiction|127|en|United States|Steven Spielberg|Sam Neill|dinosaur|7.7|11000
Her|2013|Romance,Science Fiction|126|en|United States|Spike Jonze|Joaquin Phoenix,Scarlett Johansson|loneliness|7.9|9000
Blood Simple|1984|Crime,Thriller|99|en|United States|Joel Coen|Frances McDormand|texas|7.3|700
Man on Wire|2008|Documentary|94|en|United Kingdom|James Marsh|Philippe Petit|tightrope|7.5|400
The Babadook|2014|Horror,Drama|94|en|Australia|Jennifer Kent|Essie Davis|mother,grief|6.5|3400
Shaun of the Dead|2004|Comedy,Horror|99|en|United Kingdom|Edgar Wright|Simon Pegg|zombie|7.5|5900
Godzilla|1998|Action,Science Fiction|139|en|United States|Roland Emmerich|Matthew Broderick|monster|5.5|2400
Godzilla|2014|Action,Science Fiction|123|en|United States|Gareth Edwards|Bryan Cranston|monster|6.3|3000
"""

_TOOLS = """
Chef's knife Kaito|knives|steel|34.9|180|0|20|4.8|2100
Bread knife Kaito|knives|steel|22.5|150|0|20|4.5|800
Paring knife Mira|knives|ceramic|14.0|60|1|8|4.1|300
Oyster knife Brandt|knives|steel|11.5|90|1|7|3.9|60
Wok Brandt|pans|carbon steel|39.0|1500|0|32|4.4|950
Frying pan Brandt|pans|cast iron|49.0|2300|0|28|4.6|1300
Small frying pan Mira|pans|aluminium|19.0|600|1|20|3.8|420
Crêpe pan Lumi|pans|stainless steel|29.0|900|1|26|4.0|150
Saucepan Lumi|pots|stainless steel|32.0|1100|1|18|4.3|640
Stock pot Lumi|pots|stainless steel|55.0|2600|1|30|4.2|210
Dutch oven Brandt|pots|cast iron|89.0|4800|0|28|4.9|1700
Milk pot Mira|pots|enamel|18.5|700|1|14|3.7|90
Spatula Mira|utensils|silicone|6.5|70|1|28|4.4|1500
Cooking spoon Arbo|utensils|wood|4.2|55|0|30|4.6|2200
Salad servers Arbo|utensils|wood|12.9|110|0|30|4.1|130
Whisk Lumi|utensils|stainless steel|8.9|120|1|28|4.3|700
Ladle Lumi|utensils|stainless steel|9.9|150|1|32|4.0|310
Tongs Mira|utensils|silicone|11.0|180|1|30|4.2|520
Potato masher Brandt|utensils|stainless steel|13.5|260|1|27|3.9|160
Rolling pin Arbo|baking|wood|10.5|480|0|40|4.5|610
Baking tray Brandt|baking|aluminium|15.0|750|1|40|4.1|330
Cake tin Mira|baking|silicone|13.0|210|1|26|3.6|240
Loaf tin Brandt|baking|carbon steel|16.5|640|0|30|4.4|190
Pastry brush Mira|baking|silicone|5.0|35|1|20|4.0|280
Cutting board Arbo|boards|wood|24.0|1400|0|38|4.7|1100
Small cutting board Mira|boards|plastic|7.5|350|1|25|3.8|450
Cheese board Arbo|boards|slate|21.0|1800|0|35|4.2|120
Measuring jug Lumi|measuring|glass|9.5|520|1|16|4.3|390
Kitchen scale Volt|measuring|plastic|27.0|480|0|22|4.5|1250
Thermometer Volt|measuring|stainless steel|17.0|90|0|15|4.4|570
Colander Lumi|sieves|stainless steel|19.5|680|1|24|4.2|360
Tea strainer Mira|sieves|stainless steel|4.9|30|1|8|3.9|210
Peeler Mira|gadgets|plastic|5.9|45|1|16|4.1|900
Garlic press Brandt|gadgets|stainless steel|15.9|240|1|18|4.0|480
Grater Lumi|gadgets|stainless steel|12.4|190|1|24|4.3|730
Mortar Arbo|gadgets|granite|26.5|3200|0|14|4.6|340
Can opener Brandt|gadgets|steel|8.5|130|0|18|3.5|510
Hand blender Volt|gadgets|plastic|44.0|950|0|38|4.4|820
Pepper mill Arbo|gadgets|wood|28.0|310|0|21|4.5|560
Storage box Mira|storage|glass|10.9|600|1|20|4.2|270
"""

_BOOKS = """
Pride and Prejudice|Jane Austen|1813-01-28|Classic,Romance|432|English|8.99|0|4.6
Emma|Jane Austen|1815-12-23|Classic,Romance|474|English|9.5|0|4.3
Frankenstein|Mary Shelley|1818-01-01|Classic,Horror,Science Fiction|280|English|7.99|1|4.2
Dracula|Bram Stoker|1897-05-26|Classic,Horror|418|English|8.5|1|4.3
The Time Machine|H. G. Wells|1895-05-07|Classic,Science Fiction|118|English|5.99|1|4.0
The Stranger|Albert Camus|1942-05-19|Classic,Philosophy|123|French|11.0|0|4.1
The Little Prince|Antoine de Saint-Exupéry|1943-04-06|Children's,Fantasy|96|French|9.99|1|4.7
The Trial|Franz Kafka|1925-04-26|Classic,Philosophy|255|German|10.5|0|4.0
Momo|Michael Ende|1973-01-01|Children's,Fantasy|227|German|12.0|1|4.5
The Hobbit|J. R. R. Tolkien|1937-09-21|Fantasy,Adventure|310|English|12.99|1|4.7
A Wizard of Earthsea|Ursula K. Le Guin|1968-11-01|Fantasy,Adventure|205|English|10.99|1|4.3
The Left Hand of Darkness|Ursula K. Le Guin|1969-03-01|Science Fiction|286|English|11.99|0|4.2
Dune|Frank Herbert|1965-08-01|Science Fiction,Adventure|612|English|13.99|1|4.6
Neuromancer|William Gibson|1984-07-01|Science Fiction,Thriller|271|English|10.0|0|4.0
Kindred|Octavia E. Butler|1979-06-01|Science Fiction,Historical fiction|264|English|12.5|1|4.4
The Name of the Rose|Umberto Eco|1980-09-01|Historical fiction,Mystery|512|Italian|14.5|0|4.3
If on a Winter's Night a Traveler|Italo Calvino|1979-06-01|Philosophy|260|Italian|13.0|0|4.1
My Brilliant Friend|Elena Ferrante|2011-10-19|Drama|331|Italian|15.0|1|4.2
The Shining|Stephen King|1977-01-28|Horror,Thriller|447|English|9.99|1|4.5
It|Stephen King|1986-09-15|Horror|1138|English|16.99|1|4.4
Misery|Stephen King|1987-06-08|Horror,Thriller|338|English|9.49|1|4.3
Gone Girl|Gillian Flynn|2012-06-05|Thriller,Mystery|415|English|11.49|1|4.1
And Then There Were None|Agatha Christie|1939-11-06|Mystery,Classic|272|English|8.75|1|4.6
Murder on the Orient Express|Agatha Christie|1934-01-01|Mystery|256|English|8.75|1|4.5
One Hundred Years of Solitude|Gabriel García Márquez|1967-05-30|Fantasy,Drama|417|Spanish|13.5|0|4.4
The Shadow of the Wind|Carlos Ruiz Zafón|2001-04-17|Mystery,Historical fiction|487|Spanish|14.0|1|4.6
Norwegian Wood|Haruki Murakami|1987-09-04|Romance,Drama|296|Japanese|12.25|1|4.1
Kitchen|Banana Yoshimoto|1988-01-30|Drama|160|Japanese|10.25|0|4.0
Sapiens|Yuval Noah Harari|2011-01-01|History|443|English|18.0|1|4.5
Educated|Tara Westover|2018-02-20|Biography|334|English|14.99|1|4.6
A Brief History of Time|Stephen Hawking|1988-04-01|Science|212|English|13.75|1|4.4
"""

FILM_ROWS: list[Row] = []
for _line in _FILMS.strip().splitlines():
    _f = _line.split("|")
    FILM_ROWS.append(
        {
            "id": f"f{len(FILM_ROWS) + 1}", "title": _f[0], "year": int(_f[1]), "genres": _f[2].split(","),
            "runtime": int(_f[3]), "language": _f[4], "countries": _f[5].split(","), "directors": _f[6].split(","),
            "stars": _f[7].split(","), "keywords": _f[8].split(","), "rating": float(_f[9]), "votes": int(_f[10]),
        }
    )  # fmt: skip

TOOL_ROWS: list[Row] = []
for _line in _TOOLS.strip().splitlines():
    _f = _line.split("|")
    TOOL_ROWS.append(
        {
            "id": f"k{len(TOOL_ROWS) + 1}", "title": _f[0], "category": _f[1], "material": _f[2],
            "brand": _f[0].rsplit(" ", 1)[1], "price": float(_f[3]), "weight": float(_f[4]), "dishwasher": _f[5] == "1",
            "length": float(_f[6]), "rating": float(_f[7]), "reviews": int(_f[8]),
        }
    )  # fmt: skip

BOOK_ROWS: list[Row] = []
for _line in _BOOKS.strip().splitlines():
    _f = _line.split("|")
    BOOK_ROWS.append(
        {
            "id": f"b{len(BOOK_ROWS) + 1}", "title": _f[0], "author": _f[1], "published": date.fromisoformat(_f[2]),
            "genres": _f[3].split(","), "pages": int(_f[4]), "language": _f[5], "price": float(_f[6]),
            "audiobook": _f[7] == "1", "rating": float(_f[8]),
        }
    )  # fmt: skip


def _number(rows: Sequence[Row], name: str) -> NumberColumn:
    return NumberColumn(np.array([float(row[name]) for row in rows]))


def _one(rows: Sequence[Row], name: str) -> CategoryColumn:
    return CategoryColumn.from_values(([row[name]] for row in rows), multiple=False)


def _many(rows: Sequence[Row], name: str) -> CategoryColumn:
    return CategoryColumn.from_values((row[name] for row in rows), multiple=True)


def _catalogue(rows: Sequence[Row], schema: CatalogueSchema, columns: dict[str, Column]) -> Catalogue:
    titles = tuple(row["title"] for row in rows)
    return Catalogue(schema, tuple(row["id"] for row in rows), titles, ("",) * len(rows), columns)


def films() -> Catalogue:
    """42 films."""
    schema = CatalogueSchema(
        name="films", noun="film", id_column="id", title_column="title", count=len(FILM_ROWS),
        attributes=(
            Attribute(name="year", label="year", kind=K.NUMBER, role=Role.YEAR, integer=True),
            Attribute(name="genres", label="genre", kind=K.CATEGORIES, role=Role.TOPIC),
            Attribute(name="runtime", label="runtime", kind=K.NUMBER, role=Role.DURATION, unit="minutes", integer=True),
            Attribute(name="language", label="language", kind=K.CATEGORY, role=Role.LANGUAGE),
            Attribute(name="countries", label="country", kind=K.CATEGORIES, role=Role.COUNTRY),
            Attribute(name="directors", label="director", kind=K.CATEGORIES, role=Role.PERSON),
            Attribute(name="stars", label="star", kind=K.CATEGORIES, role=Role.PERSON),
            Attribute(name="rating", label="rating", kind=K.NUMBER, role=Role.QUALITY),
            Attribute(name="votes", label="votes", kind=K.NUMBER, role=Role.POPULARITY, integer=True),
        ),
    )  # fmt: skip
    rows = FILM_ROWS
    columns: dict[str, Column] = {name: _number(rows, name) for name in ("year", "runtime", "rating", "votes")}
    columns |= {name: _many(rows, name) for name in ("genres", "countries", "directors", "stars")}
    columns["language"] = _one(rows, "language")
    return _catalogue(rows, schema, columns)


def tools() -> Catalogue:
    """40 kitchen tools."""
    schema = CatalogueSchema(
        name="tools", noun="tool", id_column="id", title_column="title", count=len(TOOL_ROWS),
        attributes=(
            Attribute(name="category", label="category", kind=K.CATEGORY, role=Role.TOPIC),
            Attribute(name="material", label="material", kind=K.CATEGORY),
            Attribute(name="brand", label="brand", kind=K.CATEGORY),
            Attribute(name="price", label="price", kind=K.NUMBER, role=Role.PRICE, unit="EUR"),
            Attribute(name="weight", label="weight", kind=K.NUMBER, unit="g"),
            Attribute(name="dishwasher", label="dishwasher safe", kind=K.FLAG),
            Attribute(name="length", label="length", kind=K.NUMBER, unit="cm"),
            Attribute(name="rating", label="rating", kind=K.NUMBER, role=Role.QUALITY),
            Attribute(name="reviews", label="reviews", kind=K.NUMBER, role=Role.POPULARITY, integer=True),
        ),
    )  # fmt: skip
    rows = TOOL_ROWS
    columns: dict[str, Column] = {n: _number(rows, n) for n in ("price", "weight", "length", "rating", "reviews")}
    columns |= {name: _one(rows, name) for name in ("category", "material", "brand")}
    columns["dishwasher"] = FlagColumn(np.array([int(row["dishwasher"]) for row in rows], dtype=np.int8))
    return _catalogue(rows, schema, columns)


def books() -> Catalogue:
    """31 books; dates instead of years, names of languages instead of codes."""
    schema = CatalogueSchema(
        name="books", noun="book", id_column="id", title_column="title", count=len(BOOK_ROWS),
        attributes=(
            Attribute(name="author", label="author", kind=K.CATEGORY, role=Role.PERSON),
            Attribute(name="published", label="published", kind=K.DATE, role=Role.YEAR),
            Attribute(name="genres", label="genre", kind=K.CATEGORIES, role=Role.TOPIC),
            Attribute(name="pages", label="pages", kind=K.NUMBER, integer=True),
            Attribute(name="language", label="original language", kind=K.CATEGORY, role=Role.LANGUAGE),
            Attribute(name="price", label="price", kind=K.NUMBER, role=Role.PRICE, unit="USD"),
            Attribute(name="audiobook", label="audiobook", kind=K.FLAG),
            Attribute(name="rating", label="rating", kind=K.NUMBER, role=Role.QUALITY),
        ),
    )  # fmt: skip
    rows = BOOK_ROWS
    days = [float((row["published"] - EPOCH).days) for row in rows]
    columns: dict[str, Column] = {name: _number(rows, name) for name in ("pages", "price", "rating")}
    columns["published"] = NumberColumn(np.array(days))
    columns |= {"author": _one(rows, "author"), "language": _one(rows, "language"), "genres": _many(rows, "genres")}
    columns["audiobook"] = FlagColumn(np.array([int(row["audiobook"]) for row in rows], dtype=np.int8))
    return _catalogue(rows, schema, columns)
