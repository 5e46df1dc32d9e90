import { architectures, findArchitecture } from '../lib/architectures/index.js'
import { badOption, shown } from '../lib/errors.js'
import { type FileKind, isKeyed, keysAt, readPlanFile } from '../lib/experiment/plan-file.js'
import { resolve } from '../lib/options.js'
import { kebab, nearestWord } from '../lib/show.js'
import type { Architecture } from '../lib/spec/architecture.js'
import { plan } from '../lib/train/recipe.js'
import { trainFields } from '../lib/train/train-fields.js'

type Settings = Readonly<Record<string, unknown>>
const { resume: _, overwrite: __, extend: ___, ...settable } = trainFields

/** Keys of a run's config.json that describe the run and set nothing. */
const FACTS = ['version', 'title', 'vector_dim', 'parameters', 'trainable_parameters', 'optimizer', 'ema_rule']
/** Options that have another name in a run's config.json. */
const RENAMED: Settings = {
  context_length: 'context',
  learning_rate: 'lr',
  lr_schedule: 'schedule',
  gradient_clip: 'clip',
}
const camel = (key: string) => key.replace(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase())

/** Settings of a run's config.json under the names of the options. */
function ofRun({ model_options: options, ...config }: Settings): Settings {
  const entries = Object.entries(config).filter(([key]) => !FACTS.includes(key))
  const named = Object.fromEntries(entries.map(([key, value]) => [RENAMED[key] ?? key, value]))
  return {
    ...named,
    ...(isKeyed(options) && options),
    ...(named.schedule === 'ReduceLROnPlateau' && { schedule: 'plateau' }),
    ...(named.history != null && { context: null }), // the longest context, which follows from the history
  }
}

/** The settings of a model without any of its own: those of its recipe and its preset. */
function settingsOf(model: string | Architecture, given: Settings): Settings {
  const { architecture, train, model: options, autoLr, autoBatch } = plan(model, given)
  const tested = { ...(autoLr && { lr: 'auto' }), ...(autoBatch && { batchSize: 'auto' }) }
  return { ...train, ...tested, ...resolve(architecture.name, architecture.fields, options) }
}

const CONFIG: FileKind = {
  owner: 'train',
  name: 'config',
  file: 'the file of --config',
  hint: 'lvm-torch train MODEL --print-config shows such a file',
}

/** The model of a command line, by name or by its file; both may be left to the file of --config. */
interface Chosen {
  readonly model?: Architecture | undefined
  readonly file?: string | undefined
}

/** The architecture that settings are for: that of the command line, or the one that they name. Errors: BAD_OPTION where both differ. */
async function architectureFor({ model, file }: Chosen, { modelFile, ...settings }: Settings) {
  const path = file ?? modelFile
  const own = path === undefined ? undefined : await (await import('../lib/train/model-file.js')).readModelFile(String(path))
  const chosen = own ?? model
  if (chosen === undefined || settings.model === undefined || settings.model === chosen.name)
    return chosen ?? architectures.find(({ name }) => name === settings.model)
  const hint = 'leave the model out on the command line, or the key "model" in the file'
  throw badOption('train', 'model', `${shown(settings.model)}, as in the file of --config,`, chosen.name, hint)
}

/**
 * Options of a file for `train`, under their library names; `extra` are known keys beside those of `train` and the model.
 *
 * Errors: FILE_MISSING; BAD_OPTION for a file of another form or an unknown key; those of readModelFile.
 */
export async function readConfig(path: string, extra: readonly string[], chosen: Chosen = {}): Promise<Settings> {
  const file = await readPlanFile(path, CONFIG)
  const written = keysAt(file, [], file.value)
  const settings = Object.hasOwn(written, 'model_options') ? ofRun(written) : written
  const named = Object.fromEntries(Object.entries(settings).map(([key, value]) => [camel(key), value ?? undefined]))
  const architecture = await architectureFor(chosen, named)
  const known = ['model', 'modelFile', ...Object.keys({ ...settable, ...architecture?.fields }), ...extra]
  const unknown = Object.keys(settings).find((key) => !known.includes(camel(key)))
  if (unknown !== undefined) {
    const meant = nearestWord(kebab(camel(unknown)), known.map(kebab))
    const isOwn = architecture === undefined && named.model !== undefined
    const fix = isOwn
      ? 'for an architecture of your own give its file with --model-file'
      : 'lvm-torch train MODEL --help lists them'
    const hint = meant === undefined ? fix : `did you mean "${meant}"?`
    throw file.wrong([unknown], 'an option of train or of the model', 'an unknown key', hint)
  }
  return Object.fromEntries(Object.entries(settings).flatMap(([key, value]) => (value === null ? [] : [[camel(key), value]])))
}

/** Options from which the defaults of all others follow. */
const DECIDING = ['recipe', 'preset', 'split']

/** Options of a file that flags do not override, without those that follow anyway: such an option may have no effect, which is an error. */
export function overridden(config: Settings, flags: Settings, model: string | Architecture): Settings {
  const dropped =
    flags.history !== undefined ? ['context'] : flags.context !== undefined ? ['history', 'minHistory', 'batchVectors'] : []
  const {
    model: _,
    modelFile: __,
    ...kept
  } = Object.fromEntries(Object.entries(config).filter(([key]) => !dropped.includes(key)))
  const all: Settings = { ...kept, ...flags }
  const pick = (keys: readonly string[]) =>
    Object.fromEntries(keys.flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]])))
  let deciding = pick(DECIDING)
  let usual = settingsOf(model, deciding)
  if (usual.history !== undefined && all.history === undefined && all.context !== undefined) {
    deciding = pick([...DECIDING, 'context']) // it turns the history of a recipe off
    usual = settingsOf(model, deciding)
  }
  const own = Object.entries(kept).filter(([key, value]) => key in deciding || value !== usual[key])
  return { ...Object.fromEntries(own), ...flags }
}

/** All settings of a training, as `--config` reads them. Errors: those of a training with these options. */
export function allSettings(model: string | Architecture, given: Settings, file?: string): Settings {
  const settings = settingsOf(model, given)
  const { fields, name } = typeof model === 'string' ? findArchitecture(model) : model
  const keys = Object.keys({ ...settable, ...fields })
  const set = keys.filter((key) => settings[key] !== undefined && !(key === 'context' && settings.history !== undefined))
  return {
    ...(file === undefined ? { model: name } : { modelFile: file }),
    ...Object.fromEntries(set.map((key) => [key, settings[key]])),
  }
}

/** Settings as YAML. */
export const settingsText = (settings: Settings): string =>
  Object.entries(settings)
    .map(([key, value]) => `${kebab(key)}: ${JSON.stringify(value)}`)
    .join('\n')
