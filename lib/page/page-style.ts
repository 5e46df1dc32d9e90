import { COLOURS, shade } from './palette.js'

const colours = (of: (colour: string) => string) => COLOURS.map((colour, i) => `--c${i}:${of(colour)}`).join(';')

/** Style sheet of the page: light, dark and print. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--muted:#5b6470;--grid:#d9dee4;--paper:#fff;--panel:#f6f8fa;--link:#0b5cad;--good:#0a6b3d;--bad:#b3261e;--warn:#8a5a00;--fill:#7dbfe8;--grey:#aab3bd;${colours((c) => c)}}
@media (prefers-color-scheme:dark){:root{--ink:#e7eaee;--muted:#a4adb8;--grid:#363d46;--paper:#14171b;--panel:#1c2026;--link:#7ab8ff;--good:#6fd39b;--bad:#ff8a80;--warn:#f0b95a;--fill:#4a90bd;--grey:#7b8692;${colours((c) => shade([c, '#ffffff'], 0.25))}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer{max-width:1480px;margin:0 auto;padding:0 20px}
header{padding-top:24px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px}h2{font-size:20px;margin:40px 0 10px;padding-top:10px;border-top:1px solid var(--grid)}h3{font-size:16px;margin:22px 0 8px}
p{margin:6px 0 12px;max-width:78ch}.muted{color:var(--muted)}
a{color:var(--link)}a:focus-visible,button:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;margin:14px 0}
.scroll{overflow-x:auto;margin:8px 0 14px;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th,td{padding:6px 8px;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}
th{background:var(--panel);white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}td.wrap{min-width:190px}
code{overflow-wrap:anywhere}
td code,dd code{font-size:12.5px}
th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th button::after{content:"\\2195";color:var(--muted);margin-left:3px;font-size:11px}th[aria-sort=ascending] button::after{content:"\\2191"}th[aria-sort=descending] button::after{content:"\\2193"}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:12px;margin:14px 0}
.card{background:var(--panel);border:1px solid var(--grid);border-radius:8px;padding:12px 14px}
.card.first{grid-column:1/-1}.card h3{margin:0 0 6px}.card ul{margin:0;padding-left:20px}.big{font-size:24px;font-weight:650}
.tag{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 6px;font-size:12.5px;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
figure{margin:12px 0 20px;max-width:760px;container-type:inline-size}figure svg,figure img{width:100%;height:auto;display:block}
figure .narrow{display:none}@container (max-width:575px){figure .wide{display:none}figure .narrow{display:block}}
figure img{background:#fff;border-radius:4px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,580px),1fr));gap:8px 20px}
details{margin:8px 0}summary{cursor:pointer}
dl{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:3px 16px;margin:8px 0 14px;font-size:14px}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
dl.sentences{grid-template-columns:200px minmax(0,90ch);gap:2px 16px;margin:4px 0 12px}dl.sentences dt{display:flex;justify-content:space-between;gap:8px}.windows h4,.windows h4+p{margin:14px 0 2px}.windows h4+p{margin-top:0}
blockquote{margin:4px 0;padding:2px 0 2px 12px;border-left:3px solid var(--grid);overflow-wrap:anywhere}
section.run{border-top:1px solid var(--grid);padding-top:4px}
#tip{white-space:pre-line;font-variant-numeric:tabular-nums;position:fixed;z-index:9;pointer-events:none;background:var(--ink);color:var(--paper);padding:4px 8px;border-radius:4px;font-size:13px;max-width:340px}
figure svg *{pointer-events:none}figure svg [data-tip]{pointer-events:all;cursor:crosshair}
.cursor{stroke:var(--muted);stroke-width:1;stroke-dasharray:2 3}figure svg .off{display:none}
.toggles{display:flex;flex-wrap:wrap;gap:6px;margin:10px 0}.toggles button{font:inherit;font-size:13.5px;color:inherit;background:var(--panel);border:1px solid var(--grid);border-radius:14px;padding:3px 11px 3px 8px;cursor:pointer;max-width:100%;overflow-wrap:anywhere}.toggles button[aria-pressed=false]{opacity:.5;text-decoration:line-through}.dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin-right:6px}
select{font:inherit;max-width:100%;background:var(--paper);color:inherit}tr.differs td:first-child{font-weight:650}#side-by-side td{overflow-wrap:anywhere}
footer{padding-top:30px;padding-bottom:40px;color:var(--muted);font-size:13.5px}
@media (max-width:640px){main,header,footer{padding-left:12px;padding-right:12px}dl,dl.sentences{grid-template-columns:1fr}dd{margin-bottom:6px}td.wrap{min-width:340px}}
@media print{nav,.toggles,th button::after{display:none}body{font-size:11pt}h2{break-after:avoid}figure,tr,.card{break-inside:avoid}details>*{display:block}.scroll{overflow:visible}}
`
