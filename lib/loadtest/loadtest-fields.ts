import { badOption } from '../errors.js'
import { choice, flag, integer, type Options, real, text } from '../options.js'

const TIME = { expected: 'a time such as 50ms or 2s', matches: /^\d+(\.\d+)?(ms|s)$/ } as const

/** Options of `loadtest` beside the URL. */
export const loadtestFields = {
  p99: text({ default: '50ms', about: 'limit of the 99th percentile of the latency', ...TIME, group: 'Objective' }),
  errors: real({
    default: 0,
    min: 0,
    max: 1,
    about: 'largest share of requests that may fail or be rejected with 429',
    group: 'Objective',
  }),
  rate: real({
    default: undefined,
    min: 0.01,
    max: 1e6,
    about: 'requests per second of one stage, instead of a search for the highest rate',
    group: 'Load',
  }),
  closed: flag({
    default: false,
    about: 'send the next request after the answer to the last one, as most tools do; the latency then leaves out waiting users',
    group: 'Load',
  }),
  clients: integer({ default: 1, min: 1, max: 10_000, about: 'clients of --closed', group: 'Load' }),
  duration: real({
    default: 10,
    min: 0.2,
    max: 86_400,
    about:
      'seconds of each measurement, after the warm-up; longer in the search at a rate with fewer than 300 requests in that time',
    group: 'Load',
  }),
  warmup: real({ default: 2, min: 0, max: 600, about: 'seconds of load before each measurement', group: 'Load' }),
  precision: real({ default: 0.05, min: 0.005, max: 0.5, about: 'relative precision of the highest rate', group: 'Load' }),
  maxRate: real({ default: 100_000, min: 0.1, max: 1e6, about: 'highest rate of the search', group: 'Load' }),
  overload: real({
    default: 2,
    min: 0,
    max: 20,
    about: 'after the search, measure at this multiple of the highest rate; 0 leaves it out',
    group: 'Load',
  }),
  seed: integer({ default: 1, min: 0, about: 'seed of the arrival times and of the vectors', group: 'Load' }),
  route: choice(['predict', 'retrieve', 'sessions'], { default: 'predict', about: 'what to request', group: 'Requests' }),
  raw: flag({ default: false, about: 'send and receive float32 bytes instead of JSON (predict)', group: 'Requests' }),
  model: text({
    default: undefined,
    about: 'model of the server; the only one, or its first, unless given',
    expected: 'printable ASCII characters',
    matches: /^[\x21-\x7e]{1,256}$/,
    group: 'Requests',
  }),
  batch: integer({ default: 1, min: 1, max: 1024, about: 'contexts in one request', group: 'Requests' }),
  context: integer({
    default: undefined,
    min: 1,
    max: 65_536,
    about: 'vectors in one context; unless given the context length of the model, with a history that of its longest',
    group: 'Requests',
  }),
  k: integer({ default: 10, min: 1, max: 10_000, about: 'rows of an answer (retrieve)', group: 'Requests' }),
  sessions: integer({ default: 32, min: 1, max: 10_000, about: 'sessions that take turns (sessions)', group: 'Requests' }),
  sessionLength: integer({
    default: 64,
    min: 1,
    max: 1e9,
    about: 'vectors after which a session is replaced by a new one (sessions)',
    group: 'Requests',
  }),
  data: text({ default: undefined, about: 'file of vectors to send instead of random unit vectors', group: 'Requests' }),
  apiKeyFile: text({ default: undefined, about: 'file whose first line is the key of the server', group: 'Connection' }),
  ca: text({ default: undefined, about: 'certificate authority of an https server (PEM)', group: 'Connection' }),
  insecure: flag({ default: false, about: 'accept any certificate of an https server', group: 'Connection' }),
  timeout: text({ default: '10s', about: 'time after which a request counts as failed', ...TIME, group: 'Connection' }),
  connections: integer({ default: 256, min: 1, max: 16_384, about: 'most connections at once', group: 'Connection' }),
  threads: integer({
    default: undefined,
    min: 1,
    max: 64,
    about: 'threads that send; half of the processors, at most 4, unless given',
    group: 'Connection',
  }),
  pid: integer({
    default: undefined,
    min: 1,
    about: 'process of a server on this machine, for its processor time and memory; from its /metrics unless given',
    group: 'Connection',
  }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of loadtest.json and the figures', group: 'Output' }),
} as const

type Name = keyof typeof loadtestFields
type Load = Options<typeof loadtestFields>

/** Units: 50ms, 2s → ms. */
export const milliseconds = (time: string): number =>
  time.endsWith('ms') ? Number(time.slice(0, -2)) : 1000 * Number(time.slice(0, -1))

/** Options that have an effect only with certain others. */
const NEEDS: readonly (readonly [Name, (o: Load) => boolean, string])[] = [
  ['rate', (o) => !o.closed, 'no "rate" with "closed", whose rate follows from the answers,'],
  ['clients', (o) => o.closed, '"closed" with "clients"'],
  ['precision', (o) => !o.closed && o.rate === undefined, 'neither "rate" nor "closed" with "precision"'],
  ['maxRate', (o) => !o.closed && o.rate === undefined, 'neither "rate" nor "closed" with "maxRate"'],
  ['overload', (o) => !o.closed && o.rate === undefined, 'neither "rate" nor "closed" with "overload"'],
  ['raw', (o) => o.route === 'predict', 'the route predict with "raw"'],
  ['k', (o) => o.route === 'retrieve', 'the route retrieve with "k"'],
  ['sessions', (o) => o.route === 'sessions', 'the route sessions with "sessions"'],
  ['sessionLength', (o) => o.route === 'sessions', 'the route sessions with "sessionLength"'],
  ['batch', (o) => o.route !== 'sessions', 'the route predict or retrieve with "batch"'],
  ['context', (o) => o.route !== 'sessions', 'the route predict or retrieve with "context"'],
]

/** Refuses options without effect. Errors: BAD_OPTION. */
export function refuseIdle(given: Readonly<Record<string, unknown>>, o: Load): void {
  for (const [name, fits, expected] of NEEDS) {
    if (given[name] !== undefined && given[name] !== false && !fits(o)) {
      throw badOption('loadtest', name, expected, given[name], 'leave one of the two out')
    }
  }
}
