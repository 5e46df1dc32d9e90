import type { CommandModule } from 'yargs'

type Verb = readonly [describe: string, load: () => Promise<CommandModule>]

/** Every verb by group, in the order of the help, with its description and its module; only the module of the typed verb is loaded. */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, Verb>>>> = {
  Begin: {
    demo: ['train three models on the sample and compare them', async () => (await import('./commands/demo.js')).demo],
    init: ['write a project to start from', async () => (await import('./commands/init.js')).initialising],
    models: ['list the models, or show one', async () => (await import('./commands/models.js')).models],
  },
  Data: {
    data: ['make files of vectors from texts, inspect and audit them', async () => (await import('./commands/data.js')).data],
    bank: ['store vectors in a database, and check them there', async () => (await import('./commands/bank.js')).banking],
    encoders: ['list, fetch and check sentence encoders', async () => (await import('./commands/encoders.js')).encoders],
    encode: ['encode texts, one a line, as vectors', async () => (await import('./commands/encode.js')).encoding],
    ceiling: [
      'compute a lower bound of the cosine that a model can reach',
      async () => (await import('./commands/ceiling.js')).reaching,
    ],
    arrow: [
      'compare how well a text is predicted forward and backward',
      async () => (await import('./commands/arrow.js')).arrowing,
    ],
    synth: [
      'write a synthetic corpus whose best possible cosine is known',
      async () => (await import('./commands/synth.js')).synthesising,
    ],
  },
  Train: {
    plan: [
      'tell memory, network, time and disk of a training before it runs',
      async () => (await import('./commands/plan.js')).planning(),
    ],
    train: ['train a model on a file of vectors', async () => (await import('./commands/train.js')).training()],
    runs: ['list, show, restore and remove runs', async () => (await import('./commands/runs.js')).runs],
    sweep: ['train and evaluate many models, one after the other', async () => (await import('./commands/sweep.js')).sweep],
    experiment: [
      'search models and options by a plan, and confirm the best',
      async () => (await import('./commands/experiment.js')).experimenting,
    ],
    import: ['convert a PyTorch checkpoint to a run', async () => (await import('./commands/import.js')).importing()],
  },
  Judge: {
    evaluate: ['compare runs with the baselines', async () => (await import('./commands/evaluate.js')).evaluate],
    compare: ['compare runs and baselines in pairs', async () => (await import('./commands/compare.js')).compare],
    retrieve: [
      'search all vectors for the targets with predictions and heuristics',
      async () => (await import('./commands/retrieve.js')).retrieve,
    ],
    report: ['write the matrix, the figures and a page of all runs', async () => (await import('./commands/report.js')).report],
    decode: [
      'read the predictions of a run, or any vectors, as sentences',
      async () => (await import('./commands/decode.js')).decoding,
    ],
    next: [
      'find the likeliest next sentences of a text or of vectors in a bank',
      async () => (await import('./commands/next.js')).continuing,
    ],
    analyze: ['show where a run has its largest errors', async () => (await import('./commands/analyze.js')).analyzing],
    rollout: [
      'feed predictions back as inputs and measure every step',
      async () => (await import('./commands/rollout.js')).rolling,
    ],
    abtest: [
      'test runs against plain retrieval, or the arms of a served log',
      async () => (await import('./commands/abtest.js')).abtesting,
    ],
    verify: ['check a report against the files it was made from', async () => (await import('./commands/verify.js')).verify],
  },
  Ship: {
    predict: ['write the predictions of a run', async () => (await import('./commands/predict.js')).predict],
    serve: ['answer requests for predictions over HTTP', async () => (await import('./commands/serve.js')).serving],
    export: ['write a run as TorchScript, safetensors or ONNX', async () => (await import('./commands/export.js')).exporting],
    quantize: ['write a quantised copy of a run', async () => (await import('./commands/quantize.js')).quantize],
    prune: ['remove the least important weights of a run', async () => (await import('./commands/prune.js')).prune],
    benchmark: [
      'measure latency, throughput and memory of runs',
      async () => (await import('./commands/benchmark.js')).benchmark,
    ],
    bundle: [
      'pack runs with all they need into an archive that serves them',
      async () => (await import('./commands/bundle.js')).bundling,
    ],
    loadtest: ['measure a server under load', async () => (await import('./commands/loadtest.js')).loadtesting],
  },
  Machine: {
    doctor: ['diagnose a run or this machine', async () => (await import('./commands/doctor.js')).doctor],
    libtorch: ['install, list and check libtorch', async () => (await import('./commands/libtorch.js')).libtorch],
    selftest: [
      'check every metric and gate with known predictors',
      async () => (await import('./commands/selftest.js')).selftesting,
    ],
    completion: [
      'print a script that completes verbs and options in a shell',
      async () => (await import('./commands/completion.js')).completing,
    ],
    errors: ['list the error codes', async () => (await import('./commands/errors.js')).errors],
  },
}

/** Every verb by its name. */
export const VERBS: Readonly<Record<string, Verb>> = Object.assign({}, ...Object.values(GROUPS))
