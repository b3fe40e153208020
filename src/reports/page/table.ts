import { markup, type Markup, type Part } from "./markup.js";

/** A column's name, and whether it holds figures. */
export type Column = readonly [name: string, kind: "text" | "figure"];

/**
 * A table whose rows begin with what they are of. It can be moved sideways where there is little room.
 * @param title what it is, for those who come upon it without its heading
 */
export function table(title: string, columns: readonly Column[], rows: readonly (readonly Part[])[]): Markup {
  const head = columns.map(([name, kind]) => markup`<th scope="col" class="${kind}">${name}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const kind = columns[i]?.[1] ?? "text";
      return i === 0
        ? markup`<th scope="row" class="${kind}">${cell}</th>`
        : markup`<td class="${kind}">${cell}</td>`;
    });
    return markup`<tr>${cells}</tr>\n`;
  });
  return markup`<div class="wide" role="region" aria-label="${title}" tabindex="0"><table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>
`;
}

/** What is there of something, one a row. */
export function facts(title: string, entries: readonly (readonly [name: string, value: Part])[]): Markup {
  const rows = entries.map(
    ([name, value]) => markup`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`,
  );
  return markup`<table class="facts" aria-label="${title}"><tbody>
${rows}</tbody></table>
`;
}

export function section(heading: string, ...body: readonly Part[]): Markup {
  return markup`<section>
<h2>${heading}</h2>
${body}</section>
`;
}
