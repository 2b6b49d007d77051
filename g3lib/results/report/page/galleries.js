// The worst misses group by group, and the cases worth a closer look.

const WORST = 6;

async function showFailures() {
  const [asked, number] = [await queries(), Number(find("failures-of").value)];
  const predicted = await predictions(number);
  const by = find("failures-by").value;
  const groups = new Map();
  const order = Array.from({ length: asked.size }, (_, q) => q).sort((a, b) => far(predicted.error[b]) - far(predicted.error[a]) || a - b);
  for (const q of order) {
    const group = asked[by][q] || "unknown";
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(q);
  }
  const sorted = [...groups].sort(([one], [other]) => (one === "unknown") - (other === "unknown") || one.localeCompare(other));
  become(find("failure-groups"), ...sorted.flatMap(([group, members]) => {
    const missed = members.filter((q) => !(predicted.error[q] < 25)).length;
    return [
      h("h3", {}, outside(group), h("span", { class: "variant" }, ` · ${count(missed)} of ${count(members.length)} beyond 25 km `), badge(experiments[number])),
      h("ul", { class: "cards" }, members.slice(0, WORST).map((q) => h("li", {}, photoLink(asked, q, members, {},
        thumbnail(q, `Photo taken in ${asked.place[q]}`), h("strong", {}, Number.isNaN(predicted.error[q]) ? "no prediction" : `${kilometres(predicted.error[q])} km off`),
        h("span", {}, outside(asked.place[q])), predicted.place(q) && h("span", {}, "placed in ", outside(predicted.place(q))))))),
    ];
  }));
}

function startFailures(asked) {
  const by = find("failures-by");
  for (const option of [...by.options]) if (!asked[option.value].some(Boolean)) option.remove();
  if (!by.options.length) by.append(h("option", { value: "photo_id" }, "photo"));
  fill(find("failures-of"), experiments.map((each) => each.number), (number) => labelled(experiments[number])).value = state.chosen[0];
  for (const id of ["failures-of", "failures-by"]) find(id).addEventListener("change", () => showFailures().catch(trouble));
  return showFailures();
}

function reference(each, more) {
  const what = `Reference ${each.rank + 1}, ${kilometres(each.km)} km from the truth`;
  return h("li", {},
    each.picture === null ? null : picture(() => extra(each.picture), what),
    h("strong", {}, `${kilometres(each.km)} km away`), h("span", {}, `similarity ${each.similarity?.toFixed(3) ?? MISSING}`),
    h("span", {}, "photo ", outside(each.id)), each.author ? h("span", {}, "by ", outside(each.author)) : null);
}

async function showCases() {
  const [asked, more] = [await queries(), await block("cases")];
  const holder = find("case-groups");
  if (!more || !more.kinds.length) {
    become(holder, h("p", { class: "nothing" }, "No query of this benchmark makes a case: nothing was diagnosed, or nothing stands out."));
    return;
  }
  const experiment = experiments.find((each) => each.name === more.kinds[0].experiment);
  const predicted = await predictions(experiment.number);
  become(holder, 
    h("p", {}, "Of ", named(experiment), ": a few queries of each kind, with the gallery photos that were retrieved for them. Their positions went into the prompts."),
    ...more.kinds.flatMap((kind) => [
      h("h3", {}, kind.title), h("p", { class: "variant" }, kind.teaches),
      ...kind.queries.map(({ q, references }) => h("article", { class: "case" },
        photoLink(asked, q, kind.queries.map((each) => each.q), {}, picture(() => largeOf(q), `Photo taken in ${asked.place[q]}`)),
        h("div", {},
          h("h4", {}, Number.isNaN(predicted.error[q]) ? "no prediction" : `${kilometres(predicted.error[q])} km off`, h("span", { class: "variant" }, " · ", outside(asked.photo_id[q]))),
          h("p", {}, "Taken in ", outside(asked.place[q]), "; placed in ", outside(predicted.place(q) || MISSING), ". ", photoLink(asked, q, kind.queries.map((each) => each.q), {}, "All candidates")),
          references.length ? h("ul", { class: "cards", "aria-label": "References" }, references.map((each) => reference(each, more))) : h("p", { class: "nothing" }, "Nothing was retrieved for it.")))),
    ]));
}
