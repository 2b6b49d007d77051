// Each chart: its rows, the same rows as a table, and a sentence for those who do not see it.

// An experiment beside its row, in two lines where there is little room.
const beside = (e) => (innerWidth < 700 ? labelled(experiments[e]).replace(" (", "\n(") : labelled(experiments[e]));

const chosenOnly = (all) => state.chosen.flatMap((number) => all.filter((row) => row.e === number));
const atThreshold = (all) => all.filter((row) => row.km === state.km);
const withLooks = (row) => ({ ...row, ...look(row.e), experiment: labelled(experiments[row.e]) });
const range = (row) => `${percent(row.accuracy)} (${percent(row.low)} to ${percent(row.high)})`;
const nameColumn = { title: "Experiment", of: (row) => named(experiments[row.e]) };
const intervalColumns = [
  { title: "Measured", of: (row) => percent(row.accuracy), number: true },
  { title: "95 % interval", of: (row) => `${percent(row.low)} – ${percent(row.high)}`, number: true },
];
const listed = (texts) => texts.join("; ");

async function curveRows() {
  const { km, shares } = (await block("tables")).curves;
  const drawnRows = state.chosen.flatMap((e) => (shares[e] ?? []).map((share, place) => ({ e, km: km[place], share })));
  const near = (wanted) => km.findIndex((value) => Math.abs(value - wanted) < 0.001);
  const places = about.thresholds.map(near);
  const numbers = state.chosen.filter((e) => shares[e]).map((e) => ({ e, at: places.map((place) => shares[e][place]) }));
  const columns = about.thresholds.map((wanted, place) => ({ title: `${wanted} km`, of: (row) => percent(row.at[place]), number: true }));
  return {
    rows: drawnRows.map(withLooks), table: numbers, columns: [nameColumn, ...columns],
    says: `Share of queries within 25 km: ${listed(numbers.map((row) => `${labelled(experiments[row.e])} ${percent(row.at[1])}`))}.`,
  };
}

const publishedAt = (e, km) => about.published[experiments[e].name]?.[km] ?? null;

async function intervalRows() {
  const found = atThreshold(await rows("accuracy"));
  const drawnRows = found.map((row) => ({
    ...row, name: beside(row.e), value: row.accuracy, text: range(row), published: publishedAt(row.e, row.km),
    colour: style("--accent"), shape: "circle", ink: style("--bad"),
  }));
  const published = { title: "Published", of: (row) => percent(publishedAt(row.e, row.km)), number: true };
  const best = found.reduce((top, row) => (top && top.accuracy >= row.accuracy ? top : row), null);
  return {
    rows: drawnRows, table: found, columns: [nameColumn, ...intervalColumns, published],
    says: best ? `At ${state.km} km, ${labelled(experiments[best.e])} is highest with ${range(best)}, of ${found.length} experiments.` : "",
  };
}

async function differenceRows() {
  const against = Number(find("against").value);
  const found = atThreshold(await rows("comparisons")).filter((row) => row.e === against || row.o === against).map((row) =>
    row.o === against ? row : { ...row, e: row.o, o: row.e, difference: -row.difference, low: -row.high, high: -row.low, only_one: row.only_other, only_other: row.only_one });
  found.sort((one, other) => one.e - other.e);
  const sure = (row) => row.holm !== null && row.holm < 0.05;
  const drawnRows = found.map((row) => ({
    ...row, name: beside(row.e), value: row.difference, shape: sure(row) ? "circle" : "cross", colour: style(sure(row) ? "--accent" : "--pale"),
    text: `${signed(row.difference)} (${signed(row.low)} to ${signed(row.high)}), p ${row.holm ?? MISSING}`,
  }));
  const columns = [
    nameColumn,
    { title: "Difference, points", of: (row) => signed(row.difference), number: true },
    { title: "95 % interval", of: (row) => `${signed(row.low)} to ${signed(row.high)}`, number: true },
    { title: "Only this one hits", of: (row) => count(row.only_one), number: true },
    { title: "Only the other", of: (row) => count(row.only_other), number: true },
    { title: "p, McNemar", of: (row) => row.p ?? MISSING, number: true },
    { title: "p, Holm", of: (row) => row.holm ?? MISSING, number: true },
  ];
  const beyond = found.filter(sure).length;
  return {
    rows: drawnRows, table: found, columns,
    says: `Against ${labelled(experiments[against])} at ${state.km} km: ${beyond} of ${found.length} differences are beyond chance after correction.`,
  };
}

function groupedRows(name, group, filter) {
  return async () => {
    const found = chosenOnly(filter(await rows(name)));
    const order = [...new Set(found.map((row) => row[group]))];
    const drawnRows = order.flatMap((each) => found.filter((row) => row[group] === each))
      .map((row) => withLooks({ ...row, group: row[group], value: row.accuracy, text: range(row) }));
    const columns = [nameColumn, { title: group === "level" ? "Name of the" : "Continent", of: (row) => row[group] }, ...intervalColumns,
      { title: "Queries", of: (row) => count(row.n), number: true }];
    const first = found.filter((row) => row.e === state.chosen[0]);
    return {
      rows: drawnRows, table: found, columns,
      says: first.length ? `${labelled(experiments[state.chosen[0]])}: ${listed(first.map((row) => `${row[group]} ${percent(row.accuracy)} of ${count(row.n)}`))}.` : "",
    };
  };
}

function lineRows(name, x, y, columns, says) {
  return async () => {
    const found = chosenOnly(atThreshold(await rows(name)));
    const drawnRows = found.map((row) => withLooks({ ...row, ...x(row), value: row[y], text: says(row) }));
    const first = found.filter((row) => row.e === state.chosen[0]);
    return {
      rows: drawnRows, table: found, columns: [nameColumn, ...columns],
      says: first.length ? `${labelled(experiments[state.chosen[0]])} at ${state.km} km: ${listed(first.map(says))}.` : "",
    };
  };
}

const oracleRows = lineRows("oracle", (row) => ({ k: row.k ?? "all" }), "accuracy", [
  { title: "K", of: (row) => row.k ?? "all", number: true },
  { title: "Accuracy of the best", of: (row) => percent(row.accuracy), number: true },
], (row) => `${percent(row.accuracy)} with K = ${row.k ?? "all"}`);

const calibrationRows = lineRows("calibration", (row) => ({ limit: Math.max(row.predicted, row.measured) }), "measured", [
  { title: "Tenth", of: (row) => row.bin, number: true },
  { title: "Queries", of: (row) => count(row.n), number: true },
  { title: "Predicted", of: (row) => percent(row.predicted), number: true },
  { title: "Measured", of: (row) => percent(row.measured), number: true },
], (row) => `predicted ${percent(row.predicted)}, measured ${percent(row.measured)}`);

const selectiveRows = lineRows("selective", (row) => ({ answered: 1 - row.withheld }), "accuracy", [
  { title: "Answered", of: (row) => percent(1 - row.withheld, 0), number: true },
  { title: "Queries", of: (row) => count(row.n), number: true },
  { title: "Accuracy", of: (row) => percent(row.accuracy), number: true },
], (row) => `${percent(row.accuracy)} of ${percent(1 - row.withheld, 0)} answered`);

function missParts(row, name) {
  let from = 0;
  return about.kinds.flatMap((kind, place) => {
    const part = { name, kind, from, to: from + row[kind], middle: from + row[kind] / 2, text: percent(row[kind]), short: percent(row[kind], 0),
      colour: palette("--kinds")[place], ink: palette("--inks")[place] };
    from = part.to;
    return row[kind] > 0 ? [part] : [];
  });
}

function missRows(pick, nameOf) {
  return async (figure) => {
    const found = pick(await rows("miss"), figure);
    const first = found[Math.min(1, found.length - 1)];
    const columns = [nameColumn, { title: "Threshold", of: (row) => `${row.km} km`, number: true },
      ...about.kinds.map((kind) => ({ title: kind, of: (row) => percent(row[kind]), number: true }))];
    return {
      rows: found.flatMap((row) => missParts(row, nameOf(row))), table: found, columns,
      says: first ? `${labelled(experiments[first.e])} at ${first.km} km: ${listed(about.kinds.map((kind) => `${kind} ${percent(first[kind])}`))}.` : "",
    };
  };
}

const oneOf = (figure) => Number(figure.querySelector(".one-experiment").value);
const FIGURES = {
  curves: { chart: "curves", rows: curveRows, legend: "chosen", follows: ["chosen"] },
  intervals: { chart: "intervals", rows: intervalRows, follows: ["km"] },
  differences: { chart: "differences", rows: differenceRows, follows: ["km", "against"] },
  continents: { chart: "continents", rows: groupedRows("continents", "continent", atThreshold), legend: "chosen", follows: ["chosen", "km"] },
  places: { chart: "places", rows: groupedRows("places", "level", (all) => all), legend: "chosen", follows: ["chosen"] },
  misses: { chart: "miss", rows: missRows((all, figure) => all.filter((row) => row.e === oneOf(figure)), (row) => `${row.km} km`), legend: "kinds", follows: ["misses"] },
  "misses-of": { chart: "miss", rows: missRows((all) => chosenOnly(atThreshold(all)), (row) => beside(row.e)), legend: "kinds", follows: ["chosen", "km"] },
  oracle: { chart: "oracle", rows: oracleRows, legend: "chosen", follows: ["chosen", "km"] },
  calibration: { chart: "calibration", rows: calibrationRows, legend: "chosen", follows: ["chosen", "km"] },
  selective: { chart: "selective", rows: selectiveRows, legend: "chosen", follows: ["chosen", "km"] },
};

function line(number) {
  const { colour, dash } = look(number);
  const stroke = drawn("line", { x1: 1, x2: 29, y1: 6, y2: 6, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash[1] ? dash.join(" ") : null });
  return drawn("svg", { viewBox: "0 0 30 12", "aria-hidden": "true" }, stroke);
}

function square(colour) {
  return drawn("svg", { viewBox: "0 0 30 12", "aria-hidden": "true" }, drawn("rect", { x: 8, width: 14, height: 12, rx: 2, fill: colour }));
}

function legend(figure, kind) {
  let holder = figure.querySelector(".legend");
  if (!kind) return;
  if (!holder) {
    holder = h("ul", { class: "legend" });
    figure.querySelector(".drawing").before(holder);
  }
  become(holder, ...(kind === "kinds"
    ? about.kinds.map((each, place) => h("li", {}, square(palette("--kinds")[place]), each))
    : state.chosen.map((number) => h("li", {}, line(number), h("span", {}, named(experiments[number]))))));
}

async function show(figure) {
  const name = figure.dataset.figure;
  const { chart, rows: build, legend: kind } = FIGURES[name];
  const found = await build(figure);
  const [drawing, title] = [figure.querySelector(".drawing"), figure.querySelector("h3").textContent];
  legend(figure, kind);
  become(figure.querySelector(".scroll"), table(title, found.columns, found.table));
  if (!found.rows.length) {
    drawing.setAttribute("aria-label", `${title}: the warehouse has no such numbers.`);
    become(drawing, h("p", { class: "nothing" }, "The warehouse has no such numbers for these experiments."));
    return;
  }
  drawing.setAttribute("aria-label", `${title}. ${found.says} All numbers are in the table below.`);
  await drawChart(chart, drawing, found.rows);
  figure.dataset.drawn = "yes";
}

// Charts are drawn when they come near, and again when what they show has changed; all others when there is nothing
// else to do, for those who read without scrolling.
const due = new Map();
const stale = new Set();
const nearing = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => renew(entry.target)), { rootMargin: "600px" });
const whenIdle = (work) => (window.requestIdleCallback ? requestIdleCallback(work, { timeout: 2000 }) : setTimeout(work, 200));

function renew(figure) {
  nearing.unobserve(figure);
  stale.delete(figure);
  const after = (due.get(figure) ?? Promise.resolve()).then(() => show(figure)).catch(trouble);
  due.set(figure, after);
  return after;
}

let draining = false;
async function drain() {
  if (draining) return;
  draining = true;
  while (stale.size) {
    await new Promise((done) => whenIdle(done));
    const [figure] = stale;
    if (figure) await renew(figure);
  }
  draining = false;
}

function renewLater(figures) {
  for (const figure of figures) {
    stale.add(figure);
    nearing.unobserve(figure);
    nearing.observe(figure);
  }
  drain();
}

function startFigures() {
  const figures = [...document.querySelectorAll("figure.chart")];
  for (const figure of figures) {
    const one = figure.querySelector(".one-experiment");
    if (one) {
      fill(one, experiments.map((each) => each.number), (number) => labelled(experiments[number])).value = state.chosen[0];
      one.addEventListener("change", () => changed("misses"));
    }
    figure.querySelector(".threshold")?.addEventListener("change", (event) => {
      state.km = Number(event.target.value);
      changed("km");
    });
  }
  onChange((what) => {
    document.querySelectorAll("figure .threshold").forEach((select) => (select.value = state.km));
    renewLater(figures.filter((figure) => what === "looks" || FIGURES[figure.dataset.figure].follows.includes(what)));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed("looks"));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) changed("looks");
    width = innerWidth;
  });
  renew(figures[0]).then(() => renewLater(figures.slice(1)));
}
