// Opens one page after the other in a frame, gives it each width, and searches where it is told to: as a person would,
// in the dialog of the site, which lives in a shadow tree below the body.
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

async function open(page, widths, query) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${widths[0]}px;height:900px;border:0`;
  const loaded = new Promise((resolve) => (frame.onload = resolve));
  frame.src = "/" + page;
  document.documentElement.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  const wide = [];
  for (const width of widths) {
    frame.style.width = `${width}px`;
    await turn();
    wide.push(inside.documentElement.scrollWidth);
  }
  const results = query ? await search(inside, query) : [];
  const fetched = frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name);
  frame.remove();
  return { page, widths, wide, fetched, results };
}

async function search(inside, query) {
  inside.querySelector(".md-search__button").click();
  for (let tries = 0; tries < 500; tries++) {
    const tree = [...inside.body.children].map((child) => child.shadowRoot).find(Boolean);
    const input = tree && tree.querySelector("input");
    const links = tree ? [...tree.querySelectorAll("a[href]")].map((link) => link.href) : [];
    if (input && input.value && links.length) return links;
    if (input && !input.value) {
      input.value = query;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    await turn();
  }
  return [];
}

(async () => {
  const seen = [];
  for (const visit of visits) seen.push(await open(...visit));
  await fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
})();
