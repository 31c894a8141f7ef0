"use strict";
{
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = (root) => JSON.parse(root.querySelector("script").textContent);

  const NEXT = { null: "ascending", ascending: "descending", descending: null };

  const compare = (one, other) =>
    one.dataset.value && other.dataset.value
      ? one.dataset.value - other.dataset.value
      : one.textContent.localeCompare(other.textContent, "en", { numeric: true });

  const sorted = (rows, column, direction) => {
    const isEmpty = (row) => !row.cells[column].textContent.trim();
    const sign = direction === "ascending" ? 1 : -1;
    const filled = rows.filter((row) => !isEmpty(row));
    filled.sort((one, other) => sign * compare(one.cells[column], other.cells[column]));
    return [...filled, ...rows.filter(isEmpty)];
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

  const makeFilterable = (root) => {
    const box = root.querySelector("input");
    const rows = [...root.querySelector("tbody").rows];
    box?.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const shown = rows.filter((row) => !row.hidden).length;
      root.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
    });
  };

  const makeCopyable = (root) => {
    for (const button of all("[data-copy]", root)) {
      const format = button.textContent;
      button.addEventListener("click", async () => {
        const copied = await navigator.clipboard.writeText(data(root)[format]).then(
          () => "copied",
          () => "could not be copied",
        );
        root.querySelector("output").textContent = `${format} ${copied}`;
      });
    }
  };

  const draw = (figure) => {
    figure.classList.add("drawn");
    const description = figure.querySelector("figcaption").textContent;
    vegaEmbed(figure.querySelector(".chart"), { description, ...data(figure) }, {
      mode: "vega-lite",
      renderer: "svg",
      ast: true, // expressions are interpreted: the page allows no eval
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: figure.dataset.key,
      scaleFactor: { svg: 1, png: 3 },
    });
  };

  const drawVisible = () => {
    for (const figure of all("figure:not(.drawn)")) if (figure.checkVisibility()) draw(figure);
  };

  const makeChoosable = (select) => {
    const figures = all(".choice", select.closest("section"));
    const show = () => {
      figures.forEach((figure, index) => (figure.hidden = index !== select.selectedIndex));
      drawVisible();
    };
    select.addEventListener("change", show);
    show();
  };

  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details")) target.open = true;
    target?.scrollIntoView();
  };

  for (const root of all(".table")) {
    makeSortable(root.querySelector("table"));
    makeFilterable(root);
    makeCopyable(root);
  }
  document.getElementById("digits:").addEventListener("change", () => {
    for (const cell of all("table [title]"))
      [cell.textContent, cell.title] = [cell.title, cell.textContent];
  });
  for (const details of all("details")) details.addEventListener("toggle", drawVisible);
  all("select").forEach(makeChoosable);
  addEventListener("hashchange", openTarget);
  if (location.hash) openTarget();
  drawVisible();
}
