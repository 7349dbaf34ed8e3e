(() => {
  const to = new URL(document.currentScript.src).origin + "/v1/batch";
  const random = () => Math.random().toString(36).slice(2);
  const now = () => new Date().toISOString();
  const body = calls => JSON.stringify({ batch: calls, sentAt: now() });
  let id = random(), waiting = [], flying = 0, pause = 0;
  try { id = localStorage.loadgen_id ||= id; } catch {}
  const call = (type, more) => {
    const page = { url: location.href, title: document.title, referrer: document.referrer };
    if (waiting.length < 1000)
      waiting.push({ type, anonymousId: id, messageId: id + Date.now() + random(), timestamp: now(), context: { page }, ...more });
    send();
  };
  const send = async () => {
    if (flying || !waiting.length) return;
    flying = Math.min(waiting.length, 40);
    let status = 500;
    try { status = (await fetch(to, { method: "POST", body: body(waiting.slice(0, flying)), keepalive: true })).status; } catch {}
    const again = status == 429 || status >= 500;
    if (!again) waiting.splice(0, flying);
    pause = again ? Math.min(pause * 2 + 500, 30000) : 0;
    setTimeout(() => { flying = 0; send(); }, pause);
  };
  addEventListener("click", ({ target, pageX: x, pageY: y }) => {
    const { id, tagName: tag, href, dataset, innerText } = target.closest?.("a,button,input,[data-event]") || target;
    const text = innerText?.trim().slice(0, 80);
    call("track", { event: dataset?.event || "Click", properties: { tag, id, text, href, x, y } });
  }, true);
  addEventListener("pagehide", () => {
    const rest = waiting.splice(flying, 100);
    if (rest.length) navigator.sendBeacon(to, body(rest));
  });
  const page = properties => call("page", { properties });
  window.loadgen = { page, track: (event, properties) => call("track", { event, properties }) };
  page({ path: location.pathname, search: location.search });
})();
