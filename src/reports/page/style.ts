import { colourProperties, colourRules } from "./colours.js";
import { type Markup, trusted } from "./markup.js";

/** All that a page looks like: system fonts, one column, light or dark as the reader has it, light in print. */
export function style(): Markup {
  return trusted(`<style>
:root{color-scheme:light dark;${colourProperties("light")}}
@media screen and (prefers-color-scheme:dark){:root{${colourProperties("dark")}}}
${colourRules()}
${RULES}</style>`);
}

const RULES = `
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem 1.25rem 3rem;background:var(--ground);color:var(--ink);
 font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
 font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .5rem;font-weight:600}
h2{font-size:1.05rem;margin:2.25rem 0 .75rem;padding-bottom:.3rem;border-bottom:1px solid var(--rule);font-weight:600}
p{margin:.25rem 0}
.why{margin:.25rem 0 .75rem;font-size:1.05rem}
ul.why{padding-left:1.2rem}
.subject,.note,.unit,small{color:var(--soft)}
.note,.unit,small{font-size:.8125rem}
.tiles{display:grid;grid-template-columns:repeat(5,1fr);margin:1.25rem 0 0;border:1px solid var(--rule)}
.tiles div{padding:.6rem .8rem;border-left:1px solid var(--rule)}
.tiles div:first-child{border-left:0}
.tiles dt{color:var(--soft);font-size:.8125rem}
.tiles dd{margin:0;white-space:nowrap}
.tiles b{font-size:1.5rem;font-weight:600;line-height:1.3}
.tiles small{display:block}
figure{margin:0 0 1.75rem}
figcaption strong{font-weight:600}
figcaption p{margin:0}
.keys{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;margin:.35rem 0;padding:0;font-size:.8125rem}
.keys svg,th svg{vertical-align:-1px}
.plot{margin:.5rem 1rem 1.5rem 3.25rem}
.plot svg,.bar{display:block}
.plot+.unit{text-align:right;margin:0 1rem 0 0}
svg text{fill:var(--soft);font-size:12px}
svg .grid{stroke:var(--grid)}
svg .level{stroke-width:1.5}
svg text.halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round;font-weight:600}
svg text.pass,svg text.fail,svg text.insufficient{fill:currentColor}
svg .hits rect:hover{fill:var(--ink);fill-opacity:.12}
.bar{margin:.25rem 0 .75rem}
.bar .part{stroke:var(--ground);stroke-width:1px}
.wide{overflow-x:auto;overflow-wrap:break-word}
table{border-collapse:collapse;width:100%}
th,td{padding:.28rem .6rem;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top;font-weight:400}
th:first-child{padding-left:0}
td:last-child,th:last-child{padding-right:0}
thead th{color:var(--soft);font-size:.8125rem;border-bottom-color:var(--rule);vertical-align:bottom}
.figure{text-align:right;white-space:nowrap}
.of{padding-left:1rem}
th .stage,td .pass,td .fail,td .insufficient{white-space:nowrap}
.facts th{color:var(--soft);white-space:nowrap;width:1%}
td .pass,td .fail,td .insufficient{font-weight:600}
.pair{columns:2 24rem;column-gap:3rem;margin-top:2.25rem}
.pair section{break-inside:avoid;margin-bottom:2.25rem}
.pair h2{margin-top:0}
section>p{margin-bottom:.75rem}
@media (max-width:40rem){
 body{padding:1rem .9rem 2rem;font-size:14px}
 .tiles{grid-template-columns:repeat(6,1fr)}
 .tiles div{grid-column:span 2;padding:.5rem .6rem}
 .tiles div:nth-child(n+4){grid-column:span 3;border-top:1px solid var(--rule)}
 .tiles div:nth-child(4){border-left:0}
 .tiles b{font-size:1.2rem}
 .plot{margin-left:2.75rem;margin-right:.6rem}
 .spare{display:none}
 th,td{padding-left:.3rem;padding-right:.3rem}
 .wide table{font-size:.8125rem}
}
@media print{
 body{max-width:none;padding:0;font-size:10pt}
 figure,.tiles,tr,header{break-inside:avoid}
 h2,figcaption,.unit{break-after:avoid}
 .pair{columns:2 18rem}
 .wide{overflow:visible}
}
`;
