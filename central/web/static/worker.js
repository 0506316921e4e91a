// One stream for all windows of a browser: a browser opens no more than six connections to a host.
"use strict";
importScripts("live.js" + self.location.search);
const ports = [];
let current = null;
self.onconnect = function (event) {
  const port = event.ports[0];
  ports.push(port);
  port.onmessage = function () {
    const place = ports.indexOf(port);
    if (place >= 0) { ports.splice(place, 1); }
  };
  if (current === null) {
    current = openStream("/api/v1/stream?topics=hall", function (message) {
      for (const each of ports) { each.postMessage(message); }
    });
  } else {
    const state = current();
    if (state !== null) { port.postMessage(state); }
  }
};
