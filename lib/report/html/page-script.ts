/** Tooltips of marks, sortable tables, all details open in print, and a link that opens the details around its target. */
const TABLES = `
const tip=document.createElement('div');tip.id='tip';tip.hidden=true;document.body.append(tip);
const place=(x,y)=>{const b=tip.getBoundingClientRect();tip.style.left=Math.max(4,Math.min(innerWidth-b.width-4,x+14))+'px';tip.style.top=Math.max(4,y-b.height-12)+'px'};
const explain=e=>{const m=e.target.closest?.('[data-tip]'),text=under(e)??m?.dataset.tip;tip.hidden=!text;if(text){tip.textContent=text;place(e.clientX,e.clientY)}};
document.addEventListener('pointermove',explain);document.addEventListener('pointerdown',explain);
document.addEventListener('keydown',e=>{if(e.key==='Escape')tip.hidden=true});
for(const button of document.querySelectorAll('th button'))button.addEventListener('click',()=>{
 const th=button.parentElement,table=th.closest('table'),body=table.tBodies[0],i=th.cellIndex;
 const down=th.getAttribute('aria-sort')==='ascending';
 for(const other of table.tHead.rows[0].cells)other.removeAttribute('aria-sort');
 th.setAttribute('aria-sort',down?'descending':'ascending');
 const key=r=>r.cells[i].dataset.key??r.cells[i].textContent.trim();
 const rows=[...body.rows].sort((a,b)=>{const[x,y]=[key(a),key(b)];if(x===''||y==='')return(x==='')-(y==='');
  const[n,m]=[Number(x),Number(y)];const c=Number.isNaN(n)||Number.isNaN(m)?x.localeCompare(y):n-m;return down?-c:c});
 body.append(...rows)});
addEventListener('beforeprint',()=>{for(const d of document.querySelectorAll('details'))d.open=true});
const reveal=()=>{const at=location.hash&&document.getElementById(decodeURIComponent(location.hash.slice(1)));for(let e=at;e;e=e.parentElement)if(e.tagName==='DETAILS')e.open=true};
addEventListener('hashchange',reveal);reveal();
`

/** Values of all lines of a figure under the pointer, with a cursor; lines of hidden runs are left out. */
const VALUES = `
const hidden=new Set(),known=new Map();
const cursor=document.createElementNS('http://www.w3.org/2000/svg','line');cursor.setAttribute('class','cursor');
function under(e){
 cursor.remove();
 const svg=e.target.closest?.('svg[data-size]'),figure=svg?.closest('figure[data-hover]');if(!figure)return;
 if(!known.has(figure))known.set(figure,JSON.parse(figure.dataset.hover));
 const{x,range:[min,max,log],plots,lines}=known.get(figure),[left,top,width,height]=plots[svg.dataset.size];
 const box=svg.getBoundingClientRect(),view=svg.viewBox.baseVal,share=((e.clientX-box.left)/box.width*view.width-left)/width;
 if(share<-0.02||share>1.02)return;
 const along=v=>((log?Math.log10(v):v)-min)/(max-min);
 const shown=lines.filter(([name])=>!hidden.has(name.replace(/, training$/,'')));
 const nearest=(points,to)=>points.reduce((a,b)=>Math.abs(along(b[0])-to)<Math.abs(along(a[0])-to)?b:a);
 if(shown.length===0)return;
 const[at]=nearest(shown.map(([,points])=>nearest(points,share)),share),px=left+along(at)*width;
 const near=shown.map(([name,points])=>({name,p:nearest(points,along(at))})).filter(({p})=>Math.abs(along(p[0])-along(at))<0.03);
 for(const[key,value]of Object.entries({x1:px,x2:px,y1:top,y2:top+height}))cursor.setAttribute(key,value);
 svg.append(cursor);
 return[x+' '+at,...near.map(({name,p})=>name+': '+p[1]+(p[0]===at?'':' (at '+p[0]+')'))].join('\\n')}
`

/** Buttons that hide a run in the figures of all runs and in their tables. */
const HIDING = `
for(const button of document.querySelectorAll('button[data-toggle]'))button.addEventListener('click',()=>{
 const{toggle,name}=button.dataset,off=!hidden.has(name);hidden[off?'add':'delete'](name);
 for(const twin of document.querySelectorAll('button[data-toggle="'+toggle+'"]'))twin.setAttribute('aria-pressed',String(!off));
 for(const section of document.querySelectorAll('.overall')){
  for(const mark of section.querySelectorAll('[data-c="'+toggle+'"]'))mark.classList.toggle('off',off);
  for(const text of section.querySelectorAll('figure text'))if(text.textContent===name)text.classList.toggle('off',off);
  for(const row of section.querySelectorAll('tr[data-run]'))if(row.dataset.run===name)row.hidden=off}});
`

/** Table of the settings of two runs: those that differ, then the others. */
const SETTINGS = `
const pick=document.querySelectorAll('select[data-side]');
if(pick.length===2){
 const{runs}=JSON.parse(document.getElementById('report-data').textContent),body=document.querySelector('#side-by-side tbody');
 const write=v=>v===undefined||v===null?'–':typeof v==='object'?JSON.stringify(v):String(v);
 const show=()=>{
  const[a,b]=[...pick].map(({value})=>{const r=runs[value];return{model:r.model,parameters:r.parameters,...r.config}});
  const keys=[...new Set([...Object.keys(a),...Object.keys(b)])].map(key=>[key,write(a[key]),write(b[key])]);
  body.replaceChildren(...[true,false].flatMap(differ=>keys.filter(([,x,y])=>(x!==y)===differ).map(cells=>{
   const row=document.createElement('tr');row.className=differ?'differs':'muted';
   row.append(...cells.map(text=>{const cell=document.createElement('td');cell.textContent=text;return cell}));return row})))};
 for(const select of pick)select.addEventListener('change',show);show()}
`

/** Script of the page. It fetches nothing. */
export const SCRIPT = TABLES.replace(/^\n/, '') + VALUES + HIDING + SETTINGS
