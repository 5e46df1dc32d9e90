#!/usr/bin/env node
import yargs, { type CommandModule } from 'yargs'
import { speakShell } from '../lib/hints.js'
import { withReport } from './crash.js'
import { answered, diagnostic, event, fail, print } from './output.js'
import { versions } from './package.js'
import { profileTable, stagesSoFar, underClock } from './profile.js'
import { endWhenAsked, endWithReader, hearParent } from './signals.js'
import { offered, usageError } from './usage.js'

/** Every verb with its description and its module; only the module of the typed verb is loaded. */
const VERBS: Record<string, [describe: string, load: () => Promise<CommandModule>]> = {
  demo: ['train three models on the sample and compare them', async () => (await import('./commands/demo.js')).demo],
  data: ['make files of vectors from texts, inspect and audit them', async () => (await import('./commands/data.js')).data],
  ceiling: [
    'compute a lower bound of the cosine that a model can reach',
    async () => (await import('./commands/ceiling.js')).reaching,
  ],
  arrow: [
    'compare how well a text is predicted forward and backward',
    async () => (await import('./commands/arrow.js')).arrowing,
  ],
  train: ['train a model on a file of vectors', async () => (await import('./commands/train.js')).train],
  evaluate: ['compare runs with the baselines', async () => (await import('./commands/evaluate.js')).evaluate],
  sweep: ['train and evaluate many models, one after the other', async () => (await import('./commands/sweep.js')).sweep],
  experiment: [
    'search models and options by a plan, and confirm the best',
    async () => (await import('./commands/experiment.js')).experimenting,
  ],
  report: ['write the matrix, the figures and a page of all runs', async () => (await import('./commands/report.js')).report],
  verify: ['check a report against the files it was made from', async () => (await import('./commands/verify.js')).verify],
  predict: ['write the predictions of a run', async () => (await import('./commands/predict.js')).predict],
  decode: [
    'read the predictions of a run, or any vectors, as sentences',
    async () => (await import('./commands/decode.js')).decoding,
  ],
  retrieve: [
    'search all vectors for the targets with predictions and heuristics',
    async () => (await import('./commands/retrieve.js')).retrieve,
  ],
  compare: ['compare runs and baselines in pairs', async () => (await import('./commands/compare.js')).compare],
  abtest: [
    'test runs against plain retrieval, or the arms of a served log',
    async () => (await import('./commands/abtest.js')).abtesting,
  ],
  rollout: [
    'feed predictions back as inputs and measure every step',
    async () => (await import('./commands/rollout.js')).rolling,
  ],
  analyze: ['show where a run has its largest errors', async () => (await import('./commands/analyze.js')).analyzing],
  runs: ['list, show, restore and remove runs', async () => (await import('./commands/runs.js')).runs],
  synth: [
    'write a synthetic corpus whose best possible cosine is known',
    async () => (await import('./commands/synth.js')).synthesising,
  ],
  models: ['list the models, or show one', async () => (await import('./commands/models.js')).models],
  import: ['convert a PyTorch checkpoint to a run', async () => (await import('./commands/import.js')).importing],
  export: ['write a run as TorchScript or safetensors', async () => (await import('./commands/export.js')).exporting],
  quantize: ['write a quantised copy of a run', async () => (await import('./commands/quantize.js')).quantize],
  benchmark: ['measure latency, throughput and memory of runs', async () => (await import('./commands/benchmark.js')).benchmark],
  prune: ['remove the least important weights of a run', async () => (await import('./commands/prune.js')).prune],
  serve: ['answer requests for predictions over HTTP', async () => (await import('./commands/serve.js')).serving],
  loadtest: ['measure a server under load', async () => (await import('./commands/loadtest.js')).loadtesting],
  bundle: [
    'pack runs with all they need into an archive that serves them',
    async () => (await import('./commands/bundle.js')).bundling,
  ],
  encode: ['encode texts, one a line, as vectors', async () => (await import('./commands/encode.js')).encoding],
  encoders: ['list, fetch and check sentence encoders', async () => (await import('./commands/encoders.js')).encoders],
  libtorch: ['install, list and check libtorch', async () => (await import('./commands/libtorch.js')).libtorch],
  doctor: ['diagnose a run or this machine', async () => (await import('./commands/doctor.js')).doctor],
  selftest: [
    'check every metric and gate with known predictors',
    async () => (await import('./commands/selftest.js')).selftesting,
  ],
  errors: ['list the error codes', async () => (await import('./commands/errors.js')).errors],
}

const words = process.argv.slice(2)
const json = words.includes('--json')

async function main(): Promise<void> {
  if (words.includes('--version')) return print(versions())
  const parser = yargs(words)
  parser
    .scriptName('lvm-torch')
    .usage('$0 VERB [options]\n\nTrain, evaluate, compress and serve predictors of the next sentence vector.')
    .locale('en')
    .parserConfiguration({ 'parse-numbers': false, 'parse-positional-numbers': false, 'duplicate-arguments-array': false })
    .wrap(null)
    .option('profile', { type: 'boolean', describe: 'also print the stages of the work and their share of the time' })
    .option('json', { type: 'boolean', describe: 'print JSON: one document, or one event per line for long work' })
    .help('help', 'show this help')
    .version('version', 'show the versions of lvm-torch, Node and libtorch', '')
    .demandCommand(1)
    .strict()
    .exitProcess(false)
    .fail((message, error, here) => {
      if (error && !message) throw error // thrown by a verb; an error of the parser comes with a message
      here.showHelp((help) => {
        throw usageError(message ?? '', { ...offered(help), words })
      })
    })
  for (const [command, [describe, load]] of Object.entries(VERBS)) {
    parser.command(words.includes(command) ? { ...(await load()), describe } : { command, describe, handler: () => {} })
  }
  if (words.length === 0) parser.showHelp('log')
  else if (!words.includes('--profile')) await parser.parseAsync()
  else {
    await underClock(words[0]!, async () => void (await parser.parseAsync()))
    if (!json) diagnostic(profileTable(stagesSoFar()!))
    else if (!answered()) event({ type: 'profile', version: 1, ...stagesSoFar()! })
  }
}

speakShell()
endWithReader()
endWhenAsked(json)
hearParent()
process.removeAllListeners('warning') // Node's default handler prints them with the process id
process.on('warning', ({ message }) => diagnostic(`warning: ${message}`))
process.on('uncaughtException', (error) => {
  try {
    fail(withReport(error), json)
  } catch {
    process.exitCode = 9 // Node would exit with 7 for an error in this handler, and 7 means that a training diverged
  }
  process.exit()
})
main().catch((error) => fail(withReport(error), json))
