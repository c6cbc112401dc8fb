// Somebody says links in an IRC channel, and somebody else is there with The Lounge.
//
//   node previews_in_the_lounge.js FOLDER LOUNGE_PORT IRC_PORT LINK...
//
// FOLDER: where npm has installed The Lounge and socket.io-client. Writes the previews that The Lounge shows its
// user, as a JSON list in the order of the links.
"use strict";
const net = require("node:net");
const path = require("node:path");

const [folder, loungePort, ircPort, ...links] = process.argv.slice(2);
const { io } = require(path.resolve(folder, "node_modules", "socket.io-client"));

const CHANNEL = "#cats";
const previews = new Map();

/** Says the links once The Lounge's user is in the channel. */
function say() {
  const socket = net.connect(Number(ircPort), "127.0.0.1", () => {
    socket.write("NICK bot\r\nUSER bot 0 * :bot\r\n");
  });
  let seen = "";
  let isSaid = false;
  socket.on("data", (data) => {
    seen += data;
    for (const [, ping] of String(data).matchAll(/^PING (.*)\r?$/gm)) {
      socket.write(`PONG ${ping}\r\n`);
    }
    if (seen.includes(" 376 ") || seen.includes(" 422 ")) {
      socket.write(`JOIN ${CHANNEL}\r\n`);
      seen = "";
    } else if (!isSaid && seen.includes(" 366 ")) {
      isSaid = true;
      for (const link of links) {
        socket.write(`PRIVMSG ${CHANNEL} :look: ${link}\r\n`);
      }
    }
  });
}

setTimeout(() => {
  console.error(`seen: ${JSON.stringify([...previews.values()])}`);
  process.exit(1);
}, 60_000);
const lounge = io(`http://127.0.0.1:${loungePort}`, { transports: ["websocket"] });
lounge.on("init", () => {
  lounge.emit("network:new", {
    name: "test",
    host: "127.0.0.1",
    port: ircPort,
    tls: false,
    rejectUnauthorized: false,
    nick: "alice",
    username: "alice",
    realname: "Alice",
    join: CHANNEL,
    sasl: "",
    proxyEnabled: false,
  });
});
lounge.on("channel:state", ({ state }) => {
  if (state === 1) {
    say();
  }
});
lounge.on("msg:preview", ({ preview }) => {
  previews.set(preview.link, preview);
  if (links.every((link) => previews.has(link))) {
    console.log(JSON.stringify(links.map((link) => previews.get(link))));
    process.exit(0);
  }
});
