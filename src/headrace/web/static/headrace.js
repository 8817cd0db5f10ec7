// Keeps the parts of a page as they are now. Every page is complete without this file.
const parts = () => [...document.querySelectorAll("[data-part]")];
const tags = new Map();

async function refresh(part) {
  const name = part.dataset.part;
  const address = new URL(location.href);
  address.hash = "";
  address.searchParams.delete("outcome");
  address.searchParams.set("part", name);
  const headers = tags.has(name) ? { "If-None-Match": tags.get(name) } : {};
  const answer = await fetch(address, { headers, credentials: "same-origin", cache: "no-store" });
  if (answer.status === 304) return;
  if (answer.status === 401) { location.reload(); return; }
  if (!answer.ok) throw new Error(String(answer.status));
  tags.set(name, answer.headers.get("ETag"));
  part.innerHTML = await answer.text();
}

for (const part of parts()) {
  const seconds = Number(part.dataset.every);
  if (seconds > 0) setInterval(() => { if (!document.hidden) refresh(part).catch(() => {}); }, seconds * 1000);
}
