"""Numbers, flags and ranges over catalogues of games, laptops and places to stay, read from a file like anybody's."""

# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convrec.agent.build import SourceFiles, load
from convrec.agent.rules import RulesInterpreter
from tests.agent.test_reading import converse, fitting

_GAMES = """id,name,min_players,max_players,playing_time,min_age,complexity,category
1,Harbour,2,4,30,8,1.5,Family
2,Iron Rails,2,6,120,12,3.5,Strategy
3,Solo Quest,1,1,45,10,2.5,Adventure
4,Loud Night,4,8,20,14,1.0,Party
5,Salt Roads,3,5,90,10,3.0,Strategy
6,Paper Moon,1,4,60,6,2.0,Family
"""
_LAPTOPS = """sku,model,brand,screen_size_in,ram_gb,storage_gb,price_usd,battery_hours
1,Swift 1,Lenovo,14,8,256,500,10
2,Blade 2,Dell,15.6,16,512,900,8
3,Nova 3,HP,14,32,1024,1300,12
4,Zen 4,Lenovo,13.3,16,512,1100,15
5,Aero 5,Dell,17.3,64,2048,2500,6
6,Pro 6,HP,11.6,4,128,300,9
"""
_DISHES = """id,name,course,diet,minutes,spice_level,description
1,Carbonara,main,,25,0,Egg yolks and crisp bacon
2,Lentil dal,main,vegan|gluten-free|dairy-free,40,3,A pot of lentils and garlic
3,Chocolate mousse,dessert,gluten-free,30,0,Airy and rich
4,Lemon tart,dessert,vegetarian,90,0,Sharp curd in a crisp shell
5,Bruschetta,starter,vegan|dairy-free,15,1,Garlic toast
6,Tom yum,soup,gluten-free|dairy-free,35,5,Prawns in a sour broth
"""
_STAYS = """id,name,city,stars,price_per_night,guest_rating,breakfast_included,gluten_free
1,Grand,Rome,5,300,9.1,yes,yes
2,Park,Rome,3,90,7.2,no,no
3,Sea,Lisbon,4,140,8.8,yes,no
4,Inn,Lisbon,2,60,8.1,no,yes
5,Mill,Vienna,1,35,6.0,no,no
"""
_TENTS = """id,name,category,persons,capacity_l,weight_g,waterproof,fit,material
1,Ridge,Tents,2,,1800,yes,,Nylon
2,Dome,Tents,4,,3900,no,,Nylon
3,Wren Pack,Backpacks,,28,900,no,Unisex,Nylon
4,Bison Pack,Backpacks,,45,1400,yes,Men,Nylon
5,Heron Boot,Boots,,,1100,yes,Women,Leather
6,Larch Bag,Sleeping Bags,,,1200,no,Unisex,Down
7,Moss Bag,Sleeping Bags,,,1700,no,Unisex,Synthetic
"""
_PACKS = """id,title,category,price_gbp
1,Ridge 30 Rucksack,Backpacks,4.5
2,Moss 45 Rucksack,Backpacks,90
3,Wren 28 Backpack,Backpacks,9
4,Fell Rucksack Women's,Backpacks,60
5,Tarn Flask,Bottles,12
6,Reed Bottle,Bottles,3
"""
_PLACES = """id,name,type,country,guests,pool,pets_allowed,amenities,price_eur
1,Alba,hotel,Spain,2,yes,no,wifi|sauna,120
2,Brise,villa,France,6,yes,yes,wifi,300
3,Corrie,cottage,Scotland,4,no,yes,fireplace,80
4,Dover,cottage,England,2,no,no,wifi|fireplace,90
5,Enzian,cabin,Austria,5,no,yes,sauna,110
6,Ferro,villa,Portugal,8,yes,no,wifi,0
"""
_BOOKS = """id,title,format,pages,genres,age_group
1,The Long Thorn,Paperback,180,Crime,Adult
2,Nine Foxes,Hardback,420,Short Stories,Adult
3,The Amber Hive,Ebook,310,Cooking,Children
4,Silent Orbit,Audiobook,,Crime,Young Adult
5,Low Water,Paperback,240,Cooking,Adult
6,Salt,Hardback,250,Cooking,Adult
7,Tide,Ebook,260,Short Stories,Adult
8,Rust,Ebook,270,Short Stories,Children
"""
_BIKES = """sku,model,bike_type,frame_material,colours,good_for,e_bike,ad_free,weight (kg),battery (mAh),features,price_eur,released,customer_rating,number_of_reviews,description
1,Alder,Mountain bike,Carbon,black|red,Racing,no,yes,9,0,5G|lights,2500,2024,4.6,300,Phone holder. Tubeless.
2,Birch,City bike,Aluminium,white,Commuting,yes,no,22,6000,5G,1900,2023,4.1,40,Phone holder. Quiet hub.
3,Cedar,Kids bike,Steel,red,Family,no,yes,11,0,lights,300,2022,4.8,90,Phone holder. Training wheels.
4,Dogwood,Folding bike,Steel,black,Commuting,no,no,13,0,lights,700,2024,3.9,12,Folds in seconds. Quiet hub.
5,Elm,City bike,Steel,blue,Commuting|Family,no,no,17,0,5G,500,2021,4.5,210,A basket in front. Quiet hub.
6,Fir,Mountain bike,Aluminium,blue,Training,yes,yes,24,5000,lights,4100,2024,4.4,15,Full suspension. Tubeless.
"""
CASES = [
    (_BIKES, "a bike under 1000", "3 4 5"),
    (_BIKES, "mtb", "1 6"),
    (_BIKES, "montain bike, undr 3000", "1"),
    (_BIKES, "a childrens bike", "3"),
    (_BIKES, "a carbon frame", "1"),
    (_BIKES, "electric, any brand", "2 6"),
    (_BIKES, "city bikes without a motor", "5"),
    (_BIKES, "it can't weigh more than 15 kg", "1 3 4"),
    (_BIKES, "without any advertising", "1 3 6"),
    (_BIKES, "at least 200 people reviewed it", "1 5"),
    (_BIKES, "6000 mah or more", "2"),
    (_BIKES, "with 5g", "1 2 5"),
    (_BIKES, "came out in 2024 and less than 3000 euro", "1 4"),
    (_BIKES, "from 2023 or later", "1 2 4 6"),
    (_BIKES, "got 700 euros on me", "3 4 5"),
    (_BIKES, "at least 10 kg but no more than 17", "3 4 5"),
    (_BIKES, "for commuting, not aluminium", "4 5"),
    (_BIKES, "something in red or white", "1 2 3"),
    (_BIKES, "no metal", "1"),
    (_BIKES, "never show me anything in red, had bad luck with it", "2 4 5 6"),
    (_BIKES, "at least 10 kg and up to 13", "3 4"),
    (_BIKES, "at least 15 kg || 10 kg is enough", "2 3 4 5 6"),
    (_PLACES, "cottages in scotland", "3"),
    (_PLACES, "the dog comes along", "2 3 5"),
    (_PLACES, "in the alps but not austria", "2"),
    (_PLACES, "for 2 || we'll be 5", "2 5 6"),
    (_PLACES, "guesthouse or villa, not without wifi", "2 6"),
    (_PLACES, "with a pool, spain or portugal", "1 6"),
    (_PLACES, "i dont need a pool, but wifi", "1 2 4 6"),
    (_PLACES, "a fireplace would be lovely but isnt essential", "1 2 3 4 5 6"),
    (_PLACES, "something free", "6"),
    (_PLACES, "somewhere with a swimming pool", "1 2 6"),
    (_PACKS, "a rucksack", "1 2 3 4"),
    (_PACKS, "no rucksacks", "3 5 6"),
    (_PACKS, "less than a fiver", "1 6"),
    (_PACKS, "rucksacks under a tenner", "1 3"),
    (_TENTS, "a two-person tent", "1"),
    (_TENTS, "a tent for four", "2"),
    (_TENTS, "at least 40 litres", "4"),
    (_TENTS, "a backpack for men", "3 4"),
    (_TENTS, "a sleeping bag, no down please", "7"),
    (_TENTS, "down sleeping bags", "6"),
    (_TENTS, "no down sleeping bags", "7"),
    (_TENTS, "waterproof boots for women", "5"),
    (_BOOKS, "a whodunit, softcover pls", "1"),
    (_BOOKS, "for grown ups, nothing over 200 pages", "1"),
    (_BOOKS, "my sister refuses ebooks, a crime novel", "1 4"),
    (_GAMES, "a game for 4 players", "1 2 4 5 6"),
    (_GAMES, "something for 6 people", "2 4"),
    (_GAMES, "2-4 players", "1 2 6"),
    (_GAMES, "at least 5 players", "2 4 5"),
    (_GAMES, "max players 4", "1 3 6"),
    (_GAMES, "solo games", "3 6"),
    (_GAMES, "a game for two", "1 2 6"),
    (_GAMES, "up to 6 players", "2 4"),
    (_GAMES, "something for a family of four", "1 2 4 5 6"),
    (_GAMES, "there are 6 of us", "2 4"),
    (_GAMES, "give me 2 player games", "1 2 6"),
    (_GAMES, "more players than Paper Moon", "2 4 5"),
    (_GAMES, "under an hour", "1 3 4"),
    (_GAMES, "30-60 min", "1 3 6"),
    (_GAMES, "suitable for a 8 year old", "1 6"),
    (_GAMES, "minimum age 12", "2 4"),
    (_GAMES, "complexity of at most 2", "1 4 6"),
    (_GAMES, "any category but strategy", "1 3 4 6"),
    (_GAMES, "at most 3 strategy games", "2 5"),
    (_LAPTOPS, "a 14 inch one", "1 3"),
    (_LAPTOPS, "screen bigger than 15 inches", "2 5"),
    (_LAPTOPS, "bigger screen than 14", "2 5"),
    (_LAPTOPS, "16gb ram and 512 gb storage", "2 4"),
    (_LAPTOPS, "1tb or more", "3 5"),
    (_LAPTOPS, "10+ hours of battery", "1 3 4"),
    (_LAPTOPS, "between 800 and 1200", "2 4"),
    (_LAPTOPS, "any brand but Dell, max price 1200", "1 4 6"),
    (_LAPTOPS, "under 1000 || make it 1200", "1 2 4 6"),
    (_DISHES, "desserts, not with chocolate", "4"),
    (_DISHES, "no garlic", "1 3 4 6"),
    (_DISHES, "no dairy, no soup", "2 5"),
    (_DISHES, "a coeliac friend needs a main course or a dessert", "2 3"),
    (_DISHES, "no gluten || gluten is fine after all", "1 2 3 4 5 6"),
    (_DISHES, "a soup or a main that is not so spicy", "1"),
    (_DISHES, "less spicy than the Lentil dal", "1 3 4 5"),
    (_STAYS, "good reviews", "1 3"),
    (_STAYS, "guest rating over 8.5", "1 3"),
    (_STAYS, "rated above 8", "1 3 4"),
    (_STAYS, "at least 4 stars", "1 3"),
    (_STAYS, "breakfast not included", "2 4 5"),
    (_STAYS, "breakfast is included", "1 3"),
    (_STAYS, "no gluten", "1 4"),
    (_STAYS, "no gluten || it doesn't have to be gluten free any more", "1 2 3 4 5"),
    (_STAYS, "breakfast included || breakfast is not necessary", "1 2 3 4 5"),
    (_STAYS, "in Rome under 100 || money is no object", "1 2"),
    (_STAYS, "in Rome || Vienna works too", "1 2 5"),
    (_STAYS, "in Rome or Vienna, no more than 100", "2 5"),
    (_STAYS, "Rome, no wait, Lisbon", "3 4"),
]


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RulesInterpreter]:
    folder = tmp_path_factory.mktemp("catalogues")
    made: dict[str, Any] = {}
    for number, text in enumerate((_GAMES, _LAPTOPS, _DISHES, _STAYS, _TENTS, _BOOKS, _PACKS, _PLACES, _BIKES)):
        path = Path(folder, f"{number}.csv")
        path.write_text(text, encoding="utf-8")
        made[text] = RulesInterpreter(load(SourceFiles(path)).catalogue, today=2024)
    return made


@pytest.mark.parametrize(("text", "message", "expected"), CASES, ids=[message for _, message, _ in CASES])
def test_reads_other_catalogues(readers: dict[str, RulesInterpreter], text: str, message: str, expected: str) -> None:
    reader = readers[text]
    request = converse(reader, message.split(" || "))
    labels = [c.label for c in request.constraints]
    assert fitting(reader.catalogue, request) == set(expected.split()), labels
