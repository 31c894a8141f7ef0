"""`antcost report`: tables, figures and sentences about networks, for a paper and as a page."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import BadParameter, Option

from antcost.cli import options
from antcost.cli.batch import read_each
from antcost.cli.measurement import require_packages, require_torch, run_tools
from antcost.cli.progress import progress
from antcost.cost.convention import find_convention
from antcost.cost.device import load_device
from antcost.document.publish import (
    FORMATS,
    publish,
    publishing_steps,
    read_formats,
    require_folder,
)
from antcost.errors import AntcostError
from antcost.measure.recording import load_recording
from antcost.sources.network import load_network
from antcost.units import plural
from antcost.views.comparison import ComparedNetwork

if TYPE_CHECKING:
    from antcost.document.compose import Findings
    from antcost.document.presets import Preset


def report(
    output: Annotated[
        Path, Option("-o", "--output", metavar="DIR", help="The folder to write the report to.")
    ],
    specs: options.OptionalSpecs = None,
    preset: Annotated[
        str | None, Option(metavar="NAME", help="In place of specs: antnets, that paper's tables.")
    ] = None,
    title: Annotated[str | None, Option(metavar="TEXT", help="Title of the report.")] = None,
    device: options.Device = None,
    latency: Annotated[
        Path | None, Option(metavar="FILE", help="What antcost latency -o has measured.")
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Ask other tools, too, as antcost check does.")
    ] = False,
    summary: Annotated[
        bool, Option("--summary", help="Leave the sections of single networks out.")
    ] = False,
    format_: Annotated[
        str | None,
        Option("--format", metavar="A,B,...", help=f"What to write; all of {', '.join(FORMATS)}."),
    ] = None,
    count: options.Count = "madds",
    set_: options.Set = None,
) -> None:
    """Write tables, figures, a methods paragraph and a page about networks into a folder.

    A network that fails is reported at the end, with exit code 1, or 2 if there are no others.
    """
    if (preset is None) == (not specs):
        raise BadParameter("name networks, or --preset antnets in their place")
    if preset is not None and set_:
        raise BadParameter("--set has no place beside --preset: a paper's networks are as they are")
    if title is not None and not title.isprintable():
        raise AntcostError("--title: expected one line of printable text")
    formats = read_formats(format_)
    require_folder(output)
    from antcost.document.compose import Findings
    from antcost.document.presets import find_preset

    if check:
        require_torch()
    chosen = find_preset(preset) if preset is not None else None
    references = chosen.networks if chosen else specs or []
    recorded = latency or (chosen.recording_path if chosen else None)
    if recorded:
        require_packages()
    findings = Findings(
        (),
        find_convention(count),
        recording=load_recording(recorded) if recorded else None,
        device=load_device(device) if device else None,
        summary=summary,
    )

    def entry(reference: str) -> ComparedNetwork:
        network = load_network(reference, set_ or [])
        prediction = findings.device.predict(network.cost) if findings.device else None
        return ComparedNetwork(network, prediction=prediction)

    with read_each(references, entry, all_failed=2) as entries:
        if entries:
            distinct = {entry.reference: entry for entry in entries}
            findings = replace(findings, entries=tuple(distinct.values()))
            try:
                _write(findings, chosen, title, check, formats, output)
            except KeyboardInterrupt:
                typer.echo("interrupted: nothing was written", err=True)
                raise typer.Exit(130) from None


def _write(
    findings: "Findings",
    preset: "Preset | None",
    title: str | None,
    check: bool,
    formats: tuple[str, ...],
    folder: Path,
) -> None:
    """Ask the tools, if they are to be asked, and write everything or nothing."""
    from antcost.document.compose import report_of, title_of
    from antcost.document.presets import preset_sections

    timed, _ = findings.timed(findings.entries)
    if findings.recording and all(entry.latency_ps is None for entry in timed):
        raise AntcostError("--latency: none of these networks was measured for this file")
    if check:
        checks, interrupted = run_tools([entry.cost for entry in findings.entries])
        if interrupted:
            raise KeyboardInterrupt
        findings = replace(findings, checks=tuple(checks))
    opening = preset_sections(preset, findings) if preset else ()
    heading = title or (preset.title if preset else title_of(findings))
    steps = publishing_steps(report_of(heading, findings, opening), formats)
    with progress("writing", len(steps)) as advance:
        publish(steps, folder, advance)
    typer.echo(f"{folder}: {plural(len(steps), 'file')}")
