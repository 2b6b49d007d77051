// The map of all predictions of an experiment, its filters, and the list of the same photos.

const PER_PAGE = 12;

function bins(values) {
  return ["", ...[...new Set(values)].filter(Boolean).sort(), ...(values.includes("") ? ["none"] : [])];
}

class Atlas {
  constructor(asked) {
    Object.assign(this, { asked, page: 0, shown: [] });
    this.form = find("filters");
    const holder = find("world");
    this.pointed = holder.querySelector(".pointed");
    this.world = new World(holder.querySelector("canvas"), { onPick: (q) => this.open(q), describe: (spot) => this.point(spot) });
    fill(this.form.experiment, experiments.map((each) => each.number), (number) => labelled(experiments[number]));
    fill(this.form.continent, bins(asked.continent), (value) => value || "all");
    fill(this.form.scene, bins(asked.scene), (value) => value || "all");
    const usual = { experiment: String(state.chosen[0]), km: "25" };
    Object.entries(usual).forEach(([name, value]) => (this.form[name].value = value));
    this.form.addEventListener("input", () => this.filter());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => {
      this.form.experiment.value = usual.experiment;
      this.form.km.value = usual.km;
      this.filter();
    }));
    const zooms = { in: () => this.world.change(1.6), out: () => this.world.change(1 / 1.6), all: () => this.world.change(0) };
    holder.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", zooms[button.dataset.zoom]));
    find("order").addEventListener("change", () => this.filter());
    find("earlier").addEventListener("click", () => this.turn(-1));
    find("later").addEventListener("click", () => this.turn(1));
    onChange((what) => what === "looks" && this.world.draw());
  }

  async filter() {
    const number = Number(this.form.experiment.value);
    const predicted = await predictions(number);
    if (number !== Number(this.form.experiment.value)) return;
    const { asked } = this;
    const [km, words] = [Number(this.form.km.value), this.form.words.value.trim().toLowerCase()];
    const keep = this.keeps(predicted, km, words);
    this.shown = Array.from({ length: asked.size }, (_, q) => q).filter(keep);
    const orders = { worst: (a, b) => far(predicted.error[b]) - far(predicted.error[a]), best: (a, b) => far(predicted.error[a]) - far(predicted.error[b]) };
    const order = orders[find("order").value];
    if (order) this.shown.sort((a, b) => order(a, b) || a - b);
    Object.assign(this, { predicted, km, page: 0 });
    const hits = this.shown.filter((q) => predicted.error[q] < km).length;
    const failed = this.shown.filter((q) => Number.isNaN(predicted.error[q])).length;
    become(find("count"), 
      `${count(this.shown.length)} of ${count(asked.size)} photos`, h("span", { class: "nothing" },
        ` · ${count(hits)} within ${km} km, ${count(this.shown.length - hits)} beyond${failed ? `, ${count(failed)} of them without a prediction` : ""} · `), ...named(experiments[number]).filter(Boolean));
    this.list();
    find("list").parentElement.caption.textContent = `Photos on the map, placed by ${labelled(experiments[number])}`;
    await this.world.show(this.shown.filter((q) => !Number.isNaN(asked.lat[q])).map((q) => ({
      q, truth: [asked.lon[q], asked.lat[q]], guess: Number.isNaN(predicted.lat[q]) ? null : [predicted.lon[q], predicted.lat[q]], hit: predicted.error[q] < km,
    })));
  }

  keeps(predicted, km, words) {
    const { asked, form } = this;
    const value = (name) => (form[name].value === "none" ? "" : form[name].value);
    const number = (name) => (form[name].value === "" ? null : Number(form[name].value));
    const [continent, scene, outcome, least, most] = [value("continent"), value("scene"), form.outcome.value, number("least"), number("most")];
    const outcomes = {
      "": () => true,
      hit: (q) => predicted.error[q] < km,
      miss: (q) => !(predicted.error[q] < km),
      failed: (q) => Number.isNaN(predicted.error[q]),
    };
    const holds = outcomes[outcome] ?? ((q) => predicted.miss(q, km) === outcome);
    const text = (q) => [asked.photo_id[q], asked.author[q], asked.place[q], predicted.place(q)].join("\n").toLowerCase();
    return (q) =>
      (form.continent.value === "" || asked.continent[q] === continent) && (form.scene.value === "" || asked.scene[q] === scene) && holds(q) &&
      (least === null || predicted.error[q] >= least) && (most === null || predicted.error[q] <= most) && (!words || text(q).includes(words));
  }

  list() {
    const { asked, predicted, shown } = this;
    const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
    this.page = Math.min(Math.max(this.page, 0), pages - 1);
    const here = shown.slice(this.page * PER_PAGE, (this.page + 1) * PER_PAGE);
    become(find("list"), ...here.map((q) => h("tr", {},
      h("th", { scope: "row" }, photoLink(asked, q, shown, { class: "with-picture" }, thumbnail(q, "", { class: "thumb" }), h("span", {}, outside(asked.photo_id[q])))),
      h("td", {}, outside(asked.place[q])), h("td", {}, outside(predicted.place(q) || MISSING)),
      h("td", { class: "number" }, Number.isNaN(predicted.error[q]) ? "failed" : kilometres(predicted.error[q])))));
    find("page-number").textContent = `Page ${count(this.page + 1)} of ${count(pages)}`;
    find("earlier").disabled = this.page === 0;
    find("later").disabled = this.page === pages - 1;
  }

  turn(step) {
    this.page += step;
    this.list();
  }

  open(q) {
    state.sequence = this.shown;
    location.hash = photoAddress(this.asked, q);
  }

  point(spot) {
    this.pointed.hidden = !spot;
    this.world.canvas.style.cursor = spot ? "pointer" : "";
    if (!spot) return;
    const { asked, predicted } = this;
    become(this.pointed, outside(asked.photo_id[spot.q]), h("br"), outside(asked.place[spot.q]), h("br"), `${kilometres(predicted.error[spot.q])} km off`);
    const left = spot.x > this.world.size.width / 2 ? spot.x - this.pointed.offsetWidth - 12 : spot.x + 12;
    this.pointed.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, spot.y - 20)}px)`;
  }
}

const far = (error) => (Number.isNaN(error) ? Infinity : error);
