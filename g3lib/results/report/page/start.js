// Where the reader is, by the address behind the #, and what is made ready when.

function trouble(problem) {
  const holder = find("trouble");
  holder.hidden = false;
  holder.textContent = typeof DecompressionStream === "undefined"
    ? "This browser cannot unpack the report's data: charts, map and photos need one of 2023 or later."
    : `Something in this report could not be shown: ${problem?.message ?? problem}`;
  console.error(problem);
}

async function route() {
  const hash = location.hash;
  const isPhoto = hash.startsWith("#photo/");
  const wasPhoto = !find("photo-page").hidden;
  if (isPhoto && !wasPhoto) state.scrolled = scrollY;
  if (isPhoto && !(await showPhoto(wantedPhoto()))) return;
  find("photo-page").hidden = !isPhoto;
  find("report").hidden = isPhoto;
  document.body.classList.toggle("looking", isPhoto);
  if (isPhoto) {
    scrollTo({ top: 0, behavior: "instant" });
    find("photo-title").focus({ preventScroll: true });
  } else if (wasPhoto) {
    document.title = `${about.benchmark} · G3 report`;
    const there = hash.length > 1 && find(hash.slice(1));
    if (there && hash !== state.back) there.scrollIntoView();
    else scrollTo({ top: state.scrolled ?? 0, behavior: "instant" });
  }
  if (!isPhoto) state.back = hash || "#map";
}

// The photo that the address names.
function wantedPhoto() {
  return location.hash.startsWith("#photo/") ? decoded(location.hash.slice("#photo/".length)) : null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Arrows lead from photo to photo, unless they are wanted elsewhere.
function stepByKey(event) {
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const busy = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.closest("input, select, textarea, .scroll, canvas");
  if (!rel || busy || find("photo-page").hidden) return;
  const link = find("photo-page").querySelector(`.steps a[rel=${rel}]`);
  if (!link) return;
  event.preventDefault();
  location.hash = link.getAttribute("href");
}

// What lies far down is made when the reader comes near, or when there is nothing else to do.
function whenNear(section, make) {
  let made = false;
  const once = () => {
    watch.disconnect();
    if (!made) make().catch(trouble);
    made = true;
  };
  const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && once(), { rootMargin: "800px" });
  watch.observe(section);
  return once;
}

async function startMap() {
  const atlas = new Atlas(await queries());
  await atlas.filter();
}

addEventListener("hashchange", () => route().catch(trouble));
addEventListener("keydown", stepByKey);
try {
  startLeaderboard();
  startChoosing();
  startAgainst();
  startFigures();
  const later = [
    whenNear(find("map"), startMap),
    whenNear(find("failures"), async () => startFailures(await queries())),
    whenNear(find("cases"), showCases),
  ];
  parsed.then(() => later.forEach((make) => setTimeout(() => whenIdle(make), 1500)));
  if (location.hash.startsWith("#photo/")) route().catch(trouble);
} catch (problem) {
  trouble(problem);
}
