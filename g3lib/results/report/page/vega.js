// Vega, unpacked when the first chart is drawn, and told to look like the rest of the page.

let vega = null;

// The script's digest is in the page's policy, so that nothing else can be put in its place.
async function loadedVega() {
  const script = h("script");
  script.textContent = await unzippedText("vega");
  document.head.append(script);
  script.remove();
  if (!window.vegaEmbed) throw new Error("the charting library did not start");
  return window.vegaEmbed;
}
const embed = () => (vega ??= loadedVega());

function config() {
  const [ink, soft, line, grid] = ["--ink", "--soft", "--line", "--grid"].map(style);
  const font = getComputedStyle(document.body).fontFamily;
  const axis = {
    labelColor: soft, titleColor: soft, domainColor: line, tickColor: line, gridColor: grid,
    labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, labelPadding: 5,
  };
  return { background: null, axis, axisY: { labelColor: ink }, title: { color: ink }, text: { color: ink, font } };
}

const tip = h("div", { class: "tip", hidden: true });
document.body.append(tip);

// Vega's own tooltip writes markup.
function showTip(_, event, __, value) {
  tip.hidden = value === null || value === undefined || value === "";
  if (tip.hidden) return;
  const lines = typeof value === "object" ? Object.entries(value) : [["", value]];
  become(tip, ...lines.map(([name, text]) => h("div", {}, name === "name" || name === "experiment" ? h("b", {}, text) : `${name}: ${text}`)));
  const { clientX, clientY } = event.touches?.[0] ?? event;
  tip.style.left = `${Math.min(clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${clientY + 16 + tip.offsetHeight > innerHeight ? clientY - tip.offsetHeight - 12 : clientY + 16}px`;
}

const OPTIONS = { mode: "vega", ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: showTip, logLevel: 1 };

// Draw a chart's rows where a figure has room for them; returns Vega's view.
async function drawChart(name, holder, drawnRows) {
  const [start, specs] = [await embed(), await block("charts")];
  const spec = structuredClone(specs[name]);
  spec.background = null;
  spec.width = Math.max(220, holder.clientWidth);
  spec.data.find((data) => data.name === "rows").values = drawnRows;
  const room = h("div");
  const { view } = await start(room, spec, { ...OPTIONS, config: config() });
  become(holder, room);
  return view;
}

// A projection of Vega's own, with the paths of great circles; the map is drawn with it.
async function newProjection(type) {
  const start = await embed();
  const spec = { $schema: "https://vega.github.io/schema/vega/v6.json", width: 1, height: 1, projections: [{ name: "world", type }] };
  const { view } = await start(h("div"), spec, OPTIONS);
  return view.scale("world");
}
