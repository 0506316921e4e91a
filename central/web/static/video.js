// Live pictures: frames come over a WebSocket and are played by Media Source Extensions. What is old, stands still or is missing
// never looks live: the picture is grey then, and says since when.
"use strict";
(function () {
  const HEADER = 9, LATE_MS = 5000, STILL_MS = 2500, LONGEST_AGE_MS = 8000, LOOK_MS = 200, TARGET = 0.25, KEPT = 15;
  const AGAIN_MS = 1500, FULL_MS = 20000, ENDED = 4000, NOT_GRANTED = 4001, FULL = 4002, OVER = "已看满时间";
  const MASKS = { people: "人员区域已遮挡", camera: "摄像机自带遮挡", all: "整幅已遮挡", none: "未遮挡" };

  function now() { return performance.now(); }
  function clock() { return document.getElementById("clock").textContent; }

  // `isPresent`: whether a person has been there lately, so that a look that was long enough goes on by itself.
  function film(root, isPresent) {
    function part(name) { return root.querySelector(".film-" + name); }
    const video = part("video"), sound = part("sound"), again = part("again");
    let socket = null, source = null, buffer = null, waiting = [], shown = {}, codec = "", hears = false, isOver = false;
    let heardMs = 0, ageMs = 0, movedMs = 0, lastTime = 0, timer = 0, retry = 0, url = "", seen = "";

    function write(name, text) { const place = part(name); if (place !== null && place.textContent !== text) { place.textContent = text; } }
    function forget() {
      waiting = []; buffer = null; source = null;
      if (url !== "") { URL.revokeObjectURL(url); url = ""; }
    }
    function begin(payload) {
      const names = [shown.codec].concat(hears && shown.sound ? [shown.sound] : []).join(",");
      codec = "video/mp4; codecs=\"" + names + "\"";
      forget();
      if (!window.MediaSource || !MediaSource.isTypeSupported(codec)) {
        end("这个浏览器不能放这路画面（" + names + "），请换用较新的 Chromium 内核浏览器");
        return;
      }
      const mine = source = new MediaSource();
      waiting = [payload];
      url = URL.createObjectURL(mine);
      video.src = url;
      video.muted = !hears;
      mine.addEventListener("sourceopen", function () {
        if (source !== mine) { return; }
        buffer = mine.addSourceBuffer(codec);
        buffer.mode = "segments";
        buffer.addEventListener("updateend", append);
        append();
      }, { once: true });
      movedMs = now();
    }
    function append() {
      if (buffer === null || buffer.updating || source.readyState !== "open") { return; }
      const held = buffer.buffered;
      if (waiting.length > 0) {
        const all = new Uint8Array(waiting.reduce(function (sum, one) { return sum + one.length; }, 0));
        let at = 0;
        waiting.forEach(function (one) { all.set(one, at); at += one.length; });
        waiting = [];
        try { buffer.appendBuffer(all); } catch (error) { open(); }
      } else if (held.length > 0 && held.end(held.length - 1) - held.start(0) > 2 * KEPT) {
        buffer.remove(0, held.end(held.length - 1) - KEPT);
      }
      if (video.paused && held.length > 0) { video.play().catch(function () { /* the look says that nothing moves */ }); }
    }
    function take(event) {
      const bytes = new Uint8Array(event.data), kind = String.fromCharCode(bytes[0]), payload = bytes.subarray(HEADER);
      if (kind === "S") {
        shown = JSON.parse(new TextDecoder().decode(payload));
        write("mask", shown.codec === "" ? "" : MASKS[shown.mask] || "");
        root.classList.toggle("film-plain", shown.mask === "none" && shown.codec !== "");
        if (sound !== null) { sound.hidden = !shown.sound; }
        look(); // what is said against the picture counts at once
      } else if (kind === "I" || kind === "J") {
        if (shown.codec && (kind === "J") === Boolean(hears && shown.sound)) { begin(payload); }
      } else if (source !== null) {
        waiting.push(payload);
        if (kind !== "A") { heardMs = now(); ageMs = new DataView(event.data).getUint32(5); }
        append();
      }
    }
    function end(text) { isOver = true; close(); write("state", text); write("over", text); root.classList.remove("film-live"); if (again !== null) { again.hidden = false; } }
    function close() { clearTimeout(retry); if (socket !== null) { socket.onclose = null; socket.close(); socket = null; } }
    function open() {
      close();
      forget();
      isOver = false;
      if (again !== null) { again.hidden = true; }
      const place = new URL(root.dataset.stream, location.href);
      place.protocol = place.protocol === "https:" ? "wss:" : "ws:";
      if (hears) { place.searchParams.set("sound", "1"); }
      if (root.dataset.grant) { place.searchParams.set("grant", root.dataset.grant); }
      socket = new WebSocket(place.href);
      socket.binaryType = "arraybuffer";
      socket.onmessage = take;
      socket.onclose = function (event) {
        socket = null;
        if (event.code === ENDED && isPresent()) { open(); return; }
        if (event.code === ENDED) { end(OVER); return; }
        if (event.code === NOT_GRANTED) { end("授权已过，请重新打开这一页"); return; }
        retry = setTimeout(open, (event.code === FULL ? FULL_MS : AGAIN_MS) + 1000 * Math.random());
      };
    }
    function pace(held) {
      const last = held.end(held.length - 1), lag = last - video.currentTime;
      if (lag > 2.5 || video.currentTime < held.start(held.length - 1)) { video.currentTime = Math.max(held.start(held.length - 1), last - TARGET); }
      video.playbackRate = lag > TARGET + 0.5 ? 1.15 : lag > TARGET + 0.15 ? 1.05 : lag > TARGET + 0.08 ? 1.02 : lag < TARGET - 0.15 ? 0.95 : 1;
      return lag;
    }
    function look() {
      const at = now(), held = video.buffered;
      let lag = 0;
      if (held.length > 0) { lag = pace(held); }
      if (video.currentTime !== lastTime) { lastTime = video.currentTime; movedMs = at; }
      const age = ageMs + (at - heardMs) + Math.max(0, lag) * 1000, isComing = heardMs > 0 && at - heardMs < LATE_MS;
      const isLive = !isOver && isComing && at - movedMs < STILL_MS && age < LONGEST_AGE_MS && lastTime > 0 && !shown.fault;
      root.classList.toggle("film-live", isLive);
      if (isLive) { seen = clock(); root.classList.add("film-seen"); }
      if (!isOver) { write("state", isLive ? "实时" : shown.fault || (socket === null ? "与市中心断开" : seen !== "" ? "无画面" : "正在连接")); }
      if (isLive) { write("age", (age / 1000).toFixed(1) + " 秒前"); } else if (seen !== "") { write("age", "自 " + seen + " 起没有实时画面"); }
      write("over", isLive ? "" : part("state").textContent);
      if (isComing && at - movedMs > 2 * STILL_MS && buffer !== null && !isOver) { movedMs = at; open(); }
    }
    if (sound !== null) {
      sound.addEventListener("click", function () {
        hears = !hears;
        sound.setAttribute("aria-pressed", String(hears));
        sound.textContent = hears ? "关上声音" : "打开声音";
        open();
      });
    }
    if (again !== null) { again.addEventListener("click", function () { open(); }); }
    timer = setInterval(look, LOOK_MS);
    open();
    return function stop(text) { clearInterval(timer); end(text); forget(); };
  }

  function wall(stage, list) {
    const all = Array.from(list.querySelectorAll("li")), side = Number(stage.dataset.side), size = side * side;
    const hold = document.getElementById("turn-hold"), again = document.getElementById("films-again");
    const longestMs = Number(stage.dataset.minutes) * 60000;
    let first = 0, stops = [], isHeld = false, isOver = false, presentMs = now();
    function isPresent() { return now() - presentMs < longestMs; }
    function empty(text) { stops.forEach(function (stop) { stop(text); }); stops = []; }
    function make(item) {
      const root = document.createElement("div"), link = item.querySelector("a");
      root.className = "film";
      root.dataset.stream = item.dataset.stream;
      [["div", "stage"], ["p", "line"]].forEach(function (one) { const made = document.createElement(one[0]); made.className = "film-" + one[1]; root.appendChild(made); });
      const video = document.createElement("video"), over = document.createElement("p");
      video.className = "film-video"; video.muted = true; video.playsInline = true; over.className = "film-over";
      root.firstChild.append(video, over);
      const name = document.createElement("a");
      name.className = "more"; name.href = link.href; name.textContent = item.querySelector("span").textContent + " " + link.textContent;
      root.lastChild.append(name, " ");
      ["state", "age", "mask"].forEach(function (word) { const made = document.createElement("span"); made.className = "film-" + word; root.lastChild.append(made, " "); });
      return root;
    }
    function show() {
      empty("");
      while (stage.firstChild) { stage.removeChild(stage.firstChild); }
      const count = Math.min(size, all.length);
      for (let at = 0; at < count; at += 1) {
        const root = make(all[(first + at) % all.length]);
        stage.appendChild(root);
        stops.push(film(root, isPresent));
      }
    }
    list.hidden = true;
    show();
    ["pointerdown", "keydown"].forEach(function (name) { document.addEventListener(name, function () { presentMs = now(); }); });
    setInterval(function () {
      if (isOver || isPresent()) { return; }
      isOver = true;
      empty(OVER);
      again.hidden = false;
    }, 1000);
    again.addEventListener("click", function () { isOver = false; again.hidden = true; show(); });
    if (all.length > size) {
      setInterval(function () { if (!isHeld && !isOver && !document.hidden) { first = (first + size) % all.length; show(); } }, Number(stage.dataset.turn) * 1000);
      hold.hidden = false;
      hold.addEventListener("click", function () {
        isHeld = !isHeld;
        hold.setAttribute("aria-pressed", String(isHeld));
        hold.textContent = isHeld ? "继续轮换" : "停住轮换";
      });
    }
  }

  const stage = document.getElementById("films"), list = document.getElementById("film-list");
  if (stage !== null) { wall(stage, list); } else { document.querySelectorAll(".film").forEach(function (root) { film(root, function () { return false; }); }); }
})();
