// Which experiments the charts show, the leaderboard's order, and whom differences are against.

function startChoosing() {
  const boxes = experiments.map((experiment) => {
    const box = h("input", { type: "checkbox", value: experiment.number, onchange: chooseAgain });
    return { box, label: h("label", {}, box, h("span", {}, named(experiment))) };
  });
  become(find("choices"), ...boxes.map((each) => each.label));
  const update = () => {
    for (const { box } of boxes) {
      box.checked = state.chosen.includes(Number(box.value));
      box.disabled = !box.checked && state.chosen.length >= LIMIT;
    }
    find("chosen-count").textContent = `${state.chosen.length} of ${experiments.length}`;
  };
  function chooseAgain(event) {
    const number = Number(event.target.value);
    const others = state.chosen.filter((each) => each !== number);
    if (event.target.checked) state.chosen = [...others, number];
    else if (others.length) state.chosen = others;
    update();
    changed("chosen");
  }
  update();
}

function startAgainst() {
  const select = find("against");
  if (!select) return;
  fill(select, experiments.map((each) => each.number), (number) => labelled(experiments[number])).value = state.chosen[0];
  select.addEventListener("change", () => changed("against"));
}

function startLeaderboard() {
  const body = find("leaderboard-table").tBodies[0];
  const heads = [...find("leaderboard-table").tHead.querySelectorAll("th")];
  for (const head of heads) {
    head.firstElementChild.addEventListener("click", () => {
      const key = head.firstElementChild.dataset.sort;
      const upwards = key === "place" ? head.getAttribute("aria-sort") !== "ascending" : head.getAttribute("aria-sort") === "descending";
      heads.forEach((each) => each.setAttribute("aria-sort", each === head ? (upwards ? "ascending" : "descending") : "none"));
      body.append(...[...body.rows].sort((one, other) => inOrder(one, other, key, upwards)));
    });
  }
}

// What is unknown stays last, whichever way the rest is sorted.
function inOrder(one, other, key, upwards) {
  const [a, b] = [one, other].map((row) => row.getAttribute(`data-${key}`));
  if (a === "" || b === "") return (a === "") - (b === "");
  const difference = Number(a.replace("inf", "Infinity")) - Number(b.replace("inf", "Infinity"));
  return (Number.isNaN(difference) ? 0 : upwards ? difference : -difference) || one.dataset.place - other.dataset.place;
}
