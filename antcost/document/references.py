"""What sources, networks and tools are cited as: BibTeX."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from antcost.sources.specs.catalog import shipped_folder, shipped_names
from antcost.tables.latex_text import escape

_WORKS = Path(__file__).with_name("references.yaml")
_VENUE = {"inproceedings": "booktitle", "article": "journal", "phdthesis": "school"}
_PLACE = re.compile(r", (abstract|appendix|figures?|pages?|sections?|tables?)\b.*", re.IGNORECASE)
_QUOTED = " as quoted in "
_PREAMBLE = r'@preamble{"\providecommand{\url}[1]{\hfil\penalty0\hfilneg\texttt{#1}}"}'
"""How addresses are printed where no package does it: with a line of their own if they need one."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something to cite. `type` is that of BibTeX; `eprint` is a number of arXiv.

    An `organisation` stands where there are no authors. `names` is how sources call it, without a
    table's number; `networks` are the shipped networks that it describes, as patterns.
    """

    key: str
    title: str
    type: str = "misc"
    authors: tuple[str, ...] = ()
    organisation: str = ""
    year: int | None = None
    venue: str = ""
    eprint: str = ""
    url: str = ""
    note: str = ""
    names: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    def describes(self, network: str) -> bool:
        """Whether it describes the shipped network of this name."""
        return any(fnmatchcase(network, pattern) for pattern in self.networks)


def bibliography(sources: Iterable[str], specs: Iterable[str] = ()) -> str:
    """BibTeX of the sources and of the papers of networks, sorted by key, each once.

    `sources` are as in the rows of `published` ("ANTNets, Table 7"), or names of tools and engines
    ("fvcore"); one that nothing is known of is an entry with its text as title. `specs` are names
    or files of networks; of those that do not ship no paper is known.
    """
    cited = {_work(source) for source in sources} | {
        work for name in map(_shipped, specs) for work in works() if name and work.describes(name)
    }
    entries = (_entry(work) for work in sorted(cited, key=lambda work: work.key))
    return "\n\n".join([_PREAMBLE, *entries]) + "\n" if cited else ""


def cite_key(source: str) -> str:
    """The key that `bibliography` gives the work in which a source was printed."""
    return _work(source).key


@cache
def works() -> tuple[Work, ...]:
    """All works that are known."""
    import yaml

    rows = yaml.safe_load(_WORKS.read_text(encoding="utf-8"))
    return tuple(Work(**{name: _frozen(value) for name, value in row.items()}) for row in rows)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def _named() -> Mapping[str, Work]:
    """Works by their names, also with the number of arXiv behind: "GhostNet (arXiv 1911.11907)"."""
    return {
        name: work
        for work in works()
        for plain in work.names
        for name in (plain, f"{plain} (arXiv {work.eprint})")
    }


def _work(source: str) -> Work:
    """The work in which a source was printed: where it was quoted, without the place in it."""
    text = " ".join(source.split())
    title = _PLACE.sub("", text.rpartition(_QUOTED)[2]) or text
    return _named().get(title) or Work(_key(title), title)


def _key(title: str) -> str:
    """Letters, digits and hyphens; titles that differ have keys that do."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    digest = sha256(title.encode()).hexdigest()
    return "-".join(["source", *words[:4], digest[:8]])


def _shipped(reference: str) -> str | None:
    """The name of a shipped network that is meant by its name or file."""
    if reference in shipped_names():
        return reference
    path = Path(reference).resolve().with_suffix("")
    if not path.is_relative_to(shipped_folder()):
        return None
    return path.relative_to(shipped_folder()).as_posix()


def _entry(work: Work) -> str:
    lines = (f"  {field} = {{{value}}}," for field, value in _fields(work))
    return "\n".join([f"@{work.type}{{{work.key},", *lines, "}"])


def _fields(work: Work) -> Iterator[tuple[str, str]]:
    """The fields of an entry; the braces around titles and organisations keep them as they are."""
    yield "title", f"{{{_text(work.title)}}}"
    if work.authors:
        yield "author", " and ".join(map(_text, work.authors))
    elif work.organisation:
        yield "author", f"{{{_text(work.organisation)}}}"
    else:
        yield "key", _text(work.title)
    if work.venue:
        yield _VENUE[work.type], _text(work.venue)
    if work.eprint and work.venue:
        yield "eprint", work.eprint
        yield "archiveprefix", "arXiv"
    elif work.eprint:
        yield "howpublished", f"arXiv:{work.eprint}"
    if work.url:
        yield ("url", work.url) if work.venue else ("howpublished", rf"\url{{{work.url}}}")
    if work.note:
        yield "note", _text(work.note)
    if work.year:
        yield "year", str(work.year)


def _text(text: str) -> str:
    """Escaped for LaTeX, with no brace that BibTeX would count."""
    escaped = escape(text)
    return escaped.replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")
