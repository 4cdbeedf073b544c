// Sends the form for SMS by itself, and keeps it on this device while there is no network: `key` makes it one wish,
// however often it is sent. The number is deleted from the device as soon as it is sent.
"use strict";
(() => {
  const section = document.querySelector(".sms");
  if (!section) return;
  const words = JSON.parse(document.querySelector("main").dataset.words).form;
  const place = "backroom-sms:" + location.pathname.split("/").slice(-2, -1)[0];
  const [wish, code] = [section.querySelector(".opt-in"), section.querySelector(".confirm")];
  const [answer, drop] = [section.querySelector(".answer"), section.querySelector(".drop")];
  let [busy, done] = [false, false];

  const kept = () => { try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; } };
  const keep = what => what ? localStorage.setItem(place, JSON.stringify(what)) : localStorage.removeItem(place);
  const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, "0")).join("");

  function show() {
    const now = kept();
    code.hidden = !now.sent;
    wish.hidden = Boolean(now.phone || now.sent || done);
    drop.hidden = !now.phone;
  }

  // Answers what the gateway said; null where there is no network.
  async function post(address, fields) {
    try {
      const answered = await fetch(address, {
        method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" },
        credentials: "omit", referrerPolicy: "no-referrer",
      });
      // Busy, or another server in its place: as good as no network.
      if (answered.status >= 500) return null;
      return await answered.json();
    } catch { return null; }
  }

  async function send() {
    if (busy) return;
    busy = true;
    try {
      let now = kept();
      if (now.phone) {
        const told = await post(wish.action, { phone: now.phone, shown: now.shown, key: now.key });
        if (!told) { answer.textContent = words.waiting; return; }
        answer.textContent = told.said || words.old_page;
        keep(told.outcome === "asked" ? { key: now.key, sent: true } : null);
        now = kept();
      }
      if (now.sent && now.code) {
        const told = await post(code.action, { key: now.key, code: now.code, language: code.elements.language.value });
        if (!told) { answer.textContent = words.waiting_code; return; }
        answer.textContent = told.said || words.wrong_code;
        keep(told.outcome === "done" ? null : { key: now.key, sent: true });
        done = told.outcome === "done";
        if (done) code.reset();
      }
    } finally { busy = false; show(); }
  }

  wish.addEventListener("submit", event => {
    event.preventDefault();
    keep({ key: newKey(), phone: wish.elements.phone.value, shown: wish.elements.shown.value });
    wish.reset();
    send();
  });
  code.addEventListener("submit", event => {
    event.preventDefault();
    keep({ ...kept(), code: code.elements.code.value });
    send();
  });
  drop.addEventListener("click", () => { keep(null); answer.textContent = ""; show(); });
  window.addEventListener("online", send);
  setInterval(() => { const now = kept(); if (now.phone || now.code) send(); }, 10000);
  show();
  send();
})();
