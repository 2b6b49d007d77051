// The other side of packing.py: base64 of gzip of a header and columns of numbers, each as planes of bytes.

const KINDS = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
const blocks = new Map();
const parsed = new Promise((done) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done, { once: true });
  else done();
});

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return bytes;
}

// The text of a data script; the later ones are there once the page is parsed.
async function carried(name) {
  if (!find(`data-${name}`)) await parsed;
  const holder = find(`data-${name}`);
  return holder && holder.textContent;
}

async function unzipped(name) {
  const text = await carried(name);
  if (text === null) return null;
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const unzippedText = async (name) => new TextDecoder().decode(await unzipped(name));

function numbersOf(bytes, column) {
  const Kind = KINDS[column.type];
  const width = Kind.BYTES_PER_ELEMENT;
  const inOrder = new Uint8Array(column.length * width);
  for (let plane = 0; plane < width; plane++) {
    const from = column.offset + plane * column.length;
    for (let place = 0; place < column.length; place++) inOrder[place * width + plane] = bytes[from + place];
  }
  return meaning(new Kind(inOrder.buffer), column);
}

function meaning(values, column) {
  if (column.distance) return Float64Array.from(values, distance);
  if (column.per === undefined && column.empty === undefined) return values;
  const per = column.per ?? 1;
  return Float64Array.from(values, (value) => (value === column.empty ? NaN : value / per));
}

function distance(code) {
  const { least, step, none } = about.distances;
  if (code === none) return NaN;
  return code === 0 ? 0 : least * Math.exp((code - 1) * step);
}

// A block's header, its columns unpacked when they are asked for; null if it was left out.
function block(name) {
  if (!blocks.has(name)) blocks.set(name, opened(name));
  return blocks.get(name);
}

async function opened(name) {
  const bytes = await unzipped(name);
  if (bytes === null) return null;
  const size = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const rest = bytes.subarray(4 + size);
  const columns = new Map(header.columns.map((column) => [column.name, column]));
  const ready = new Map();
  header.has = (column) => columns.has(column);
  header.column = (column) => {
    if (!ready.has(column)) ready.set(column, numbersOf(rest, columns.get(column)));
    return ready.get(column);
  };
  return header;
}

// Where each group begins in columns that hold the groups one after the other; one more for the end.
function starts(counts) {
  const found = new Uint32Array(counts.length + 1);
  for (let group = 0; group < counts.length; group++) found[group + 1] = found[group] + counts[group];
  return found;
}
