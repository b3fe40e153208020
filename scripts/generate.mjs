// Makes what both languages read of proto/ai.proto: static code for TypeScript (src/wire/gen) and a
// FileDescriptorSet for Python (worker/aiw_worker/ai.fds), so that no second protoc is needed.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { pbjs } from "protobufjs-cli";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const proto = join(root, "proto", "ai.proto");
const genDir = join(root, "src", "wire", "gen");

await mkdir(genDir, { recursive: true });
await promisify(pbjs.main)([
  ...["--target", "static-module", "--wrap", "esm", "--dts"],
  ...["--no-verify", "--no-convert", "--no-delimited", "--no-typeurl"],
  ...["--out", join(genDir, "ai.js"), proto],
]);

const schema = new protobuf.Root();
schema.loadSync(proto).resolveAll();
const set = schema.toDescriptor("proto3");
await writeFile(
  join(root, "worker", "aiw_worker", "ai.fds"),
  descriptor.FileDescriptorSet.encode(set).finish(),
);
