/** Charts: where a point comes from, its place on the horizontal axis, and its lines. */
const CHARTS = `
const FIXED=[
 {title:'Training loss',note:'while training, with dropout',from:'steps',x:'step',log:true,lines:[['loss','loss']]},
 {title:'Loss by epoch',note:'in evaluation mode',from:'epochs',x:'epoch',log:true,lines:[['val_loss','validation'],['train_loss','training']],best:'val_loss'},
 {title:'Cosine by epoch',note:'mean cosine of prediction and target',from:'epochs',x:'epoch',lines:[['val_cosine','validation'],['train_cosine','training']],best:'val_cosine'},
 {title:'Ranks by epoch',note:'of the validation targets',from:'epochs',x:'epoch',lines:[['val_top10','Top-10'],['val_mrr','MRR']]},
 {title:'Learning rate',note:'',from:'steps',x:'step',lines:[['lr','learning rate']]},
 {title:'Gradient norm',note:'before clipping',from:'steps',x:'step',log:true,lines:[['grad_norm','gradient norm']]},
 {title:'Throughput',note:'samples per second, mean of the epoch so far',from:'steps',x:'step',lines:[['samples_per_second','samples/s']]}];
const data={steps:null,epochs:null,own:{}};
const linesOf=chart=>{
 const curve=chart.own?data.own[chart.own]:data[chart.from];if(!curve)return{lines:[],mean:1};
 const at=curve.columns.indexOf(chart.x);
 return{mean:curve.lines,lines:chart.lines.map(([key,name],c)=>({name,c,points:curve.rows.map(r=>[r[at],r[curve.columns.indexOf(key)]]).filter(([x,y])=>x!==null&&y!==null)})).filter(l=>l.points.length>0)}};
`

/** What the script of every page has: elements, and curves that parts are added to. */
const ELEMENTS = `
const figures=new Map();
let now=null;
const element=(name,set={},...inside)=>{const e=document.createElement(name);Object.assign(e,set);e.append(...inside);return e};
const svgElement=(name,set={},text)=>{const e=document.createElementNS('http://www.w3.org/2000/svg',name);for(const[k,v]of Object.entries(set))e.setAttribute(k,v);if(text!==undefined)e.textContent=text;return e};
const merged=(old,part)=>{if(!part)return old;const rows=old?old.rows.slice(0,part.from):[];rows.push(...part.rows);return{columns:part.columns,lines:part.lines,rows}};
`

const NUMBERS = `
const tidy=(v,digits)=>v===0?'0':Math.abs(v)<1e-3||Math.abs(v)>=1e6?v.toExponential(Math.max(0,digits-3)):String(Number(v.toPrecision(digits)));
const whole=v=>Math.round(v).toLocaleString('en-US');
const time=s=>{s=Math.max(0,Math.round(s));const h=Math.floor(s/3600),m=Math.floor(s%3600/60);return h?h+' h '+m+' min':m?m+' min '+s%60+' s':s+' s'};
function ticks(low,high,most){
 const raw=(high-low)/most,power=10**Math.floor(Math.log10(raw)),step=[1,2,5,10].map(n=>n*power).find(n=>n>=raw*(1-1e-9));
 const all=[];for(let i=Math.ceil(low/step-1e-9);i*step<=high+step*1e-9;i++)all.push(Number((i*step).toPrecision(12)));
 return all}
/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few. */
function logTicks(low,high,most){
 const of=steps=>{const all=[];for(let e=Math.floor(Math.log10(low));e<=Math.ceil(Math.log10(high));e++)for(const n of steps){const v=Number(n+'e'+e);if(v>=low&&v<=high)all.push(v)}return all};
 const fine=of([1,2,5]),tens=of([1]);return fine.length<=most+1?fine:tens.filter((_,i)=>i%Math.ceil(tens.length/most)===0)}
const short=v=>v!==0&&(Math.abs(v)<1e-3||Math.abs(v)>=1e6)?Number(v.toPrecision(4)).toExponential():String(v);
`

/** Draws a chart at the width of its figure, and keeps where its points are for the pointer. */
const DRAWING = `
function draw(chart){
 const{lines,mean}=linesOf(chart);
 let f=figures.get(chart);
 if(!f){f={figure:element('figure'),caption:element('figcaption'),svg:svgElement('svg',{role:'img'})};f.figure.append(f.caption,f.svg);figures.set(chart,f);document.getElementById('charts').append(f.figure);f.svg.addEventListener('pointerleave',()=>{f.pointer=null;hover()})
  for(const kind of['pointermove','pointerdown'])f.svg.addEventListener(kind,e=>{for(const other of figures.values())other.pointer=null;f.pointer=[e.clientX,e.clientY];hover()})}
 f.figure.hidden=lines.length===0;if(f.figure.hidden)return;
 const width=Math.max(200,f.figure.clientWidth),height=width<500?190:220;
 const all=lines.flatMap(l=>l.points),ys=all.map(p=>p[1]),xs=all.map(p=>p[0]);
 const least=(a,b)=>Math.min(a,b),most=(a,b)=>Math.max(a,b);
 let x0=xs.reduce(least),x1=xs.reduce(most),y0=ys.reduce(least),y1=ys.reduce(most);
 if(x0===x1)x1=x0+1;
 const log=chart.log&&y0>0&&y1>30*y0;
 const key=lines.length>1&&chart.key!==false?lines.map(l=>[element('span',{className:'dot',style:'background:var(--c'+l.c+')'}),l.name+' ']):[];
 f.caption.replaceChildren(element('b',{textContent:chart.title}),' ',element('span',{className:'muted',textContent:[chart.note,log&&'logarithmic',mean>1&&'a point is the mean of '+(chart.key===false?'up to ':'')+whole(mean)+' lines'].filter(Boolean).join(' · ')+' '}),...key.flat());
 if(log){y0/=1.15;y1*=1.15}else{const pad=y0===y1?Math.abs(y0)*.05||1:(y1-y0)*.06,flat=y0>=0;y0-=pad;y1+=pad;if(flat)y0=Math.max(0,y0)}
 const marks=(log?logTicks:ticks)(y0,y1,width<500?4:5),texts=marks.map(short),scaled=log?Math.log10:v=>v;
 const left=14+7.5*Math.max(...texts.map(t=>t.length)),right=14,top=8,bottom=38;
 const X=v=>left+(v-x0)/(x1-x0)*(width-left-right),Y=v=>top+(scaled(y1)-scaled(v))/(scaled(y1)-scaled(y0))*(height-top-bottom);
 const parts=[];
 marks.forEach((v,i)=>parts.push(svgElement('line',{class:'grid',x1:left,x2:width-right,y1:Y(v),y2:Y(v)}),svgElement('text',{x:left-6,y:Y(v)+4,'text-anchor':'end'},texts[i])));
 for(const v of ticks(x0,x1,width<500?4:8))if(Number.isInteger(v))parts.push(svgElement('text',{x:X(v),y:height-bottom+18,'text-anchor':'middle'},whole(v)));
 parts.push(svgElement('text',{x:(left+width-right)/2,y:height-4,'text-anchor':'middle'},chart.x));
 for(const l of lines.toReversed()){
  const d=l.points.map(([x,y],i)=>(i?'L':'M')+X(x).toFixed(1)+' '+Y(y).toFixed(1)).join('');
  parts.push(svgElement('path',{class:'line',d,style:'stroke:var(--c'+l.c+')'}));
  if(l.points.length<=60)for(const[x,y]of l.points)parts.push(svgElement('circle',{cx:X(x).toFixed(1),cy:Y(y).toFixed(1),r:l.points.length>1?2.2:3.5,style:'fill:var(--c'+l.c+')'}))}
 const best=chart.best&&now.best&&mean===1&&lines[0].points.find(p=>p[0]===now.best.epoch);
 if(best)parts.push(svgElement('circle',{class:'ring',cx:X(best[0]),cy:Y(best[1]),r:6,style:'stroke:var(--c0)'}));
 f.svg.setAttribute('viewBox','0 0 '+width+' '+height);f.svg.setAttribute('height',height);
 f.svg.setAttribute('aria-label',chart.title+': '+lines.map(l=>l.name+' '+tidy(l.points.at(-1)[1],6)).join(', ')+' at '+chart.x+' '+whole(lines[0].points.at(-1)[0]));
 f.svg.replaceChildren(...parts);Object.assign(f,{chart,lines,X,Y,left,right,top,width,bottom:height-bottom,x0,x1})}
const tip=element('div',{id:'tip',hidden:true});document.body.append(tip);
/** Values under the pointer, with a cursor. */
function hover(){
 for(const mark of document.querySelectorAll('.cursor,.at'))mark.remove();
 const f=[...figures.values()].find(f=>f.pointer&&!f.figure.hidden);
 tip.hidden=!f;if(!f)return;
 const[px,py]=f.pointer,box=f.svg.getBoundingClientRect();
 const to=f.x0+((px-box.left)/box.width*f.width-f.left)/(f.width-f.left-f.right)*(f.x1-f.x0);
 const near=f.lines.map(l=>({l,p:l.points.reduce((a,b)=>Math.abs(b[0]-to)<=Math.abs(a[0]-to)?b:a)}));
 const at=near.map(({p})=>p[0]).reduce((a,b)=>Math.abs(b-to)<Math.abs(a-to)?b:a);
 f.svg.append(svgElement('line',{class:'cursor',x1:f.X(at),x2:f.X(at),y1:f.top,y2:f.bottom}));
 const shown=near.filter(({p})=>p[0]===at);
 for(const{l,p}of shown)f.svg.append(svgElement('circle',{class:'at',cx:f.X(p[0]),cy:f.Y(p[1]),r:4,style:'fill:var(--c'+l.c+')'}));
 tip.textContent=[f.chart.x+' '+whole(at),...shown.map(({l,p})=>l.name+': '+tidy(p[1],6))].join('\\n');
 const b=tip.getBoundingClientRect();tip.style.left=Math.max(4,Math.min(innerWidth-b.width-4,px+14))+'px';tip.style.top=Math.max(4,py-b.height-12)+'px'}
`

/** How every page draws. */
export const DRAWN = ELEMENTS + NUMBERS + DRAWING

/** State, figures in numbers, warnings and the table of epochs. */
const STATE = `
const WHY={done:'all epochs are done','early-stop':'no further improvement','max-steps':'the greatest number of steps is reached',callback:'by a callback',interrupted:'interrupted; the run can be resumed'};
const over=()=>now&&['finished','stopped','failed'].includes(now.state);
let received=0,lost=false;
const card=(name,value)=>element('div',{className:'card'},element('div',{className:'muted',textContent:name}),element('div',{className:'value',textContent:value}));
function tell(){
 const since=over()||lost?0:(performance.now()-received)/1000;
 const state=document.getElementById('state'),why=now.state==='failed'?now.error.code:WHY[now.stopped]??'';
 state.className='tag '+(now.state==='failed'?'bad':now.state==='finished'?'good':lost||now.state==='stopped'?'warn':'');
 const text=lost&&!over()?'no connection: the process of the training has ended without a word, or does not answer':now.state+(why?': '+why:'');
 if(state.textContent!==text)state.textContent=text;
 const part=now.steps_of_epoch?Math.min(1,now.step/now.steps_of_epoch):0,total=now.epochs?Math.min(1,over()&&now.state==='finished'?1:(Math.max(0,now.epoch-1)+part)/now.epochs):0;
 document.getElementById('bar').value=total;
 document.title=(over()?now.state:Math.floor(100*total)+' %')+' · '+(now.name??'training');
 document.getElementById('name').textContent=now.name?now.model+' · '+now.name:'training';
 document.getElementById('about').textContent=[now.run,now.data&&'data '+now.data,now.parameters&&whole(now.parameters)+' parameters',now.device,now.leaky&&'leaky split: neighbours share vectors'].filter(Boolean).join(' · ');
 const rows=[['epoch',now.epochs?Math.min(now.epoch,now.epochs)+' of '+now.epochs:'–'],['step of the epoch',now.steps_of_epoch?whole(now.step)+' of '+whole(now.steps_of_epoch):'–'],
  ['loss',now.loss==null?'–':tidy(now.loss,5)],['learning rate',now.lr==null?'–':tidy(now.lr,4)],['samples/s',now.samples_per_second==null?'–':whole(now.samples_per_second)],
  ['elapsed',time(now.seconds+since)],['remaining',over()?'–':now.seconds_left==null?'–':time(now.seconds_left-since)],
  ['best epoch, cosine',now.best?now.best.epoch+', '+tidy(now.best.val_cosine,4):'–']];
 document.getElementById('numbers').replaceChildren(...rows.map(r=>card(...r)));
 const error=document.getElementById('error');error.hidden=!now.error;
 if(now.error)error.textContent=now.error.code+': '+now.error.message+'\\nfix: '+now.error.hint;
 document.getElementById('warnings').replaceChildren(...(now.warnings??[]).map(w=>element('p',{className:'warn',textContent:w.code+': '+w.message})))}
const COLUMNS=[['epoch',whole],['step',whole],['train_loss',v=>tidy(v,6)],['val_loss',v=>tidy(v,6)],['val_cosine',v=>tidy(v,5)],['val_top10',v=>tidy(v,5)],['lr',v=>tidy(v,4)],['grad_norm',v=>tidy(v,4)],['samples_per_second',whole]];
function table(){
 const curve=data.epochs,box=document.getElementById('epochs');box.parentElement.hidden=!curve||curve.rows.length===0;
 if(box.parentElement.hidden||!box.parentElement.open)return;
 const shown=COLUMNS.filter(([key])=>curve.rows.some(r=>r[curve.columns.indexOf(key)]!==null));
 const head=element('tr',{},...shown.map(([key])=>element('th',{className:'n',textContent:key.replaceAll('_',' ')})));
 const body=curve.rows.slice(-200).reverse().map(r=>element('tr',{},...shown.map(([key,write])=>{const v=r[curve.columns.indexOf(key)];return element('td',{className:'n',textContent:v===null?'–':write(v)})})));
 box.replaceChildren(element('table',{},element('thead',{},head),element('tbody',{},...body)))}
document.getElementById('epochs').parentElement.addEventListener('toggle',()=>now&&table());
const own=new Map();
const chartOf=name=>{if(!own.has(name))own.set(name,{title:name,note:'logged by a callback',own:name,x:'step',lines:[['value',name]]});return own.get(name)};
let asked=false;
function show(){if(asked||!now)return;asked=true;requestAnimationFrame(()=>{asked=false;tell();table();for(const chart of[...FIXED,...Object.keys(data.own).map(chartOf)])draw(chart);hover()})}
`

/** Reads the events, again after a lost connection: a training that takes the same port then shows itself here. */
const LISTENING = `
function listen(){
 const source=new EventSource('events');let first=true;
 source.onmessage=({data:text})=>{
  const{training,steps,epochs,own}=JSON.parse(text);
  if(first){Object.assign(data,{steps:null,epochs:null,own:{}});first=false}
  data.steps=merged(data.steps,steps);data.epochs=merged(data.epochs,epochs);
  for(const[name,part]of Object.entries(own))data.own[name]=merged(data.own[name],part);
  now=training;received=performance.now();lost=false;show()};
 source.onerror=()=>{source.close();lost=true;show();setTimeout(listen,2000)}}
listen();
setInterval(()=>{if(now&&!over()&&!document.hidden)tell()},1000);
addEventListener('resize',show);
`

/** Script of the page. It asks only the server that it came from. */
export const WATCH_SCRIPT = CHARTS.replace(/^\n/, '') + DRAWN + STATE + LISTENING
