"""Exports of five services, in their real formats, against a catalogue that knows part of what they name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from convrec.agent.cli import run
from convrec.agent.errors import HistoryImportError
from convrec.agent.history_import import HistoryReport, read_history, store_history
from convrec.agent.people import PeopleStore
from convrec.agent.title_match import TitleIndex, TitleQuery
from convrec.retrieval.catalogue import Catalogue, CategoryColumn, NumberColumn, TextColumn
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

FILMS = """Alien|1979|Ridley Scott|
Aliens|1986|James Cameron|
Alien³|1992|David Fincher|
The Matrix|1999|Lana Wachowski,Lilly Wachowski|
The Matrix Reloaded|2003|Lana Wachowski,Lilly Wachowski|
The Thing|1982|John Carpenter|
The Thing|2011|Matthijs van Heijningen Jr.|
Dune|1984|David Lynch|
Dune|2021|Denis Villeneuve|
The Lives of Others|2006|Florian Henckel von Donnersmarck|Das Leben der Anderen
Amélie|2001|Jean-Pierre Jeunet|Le Fabuleux Destin d'Amélie Poulain
Spirited Away|2001|Hayao Miyazaki|千と千尋の神隠し
Seven Samurai|1954|Akira Kurosawa|七人の侍
Pan's Labyrinth|2006|Guillermo del Toro|El laberinto del fauno
City of God|2002|Fernando Meirelles|Cidade de Deus
Life Is Beautiful|1997|Roberto Benigni|La vita è bella
The 400 Blows|1959|François Truffaut|Les Quatre Cents Coups
Bicycle Thieves|1948|Vittorio De Sica|Ladri di biciclette
Eternal Sunshine of the Spotless Mind|2004|Michel Gondry|
Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb|1964|Stanley Kubrick|
2001: A Space Odyssey|1968|Stanley Kubrick|
Star Wars: Episode IV - A New Hope|1977|George Lucas|
The Lord of the Rings: The Fellowship of the Ring|2001|Peter Jackson|
The Lord of the Rings: The Two Towers|2002|Peter Jackson|
The Lord of the Rings: The Return of the King|2003|Peter Jackson|
Rocky|1976|John G. Avildsen|
Rocky II|1979|Sylvester Stallone|
Rocky III|1982|Sylvester Stallone|
A Beautiful Mind|2001|Ron Howard|
An American in Paris|1951|Vincente Minnelli|
WALL·E|2008|Andrew Stanton|
Se7en|1995|David Fincher|
Léon: The Professional|1994|Luc Besson|Léon
Shaun of the Dead|2004|Edgar Wright|
Butch Cassidy and the Sundance Kid|1969|George Roy Hill|
Jurassic Park|1993|Steven Spielberg|
King Kong|1933|Merian C. Cooper|
King Kong|2005|Peter Jackson|
Groundhog Day|1993|Harold Ramis|
The Big Lebowski|1998|Joel Coen|
"""
BOOKS = """The Hunger Games|2008|Suzanne Collins|
The Left Hand of Darkness|1969|Ursula K. Le Guin|
The Name of the Wind|2007|Patrick Rothfuss|
One Hundred Years of Solitude|1967|Gabriel García Márquez|Cien años de soledad
The Master and Margarita|1967|Mikhail Bulgakov|
Pride and Prejudice|1813|Jane Austen|
Emma|1815|Jane Austen|
The Stranger|1942|Albert Camus|L'Étranger
Dune|1965|Frank Herbert|
Harry Potter and the Philosopher's Stone|1997|J.K. Rowling|
The Girl with the Dragon Tattoo|2005|Stieg Larsson|
Norwegian Wood|1987|Haruki Murakami|
The Road|2006|Cormac McCarthy|
On the Road|1957|Jack Kerouac|
The Trial|1925|Franz Kafka|Der Prozess
"""
SONGS = """Karma Police|1997|Radiohead|
Hello|2015|Adele|
Hello|1983|Lionel Richie|
Hurt|1994|Nine Inch Nails|
Hurt|2002|Johnny Cash|
Jóga|1997|Björk|
Smells Like Teen Spirit|1991|Nirvana|
Halo|2008|Beyoncé|
Heroes|1977|David Bowie|
Paranoid Android|1997|Radiohead|
"""


def catalogue_of(table: str) -> Catalogue:
    rows = [line.split("|") for line in table.strip().splitlines()]
    attributes = (
        Attribute(name="year", label="year", kind=AttributeKind.NUMBER, role=Role.YEAR),
        Attribute(name="makers", label="maker", kind=AttributeKind.CATEGORIES, role=Role.PERSON),
        Attribute(name="original_title", label="original title", kind=AttributeKind.TEXT),
    )
    return Catalogue(
        CatalogueSchema(id_column="id", title_column="title", attributes=attributes, count=len(rows)),
        tuple(f"i{number}" for number in range(len(rows))),
        tuple(row[0] for row in rows),
        ("",) * len(rows),
        {
            "year": NumberColumn(np.array([float(row[1]) for row in rows])),
            "makers": CategoryColumn.from_values([row[2].split(",") for row in rows], multiple=True),
            "original_title": TextColumn(tuple(row[3] for row in rows)),
        },
    )


def as_csv(header: str, rows: list[tuple[object, ...]], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(header.split(separator))
    writer.writerows(rows)
    return out.getvalue()


Meant = dict[str, str | None]
"""title in the export -> 'title|year' in the catalogue, or None where the catalogue does not have it"""


def letterboxd() -> tuple[str, str, str, Meant]:
    seen: list[tuple[str, int, str | None]] = [
        ("Alien", 1979, "Alien|1979"),
        ("Aliens", 1986, "Aliens|1986"),
        ("Alien³", 1992, "Alien³|1992"),
        ("The Matrix", 1999, "The Matrix|1999"),
        ("The Thing", 2011, "The Thing|2011"),
        ("Dune", 2021, "Dune|2021"),
        ("The Lives of Others", 2006, "The Lives of Others|2006"),
        ("Amélie", 2002, "Amélie|2001"),
        ("Spirited Away", 2003, "Spirited Away|2001"),
        ("Pan’s Labyrinth", 2006, "Pan's Labyrinth|2006"),
        ("Eternal Sunshine of the Spotless Mind", 2014, "Eternal Sunshine of the Spotless Mind|2004"),
        ("Star Wars", 1977, None),
        ("WALL·E", 2008, "WALL·E|2008"),
        ("Se7en", 1996, "Se7en|1995"),
        ("King Kong", 1976, None),
        ("Shaun of the Dead", 2004, "Shaun of the Dead|2004"),
        ("The Big Short", 2015, None),
        ("Alienoid", 2022, None),
        ("Rocky IV", 1985, None),
        ("A Beautiful Day in the Neighborhood", 2019, None),
    ]
    rows: list[tuple[object, ...]] = [
        (f"2024-03-{day:02d}", title, year, f"https://boxd.it/{day}", 0.5 + day % 10 / 2)
        for day, (title, year, _) in enumerate(seen, 1)
    ]
    return "ratings.csv", as_csv("Date,Name,Year,Letterboxd URI,Rating", rows), FILMS, {t: m for t, _, m in seen}


def imdb() -> tuple[str, str, str, Meant]:
    header = (
        "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,"
        "Runtime (mins),Year,Genres,Num Votes,Release Date,Directors"
    )
    seen: list[tuple[str, str, int, str, str | None]] = [
        ("Das Leben der Anderen", "Das Leben der Anderen", 2006, "Florian Henckel von Donnersmarck",
         "The Lives of Others|2006"),
        ("Die fabelhafte Welt der Amélie", "Le fabuleux destin d'Amélie Poulain", 2001, "Jean-Pierre Jeunet",
         "Amélie|2001"),
        ("Chihiros Reise ins Zauberland", "千と千尋の神隠し", 2001, "Hayao Miyazaki", "Spirited Away|2001"),
        ("Die sieben Samurai", "七人の侍", 1954, "Akira Kurosawa", "Seven Samurai|1954"),
        ("Pans Labyrinth", "El laberinto del fauno", 2006, "Guillermo del Toro", "Pan's Labyrinth|2006"),
        ("City of God", "Cidade de Deus", 2002, "Fernando Meirelles, Kátia Lund", "City of God|2002"),
        ("Das Leben ist schön", "La vita è bella", 1997, "Roberto Benigni", "Life Is Beautiful|1997"),
        ("Fahrraddiebe", "Ladri di biciclette", 1949, "Vittorio De Sica", "Bicycle Thieves|1948"),
        ("The Thing", "The Thing", 1982, "John Carpenter", "The Thing|1982"),
        ("Rocky III", "Rocky III", 1982, "Sylvester Stallone", "Rocky III|1982"),
        ("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", "", 1964, "Stanley Kubrick",
         "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb|1964"),
        ("King Kong", "King Kong", 2005, "Peter Jackson", "King Kong|2005"),
        ("Parasite", "Gisaengchung", 2019, "Bong Joon Ho", None),
        ("Dune: Part Two", "Dune: Part Two", 2024, "Denis Villeneuve", None),
        ("The Lives of a Bengal Lancer", "", 1935, "Henry Hathaway", None),
    ]  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (f"tt{n:07d}", n % 10 + 1, "2023-05-01", title, original, f"https://www.imdb.com/title/tt{n:07d}/", "Movie",
         "7.9", 120, year, "Drama", 1000, f"{year}-01-01", directors)
        for n, (title, original, year, directors, _) in enumerate(seen, 1)
    ]  # fmt: skip
    return "imdb.csv", as_csv(header, rows), FILMS, {t: m for t, _, _, _, m in seen}


def trakt() -> tuple[str, str, str, Meant]:
    seen: list[tuple[str, int, str | None]] = [
        ("Alien", 1979, "Alien|1979"),
        ("Rocky", 1976, "Rocky|1976"),
        ("Rocky II", 1980, "Rocky II|1979"),
        ("Rocky 3", 1982, "Rocky III|1982"),
        ("2001: A Space Odyssey", 1968, "2001: A Space Odyssey|1968"),
        ("The Lord of the Rings - The Two Towers", 2002, "The Lord of the Rings: The Two Towers|2002"),
        ("Jurassic Park", 1993, "Jurassic Park|1993"),
        ("Jurassic World", 2015, None),
        ("Léon: The Professional", 1994, "Léon: The Professional|1994"),
        ("Butch Cassidy & the Sundance Kid", 1970, "Butch Cassidy and the Sundance Kid|1969"),
        ("Groundhog Day", 1993, "Groundhog Day|1993"),
        ("The Big Lebowsky", 1998, "The Big Lebowski|1998"),
        ("Dune", 2000, None),
    ]
    records = [
        {"rated_at": "2022-01-01T20:00:00.000Z", "rating": 8, "type": "movie",
         "movie": {"title": title, "year": year, "ids": {"trakt": n, "slug": "x", "imdb": f"tt9{n:06d}", "tmdb": n}}}
        for n, (title, year, _) in enumerate(seen, 1)
    ]  # fmt: skip
    return "ratings-movies.json", json.dumps(records), FILMS, {t: m for t, _, m in seen}


def movielens() -> tuple[str, str, str, Meant]:
    seen: list[tuple[str, str | None]] = [
        ("Matrix, The (1999)", "The Matrix|1999"),
        ("Matrix Reloaded, The (2003)", "The Matrix Reloaded|2003"),
        ("Thing, The (1982)", "The Thing|1982"),
        ("Beautiful Mind, A (2001)", "A Beautiful Mind|2001"),
        ("American in Paris, An (1951)", "An American in Paris|1951"),
        ("400 Blows, The (Les quatre cents coups) (1959)", "The 400 Blows|1959"),
        ("Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)", "Amélie|2001"),
        ("Seven (a.k.a. Se7en) (1995)", "Se7en|1995"),
        ("Léon: The Professional (a.k.a. The Professional) (Léon) (1994)", "Léon: The Professional|1994"),
        ("Lord of the Rings: The Return of the King, The (2003)", "The Lord of the Rings: The Return of the King|2003"),
        ("Bicycle Thieves (a.k.a. The Bicycle Thief) (Ladri di biciclette) (1948)", "Bicycle Thieves|1948"),
        ("Big Sleep, The (1946)", None),
        ("King Kong (1933)", "King Kong|1933"),
        ("Kong: Skull Island (2017)", None),
    ]
    rows: list[tuple[object, ...]] = [(n, n, n, 3.5, 3.9, title) for n, (title, _) in enumerate(seen, 1)]
    return (
        "movielens-ratings.csv",
        as_csv("movie_id,imdb_id,tmdb_id,rating,average_rating,title", rows),
        FILMS,
        dict(seen),
    )


def goodreads() -> tuple[str, str, str, Meant]:
    header = (
        "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,"
        "Number of Pages,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves,"
        "Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,Private Notes,Read Count,Owned Copies"
    )
    seen: list[tuple[str, str, str, str | None]] = [
        ("The Hunger Games (The Hunger Games, #1)", "Suzanne Collins", "2008", "The Hunger Games|2008"),
        ("The Left Hand of Darkness", "Ursula K. Le Guin", "1969", "The Left Hand of Darkness|1969"),
        ("The Name of the Wind (The Kingkiller Chronicle, #1)", "Patrick Rothfuss", "2007",
         "The Name of the Wind|2007"),
        ("Cien años de soledad", "Gabriel García Márquez", "1967", "One Hundred Years of Solitude|1967"),
        ("The Master and Margarita", "Mikhail Bulgakov", "1966", "The Master and Margarita|1967"),
        ("Pride and Prejudice", "Jane Austen", "", "Pride and Prejudice|1813"),
        ("L'Étranger", "Albert Camus", "1942", "The Stranger|1942"),
        ("Dune (Dune, #1)", "Frank Herbert", "2005", "Dune|1965"),
        ("Harry Potter and the Philosopher’s Stone (Harry Potter, #1)", "J.K. Rowling", "1997",
         "Harry Potter and the Philosopher's Stone|1997"),
        ("On the Road", "Jack Kerouac", "1957", "On the Road|1957"),
        ("Der Prozess", "Franz Kafka", "1925", "The Trial|1925"),
        ("The Stranger", "Harlan Coben", "2015", None),
        ("Emma", "Alexander McCall Smith", "2014", None),
    ]  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (n, title, author, "", "", '="0439023483"', '="9780439023481"', n % 5 + 1, 4.1, "P", "Paperback", 300, 2010,
         year, "2021/06/0" + str(n % 9 + 1), "2021/01/01", "", "", "read", "", "", "", 1, 0)
        for n, (title, author, year, _) in enumerate(seen, 1)
    ]  # fmt: skip
    rows.append((99, "Norwegian Wood", "Haruki Murakami", "", "", '=""', '=""', 0, 4.0, "P", "Paperback", 300, 2010,
                 1987, "", "2021/01/01", "to-read", "", "to-read", "", "", "", 0, 0))  # fmt: skip
    return "goodreads_library_export.csv", as_csv(header, rows), BOOKS, {t: m for t, _, _, m in seen}


EXPORTS: dict[str, Callable[[], tuple[str, str, str, Meant]]] = {
    "Letterboxd": letterboxd,
    "IMDb": imdb,
    "Trakt": trakt,
    "MovieLens": movielens,
    "Goodreads": goodreads,
}


def named(catalogue: Catalogue, row: int) -> str:
    return f"{catalogue.titles[row]}|{catalogue.number('year')[row]:.0f}"


def tally(report: HistoryReport, catalogue: Catalogue, meant: Meant) -> tuple[int, int, int, list[str]]:
    """(right, accepted, findable, mistakes)"""
    right, wrong = 0, []
    for entry in report.of("matched"):
        found = named(catalogue, entry.match.candidates[0].row)
        if found == meant[entry.row.title]:
            right += 1
        else:
            wrong.append(f"{entry.row.title} -> {found}")
    return right, len(report.of("matched")), sum(m is not None for m in meant.values()), wrong


def test_accepted_matches_are_right_and_nearly_all_are_found(tmp_path: Path) -> None:
    right = accepted = findable = 0
    for name, export in EXPORTS.items():
        file_name, text, table, meant = export()
        (tmp_path / file_name).write_text(text, encoding="utf-8")
        catalogue = catalogue_of(table)
        report = read_history(tmp_path / file_name, catalogue)
        assert report.format == name
        assert len(report.rows) == len(meant)
        own = tally(report, catalogue, meant)
        right, accepted, findable = right + own[0], accepted + own[1], findable + own[2]
        assert own[3] == []
    assert right / accepted >= 0.99
    assert right / findable >= 0.95


def test_what_is_not_history_is_left_out_and_counted(tmp_path: Path) -> None:
    file_name, text, table, _ = goodreads()
    (tmp_path / file_name).write_text(text, encoding="utf-8")
    report = read_history(tmp_path / file_name, catalogue_of(table))
    assert report.skipped == {"wished for, not yet had": 1}
    assert "Norwegian Wood" not in {entry.row.title for entry in report.rows}
    (tmp_path / "watchlist.csv").write_text(letterboxd()[1], encoding="utf-8")
    with pytest.raises(HistoryImportError, match="wishes"):
        read_history(tmp_path / "watchlist.csv", catalogue_of(FILMS))


PLAYS = [
    {"endTime": "2023-01-01 12:00", "artistName": artist, "trackName": track, "msPlayed": ms}
    for artist, track, ms in [
        ("Radiohead", "Karma Police", 200_000),
        ("Radiohead", "Karma Police", 210_000),
        ("Adele", "Hello", 200_000),
        ("Johnny Cash", "Hurt", 200_000),
        ("Christina Aguilera", "Hurt", 200_000),
        ("Björk", "Joga", 200_000),
        ("Nirvana", "Smells Like Teen Spirit", 5_000),
    ]
]
SCROBBLES = "Radiohead,OK Computer,Paranoid Android,01 Jan 2023 12:00\nBeyonce,I Am,Halo,02 Jan 2023 13:30\n"
DATED_SCROBBLES = """uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid
1672574400,"01 Jan 2023, 12:00",David Bowie,,"Heroes",,\"\"\"Heroes\"\"\",
"""


@pytest.mark.parametrize(
    ("file_name", "text", "name", "expected"),
    [
        ("StreamingHistory0.json", json.dumps(PLAYS), "Spotify",
         {"Karma Police|1997", "Hello|2015", "Hurt|2002", "Jóga|1997"}),
        ("scrobbles.csv", SCROBBLES, "Last.fm", {"Paranoid Android|1997", "Halo|2008"}),
        ("lastfm.csv", DATED_SCROBBLES, "Last.fm", {"Heroes|1977"}),
        ("mine.csv", "Song;Artist;Stars;Date\nHalo;Beyoncé;4/5;2023-02-01\nHurt;;2;2023-02-02\n",
         "a table with titles", {"Halo|2008"}),
    ],
)  # fmt: skip
def test_music_is_told_apart_by_its_maker(
    tmp_path: Path, file_name: str, text: str, name: str, expected: set[str]
) -> None:
    (tmp_path / file_name).write_text(text, encoding="utf-8")
    catalogue = catalogue_of(SONGS)
    report = read_history(tmp_path / file_name, catalogue)
    assert report.format == name
    assert {named(catalogue, e.match.candidates[0].row) for e in report.of("matched")} == expected


def test_doubtful_titles_are_stored_only_when_a_person_decides(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text(
        "title,rating,date,year\nDune,9,2024-01-02,\nAlien,2,2024-01-01,1979\nAliens,,2024-01-01,1986\n", "utf-8"
    )
    catalogue = catalogue_of(FILMS)
    report = read_history(tmp_path / "seen.csv", catalogue)
    (doubtful,) = report.of("doubtful")
    assert {named(catalogue, c.row) for c in doubtful.match.candidates} == {"Dune|1984", "Dune|2021"}
    people = PeopleStore(tmp_path / "users.sqlite")
    assert store_history(report, catalogue, people, "ann") == 2
    kept = {(f.item_id, f.kind): f for f in people.feedback("ann")}
    alien, aliens = catalogue.ids[0], catalogue.ids[1]
    assert set(kept) == {(alien, "rate"), (alien, "dislike"), (aliens, "seen")}
    assert kept[alien, "rate"].value == pytest.approx(1.0)
    assert kept[alien, "rate"].time == datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    chosen = report.accept(doubtful.row.line, doubtful.match.candidates[1])
    assert store_history(chosen, catalogue, people, "ann") == 3
    assert store_history(chosen, catalogue, people, "ann") == 3
    assert len(people.feedback("ann")) == 5


def test_a_file_of_many_people_asks_whose(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,7,4.0,964982703\n2,7,1.0,964982703\n")
    with pytest.raises(HistoryImportError, match=r"movies\.csv"):
        read_history(tmp_path / "ratings.csv", catalogue_of(FILMS))
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n7,"Matrix, The (1999)",Action\n')
    with pytest.raises(HistoryImportError, match="--person"):
        read_history(tmp_path / "ratings.csv", catalogue_of(FILMS))
    report = read_history(tmp_path / "ratings.csv", catalogue_of(FILMS), person="2")
    assert [(e.row.rating, e.match.kind) for e in report.rows] == [(0.2, "matched")]


def test_a_number_is_no_identity_and_a_wrong_year_is_doubted() -> None:
    index = TitleIndex(catalogue_of(FILMS))
    assert index.match(TitleQuery(("Some Other Story",), ids=("i0",))).kind == "unknown"
    remake = index.match(TitleQuery(("Rocky",), year=2030))
    assert (remake.kind, len(remake.candidates)) == ("doubtful", 1)
    assert index.match(TitleQuery(("Alien 4",), year=1992)).kind != "matched"
    assert index.match(TitleQuery(("",))).kind == "unknown"


def test_the_command_takes_what_is_sure_and_says_what_it_left(
    film_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ratings.csv"
    rows: list[tuple[object, ...]] = [
        ("2024-01-01", "Alien", 1979, "u", 4.5),
        ("2024-01-02", "Alien", 2031, "u", 1),
        ("2024-01-03", "Sátántangó", 1994, "u", 5),
    ]
    file.write_text(as_csv("Date,Name,Year,Letterboxd URI,Rating", rows), "utf-8")
    command = ["history", "import", str(file), "--workspace", str(film_workspace)]
    people = PeopleStore(film_workspace / "users.sqlite")
    assert run(command) == 2
    assert "--user" in capsys.readouterr().err
    assert run([*command, "--user", "ann", "--dry-run"]) == 0
    assert people.feedback("ann") == ()
    assert run([*command, "--user", "ann"]) == 0
    assert "Add --yes" in capsys.readouterr().out
    assert people.feedback("ann") == ()
    assert run([*command, "--user", "ann", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["match"] for row in told["rows"]] == ["matched", "doubtful", "unknown"]
    assert (told["format"], told["stored"]) == ("Letterboxd", 1)
    assert {(f.item_id, f.kind, f.value) for f in people.feedback("ann")} == {("f1", "rate", 4.5), ("f1", "like", None)}
    assert run([*command, "--user", "ann", "--take", "4"]) == 2
    assert "doubtful lines are: 3" in capsys.readouterr().err
    assert run([*command, "--user", "bob", "--yes", "--take", "3"]) == 0
    assert {(f.item_id, f.kind) for f in people.feedback("bob")} == {("f1", "rate"), ("f1", "dislike")}
