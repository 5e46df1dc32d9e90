import type { Progress } from '../checkpoint/run-manifest.js'
import { LvmError, shown } from '../errors.js'
import { type Fields, readAs, resolve } from '../options.js'
import type { Architecture } from '../spec/architecture.js'
import { resolveDevice } from '../torch/device.js'
import { ask, type Plan, settled } from './recipe.js'
import { trainFields } from './train-fields.js'

type Given = Readonly<Record<string, unknown>>

/** Options that resume may change; files are compared by content. */
const RESUMABLE = [
  'epochs',
  'maxSteps',
  'earlyStop',
  'extend',
  'saveEvery',
  'logEvery',
  'log',
  'keepBest',
  'keepLast',
  'resume',
  'name',
  'out',
  'data',
  'val',
  'encoder',
  'processes',
  'shardOptimizer',
  'rankTimeout',
]

/** Settings of a resumed run: its own, with the changes that resume allows. Errors: BAD_OPTION for any other change. */
export function resumed(
  model: Architecture,
  given: Given,
  saved: { train: Given; model: Given },
  tests: Pick<Progress, 'lr_test' | 'batch_test'>,
): Plan {
  const { architecture, own } = ask(model, given)
  const all: Fields = { ...trainFields, ...architecture.fields }
  const before: Given = { ...saved.train, ...resolve(architecture.name, architecture.fields, saved.model) }
  const same = (key: string, value: unknown) =>
    JSON.stringify(readAs(all[key]!, value)) === JSON.stringify(before[key]) ||
    (key === 'device' && resolveDevice(String(value)) === before.device) ||
    (value === 'auto' && { lr: tests.lr_test, batchSize: tests.batch_test }[key] !== undefined)
  for (const [key, value] of Object.entries({ ...own.train, ...own.model })) {
    if (RESUMABLE.includes(key) || same(key, value)) continue
    throw new LvmError(
      'BAD_OPTION',
      `train: expected ${shown(before[key])}, as the run was started, for "${key}" but received ${shown(value)}`,
      {
        hint: 'with --resume only --epochs, --max-steps, --early-stop, --extend, --save-every, --keep-best, --keep-last, --log-every and --log may differ; start another run with --name',
      },
    )
  }
  const changes = Object.fromEntries(Object.entries(own.train).filter(([key]) => RESUMABLE.includes(key)))
  return {
    architecture,
    train: settled({
      ...saved.train,
      extend: undefined,
      processes: undefined,
      shardOptimizer: undefined,
      rankTimeout: undefined,
      ...changes,
    }),
    model: saved.model,
  }
}
