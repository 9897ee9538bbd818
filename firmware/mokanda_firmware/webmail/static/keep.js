// SPDX-License-Identifier: Apache-2.0
// Keeps the letter that is being written: on the device, and on the phone while there is no Wi-Fi.
// Plain JavaScript of 2010; without it the page does all but this.
(function () {
  var form = document.querySelector("form[data-keep]");
  if (!form || !window.FormData || !window.localStorage) return;
  var names = ["to", "cc", "bcc", "subject", "text"];
  var place = "letter-" + form.getAttribute("data-keep");
  var line = document.getElementById("kept");
  var timer, last, pressed, safe = true, going = false, busy = false, next = null;

  function value(name) { return form.elements[name].value; }
  function words() { return JSON.stringify(names.map(value)); }
  function tell(what) { line.textContent = what ? line.getAttribute("data-" + what) : ""; }
  function store(put) {
    try {
      if (put) localStorage.setItem(place, JSON.stringify({once: value("once"), words: names.map(value)}));
      else localStorage.removeItem(place);
    } catch (full) { /* a phone without room */ }
  }

  function keep(then) {
    var now = words(), data = new FormData(), request = new XMLHttpRequest();
    clearTimeout(timer);
    if (busy) { next = then || next || function () {}; return; }
    if (now === last) { if (then) then(safe ? 200 : 0); return; }
    busy = true;
    store(true);
    names.concat("csrf", "draft", "answers", "forwards", "once").forEach(function (name) { data.append(name, value(name)); });
    [].forEach.call(form.querySelectorAll("[name=forward]:checked"), function (box) { data.append("forward", box.value); });
    request.open("POST", "/write/keep");
    request.timeout = 15000;
    request.onloadend = function () {
      var after = next;
      busy = false;
      next = null;
      safe = request.status === 200;
      if (safe) {
        form.elements.draft.value = request.responseText;
        last = now;
        if (words() === now) store(false);
      }
      tell(safe ? "kept" : request.status === 507 ? "full" : request.status === 403 ? "out" : "away");
      if (then) then(request.status);
      if (after) keep(after);
    };
    request.send(data);
  }

  // How large the files are that have just been chosen, together with those of the draft.
  form.addEventListener("change", function (event) {
    var total = document.getElementById("total"), size = +total.getAttribute("data-held"), text;
    if (event.target.type !== "file") return;
    [].forEach.call(form.querySelectorAll("[type=file]"), function (field) {
      [].forEach.call(field.files || [], function (file) { size += file.size; });
    });
    text = size < 999500 ? total.getAttribute("data-kb").replace("{number}", Math.max(1, Math.round(size / 1000)))
      : total.getAttribute("data-mb").replace("{number}", (size / 1e6).toFixed(1).replace(".", total.getAttribute("data-point")));
    total.textContent = total.getAttribute("data-total").replace("{size}", text);
  });

  // What a phone kept while it was out of range comes back, into the same letter or an empty form.
  try {
    var kept = JSON.parse(localStorage.getItem(place));
    if (kept && (kept.once === value("once") || !value("to") && !value("subject") && !value("draft"))) {
      names.forEach(function (name, at) { form.elements[name].value = kept.words[at]; });
      form.elements.once.value = kept.once;
      keep(function (status) { if (status === 200) tell("back"); });
    } else last = words();
  } catch (broken) { store(false); }
  if (last === undefined && !kept) last = words();

  form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(keep, 2000); });
  document.addEventListener("visibilitychange", function () { if (document.hidden) keep(); });
  // A letter that cannot go now stays where it is, instead of giving way to the browser's error page.
  form.addEventListener("click", function (event) {
    if (event.target.name === "send" || event.target.name === "save") pressed = event.target;
  });
  window.addEventListener("pageshow", function () { going = false; });
  form.addEventListener("submit", function (event) {
    if (going) return;
    event.preventDefault();
    last = undefined;
    keep(function (status) {
      if (!status) return;
      going = true;
      (pressed || form.elements.send).click();
    });
  });
})();
