"""The works that sources, networks and tools are cited as, in BibTeX."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from pathlib import Path

from antcost.sources.specs.catalog import shipped_folder, shipped_names
from antcost.tables.latex_text import escape

_WORKS = Path(__file__).with_name("references.bib")
_ENTRY = re.compile(r"^@\w+{(.*?),$.*?^}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = {(.*)},\n", re.MULTILINE)
_OWN_FIELD = re.compile(r"^  (?:names|networks) = .*\n", re.MULTILINE)
_PLACE = re.compile(r", (abstract|appendix|figures?|pages?|sections?|tables?)\b.*", re.IGNORECASE)
_QUOTED = " as quoted in "
_PREAMBLE = r'@preamble{"\providecommand{\url}[1]{\hfil\penalty0\hfilneg\texttt{#1}}"}'
"""How addresses are printed where no package does it: with a line of their own if they need one."""


@dataclass(frozen=True, slots=True)
class Work:
    """A work to cite, and its entry. `eprint` is its number of arXiv.

    `names` is how sources call it, without a table's number; `networks` are the shipped networks
    that it describes, as patterns.
    """

    key: str
    entry: str
    eprint: str = ""
    names: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    def describes(self, network: str) -> bool:
        """Return whether it describes the shipped network of this name."""
        return any(fnmatchcase(network, pattern) for pattern in self.networks)


def bibliography(sources: Iterable[str], specs: Iterable[str] = ()) -> str:
    """Return BibTeX of the sources and of the papers of networks, sorted by key, each once.

    `sources` are as in the rows of `published` ("ANTNets, Table 7"), or names of tools and engines
    ("fvcore"); one that nothing is known of is an entry with its text as title. `specs` are names
    or files of networks; of those that do not ship no paper is known.
    """
    cited = {find_work(source) for source in sources} | {
        work for name in map(_shipped, specs) for work in works() if name and work.describes(name)
    }
    entries = (work.entry for work in sorted(cited, key=lambda work: work.key))
    return "\n\n".join([_PREAMBLE, *entries]) + "\n" if cited else ""


@cache
def works() -> tuple[Work, ...]:
    """Return all works that are known."""
    return tuple(map(_read, _ENTRY.finditer(_WORKS.read_text(encoding="utf-8"))))


def _read(entry: re.Match[str]) -> Work:
    fields = dict(_FIELD.findall(entry[0]))
    names, networks = (
        tuple(fields[name].split("; ")) if name in fields else () for name in ("names", "networks")
    )
    return Work(entry[1], _OWN_FIELD.sub("", entry[0]), fields.get("eprint", ""), names, networks)


@cache
def _named() -> Mapping[str, Work]:
    """Return works by their names, with and without a number: "GhostNet (arXiv 1911.11907)"."""
    return {
        name: work
        for work in works()
        for plain in work.names
        for name in (plain, f"{plain} (arXiv {work.eprint})")
    }


def find_work(source: str) -> Work:
    """Return the work in which a source was printed: where it was quoted, without the place."""
    text = " ".join(source.split())
    title = _PLACE.sub("", text.rpartition(_QUOTED)[2]) or text
    return _named().get(title) or _unknown(title)


def _unknown(title: str) -> Work:
    """Return an entry with this title, and a key that no other title has."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    digest = sha256(title.encode()).hexdigest()
    key = "-".join(["source", *words[:4], digest[:8]])
    # BibTeX counts braces, escaped ones, too.
    text = escape(title).replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")
    return Work(key, f"@misc{{{key},\n  title = {{{{{text}}}}},\n  key = {{{text}}},\n}}")


def _shipped(reference: str) -> str | None:
    """Return the name of a shipped network, given that or its file."""
    files = {shipped_folder() / f"{name}.yaml": name for name in shipped_names()}
    return reference if reference in shipped_names() else files.get(Path(reference).resolve())
