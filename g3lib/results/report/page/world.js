// A world on a canvas: coasts, great circles, truths and predictions, in a projection of Vega's.

const GRATICULE = {
  type: "MultiLineString",
  coordinates: [
    ...[-120, -60, 0, 60, 120].map((lon) => [-80, -40, 0, 40, 80].map((lat) => [lon, lat])),
    ...[-60, -30, 0, 30, 60].map((lat) => Array.from({ length: 25 }, (_, step) => [step * 15 - 180, lat])),
  ],
};
const EARTH_KM = 6371;
let land = null;

async function coasts() {
  land ??= JSON.parse(await unzippedText("land"));
  return land;
}

class World {
  // `onPick` is told the number of a query when its truth or prediction is pressed.
  constructor(canvas, { onPick, describe, projection = "equalEarth" } = {}) {
    Object.assign(this, { canvas, onPick, describe, zoom: 1, shift: [0, 0], items: [], spots: [] });
    this.pen = canvas.getContext("2d");
    this.ready = Promise.all([newProjection(projection), coasts()]).then(([found, shores]) => Object.assign(this, { project: found, shores: shores.land, borders: shores.borders }));
    new ResizeObserver(() => this.draw()).observe(canvas);
    if (onPick) this.listen();
  }

  // Items: {q, truth: [lon, lat], guess: [lon, lat] or null, hit, extra}. With `around` ({centre, points, least}: an
  // azimuthal projection) all points are in sight, and at least so many kilometres about the centre.
  show(items, around = null) {
    Object.assign(this, { items, around });
    return this.draw();
  }

  fit() {
    const { width, height } = this.size;
    this.project.clipExtent([[-20, -20], [width + 20, height + 20]]);
    if (this.around) return this.fitAround(width, height);
    this.project.fitExtent([[6, 6], [width - 6, height - 6]], { type: "Sphere" });
    const [x, y] = this.project.translate();
    const [dx, dy] = this.shift;
    this.project.scale(this.project.scale() * this.zoom);
    this.project.translate([width / 2 + (x - width / 2 + dx) * this.zoom, height / 2 + (y - height / 2 + dy) * this.zoom]);
  }

  fitAround(width, height) {
    const { centre, points, least } = this.around;
    this.project.rotate([-centre[0], -centre[1]]).scale(1).translate([0, 0]);
    const farthest = Math.max(...points.map((point) => Math.hypot(...this.project(point))));
    const radius = Math.min(Math.PI, Math.max(farthest * 1.1, least / EARTH_KM));
    this.project.scale((Math.min(width, height) / 2 - 14) / radius).translate([width / 2, height / 2]);
  }

  async draw() {
    await this.ready;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.size = { width, height };
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.fit();
    this.path = this.project.path.context(this.pen);
    this.ground();
    this.arcs();
    this.dots();
    if (this.around) this.scaleBar();
    this.canvas.dataset.shown = this.items.length;
  }

  stroke(shape, colour, thickness, alpha = 1, dash = []) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: thickness, globalAlpha: alpha });
    this.pen.setLineDash(dash);
    this.pen.beginPath();
    this.path(shape);
    this.pen.stroke();
    this.pen.globalAlpha = 1;
    this.pen.setLineDash([]);
  }

  ground() {
    const { pen } = this;
    pen.clearRect(0, 0, this.size.width, this.size.height);
    for (const [shape, colour] of [[{ type: "Sphere" }, "--sea"], [this.shores, "--land"]]) {
      pen.fillStyle = style(colour);
      pen.beginPath();
      this.path(shape);
      pen.fill("evenodd");
    }
    this.stroke(GRATICULE, style("--line"), 0.6, 0.7);
    this.stroke(this.borders, style("--page"), 0.6);
    this.stroke(this.shores, style("--coast"), 0.6);
  }

  arcs() {
    const many = this.items.length;
    const alpha = many > 1500 ? 0.22 : many > 300 ? 0.35 : 0.7;
    for (const hit of [false, true]) {
      const coordinates = this.items.filter((item) => item.guess && item.hit === hit && !item.extra).map((item) => [item.truth, item.guess]);
      if (coordinates.length) this.stroke({ type: "MultiLineString", coordinates }, style(hit ? "--hit" : "--miss"), many > 300 ? 0.9 : 1.6, alpha);
    }
  }

  dots() {
    const size = this.around ? 6 : Math.min(4.5, (this.items.length > 1000 ? 1.5 : 2.2) * Math.sqrt(this.zoom));
    const [truth, hit, miss, soft] = ["--truth", "--hit", "--miss", "--soft"].map(style);
    this.spots = [];
    for (const item of this.items.filter((each) => each.extra)) this.mark(item, item.guess, (x, y) => this.ring(x, y, size * 0.6, soft));
    for (const item of this.items.filter((each) => !each.extra)) {
      this.mark(item, item.guess, (x, y) => (item.hit ? this.dot(x, y, size, hit) : this.cross(x, y, size, miss)));
      this.mark(item, item.truth, (x, y) => this.dot(x, y, size * 0.8, truth));
    }
  }

  mark(item, where, put) {
    if (!where) return;
    const [x, y] = this.project(where);
    put(x, y);
    if (!item.extra) this.spots.push([x, y, item.q]);
  }

  dot(x, y, size, colour) {
    this.pen.fillStyle = colour;
    this.pen.beginPath();
    this.pen.arc(x, y, size, 0, 2 * Math.PI);
    this.pen.fill();
  }

  ring(x, y, size, colour) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: 1.5 });
    this.pen.beginPath();
    this.pen.arc(x, y, size, 0, 2 * Math.PI);
    this.pen.stroke();
  }

  cross(x, y, size, colour) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: Math.max(1, size * 0.45) });
    this.pen.beginPath();
    this.pen.moveTo(x - size, y - size);
    this.pen.lineTo(x + size, y + size);
    this.pen.moveTo(x + size, y - size);
    this.pen.lineTo(x - size, y + size);
    this.pen.stroke();
  }

  scaleBar() {
    const kmPerPixel = EARTH_KM / this.project.scale();
    const wanted = kmPerPixel * this.size.width * 0.25;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const km = [5, 2, 1].map((each) => each * power).find((each) => each <= wanted);
    const [y, length] = [this.size.height - 14, km / kmPerPixel];
    const { pen } = this;
    Object.assign(pen, { strokeStyle: style("--ink"), fillStyle: style("--ink"), lineWidth: 1.5, font: "12px system-ui, sans-serif" });
    pen.beginPath();
    pen.moveTo(14, y - 4);
    pen.lineTo(14, y);
    pen.lineTo(14 + length, y);
    pen.lineTo(14 + length, y - 4);
    pen.stroke();
    pen.fillText(`${kilometres(km)} km`, 14, y - 9);
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, reach] = [null, 14 ** 2];
    for (const [px, py, q] of this.spots) {
      const off = (px - x) ** 2 + (py - y) ** 2;
      if (off < reach) [best, reach] = [{ q, x: px, y: py }, off];
    }
    return best;
  }

  change(factor) {
    this.zoom = Math.min(60, Math.max(1, this.zoom * factor));
    if (this.zoom === 1) this.shift = [0, 0];
    this.draw();
  }

  move(dx, dy) {
    const { width, height } = this.size;
    const within = (value, most) => Math.min(most, Math.max(-most, value));
    this.shift = [within(this.shift[0] + dx / this.zoom, width / 2), within(this.shift[1] + dy / this.zoom, height / 2)];
    this.draw();
  }

  listen() {
    const { canvas } = this;
    const keys = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (keys[event.key] && this.zoom > 1) this.move(...keys[event.key]);
      else if (event.key === "+" || event.key === "=") this.change(1.6);
      else if (event.key === "-") this.change(1 / 1.6);
      else if (event.key === "0") this.change(0);
      else return;
      event.preventDefault();
    });
    let from = null;
    let dragged = 0;
    canvas.addEventListener("pointerdown", (event) => {
      [from, dragged] = [[event.clientX, event.clientY], 0];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return this.describe(this.nearest(event));
      const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
      dragged += Math.abs(dx) + Math.abs(dy);
      from = [event.clientX, event.clientY];
      if (this.zoom > 1) this.move(dx, dy);
    });
    canvas.addEventListener("pointerup", (event) => {
      const found = dragged < 6 && this.nearest(event);
      from = null;
      if (found) this.onPick(found.q);
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    canvas.addEventListener("pointerleave", () => this.describe(null));
  }
}
