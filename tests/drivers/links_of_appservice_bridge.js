// Makes links with the real MediaProxy of matrix-appservice-bridge.
//
//   node links_of_appservice_bridge.js FOLDER      the folder in which npm has installed the package
//
// Reads a JSON object: jwk (left out: a new key is made, as the IRC bridge makes one), publicUrl,
// and links: [{mxc, ttl}], ttl in milliseconds (0: for ever). Writes {jwk, urls}.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { subtle } = require("node:crypto").webcrypto;

// Native code for encryption, which signs no links and is not installed.
const load = Module._load;
Module._load = function (name, ...rest) {
  return name === "@matrix-org/matrix-sdk-crypto-nodejs" ? {} : load.call(this, name, ...rest);
};
// What packages say of themselves goes past the answer.
console.log = console.info = console.error;

const folder = path.resolve(process.argv[2], "node_modules", "matrix-appservice-bridge");
const { MediaProxy } = require(folder);

async function main() {
  const asked = JSON.parse(fs.readFileSync(0, "utf8"));
  const algorithm = { name: "HMAC", hash: "SHA-512" };
  const signingKey = asked.jwk
    ? await subtle.importKey("jwk", asked.jwk, algorithm, true, ["sign", "verify"])
    : await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const urls = [];
  for (const { mxc, ttl } of asked.links) {
    const options = { publicUrl: new URL(asked.publicUrl), signingKey, ttl };
    urls.push((await new MediaProxy(options, {}).generateMediaUrl(mxc)).href);
  }
  const jwk = await subtle.exportKey("jwk", signingKey);
  fs.writeSync(1, JSON.stringify({ jwk, urls }));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
