import { COLOURS } from '../../page/palette.js'
import { DRAWN } from './watch-script.js'

/** Charts with a line for each run that is shown. */
const CHARTS = `
const CHARTS=[
 {title:'Cosine by epoch',note:'mean cosine of prediction and target, validation rows',from:'epochs',x:'epoch',y:'val_cosine',key:false},
 {title:'Loss by epoch',note:'validation rows, in evaluation mode',from:'epochs',x:'epoch',y:'val_loss',log:true,key:false},
 {title:'Training loss',note:'while training, with dropout',from:'steps',x:'step',y:'loss',log:true,key:false}];
const curves=new Map(),places=new Map(),hidden=new Set();
const colour=run=>{if(!places.has(run))places.set(run,places.size%${COLOURS.length});return places.get(run)};
const linesOf=chart=>{
 const all=now.runs.filter(({run})=>!hidden.has(run)).map(({run})=>({run,curve:curves.get(run)?.[chart.from]})).filter(({curve})=>curve);
 const lines=all.map(({run,curve})=>{const at=curve.columns.indexOf(chart.x),y=curve.columns.indexOf(chart.y);
  return{name:run,c:colour(run),points:curve.rows.map(r=>[r[at],r[y]]).filter(([x,y])=>x!==null&&y!==null)}});
 return{lines:lines.filter(l=>l.points.length>0),mean:Math.max(1,...all.map(({curve})=>curve.lines))}};
`

/** State of the work, a legend whose buttons hide and show the lines of a run, and a table of runs. */
const STATE = `
let lost=false;
const over=()=>now&&now.work.state!=='running';
const GOOD={done:'good',failed:'bad',interrupted:'warn','out of budget':'warn'};
function tell(){
 const{work}=now,state=document.getElementById('state');
 state.className='tag '+({finished:'good',stopped:'warn',failed:'bad'}[work.state]??(lost?'warn':''));
 const text=lost&&!over()?'no connection: the process has ended without a word, or does not answer':work.state;
 if(state.textContent!==text)state.textContent=text;
 document.getElementById('name').textContent=work.title;
 document.getElementById('about').textContent=whole(work.done)+' of '+whole(work.of)+' trainings have ended';
 document.getElementById('bar').value=work.of?work.done/work.of:0;
 document.title=work.done+'/'+work.of+' · '+work.title;
 const error=document.getElementById('error');error.hidden=!work.error;
 if(work.error)error.textContent=work.error.code+': '+work.error.message+'\\nfix: '+work.error.hint}
const toggle=run=>{if(hidden.has(run))hidden.delete(run);else hidden.add(run);show()};
const buttons=new Map();
const dot=run=>element('span',{className:'dot',style:'background:var(--c'+colour(run)+')'});
/** The button of a run in the legend. */
function button(run){
 if(!buttons.has(run)){const b=element('button',{type:'button'},dot(run),run);b.addEventListener('click',()=>toggle(run));buttons.set(run,b);document.getElementById('all').append(b)}
 const b=buttons.get(run);b.setAttribute('aria-pressed',String(!hidden.has(run)))}
const everything=element('button',{type:'button',textContent:'all'}),nothing=element('button',{type:'button',textContent:'none'});
everything.addEventListener('click',()=>{hidden.clear();show()});
nothing.addEventListener('click',()=>{for(const{run}of now.runs)hidden.add(run);show()});
document.getElementById('all').append(everything,nothing);
const HEAD=['run','model','state','epoch','validation loss','cosine'];
const rows=new Map();
function row(r){
 if(!rows.has(r.run))rows.set(r.run,element('tr',{},element('td',{},dot(r.run),r.run),...HEAD.slice(1).map((_,i)=>element('td',{className:i>1?'n':''}))))
 button(r.run);
 const cells=rows.get(r.run).children,texts=[r.model,r.state+(r.error?': '+r.error.code+': '+r.error.message:''),r.epoch==null?'–':r.epoch+(r.epochs?' of '+r.epochs:''),r.val_loss==null?'–':tidy(r.val_loss,5),r.val_cosine==null?'–':tidy(r.val_cosine,4)];
 texts.forEach((text,i)=>{if(cells[i+1].textContent!==text)cells[i+1].textContent=text});
 cells[2].className=GOOD[r.state]??'';
 return rows.get(r.run)}
const body=element('tbody');
document.getElementById('runs').append(element('table',{},element('thead',{},element('tr',{},...HEAD.map((textContent,i)=>element('th',{textContent,className:i>2?'n':''})))),body));
function table(){now.runs.forEach((r,i)=>{const e=row(r);if(body.children[i]!==e)body.insertBefore(e,body.children[i]??null)})}
let asked=false;
function show(){if(asked||!now)return;asked=true;requestAnimationFrame(()=>{asked=false;tell();table();for(const chart of CHARTS)draw(chart);hover()})}
function listen(){
 const source=new EventSource('events');let first=true;
 source.onmessage=({data:text})=>{
  const message=JSON.parse(text);
  if(first){curves.clear();first=false}
  for(const[run,{steps,epochs}]of Object.entries(message.curves)){const old=curves.get(run);curves.set(run,{steps:merged(old?.steps,steps),epochs:merged(old?.epochs,epochs)})}
  now=message;for(const{run}of now.runs)colour(run);lost=false;show()};
 source.onerror=()=>{source.close();lost=true;show();if(!over())setTimeout(listen,2000)}}
listen();
addEventListener('resize',show);
`

/** Script of the page of many trainings. It asks only the server that it came from. */
export const RUNS_SCRIPT = CHARTS.replace(/^\n/, '') + DRAWN + STATE
