/** Script of the page: sorts tables, shows tooltips and opens all details before printing. It fetches nothing. */
export const SCRIPT = `
const tip=document.createElement('div');tip.id='tip';tip.hidden=true;document.body.append(tip);
const place=(x,y)=>{const b=tip.getBoundingClientRect();tip.style.left=Math.max(4,Math.min(innerWidth-b.width-4,x+14))+'px';tip.style.top=Math.max(4,y-b.height-12)+'px'};
document.addEventListener('pointermove',e=>{const m=e.target.closest?.('[data-tip]');tip.hidden=!m;if(m){tip.textContent=m.dataset.tip;place(e.clientX,e.clientY)}});
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
