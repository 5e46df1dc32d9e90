import { lengthRange } from '../lib/checkpoint/trained-contexts.js'
import type { ServeEvent } from '../lib/index.js'
import { counted, duration, millions } from '../lib/show.js'
import { nearby } from './output.js'

type Listening = Extract<ServeEvent, { type: 'listening' }>

/** One served run in two or three lines. */
function served({
  name,
  architecture,
  parameters,
  dim,
  trained,
  bank,
  device,
  threads,
  scheme,
  unit,
}: Listening['models'][number]): string {
  const lines = [
    `${name}: ${architecture}${scheme === null ? '' : `, ${scheme}`}, ${millions(parameters)} parameters, on ${device} with ${threads} thread${threads === 1 ? '' : 's'}`,
    `contexts of ${lengthRange(trained)} vectors of ${dim} numbers${unit ? ', each of length 1' : ''}`,
  ]
  if (bank !== null) lines.push(`bank ${nearby(bank.path)} with ${counted(bank.rows, 'row')}`)
  return lines.join('\n  ')
}

/** A command that asks the server for a prediction. */
const example = ({ url, models: [first] }: Listening, isKeyed: boolean): string => {
  const {
    dim,
    trained: { shortest },
  } = first!
  const body = `JSON.stringify({contexts:[Array(${shortest}).fill(Array(${dim}).fill(${dim}**-.5))]})`
  const key = isKeyed ? ` -H 'Authorization: Bearer KEY'` : ''
  return `node -p '${body}' | curl -s ${url}/v1/predict -H 'Content-Type: application/json'${key} -d @-`
}

const listening = (event: Listening, isKeyed: boolean): string =>
  [
    ...event.models.map(served),
    `\nlistening on ${event.url} (interface: ${event.url}/docs, metrics: ${event.url}/metrics)`,
    `try:    ${example(event, isKeyed)}`,
    `stop:   Ctrl-C finishes the accepted requests first; a second one stops at once`,
    `reload: kill -HUP ${process.pid}`,
  ].join('\n')

function ended({ reason, signal, exit }: Extract<ServeEvent, { type: 'fault' }>): string {
  if (reason === 'silent') return 'no longer reacted and was killed'
  if (reason === 'stuck') return 'did not finish a batch in time and was killed'
  return `ended (${signal ?? `exit code ${exit}`})`
}

/** Text for a person, of a server that may ask for keys; undefined for events that only --json prints. */
export function serveText(event: ServeEvent, isKeyed: boolean): string | undefined {
  switch (event.type) {
    case 'listening':
      return listening(event, isKeyed)
    case 'problem':
      return `${event.code} in request ${event.request_id}: ${event.message}`
    case 'fault':
      return `the inference process of ${event.model} ${ended(event)}; ${event.lost} requests got 503; starting it again`
    case 'restarted':
      return `${event.model} answers again after ${duration(event.seconds)}`
    case 'reloading':
      return 'reloading'
    case 'reloaded':
      return `reloaded in ${duration(event.seconds)}:\n${event.models.map(served).join('\n')}`
    case 'reload_failed':
      return `the reload failed and the old runs stay: ${event.code}: ${event.message}\nfix: ${event.hint}`
    case 'warning':
      return `warning: ${event.message}`
    case 'draining':
      return `stopping after ${event.in_flight === 0 ? 'no' : event.in_flight} accepted request${event.in_flight === 1 ? '' : 's'}${event.grace > 0 ? `, new ones are taken for ${duration(event.grace)}` : ''}`
    case 'stopped':
      return event.lost === 0 ? 'stopped' : `stopped; ${event.lost} requests were cut off`
    case 'request':
      return undefined
  }
}
