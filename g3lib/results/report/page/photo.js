// A photo's own page: what is known of it, and what every experiment made of it.

// Shows a photo; says whether it is still the one that is wanted by then.
async function showPhoto(id) {
  const asked = await queries();
  const q = asked.number(id);
  const holder = find("photo-page");
  if (q === undefined) {
    become(holder, h("h2", { id: "photo-title", tabindex: -1 }, "No such photo"), h("p", {}, "This report has no photo ", outside(id), ". ", h("a", { href: "#map" }, "Back to the map")));
    return true;
  }
  const all = await Promise.all(experiments.map((each) => predictions(each.number)));
  const canvas = h("canvas", { role: "img", "aria-label": "Map of the truth, the predictions and the candidates" });
  const map = { world: new World(canvas, { projection: "azimuthalEquidistant" }), note: h("p", { class: "variant" }) };
  const parts = [await candidateSection(asked, q, all, map), await referenceSection(q)];
  if (asked.number(wantedPhoto()) !== q) return false;
  become(holder,
    steps(asked, q),
    h("h2", { id: "photo-title", tabindex: -1 }, "Photo ", outside(id)),
    h("div", { class: "shown" },
      h("div", {}, picture(() => largeOf(q), `Photo ${id}, taken in ${asked.place[q]}`), facts(asked, q)),
      h("div", {}, h("div", { class: "world small" }, canvas), signs(), map.note)),
    h("h3", {}, "Predictions"), scrolling("Predictions", predictionTable(all, q)),
    h("h3", {}, "Candidates"), parts[0],
    h("h3", {}, "References"), parts[1]);
  document.title = `${id} · ${about.benchmark} · G3 report`;
  return true;
}

function steps(asked, q) {
  const sequence = state.sequence?.includes(q) ? state.sequence : Array.from({ length: asked.size }, (_, each) => each);
  const place = sequence.indexOf(q);
  const step = (to, rel, text) => (sequence[to] === undefined ? h("span", { class: "nothing" }, text) : h("a", { href: photoAddress(asked, sequence[to]), rel }, text));
  return h("nav", { class: "steps", "aria-label": "Photos" }, h("a", { href: state.back ?? "#map" }, "Back to the report"),
    step(place - 1, "prev", "← Previous"), step(place + 1, "next", "Next →"),
    h("span", { class: "where" }, `${count(place + 1)} of ${count(sequence.length)} · arrow keys`));
}

function facts(asked, q) {
  const near = { gallery_km: "Nearest gallery photo", gallery_km_other_authors: "of other photographers", gallery_km_other_authors_no_duplicates: "and no copy" };
  const told = [
    ["Taken in", outside(asked.place[q])], ["Position", position(asked.lat[q], asked.lon[q])], ["Continent", asked.continent[q] || "none"],
    ["Photographer", outside(asked.author[q] || "unknown")], ["Licence", outside(asked.licence[q] || "unknown")],
    ["Scene", asked.scene[q]], ["Detail", asked.detail[q]],
    ...Object.entries(near).map(([column, title]) => [title, asked.near(column) && `${kilometres(asked.near(column)[q])} km`]),
  ];
  return h("dl", { class: "told" }, told.filter(([, what]) => what).map(([title, what]) => h("div", {}, h("dt", {}, title), h("dd", {}, what))));
}

const signs = () => h("ul", { class: "legend keys", "aria-label": "Signs on the map" },
  h("li", {}, h("span", { class: "sign truth" }), "truth"), h("li", {}, h("span", { class: "sign hit" }), "prediction within 25 km"),
  h("li", {}, h("span", { class: "sign miss" }), "beyond"), h("li", {}, h("span", { class: "sign candidate" }), "candidate"));

function predictionTable(all, q) {
  return table("What every experiment made of this photo", [
    { title: "Experiment", of: ({ experiment }) => named(experiment) },
    { title: "Error, km", of: ({ told }) => (Number.isNaN(told.error[q]) ? "failed" : kilometres(told.error[q])), number: true },
    { title: "Position", of: ({ told }) => position(told.lat[q], told.lon[q]), number: true },
    { title: "Placed in", of: ({ told }) => outside(told.place(q) || MISSING) },
    { title: "From", of: ({ told }) => outside(told.source(q) || MISSING) },
    { title: "Score", of: ({ told }) => (Number.isNaN(told.score[q]) ? MISSING : told.score[q].toFixed(4)), number: true },
    { title: "At 25 km", of: ({ told }) => told.miss(q, 25) || (told.error[q] < 25 ? "hit" : "miss") },
  ], experiments.map((experiment) => ({ experiment, told: all[experiment.number] })));
}

// Positions stand in the block of the first experiment that has them, so earlier blocks are read first.
const positionsOf = new Map();
async function candidates(number) {
  const order = about.candidates.indexOf(number);
  for (const before of about.candidates.slice(0, order + 1)) {
    if (positionsOf.has(before)) continue;
    const header = await block(`candidates-${before}`);
    const [counts, lat, lon, km] = ["new_counts", "new_lat", "new_lon", "new_km"].map(header.column);
    positionsOf.set(before, { starts: starts(counts), lat, lon, km });
  }
  return block(`candidates-${number}`);
}

function knownPositions(asked, q, number) {
  const [lat, lon] = [Math.round(asked.lat[q] * 1e5), Math.round(asked.lon[q] * 1e5)];
  return about.candidates.slice(0, about.candidates.indexOf(number) + 1).flatMap((before) => {
    const known = positionsOf.get(before);
    return Array.from({ length: known.starts[q + 1] - known.starts[q] }, (_, step) => {
      const at = known.starts[q] + step;
      return { lat: (lat + known.lat[at]) / 1e5, lon: (lon + known.lon[at]) / 1e5, km: known.km[at] };
    });
  });
}

async function candidateRows(asked, q, number) {
  const header = await candidates(number);
  const known = knownPositions(asked, q, number);
  const from = starts(header.column("counts"));
  const [at, score, rank, source, failure, chosen] = ["position", "score", "rank", "source", "failure", "chosen"].map(header.column);
  return Array.from({ length: from[q + 1] - from[q] }, (_, step) => {
    const row = from[q] + step;
    const nowhere = { lat: NaN, lon: NaN, km: NaN };
    return {
      ...(Number.isNaN(at[row]) ? nowhere : known[at[row]]), score: score[row], rank: rank[row], chosen: chosen[row] === 1,
      source: header.source[source[row]], failure: Number.isNaN(failure[row]) ? "" : header.failure[failure[row]], answer: header.answers[row] ?? "",
    };
  });
}

async function candidateSection(asked, q, all, map) {
  drawSmall(map, asked, q, all[state.chosen[0]], []);
  if (!about.candidates.length) return h("p", { class: "nothing" }, "Candidates are not in this file; what is left out stands at the end of the report.");
  const select = h("select", {});
  fill(select, about.candidates, (number) => labelled(experiments[number]));
  const holder = h("div");
  const renew = async () => {
    const number = Number(select.value);
    const found = await candidateRows(asked, q, number);
    become(holder, await certainty(q, number), scrolling("Candidates", candidateTable(found, number)));
    drawSmall(map, asked, q, all[number], found);
  };
  select.addEventListener("change", () => renew().catch(trouble));
  await renew();
  const missing = experiments.length - about.candidates.length;
  return [h("div", { class: "controls" }, h("label", { class: "control" }, "Experiment ", select)),
    missing ? h("p", { class: "nothing" }, `Those of ${missing} more experiments are not in this file: see `, h("a", { href: "#left-out" }, "what is left out"), ".") : null, holder];
}

function candidateTable(found, number) {
  const where = (row) => (row.failure ? [outside(row.failure), row.answer && h("div", { class: "answer" }, "“", outside(row.answer), "”")] : position(row.lat, row.lon));
  return table(`${found.length} candidates of ${labelled(experiments[number])}, best score first`, [
    { title: "#", of: (row) => found.indexOf(row) + 1, number: true },
    { title: "From", of: (row) => outside(row.source) },
    { title: "Rank there", of: (row) => (Number.isNaN(row.rank) ? MISSING : row.rank + 1), number: true },
    { title: "Position, or why there is none", of: where },
    { title: "To the truth, km", of: (row) => kilometres(row.km), number: true },
    { title: "Score", of: (row) => (Number.isNaN(row.score) ? MISSING : row.score.toFixed(4)), number: true },
    { title: "Choice", of: (row) => (row.chosen ? "✓ chosen" : "") },
  ], found, (row) => ({ class: row.chosen ? "chosen" : row.failure ? "failed" : null }));
}

async function certainty(q, number) {
  const header = await block(`candidates-${number}`);
  const told = about.thresholds.filter((km) => header.has(`chance_${km}`)).map((km) => [`Chance within ${km} km`, percent(header.column(`chance_${km}`)[q], 0)]);
  const near = { oracle_km: "Nearest candidate", reference_km: "Nearest reference" };
  for (const [column, title] of Object.entries(near)) if (header.has(column)) told.push([title, `${kilometres(header.column(column)[q])} km`]);
  return h("dl", { class: "told" }, told.map(([title, what]) => h("div", {}, h("dt", {}, title), h("dd", {}, what))));
}

function drawSmall(map, asked, q, told, found) {
  const truth = [asked.lon[q], asked.lat[q]];
  const guess = Number.isNaN(told.lat[q]) ? null : [told.lon[q], told.lat[q]];
  const others = found.filter((row) => !Number.isNaN(row.lat) && !row.chosen).map((row) => ({ q, truth, guess: [row.lon, row.lat], extra: true }));
  const items = [...others, { q, truth, guess, hit: told.error[q] < 25 }];
  const reach = 3 * Math.max(Number.isNaN(told.error[q]) ? 0 : told.error[q], 50);
  const near = found.filter((row) => row.km <= reach).map((row) => [row.lon, row.lat]);
  const beyond = found.filter((row) => row.km > reach && !row.chosen).length;
  map.note.textContent = beyond ? `${beyond} candidates lie beyond the map.` : "";
  map.world.show(items, { centre: truth, points: [truth, ...(guess ? [guess] : []), ...near], least: 20 }).catch(trouble);
}

async function referenceSection(q) {
  if (!about.references.length) return h("p", { class: "nothing" }, "No references are in this file.");
  const select = fill(h("select"), about.references.map((_, place) => place), (place) => `${about.references[place].gallery} · ${about.references[place].policy}`);
  const holder = h("div");
  const renew = async () => {
    const found = await referenceRows(Number(select.value), q);
    const parts = [false, true].map((dissimilar) => found.filter((row) => row.dissimilar === dissimilar)).filter((part) => part.length);
    become(holder, ...(parts.length ? parts.map(referenceTable) : [h("p", { class: "nothing" }, "Nothing was retrieved for this photo.")]));
  };
  select.addEventListener("change", () => renew().catch(trouble));
  await renew();
  return [h("div", { class: "controls" }, h("label", { class: "control" }, "Gallery ", select)), holder];
}

async function referenceRows(place, q) {
  const header = await block(`references-${place}`);
  const from = starts(header.column("counts"));
  const column = (name) => header.column(name);
  return Array.from({ length: from[q + 1] - from[q] }, (_, step) => {
    const row = from[q] + step;
    const photo = column("photo")[row];
    return {
      id: header.id[photo], author: header.authors[column("author")[photo]], lat: column("lat")[photo], lon: column("lon")[photo],
      dissimilar: column("dissimilar")[row] === 1, rank: column("rank")[row], similarity: column("similarity")[row], km: column("km")[row],
    };
  });
}

function referenceTable(part) {
  const title = part[0].dissimilar ? "Dissimilar references" : "Similar references";
  return scrolling(title, table(title, [
    { title: "Rank", of: (row) => row.rank + 1, number: true },
    { title: "Gallery photo", of: (row) => outside(row.id) },
    { title: "Photographer", of: (row) => outside(row.author || "unknown") },
    { title: "Position", of: (row) => position(row.lat, row.lon), number: true },
    { title: "To the truth, km", of: (row) => kilometres(row.km), number: true },
    { title: "Similarity", of: (row) => (Number.isNaN(row.similarity) ? MISSING : row.similarity.toFixed(4)), number: true },
  ], part));
}
