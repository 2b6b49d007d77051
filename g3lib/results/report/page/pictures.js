// The photos' pictures: bytes in blocks, given to <img> as they come into sight.

const unpacked = new Map();
const addresses = new Map();
const PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

const bytesIn = (name) => {
  if (!unpacked.has(name)) unpacked.set(name, carried(name).then((text) => (text === null ? null : bytesOf(text))));
  return unpacked.get(name);
};

// The address of a picture that lies in a block from a byte to another.
async function address(name, from, to) {
  const key = `${name}:${from}`;
  if (!addresses.has(key)) {
    const bytes = await bytesIn(name);
    addresses.set(key, URL.createObjectURL(new Blob([bytes.subarray(from, to)], { type: "image/avif" })));
  }
  return addresses.get(key);
}

async function smallOf(q) {
  const header = await block("pictures");
  if (!header) return null;
  const sizes = header.column("sizes");
  if (!sizes[q]) return null;
  const [number, first] = [Math.floor(q / header.each), Math.floor(q / header.each) * header.each];
  let from = 0;
  for (let before = first; before < q; before++) from += sizes[before];
  return address(`pictures-${number}`, from, from + sizes[q]);
}

// A larger one where there is one.
async function largeOf(q) {
  const more = await block("cases");
  const place = more?.large.indexOf(q) ?? -1;
  return place < 0 ? smallOf(q) : extra(place);
}

async function extra(place) {
  const more = await block("cases");
  const from = starts(more.column("sizes"));
  return from[place + 1] > from[place] ? address("pictures-more", from[place], from[place + 1]) : null;
}

const inSight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    inSight.unobserve(target);
    target.fetched().then((found) => {
      if (found) target.src = found;
      else target.alt = `${target.alt} (no picture in this file)`;
    }).catch(trouble);
  }
}, { rootMargin: "300px" });

// An <img> that asks for its picture when it comes near.
function picture(fetched, alt, attributes = {}) {
  const image = h("img", { src: PIXEL, alt, decoding: "async", ...attributes });
  image.fetched = fetched;
  inSight.observe(image);
  return image;
}

const thumbnail = (q, alt, attributes) => picture(() => smallOf(q), alt, attributes);
const photoAddress = (asked, q) => `#photo/${encodeURIComponent(asked.photo_id[q])}`;

// A link to a photo's page, whose neighbours there are those of this list.
function photoLink(asked, q, sequence, attributes, ...children) {
  return h("a", { href: photoAddress(asked, q), onclick: () => (state.sequence = sequence), ...attributes }, children);
}
