import { type Html, html } from '../../page/html.js'
import { count, percent } from '../../show.js'
import type { LoadedServer, LoadedStage } from '../figures/load-figures.js'
import type { Drawn } from '../figures/write-figures.js'
import { number, shown, table } from './parts.js'

const rate = (x: number) => (x < 100 ? x.toFixed(1) : count(x))
const ms = (x: number) => `${x < 100 ? x.toFixed(1) : count(x)}`

function verdict({ knee, objective, overload, met, stages }: LoadedServer): Html {
  const limit = `p99 ≤ ${objective.p99_ms} ms and at most ${percent(objective.errors)} of errors`
  if (knee === null) {
    const outcome = met === null ? 'not decided, because it was stopped' : met ? 'met' : 'not met'
    return html`<p>${limit}: ${outcome}${stages[0]?.loop === 'closed' && ' in a CLOSED loop, whose latency leaves out the wait of real users'}.</p>`
  }
  const kept = overload && `; at ${rate(overload.rate)} a second the goodput is ${percent(overload.goodput_kept, 0)} of that`
  return html`<p>Highest rate with ${limit}: <strong>${rate(knee.rate)} requests a second</strong>${!knee.confirmed && ' (not confirmed)'}${knee.client_limited && ' (limited by the client)'}${kept}.</p>`
}

const latency = (title: string, of: 'p50' | 'p90' | 'p99' | 'p999') => ({
  title,
  numeric: true,
  read: ({ latency_ms }: LoadedStage) => number(latency_ms?.[of], ms),
})

/** Content of the section about loadtest.json. */
export const loadSection = (load: LoadedServer, drawn: readonly Drawn[]): Html =>
  html`${verdict(load)}<div class="pair">${drawn.map(shown)}</div>${table(
    load.stages,
    [
      { title: 'Stage', read: ({ purpose, loop }) => (loop === 'closed' ? 'closed loop' : purpose) },
      { title: 'Sent, 1/s', numeric: true, read: (s) => number(s.rate, rate) },
      { title: 'Answered, 1/s', numeric: true, read: (s) => number(s.answers_per_second, rate) },
      { title: 'Goodput, 1/s', numeric: true, read: (s) => number(s.goodput, rate) },
      latency('p50, ms', 'p50'),
      latency('p90, ms', 'p90'),
      latency('p99, ms', 'p99'),
      latency('p99.9, ms', 'p999'),
      { title: '429', numeric: true, read: (s) => number(s.rejected / Math.max(1, s.sent), percent) },
      { title: 'Errors', numeric: true, read: (s) => number(s.failed / Math.max(1, s.sent), percent) },
      { title: 'Objective', read: (s) => `${s.met ? 'met' : 'not met'}${s.client_limited ? ', client limited' : ''}` },
    ],
    'stages of the load test',
  )}${load.warnings.map((line) => html`<p class="warn">${line}</p>`)}<p class="muted">${load.url}, measured at ${load.created_at.slice(0, 16).replace('T', ' ')} UTC. Latency counts from the intended start of a request.</p>`
