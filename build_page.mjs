// Makes one script of the page's modules and one sheet of its sheets, each as it is and packed by brotli and gzip.
//
//   node build_page.mjs STATIC TARGET
//
// TARGET gets made-of.json too: each source with its hash, so that a server with other sources beside leaves these
// alone (citychat/handlers/page_files.py). The same sources give the same bytes. Never committed: setup.py calls this.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { buildSync } from "esbuild";

const CLIENT = "vendor/socket.io.esm.min.js";
const HASH_CHARS = 12;
const [source, target] = argv.slice(2);

const { outputFiles } = buildSync({
  entryPoints: [join(source, "app.js"), join(source, "style", "page.css")],
  entryNames: "[name]",
  outdir: target,
  alias: { citychat: source, "socket.io-client": join(source, CLIENT) },
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022", // what the modules are written in: nothing is rewritten for older browsers, nor for newer ones
  write: false,
});
for (const { path, contents } of outputFiles) {
  writeFileSync(path, contents);
  writeFileSync(`${path}.br`, brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_LGWIN]: 22 } }));
  writeFileSync(`${path}.gz`, gzipSync(contents, { level: constants.Z_BEST_COMPRESSION }));
}

const kinds = [["", ".js"], ["views/", ".js"], ["style/", ".css"]];
const ours = kinds.flatMap(([folder, end]) =>
  readdirSync(join(source, folder)).filter((name) => name.endsWith(end)).map((name) => folder + name));
const hash = (name) => createHash("sha256").update(readFileSync(join(source, name))).digest("hex").slice(0, HASH_CHARS);
const madeOf = [...ours, CLIENT].sort().map((name) => [name, hash(name)]);
writeFileSync(join(target, "made-of.json"), JSON.stringify(Object.fromEntries(madeOf), null, 1) + "\n");
