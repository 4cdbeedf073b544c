// Keeps the page as it stands at the booth: asks for live.json and writes what changed into the page.
// The page is whole without it. It asks only while somebody looks, and says so when there is no network.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  const words = JSON.parse(main.dataset.words);
  const language = document.documentElement.lang;
  const every = 15000;
  let asked = 0;

  const clock = () => new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const said = (standing, count) =>
    standing === "made_here" && !count ? words.soon : words.standings[standing].replace("#", count);
  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

  function show(now) {
    // Another set of pieces, or another phase, is another page.
    const shown = [...main.querySelectorAll("[data-sku]")];
    const phase = main.querySelector(".phase");
    const same = now.phase === phase.dataset.phase && shown.length === Object.keys(now.pieces).length
      && shown.every(one => one.dataset.sku in now.pieces);
    if (!same) {
      // A cache may still hold the page of before, so it waits between two tries; and words that somebody types stay.
      const [mark, when] = JSON.parse(sessionStorage.getItem("reloaded") || '["", 0]');
      const busy = document.activeElement && document.activeElement.matches("input");
      if (!busy && (mark !== now.mark || Date.now() - when > 60000)) {
        sessionStorage.setItem("reloaded", JSON.stringify([now.mark, Date.now()]));
        location.reload();
      }
    }
    const says = now.says[language];
    write(phase, says.phase);
    phase.dataset.phase = now.phase;
    write(main.querySelector(".wait"), says.wait);
    for (const one of shown) {
      const told = now.pieces[one.dataset.sku];
      if (!told) continue;
      one.dataset.standing = told[0];
      write(one.querySelector("span"), said(told[0], told[1]));
    }
  }

  async function look() {
    if (document.hidden || Date.now() - asked < every - 1000) return;
    asked = Date.now();
    try {
      const answer = await fetch(main.dataset.live, { cache: "no-cache", credentials: "omit" });
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.json());
      write(main.querySelector(".updated"), words.updated.replace("$", clock()));
      main.dataset.seen = clock();
    } catch {
      if (main.dataset.seen) write(main.querySelector(".updated"), words.offline.replace("$", main.dataset.seen));
    }
  }

  main.dataset.seen = clock();
  setInterval(look, every);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", () => { asked = 0; look(); });
  look();
})();
