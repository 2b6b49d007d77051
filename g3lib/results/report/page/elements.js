// Elements without markup: whatever comes from outside becomes text, never HTML.

const SVG = "http://www.w3.org/2000/svg";

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const h = (tag, attributes = {}, ...children) => put(document.createElement(tag), attributes, children);
const drawn = (tag, attributes = {}, ...children) => put(document.createElementNS(SVG, tag), attributes, children);

// New children in place of the old, nested lists of them as well.
function become(node, ...children) {
  node.replaceChildren();
  return put(node, {}, children);
}
const find = (id) => document.getElementById(id);

// Text that may run right to left, or mix scripts, must not turn its neighbours around.
const outside = (text) => h("bdi", {}, text);

const MISSING = "–";
const percent = (share, digits = 1) =>
  share === null || share === undefined || Number.isNaN(share) ? MISSING : `${(100 * share).toFixed(digits)} %`;
const signed = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const count = (number) => number.toLocaleString("en");

function kilometres(km) {
  if (km === null || km === undefined || Number.isNaN(km)) return MISSING;
  if (km === "inf" || km === Infinity) return "∞";
  if (km < 0.001) return "0";
  if (km >= 100) return Math.round(km).toLocaleString("en");
  return String(Number(km.toPrecision(3)));
}

const position = (lat, lon) => (Number.isNaN(lat) ? MISSING : `${lat.toFixed(5)}, ${lon.toFixed(5)}`);

function badge(experiment) {
  return experiment.badge ? h("span", { class: "badge", title: about.warnings[experiment.badge] }, experiment.badge) : null;
}

const named = (experiment) => [experiment.name, experiment.badge ? " " : "", badge(experiment)];
const labelled = (experiment) => experiment.name + (experiment.badge ? ` (${experiment.badge})` : "");

function fill(select, values, text = (value) => value) {
  select.replaceChildren(...values.map((value) => h("option", { value }, text(value))));
  return select;
}

// A table whose first column names its rows. Columns: {title, of: row => content, number}.
function table(caption, columns, rows, attributes = () => ({})) {
  const head = columns.map((column) => h("th", { scope: "col", class: column.number && "number" }, column.title));
  const body = rows.map((row) =>
    h("tr", attributes(row), columns.map((column, place) =>
      place === 0
        ? h("th", { scope: "row", class: column.number && "number" }, column.of(row))
        : h("td", { class: column.number ? "number" : column.words && "words" }, column.of(row)))));
  return h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
}

const scrolling = (label, content) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, content);
