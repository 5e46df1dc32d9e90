// Makes docs/options.md from the field tables.

import { makeReportFields } from '../dist/bin/commands/data-make.js'
import { notifyFields } from '../dist/bin/notify.js'
import { auditFields } from '../dist/lib/audit/audit-fields.js'
import { bundleFields, bundleVerifyFields } from '../dist/lib/bundle/bundle-fields.js'
import { pruneFields } from '../dist/lib/compress/prune-fields.js'
import { quantizeFields } from '../dist/lib/compress/quantize-fields.js'
import { inspectFields, shardFields } from '../dist/lib/data/data-fields.js'
import { synthFields } from '../dist/lib/data/synth-fields.js'
import {
  analyzeFields,
  doctorFields,
  evaluateFields,
  predictFields,
  rolloutFields,
  selftestFields,
} from '../dist/lib/evaluate/evaluate-fields.js'
import {
  budgetFields,
  confirmFields,
  experimentFields,
  halvingFields,
  planFields,
} from '../dist/lib/experiment/experiment-fields.js'
import { exportFields } from '../dist/lib/export/export-fields.js'
import { architectures } from '../dist/lib/index.js'
import { loadtestFields } from '../dist/lib/loadtest/loadtest-fields.js'
import { planningFields } from '../dist/lib/plan/planning-fields.js'
import { reportFields, verifyFields } from '../dist/lib/report/report-fields.js'
import { serveFields } from '../dist/lib/serve/serve-fields.js'
import { abtestFields } from '../dist/lib/study/abtest/abtest-fields.js'
import { benchmarkFields } from '../dist/lib/study/benchmark/benchmark-fields.js'
import { arrowFields, ceilingFields } from '../dist/lib/study/ceiling/ceiling-fields.js'
import { compareFields } from '../dist/lib/study/compare/compare-fields.js'
import { decodeFields } from '../dist/lib/study/decode/decode-fields.js'
import { nextFields } from '../dist/lib/study/next/next-fields.js'
import { retrieveFields } from '../dist/lib/study/retrieval/retrieve-fields.js'
import { sweepFields } from '../dist/lib/sweep/sweep-fields.js'
import { makeFields } from '../dist/lib/text/corpus/make-fields.js'
import { encodeFields } from '../dist/lib/text/encode/encode-fields.js'
import { encoderFields } from '../dist/lib/text/encoders/encoder-fields.js'
import { encodersFetchFields } from '../dist/lib/text/hub/encoders-fields.js'
import { FEWEST_WHITENED, LEAST, plan } from '../dist/lib/train/recipe.js'
import { trainFields } from '../dist/lib/train/train-fields.js'
import { watchFields } from '../dist/lib/train/watch/watch-fields.js'
import { code, grouped, options, settings, table } from './markdown.mjs'

/** Options of `sweep` that are not passed on to every training. */
const ownSweepFields = Object.fromEntries(Object.entries(sweepFields).filter(([, { group }]) => group === 'Sweep'))

function recipes() {
  const model = architectures[0].name
  const of = (recipe) => plan(model, { recipe })
  const usual = of(trainFields.recipe.default)
  const differing = (a, b) => Object.fromEntries(Object.entries(a).filter(([key, value]) => key !== 'recipe' && value !== b[key]))
  return table(trainFields.recipe.choices, {
    recipe: code,
    'what it sets': (recipe) =>
      settings({ ...differing(of(recipe).train, usual.train), ...differing(of(recipe).model, usual.model) }),
  })
}

/** Table of the keys of an experiment's plan that have a single value, by their prefix. */
const keysOfPlan = (tables) =>
  table(
    Object.entries(tables).flatMap(([prefix, fields]) =>
      Object.entries(fields).map(([key, field]) => ({ key: prefix + key, field })),
    ),
    {
      key: ({ key }) => code(key),
      meaning: ({ field }) => field.about,
      values: ({ field }) => field.expected,
      default: ({ field }) => (field.default === undefined ? '' : code(field.default)),
    },
  )

/** Sections of all verbs except `train`. */
const OTHER_VERBS = [
  '## plan',
  `${code('lvm-torch plan MODEL --rows N [options]')}, or ${code('plan({ model, rows, ... })')}. It also takes the options of ${code('train')}, except those that say where data and run are; [scale.md](scale.md) shows how to read a plan.`,
  options(planningFields),
  '## encoder',
  `${code('Encoder.open(folder, { ... })')}, and every verb that takes ${code('--encoder')}.`,
  options(encoderFields),
  '## evaluate',
  `${code('lvm-torch evaluate RUN... [options]')}, or ${code('evaluate({ runs, ... })')}.`,
  options(evaluateFields),
  '## retrieve',
  `${code('lvm-torch retrieve RUN... [options]')}, or ${code('retrieve({ runs, ... })')}.`,
  options(retrieveFields),
  '## compare',
  `${code('lvm-torch compare RUN RUN... [--data FILE]... [options]')}, or ${code('compare({ runs, data, ... })')}. Baselines are given by name: ${code('copy_last')}, ${code('exponential_mean')}, ….`,
  options(compareFields),
  '## abtest',
  `${code('lvm-torch abtest RUN... [options]')} or ${code('lvm-torch abtest --log FILE [options]')}; ${code('abtest({ runs, ... })')} or ${code('abtest({ log, ... })')}.`,
  options(abtestFields),
  '## predict',
  `${code('lvm-torch predict RUN --out FILE.npy [options]')}, or ${code('predict({ run, out, ... })')}.`,
  options(predictFields),
  '## encode',
  `${code('lvm-torch encode --encoder FOLDER [--input FILE] [--out FILE.npy] [options]')}, or ${code('encode({ encoder, input, out, ... })')}, which needs ${code('out')}.`,
  options(encodeFields),
  '## encoders fetch',
  `${code('lvm-torch encoders fetch OWNER/NAME [options]')}, or ${code('fetchEncoder({ name, ... })')}.`,
  options(encodersFetchFields),
  '## decode',
  `${code('lvm-torch decode RUN|FILE.npy [options]')}, or ${code('decode({ run, ... })')} and ${code('decode({ vectors, ... })')}. ${code('--out')} exists on the command line only.`,
  options(decodeFields),
  '## next',
  `${code('lvm-torch next RUN --file STORY.txt [options]')}, or ${code('next({ run, file, ... })')}, also with ${code('data')} for vectors or ${code('text')} for a text in memory.`,
  options(nextFields),
  '## rollout',
  `${code('lvm-torch rollout RUN [options]')}, or ${code('rollout({ run, ... })')}.`,
  options(rolloutFields),
  '## doctor',
  `${code('lvm-torch doctor RUN... [options]')}, or ${code('diagnose({ runs, ... })')}. Without a run it diagnoses the machine and takes no options.`,
  options(doctorFields),
  '## analyze',
  `${code('lvm-torch analyze RUN [options]')}, or ${code('analyze({ run, ... })')}.`,
  options(analyzeFields),
  '## selftest',
  `${code('lvm-torch selftest [options]')}, or ${code('selftest({ seed })')}.`,
  options(selftestFields),
  '## export',
  `${code('lvm-torch export RUN [options]')}, or ${code('exportRun({ run, ... })')}.`,
  options(exportFields),
  '## quantize',
  `${code('lvm-torch quantize RUN [options]')}, or ${code('quantize({ run, ... })')}.`,
  ...grouped(quantizeFields),
  '## prune',
  `${code('lvm-torch prune RUN --sparsity S [options]')}, or ${code('prune({ run, ... })')}.`,
  ...grouped(pruneFields),
  '## bundle',
  `${code('lvm-torch bundle RUN... -o FILE.tgz [options]')}, or ${code('bundle({ runs, out, ... })')}; ${code('lvm-torch bundle verify FOLDER')}, or ${code('verifyBundle(folder)')}.`,
  options(bundleFields),
  '### bundle verify',
  options(bundleVerifyFields),
  '## benchmark',
  `${code('lvm-torch benchmark RUN... [options]')}, or ${code('benchmark({ runs, ... })')}; ${code('lvm-torch benchmark compare BEFORE AFTER')}, or ${code('compareBenchmarks(before, after)')}.`,
  options(benchmarkFields),
  '## sweep',
  `${code('lvm-torch sweep --data FILE [options]')}, or ${code('sweep({ data, ... })')}. It also takes the options of ${code('train')} except ${code('--name')}, ${code('--resume')} and ${code('--init')}, and passes them to every training.`,
  options({ ...ownSweepFields, ...watchFields, ...notifyFields }),
  '## experiment',
  `${code('lvm-torch experiment PLAN.yaml [options]')}, or ${code('experiment({ plan, ... })')}; ${code('lvm-torch experiment status|report [FOLDER|PLAN]')}, or ${code('experimentStatus({ of })')} and ${code('experimentReport({ of })')}. [experiments.md](experiments.md) describes the plan.`,
  options({ ...experimentFields, ...watchFields, ...notifyFields }),
  '### Keys of a plan',
  keysOfPlan({ '': planFields, 'budget.': budgetFields, 'confirm.': confirmFields, 'halving.': halvingFields }),
  '## serve',
  `${code('lvm-torch serve RUN... [options]')}, or ${code('serve({ runs, ... })')}. RUN is a folder of a run or its name; ${code('NAME=RUN')} gives it another name.`,
  ...grouped({ ...serveFields, ...notifyFields }),
  '## report',
  `${code('lvm-torch report [options]')}, or ${code('report({ ... })')}.`,
  options(reportFields),
  '## verify',
  `${code('lvm-torch verify REPORT [options]')}, or ${code('verify({ report, ... })')}. REPORT is report.json or report.html. The exit code is 8 if a value was changed.`,
  options(verifyFields),
  '## loadtest',
  `${code('lvm-torch loadtest URL [options]')}, or ${code('loadtest({ url, ... })')}. The exit code is 8 if the objective was not met.`,
  ...grouped(loadtestFields),
  '## data make',
  `${code('lvm-torch data make TEXTS --encoder E --out BASE [options]')}, or ${code('makeData({ texts, encoder, out, ... })')}. ${code('--no-audit')} exists on the command line only.`,
  ...grouped({ ...makeFields, ...makeReportFields }),
  '## data inspect',
  `${code('lvm-torch data inspect FILE [options]')}.`,
  options(inspectFields),
  '## data shard',
  `${code('lvm-torch data shard BASE --out FOLDER [options]')}, or ${code('shardBase(FOLDER, BASE, { ... })')}.`,
  ...grouped(shardFields),
  '## data audit',
  `${code('lvm-torch data audit FILE [--against FILE...] [options]')}, or ${code('audit({ data, against, ... })')}.`,
  options(auditFields),
  '## ceiling',
  `${code('lvm-torch ceiling --data FILE [options]')}, or ${code('ceiling({ data, ... })')}.`,
  options(ceilingFields),
  '## arrow',
  `${code('lvm-torch arrow --data FILE [options]')}, or ${code('arrow({ data, ... })')}.`,
  options(arrowFields),
  '## synth',
  `${code('lvm-torch synth --out FILE.npy [options]')}, or ${code('synth({ out, ... })')}.`,
  options(synthFields),
]

/** Returns one section per verb. */
export const optionsPage = () => [
  'One table for each verb, made from the field tables that check the values. An omitted flag has its default, or the value of the recipe. An option without effect is an error. Every verb also takes `--json` and `--help`.',
  '## train',
  `${code('lvm-torch train MODEL --data FILE [options]')}, or ${code('train({ model, data, ... })')}. The options of each model are in [architectures.md](architectures.md). ${code('--seeds N')} trains with N seeds, from 1 or ${code('--seed')} on, and prints mean and standard deviation; it exists on the command line only.`,
  ...grouped({ ...trainFields, ...watchFields }),
  '### Recipes',
  recipes(),
  `The batch of a recipe is halved, down to ${LEAST.vectors} vectors, until an epoch has at least ${LEAST.steps} steps; with fewer than ${FEWEST_WHITENED.toLocaleString('en-US')} training windows \`retrieve\` has ${code('--input-scale sqrt_dim')}. What is given on the command line stands.`,
  ...OTHER_VERBS,
]
