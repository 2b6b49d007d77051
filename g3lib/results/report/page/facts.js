// What the page knows: experiments, queries, predictions, and what the reader has chosen.

const about = JSON.parse(find("about").textContent);
const experiments = about.experiments.map((each, number) => ({ ...each, number }));
const LIMIT = 8;
const DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [1, 0], [7, 3], [2, 2], [9, 3, 2, 3]];
const SHAPES = ["circle", "square", "triangle-up", "cross", "diamond", "triangle-down", "triangle-right", "triangle-left"];

const state = { chosen: about.chosen, km: 25, sequence: null };
const listeners = [];
const onChange = (listener) => listeners.push(listener);
const changed = (what) => listeners.forEach((listener) => listener(what));

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = (name) => style(name).split(/\s+/);

// How a chosen experiment looks wherever it is drawn.
function look(number) {
  const place = Math.max(0, state.chosen.indexOf(number));
  return { colour: palette("--series")[place], dash: DASHES[place], shape: SHAPES[place] };
}

// Rows of a table that is carried column by column.
function rowsOf(columns) {
  const names = Object.keys(columns);
  return columns[names[0]].map((_, place) => Object.fromEntries(names.map((name) => [name, columns[name][place]])));
}

const tableRows = new Map();
async function rows(name) {
  if (!tableRows.has(name)) tableRows.set(name, rowsOf((await block("tables"))[name]));
  return tableRows.get(name);
}

let loadedQueries = null;
async function queries() {
  if (loadedQueries) return loadedQueries;
  const header = await block("queries");
  const places = header.texts.photo_id.map((_, q) =>
    [header.texts.city[q], header.texts.state[q], header.texts.country[q] || header.texts.continent[q]].filter(Boolean).join(", "));
  const numbers = new Map(header.texts.photo_id.map((id, q) => [id, q]));
  loadedQueries = {
    ...header.texts,
    size: places.length,
    place: places.map((place) => place || "at sea or in the wilderness"),
    lat: header.column("lat"),
    lon: header.column("lon"),
    number: (id) => numbers.get(id),
    near: (column) => (header.has(column) ? header.column(column) : null),
  };
  return loadedQueries;
}

const degrees = (value) => Math.round(value * 1e5) / 1e5;
const predictedBy = new Map();
async function predictions(number) {
  if (predictedBy.has(number)) return predictedBy.get(number);
  const [header, asked] = [await block("predictions"), await queries()];
  const column = (name) => header.column(`${name}.${number}`);
  const [places, sources] = [column("places"), column("sources")];
  const found = {
    lat: column("lat").map((value, q) => degrees(asked.lat[q] + value)),
    lon: column("lon").map((value, q) => degrees(asked.lon[q] + value)),
    error: column("error"),
    score: column("score"),
    place: (q) => (Number.isNaN(places[q]) ? "" : header.places[places[q]]),
    source: (q) => (Number.isNaN(sources[q]) ? "" : header.sources[sources[q]]),
    miss: (q, km) => (header.has(`miss_${km}.${number}`) ? about.kinds[column(`miss_${km}`)[q]] ?? "" : ""),
  };
  predictedBy.set(number, found);
  return found;
}
