import { flag, integer, type Options, real, text } from '../options.js'
import { encoderField } from '../text/space/encoder-of-base.js'

/** Options of `serve` beside the runs. */
export const serveFields = {
  bank: text({ default: undefined, about: 'file of vectors that /v1/retrieve searches', group: 'Models' }),
  space: text({ default: undefined, about: 'encoder of a bank that has no card', group: 'Models' }),
  encoder: {
    ...encoderField,
    about: 'sentence encoder, a folder or its name in the cache: encode some texts of the bank again and require equal vectors',
    group: 'Models',
  },
  modelsFile: text({
    default: undefined,
    about: 'file with one RUN or NAME=RUN a line, read again at every reload',
    group: 'Models',
  }),
  split: text({
    default: undefined,
    about: 'share of the clients of each run, such as a=90,b=10; a hash of X-Client-Id assigns them',
    expected: 'NAME=WEIGHT separated by commas',
    matches: /^[^=,]+=\d+(\.\d+)?(,[^=,]+=\d+(\.\d+)?)*$/,
    group: 'Models',
  }),
  log: text({ default: undefined, about: 'file to append one JSON line to for each answer and feedback', group: 'Models' }),
  anyContext: flag({
    default: false,
    about: 'accept contexts of another length than in training, where the model can read them',
    group: 'Models',
  }),
  host: text({ default: '127.0.0.1', about: 'address to listen on', group: 'Network' }),
  port: integer({ default: 8080, min: 0, max: 65_535, about: 'port to listen on; 0 picks a free one', group: 'Network' }),
  apiKeyFile: text({
    default: undefined,
    about: 'file with one key a line; requests then need the header Authorization: Bearer KEY',
    group: 'Network',
  }),
  insecure: flag({ default: false, about: 'listen on an address beyond this machine without keys', group: 'Network' }),
  cert: text({ default: undefined, about: 'PEM file with the certificate chain for TLS', group: 'Network' }),
  key: text({ default: undefined, about: 'PEM file with the private key of the certificate', group: 'Network' }),
  device: text({ default: 'auto', about: 'cpu, cuda[:n], mps, or auto', group: 'Inference' }),
  threads: integer({
    default: undefined,
    min: 1,
    max: 1024,
    about: 'CPU threads of each run; the number used in training if not given',
    group: 'Inference',
  }),
  deterministic: flag({
    default: false,
    about: 'compute every context alone, so that no answer depends on other requests to the last bit',
    group: 'Inference',
  }),
  maxBatch: integer({ default: 64, min: 1, max: 4096, about: 'contexts in one batch and in one request', group: 'Inference' }),
  batchDelay: real({
    default: 1,
    min: 0,
    max: 1000,
    about: 'milliseconds to wait for more contexts while the inference process is idle',
    group: 'Inference',
  }),
  maxQueue: integer({
    default: 256,
    min: 1,
    max: 1_000_000,
    about: 'contexts that may wait; more are answered with 429',
    group: 'Inference',
  }),
  maxWait: real({
    default: undefined,
    min: 0.1,
    max: 3_600_000,
    about:
      'milliseconds from the first byte of a request within which its answer must be expected; a request that would take longer is answered with 429 at once',
    group: 'Inference',
  }),
  maxSessions: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    about: 'open sessions of each run; the one idle longest makes room for a new one',
    group: 'Inference',
  }),
  sessionIdle: real({
    default: 300,
    min: 0.1,
    max: 86_400,
    about: 'seconds without a request after which a session ends',
    group: 'Inference',
  }),
  maxBody: integer({
    default: undefined,
    min: 1024,
    max: 1_000_000_000,
    about: 'bytes of a request body; by default enough for max-batch contexts in JSON, at most 64 MB',
    group: 'Limits',
  }),
  maxConnections: integer({ default: 1024, min: 1, max: 1_000_000, about: 'open connections', group: 'Limits' }),
  requestTimeout: real({
    default: 30,
    min: 0.1,
    max: 3600,
    about: 'seconds within which a request must have arrived in full',
    group: 'Limits',
  }),
  deadline: real({
    default: 10,
    min: 0.01,
    max: 3600,
    about: 'seconds within which a request is answered; the header X-Deadline-Ms can shorten it',
    group: 'Limits',
  }),
  keepAlive: real({
    default: 65,
    min: 0.1,
    max: 3600,
    about: 'seconds after which an idle connection is closed; choose more than the load balancer in front has',
    group: 'Limits',
  }),
  drainGrace: real({
    default: 1,
    min: 0,
    max: 600,
    about: 'seconds between SIGTERM, when /readyz begins to answer 503, and the end of new connections',
    group: 'Limits',
  }),
  drainTimeout: real({
    default: 30,
    min: 0.1,
    max: 3600,
    about: 'seconds within which accepted requests are finished after SIGTERM or a reload',
    group: 'Limits',
  }),
} as const

export type ServeSettings = Options<typeof serveFields>
