import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { code, table } from "./table.mjs";

const PROTO = new URL("../../proto/ai.proto", import.meta.url);

/** Every message of the wire, from the comments of its schema. */
export function messageTables() {
  const text = readFileSync(PROTO, "utf8");
  const { root } = protobuf.parse(text, { keepCase: true, alternateCommentMode: true });
  return root
    .lookup("ai")
    .nestedArray.map((message) =>
      `### ${message.name}\n\n${commentOf(message)}\n\n${fieldTable(message)}`.trim(),
    )
    .join("\n\n");
}

function fieldTable({ fieldsArray }) {
  if (fieldsArray.length === 0) return "No fields.";
  return table(
    ["number", "name", "type", "what it is"],
    fieldsArray.map((field) => [String(field.id), code(field.name), typeOf(field), commentOf(field)]),
  );
}

function typeOf({ type, repeated, partOf }) {
  // The parser makes a oneof of each optional field.
  if (partOf !== null && !partOf.name.startsWith("_")) return `${type}, one of ${code(partOf.name)}`;
  if (partOf !== null) return `optional ${type}`;
  return repeated ? `repeated ${type}` : type;
}

function commentOf({ fullName, comment }) {
  if (!comment) throw new Error(`proto/ai.proto: ${fullName} has no comment`);
  return comment.replaceAll("\n", " ");
}
