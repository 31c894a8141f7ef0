"use strict";
{
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const textIn = (root, name) => root.querySelector(`script.${name}`).textContent;

  const unpacked = (text) => {
    const packed = new Blob([Uint8Array.from(atob(text), (byte) => byte.charCodeAt())]);
    return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };

  const said = document.querySelector(".said");
  let silence;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => (said.textContent = ""), 3000);
  };

  // Tables: sorted by their ranks, filtered by their words, read cell by cell.

  const NEXT = { null: "ascending", ascending: "descending", descending: null };

  const sorted = (rows, column, direction) => {
    const rank = (row) => row.cells[column].dataset.rank;
    const filled = rows.filter((row) => rank(row) !== undefined);
    const empty = rows.filter((row) => rank(row) === undefined);
    const sign = direction === "ascending" ? 1 : -1;
    return [...filled.sort((one, other) => sign * (rank(one) - rank(other))), ...empty];
  };

  const makeSortable = (table) => {
    const [body] = table.tBodies;
    const rows = [...body.rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const direction = NEXT[header.getAttribute("aria-sort")];
        headers.forEach((each) => each.removeAttribute("aria-sort"));
        if (direction) header.setAttribute("aria-sort", direction);
        body.append(...(direction ? sorted(rows, column, direction) : rows));
      });
    });
  };

  const words = (row) =>
    all("th, .text, .prose", row).map((cell) => cell.textContent).join(" ").toLowerCase();

  const makeFilterable = (exhibit) => {
    const box = exhibit.querySelector("input");
    if (!box) return;
    const rows = [...exhibit.querySelector("tbody").rows];
    box.addEventListener("input", () => {
      const wanted = box.value.toLowerCase().split(/\s+/);
      for (const row of rows) row.hidden = !wanted.every((word) => words(row).includes(word));
      const shown = rows.filter((row) => !row.hidden).length;
      exhibit.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
    });
  };

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const isExact = (cell) => cell?.querySelector(".exact");

  const neighbour = (cell, [down, right]) => {
    const rows = [...cell.closest("table").rows].filter((row) => !row.hidden);
    let [row, column] = [rows.indexOf(cell.parentNode), cell.cellIndex];
    do {
      [row, column] = [row + down, column + right];
    } while (rows[row]?.cells[column] && !isExact(rows[row].cells[column]));
    return rows[row]?.cells[column];
  };

  const makeReadable = (table) => {
    const cells = all("td", table).filter(isExact);
    cells.forEach((cell, index) => (cell.tabIndex = index ? -1 : 0));
    table.addEventListener("keydown", (event) => {
      const cell = event.target;
      const next = isExact(cell) && STEPS[event.key] && neighbour(cell, STEPS[event.key]);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    table.addEventListener("focusin", ({ target }) => {
      if (!cells.includes(target)) return;
      for (const cell of cells) cell.tabIndex = cell === target ? 0 : -1;
    });
  };

  const openFromRows = (table) =>
    table.addEventListener("click", ({ target }) => {
      const link = target.closest("tbody tr")?.querySelector("a");
      if (link && !target.closest("a") && getSelection().isCollapsed) link.click();
    });

  // What is wider than the page is scrolled in a box of its own.

  const fit = (box) => {
    const fits = box.scrollWidth <= box.clientWidth;
    box.tabIndex = fits ? -1 : 0;
    box.classList.toggle("fits", fits);
  };
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => fit(target)));

  // What is copied, and saved.

  const copyByHand = (text) => {
    const focused = document.activeElement;
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused.focus();
    return done;
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyByHand(text);
    }
  };

  const textOf = async (button) => {
    const exhibit = button.closest(".exhibit");
    if (exhibit) return (await unpacked(textIn(exhibit, "texts")))[button.dataset.copy];
    const texts = all(":scope > p:not(.tools), pre", button.closest("section"));
    return texts.map((each) => each.textContent).join("\n\n");
  };

  const copyFrom = (button) =>
    button.addEventListener("click", async () => {
      const done = await copy(await textOf(button));
      say(`${button.dataset.copy} ${done ? "copied" : "could not be copied"}`);
    });

  const saveFrom = (button, figure, view) =>
    button.addEventListener("click", async () => {
      const link = document.createElement("a");
      link.href = await view.toImageURL(button.dataset.save, 3);
      link.download = `${figure.dataset.key}.${button.dataset.save}`;
      link.click();
    });

  // Figures.

  const OPTIONS = {
    mode: "vega-lite",
    renderer: "svg",
    ast: true,
    actions: false,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };

  const draw = async (figure) => {
    const chart = figure.querySelector(".chart");
    const description = figure.querySelector("figcaption").textContent;
    const definition = await unpacked(textIn(figure, "definition"));
    const { view } = await vegaEmbed(chart, { description, ...definition }, OPTIONS);
    watch.observe(chart);
    all("[data-save]", figure).forEach((button) => saveFrom(button, figure, view));
  };

  const chooseAxes = (choice) => {
    const [across, up] = all("select", choice);
    const figures = all("figure", choice);
    const shows = (figure, name) =>
      figure.dataset.across === across.value && figure.dataset.up === name;
    const show = () => {
      for (const option of up.options)
        option.disabled = !figures.some((figure) => shows(figure, option.value));
      if (up.selectedOptions[0].disabled) up.value = up.querySelector(":enabled").value;
      for (const figure of figures) figure.hidden = !shows(figure, up.value);
      wake();
    };
    across.addEventListener("change", show);
    up.addEventListener("change", show);
    show();
  };

  // What is seen for the first time is made ready: tables at once, figures one after another.

  const prepare = (exhibit) => {
    const table = exhibit.querySelector("table");
    makeSortable(table);
    makeFilterable(exhibit);
    makeReadable(table);
    openFromRows(table);
    watch.observe(exhibit.querySelector(".scroll"));
  };

  const isNew = (part) => part.checkVisibility() && !part.classList.contains("ready");

  const wake = async () => {
    for (const exhibit of all(".exhibit").filter(isNew)) {
      exhibit.classList.add("ready");
      prepare(exhibit);
    }
    for (const figure of all("figure")) {
      if (!isNew(figure)) continue;
      figure.classList.add("ready");
      await draw(figure);
      await new Promise((resume) => setTimeout(resume));
    }
  };

  // One network at a time, as the address says.

  const networks = all("section.network");
  const chooser = document.querySelector("select.networks");

  const choose = (key) => {
    for (const network of networks) network.hidden = network.id !== key;
    for (const link of all("[data-about] a")) {
      if (link.hash === `#${encodeURIComponent(key)}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (chooser) chooser.value = key;
    wake();
  };

  const addressed = () => {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null;
    }
  };

  const follow = () => {
    const target = addressed();
    const network = target?.closest("section.network");
    if (network || !location.hash || target?.contains(chooser)) choose(network?.id ?? "");
    network?.querySelector("h3").focus({ preventScroll: true });
    if (network) target.scrollIntoView();
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const tools of all(".tools")) tools.hidden = false;
    document.querySelector(".unscripted").hidden = true;
    all("[data-copy]").forEach(copyFrom);
    all("details").forEach((each) => each.addEventListener("toggle", wake));
    chooser?.addEventListener("change", () => {
      history.pushState(null, "", `#${encodeURIComponent(chooser.value)}`);
      choose(chooser.value);
    });
    addEventListener("hashchange", follow);
    choose("");
    follow();
    all(".choice").forEach(chooseAxes);
  });
}
