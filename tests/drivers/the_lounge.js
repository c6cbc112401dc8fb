// Runs The Lounge, also with a Node.js older than the one that it asks for: what it lacks is the database for
// messages, and none are stored here.
//
//   THELOUNGE_HOME=… node the_lounge.js FOLDER start      FOLDER: where npm has installed it
"use strict";
const Module = require("node:module");
const path = require("node:path");

const load = Module._load;
Module._load = function (name, ...rest) {
  return name === "node:sqlite" ? {} : load.call(this, name, ...rest);
};
const [folder] = process.argv.splice(2, 1);
require(path.resolve(folder, "node_modules", "thelounge", "dist", "server"));
