// Ticks the rules of a new password while it is typed. What is typed stays in its field: nothing is sent before the form is.
// The server judges again by accounts/passwords.py; tests/browser compares the two.
(function () {
  "use strict";
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const points = (text) => Array.from(text).length;
  const kinds = [/[A-Z]/, /[a-z]/, /[0-9]/, /[ !-/:-@[-`{-~]/];

  function holdsName(password, name, length) {
    const folded = fold(password), letters = Array.from(fold(name));
    const size = length || letters.length;
    if (!letters.length || letters.length < size) return false;
    for (let start = 0; start + size <= letters.length; start += 1) {
      if (folded.includes(letters.slice(start, start + size).join(""))) return true;
    }
    return false;
  }

  const rules = {
    length: (password) => Math.min(points(password), points(fold(password))) >= 8,
    categories: (password) => kinds.filter((kind) => kind.test(password)).length >= 3,
    login_name: (password, name, length) => password !== "" && !holdsName(password, name, length),
    characters: (password) => password !== "" && points(password) <= 127 && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(password),
  };

  document.querySelectorAll("[data-password-rules]").forEach(function (list) {
    const field = document.getElementById(list.dataset.field);
    const nameField = document.getElementById(list.dataset.nameField || "");
    if (!field) return;
    function judge() {
      const name = nameField ? nameField.value : list.dataset.name || "";
      list.querySelectorAll("[data-rule]").forEach(function (item) {
        const met = rules[item.dataset.rule](field.value, name, Number(list.dataset.runLength));
        item.dataset.met = met ? "yes" : "no";
        item.querySelector("[data-rule-state]").textContent = met ? list.dataset.yes : list.dataset.no;
      });
    }
    field.addEventListener("input", judge);
    if (nameField) nameField.addEventListener("input", judge);
    judge();
  });
})();
