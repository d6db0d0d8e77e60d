"""Two small catalogues that share no vocabulary: films and kitchen tools."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convrec.retrieval.catalogue import Catalogue, CategoryColumn, Column, FlagColumn, NumberColumn
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

K = AttributeKind
MISSING = float("nan")

FILM_SCHEMA = CatalogueSchema(
    name="films",
    noun="film",
    id_column="id",
    title_column="title",
    text_columns=("plot",),
    attributes=(
        Attribute(name="year", label="year", kind=K.NUMBER, role=Role.YEAR, integer=True),
        Attribute(
            name="genres",
            label="genre",
            kind=K.CATEGORIES,
            role=Role.TOPIC,
            synonyms={"Horror": ("scary",), "Comedy": ("funny",)},
        ),
        Attribute(name="runtime", label="runtime", kind=K.NUMBER, role=Role.DURATION, unit="minutes", integer=True),
        Attribute(name="language", label="language", kind=K.CATEGORY, role=Role.LANGUAGE),
        Attribute(name="country", label="country", kind=K.CATEGORIES, role=Role.COUNTRY),
        Attribute(name="directors", label="director", kind=K.CATEGORIES, role=Role.PERSON),
        Attribute(name="stars", label="star", kind=K.CATEGORIES, role=Role.PERSON),
        Attribute(name="tags", label="tag", kind=K.CATEGORIES, role=Role.TOPIC),
        Attribute(name="rating", label="rating", kind=K.NUMBER, role=Role.QUALITY, maximum=10.0),
        Attribute(name="votes", label="votes", kind=K.NUMBER, role=Role.POPULARITY, integer=True),
    ),
)

# id, title, year, genres, minutes, language, countries, directors, stars, tags, rating, votes, text
FILMS: tuple[tuple[object, ...], ...] = (
    ("f1", "Alien", 1979, "Horror|Science Fiction", 117, "en", "United Kingdom|United States of America",
     "Ridley Scott", "Sigourney Weaver|Tom Skerritt", "spaceship|android|monster", 8.1, 4470,
     "The crew of a cargo ship answers a signal from a distant moon."),
    ("f2", "Blade Runner", 1982, "Science Fiction|Drama|Thriller", 117, "en", "United States of America",
     "Ridley Scott", "Harrison Ford|Rutger Hauer", "android|dystopia|rain", 7.9, 3500,
     "A detective hunts artificial people in a city of rain."),
    ("f3", "Dune", 2021, "Science Fiction|Adventure", 155, "en", "United States of America", "Denis Villeneuve",
     "Timothée Chalamet|Rebecca Ferguson", "desert|prophecy|spice", 7.8, 12000, "A noble family takes over a desert."),
    ("f4", "Amélie", 2001, "Comedy|Romance", 122, "fr", "France|Germany", "Jean-Pierre Jeunet", "Audrey Tautou",
     "paris|shy woman|kindness", 7.8, 3300, "A shy waitress in Paris decides to help the people around her."),
    ("f5", "The Grand Budapest Hotel", 2014, "Comedy|Drama", 100, "en", "Germany|United States of America",
     "Wes Anderson", "Ralph Fiennes|Bill Murray", "hotel|theft|friendship", 8.0, 4500,
     "A concierge and his lobby boy are drawn into the theft of a painting."),
    ("f6", "Rushmore", 1998, "Comedy|Drama", 93, "en", "United States of America", "Wes Anderson",
     "Bill Murray|Jason Schwartzman", "school|rivalry|friendship", 7.4, 850, "A pupil and a rich man love a teacher."),
    ("f7", "Groundhog Day", 1993, "Comedy|Fantasy|Romance", 101, "en", "United States of America", "Harold Ramis",
     "Bill Murray|Andie MacDowell", "time loop|small town|weather", 7.4, 2300,
     "A weatherman lives the same day again and again."),
    ("f8", "Parasite", 2019, "Thriller|Drama|Comedy", 132, "ko", "South Korea", "Bong Joon-ho", "Song Kang-ho",
     "class|family|basement", 8.5, 9000, "A poor family schemes its way into a rich household."),
    ("f9", "Seven Samurai", 1954, "Action|Drama", 207, "ja", "Japan", "Akira Kurosawa", "Toshiro Mifune",
     "samurai|village|honour", 8.2, 900, "A village hires seven warriors against bandits."),
    ("f10", "Solaris", 1972, "Science Fiction|Drama|Mystery", 166, "ru", "Soviet Union", "Andrei Tarkovsky",
     "Natalya Bondarchuk", "space station|memory|ocean", 7.7, 364, "A psychologist visits a station above an ocean."),
    ("f11", "The Shining", 1980, "Horror|Thriller", 144, "en", "United Kingdom", "Stanley Kubrick",
     "Jack Nicholson|Shelley Duvall", "hotel|isolation|ghost", 8.1, 3800, "A writer looks after an empty hotel."),
    ("f12", "Airplane!", 1980, "Comedy", 88, "en", "United States of America", "Jim Abrahams",
     "Leslie Nielsen|Robert Hays", "airplane|parody|panic", 7.3, 1170, "Passengers and crew fall ill on a flight."),
    ("f13", "Run Lola Run", 1998, "Thriller|Action", 81, "de", "Germany", "Tom Tykwer", "Franka Potente",
     "running|money|time loop", 7.2, 600, "A woman has twenty minutes to find a large sum."),
    ("f14", "La Haine", 1995, "Drama|Crime", 98, "fr", "France", "Mathieu Kassovitz", "Vincent Cassel",
     "suburb|police|friendship", 7.9, 520, "Three friends spend a day after a riot."),
    ("f15", "Paterson", 2016, "Drama|Comedy", 118, "en", "United States of America", "Jim Jarmusch", "Adam Driver",
     "poetry|bus|routine", 7.2, 700, "A bus driver writes poems."),
    ("f16", "The Host", 2006, "Horror|Drama|Science Fiction", 119, "ko", "South Korea", "Bong Joon-ho",
     "Song Kang-ho", "monster|river|family", 6.7, 537, "A monster takes a girl and her family looks for her."),
)  # fmt: skip

TOOL_SCHEMA = CatalogueSchema(
    name="kitchen",
    noun="tool",
    id_column="sku",
    title_column="name",
    attributes=(
        Attribute(name="price", label="price", kind=K.NUMBER, role=Role.PRICE, unit="EUR"),
        Attribute(name="weight", label="weight", kind=K.NUMBER, unit="g"),
        Attribute(name="material", label="material", kind=K.CATEGORY),
        Attribute(name="use", label="use", kind=K.CATEGORIES, role=Role.TOPIC),
        Attribute(name="washable", label="dishwasher-safe", kind=K.FLAG),
        Attribute(name="stars", label="rating", kind=K.NUMBER, role=Role.QUALITY, maximum=5.0),
    ),
)

# sku, name, price, grams, material, uses, dishwasher-safe, rating
TOOLS: tuple[tuple[object, ...], ...] = (
    ("k1", "Swivel Peeler", 6.5, 60, "Steel", "Peeling", True, 4.6),
    ("k2", "Ceramic Peeler", 11.0, 45, "Ceramic", "Peeling", True, 4.1),
    ("k3", "Box Grater", 14.0, 310, "Steel", "Grating|Slicing", True, 4.4),
    ("k4", "Olive Spoon", 9.0, 40, "Wood", "Serving", False, 3.9),
    ("k5", "Chef's Knife", 59.9, 240, "Steel", "Slicing|Chopping", False, 4.8),
    ("k6", "Bread Knife", 24.5, 180, "Steel", "Slicing", False, 4.5),
    ("k7", "Cutting Board", 19.0, 1200, "Bamboo", "Chopping", False, 4.2),
    ("k8", "Silicone Spatula", 7.9, 80, "Silicone", "Stirring|Baking", True, 4.3),
    ("k9", "Whisk", 8.5, 110, "Steel", "Stirring|Baking", True, 4.0),
    ("k10", "Rolling Pin", 16.0, 700, "Wood", "Baking", False, 4.1),
    ("k11", "Mandoline", 34.0, 650, "Steel", "Slicing|Grating", True, 3.6),
    ("k12", "Garlic Press", 18.0, 240, "Steel", "Pressing", True, 4.4),
    ("k13", "Mystery Gadget", None, None, "", "", None, None),
)


def _number(values: Sequence[object]) -> NumberColumn:
    return NumberColumn(np.array([MISSING if v is None else float(str(v)) for v in values]))


def _column(kind: AttributeKind, values: Sequence[object]) -> Column:
    if kind is K.NUMBER:
        return _number(values)
    if kind is K.FLAG:
        return FlagColumn(np.array([-1 if v is None else int(bool(v)) for v in values], dtype=np.int8))
    lists = [[part for part in str(v or "").split("|") if part] for v in values]
    return CategoryColumn.from_values(lists, multiple=kind is K.CATEGORIES)


def build(schema: CatalogueSchema, records: Sequence[Sequence[object]]) -> Catalogue:
    """A catalogue from records: id, title, one value an attribute, and the text where there is one."""
    names = [a.name for a in schema.attributes]
    columns = {
        a.name: _column(a.kind, [r[2 + position] for r in records]) for position, a in enumerate(schema.attributes)
    }
    texts = tuple(str(r[2 + len(names)]) if len(r) > 2 + len(names) else "" for r in records)
    full = schema.model_copy(update={"count": len(records)})
    return Catalogue(full, tuple(str(r[0]) for r in records), tuple(str(r[1]) for r in records), texts, columns)


def films() -> Catalogue:
    return build(FILM_SCHEMA, FILMS)


def tools() -> Catalogue:
    return build(TOOL_SCHEMA, TOOLS)
