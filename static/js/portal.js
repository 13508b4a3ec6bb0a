// The only script of our own. No inline handlers, no eval; every page works without it.
(() => {
  "use strict";

  // 1 Enter while an IME composition is open chooses a word; it must never send the form.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.isComposing || event.keyCode === 229)) return;
    event.stopPropagation();
    event.preventDefault();
  }, true);

  // 2 A page that came back with errors: the summary is read first.
  const summary = document.querySelector("[data-error-summary]");
  if (summary) summary.focus();

  // 3 Print buttons.
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  // 3a One button ticks all boxes of its form, or none when all are ticked.
  document.querySelectorAll("[data-tick-all]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const boxes = [...document.querySelectorAll(`input[type=checkbox][name="${button.dataset.tickAll}"]`)];
      const ticked = boxes.every((box) => box.checked);
      boxes.forEach((box) => { box.checked = !ticked; });
    });
  });

  // 3b A long list of boxes: shown are those whose label holds what is typed, and those that are ticked.
  document.querySelectorAll("[data-narrows]").forEach((field) => {
    const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s/g, "");
    const labels = [...field.closest("fieldset").querySelectorAll("[data-narrowed] > label")];
    field.parentElement.hidden = false;
    field.addEventListener("input", () => {
      const wanted = plain(field.value);
      labels.forEach((label) => {
        label.hidden = !label.querySelector("input").checked && !plain(label.textContent).includes(wanted);
      });
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  });

  // 4 Leaving a form with entries that are not saved asks first. A saved draft is not dirty.
  const guarded = document.querySelector("form[data-guard]");
  let dirty = false;
  // Sending the form after the session ended would lose what was typed, and a new log-in makes the page's token void:
  // after a silence, or once the log-out is known, ask the server first and take its fresh token.
  const loggedOut = document.querySelector("[data-logged-out]");
  const SILENCE = 60000;
  let lastContact = Date.now();
  let asked = false;
  // What a page asks by itself keeps no session going (portal/orgs/middleware.py), so it is no contact.
  const renewed = (event) => event.detail.successful && !(event.detail.requestConfig.headers || {})["X-By-Itself"];
  document.addEventListener("htmx:afterRequest", (event) => { if (renewed(event)) lastContact = Date.now(); });
  const takeToken = (html, button) => {
    const fresh = new DOMParser().parseFromString(html, "text/html")
      .querySelector("form[data-guard] input[name=csrfmiddlewaretoken]");
    loggedOut.hidden = Boolean(fresh);
    if (!fresh) { loggedOut.scrollIntoView({ block: "center" }); return; }
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((input) => { input.value = fresh.value; });
    lastContact = Date.now();
    asked = true;
    guarded.requestSubmit(button);
  };
  if (guarded && loggedOut) {
    guarded.addEventListener("submit", (event) => {
      if (asked || (loggedOut.hidden && Date.now() - lastContact < SILENCE)) { asked = false; return; }
      event.preventDefault();
      event.stopImmediatePropagation();
      // getAttribute: the buttons of the form are called "action" and hide the property of that name.
      fetch(guarded.getAttribute("action"), { credentials: "same-origin", redirect: "manual" })
        .then((answer) => (answer.ok ? answer.text() : ""))
        .then((html) => takeToken(html, event.submitter))
        .catch(() => {
          const warning = document.querySelector("[data-autosave-failed]");
          if (warning) { warning.hidden = false; warning.scrollIntoView({ block: "center" }); }
        });
    });
  }
  if (guarded) {
    guarded.addEventListener("input", () => { dirty = true; });
    guarded.addEventListener("submit", () => { dirty = false; });
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  }

  // 5 Draft autosave: htmx sends the form after a pause; the answer says when, and carries the next version.
  // A button pressed while a save is under way waits for it, so that it sends the version that the save returns.
  let sentDirty = false;
  let saving = false;
  let waiting = null;
  if (guarded) {
    guarded.addEventListener("submit", (event) => {
      if (!saving) return;
      event.preventDefault();
      waiting = { button: event.submitter };
    });
  }
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.target.matches("[data-autosave]")) return;
    saving = false;
    if (waiting) {
      const { button } = waiting;
      waiting = null;
      window.setTimeout(() => guarded.requestSubmit(button), 0);
    }
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-autosave]")) { sentDirty = dirty; dirty = false; saving = true; }
  });
  const notSaved = (event) => {
    if (!event.target.matches("[data-autosave]")) return;
    dirty = dirty || sentDirty;
    const warning = document.querySelector("[data-autosave-failed]");
    if (warning) warning.hidden = false;
  };
  document.addEventListener("htmx:sendError", notSaved);
  document.addEventListener("htmx:responseError", notSaved);
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    // The session has ended: do not leave the page and what was typed; say how to go on.
    if (event.detail.xhr.status !== 401 || !event.target.matches("[data-autosave]")) return;
    event.preventDefault();
    dirty = true;
    const notice = document.querySelector("[data-logged-out]");
    if (notice) notice.hidden = false;
  });
  // A proposed login name never replaces what was typed while it was on its way; typing replaces what was proposed.
  const proposed = (element) => { const box = element.closest && element.closest(".p-propose"); return box && box.querySelector("input"); };
  let sentName = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const field = proposed(event.target);
    if (field) sentName = field.value;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const field = proposed(document.activeElement);
    if (field && field === document.activeElement) field.select();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const field = proposed(event.detail.target);
    if (field && field.value !== sentName) event.detail.shouldSwap = false;
    // 409 and 422 carry an answer for the person; every other error leaves the page as it is.
    if ([409, 422].includes(event.detail.xhr.status)) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  document.addEventListener("htmx:afterSwap", () => {
    const warning = document.querySelector("[data-autosave-failed]");
    if (warning) warning.hidden = true;
  });

  // 6 A comment is needed for 差戻し and 却下 (the server checks it again).
  const decide = document.querySelector("form[data-decide]");
  if (decide) {
    const box = decide.querySelector("textarea");
    decide.addEventListener("submit", (event) => {
      const how = event.submitter && event.submitter.value;
      if ((how === "return" || how === "reject") && !box.value.trim()) {
        event.preventDefault();
        box.setAttribute("aria-invalid", "true");
        decide.querySelector("[data-need]").hidden = false;
        box.focus();
      }
    });
  }

  // 7 A second click on a button that sends does nothing; the server refuses it as well.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.dataset.sent) {
      if (form.dataset.sent) event.preventDefault();
      return;
    }
    if (!form.hasAttribute("data-stay")) {
      form.dataset.sent = "1";
      const button = event.submitter;
      const busy = button && window.setTimeout(() => button.setAttribute("aria-busy", "true"), 700);
      if (button) window.setTimeout(() => button.removeAttribute("aria-busy"), 60000);
      window.setTimeout(() => { delete form.dataset.sent; }, 10000);
      window.addEventListener("pagehide", () => window.clearTimeout(busy), { once: true });
    }
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });

  // 8 The session ends without activity: say so in time, offer to stay.
  const body = document.body;
  const dialog = document.getElementById("session-warning");
  const seconds = Number(body.dataset.sessionSeconds || 0);
  if (dialog && seconds && typeof dialog.showModal === "function") {
    const warning = Number(body.dataset.sessionWarning);
    const left = dialog.querySelector("[data-session-left]");
    let ends = Date.now() + seconds * 1000;
    const restart = () => { ends = Date.now() + seconds * 1000; if (dialog.open) dialog.close(); };
    document.addEventListener("htmx:afterRequest", (event) => { if (renewed(event)) restart(); });
    const stay = () => {
      const token = document.querySelector("input[name=csrfmiddlewaretoken]");
      fetch(body.dataset.sessionExtend, {
        method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": token ? token.value : "" },
      }).then((answer) => { if (answer.status === 204) restart(); else window.location.reload(); });
    };
    dialog.querySelector("[data-session-stay]").addEventListener("click", stay);
    dialog.addEventListener("cancel", stay); // Escape closes it: who presses it is there, and it must not come back in a second
    window.setInterval(() => {
      const rest = Math.round((ends - Date.now()) / 1000);
      if (rest <= warning && !dialog.open) dialog.showModal();
      if (dialog.open) left.textContent = `${Math.max(0, Math.floor(rest / 60))}:${String(Math.max(0, rest % 60)).padStart(2, "0")}`;
    }, 1000);
  }

  // 9 The person's menu closes with Escape and with a click elsewhere.
  const menu = document.querySelector(".l-person");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  }
})();
