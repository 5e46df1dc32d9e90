import { basename } from 'node:path'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { type Bank, openBank } from './child-bank.js'
import type { OpenHeader } from './engine-messages.js'
import type { ServedRun } from './engine-types.js'

/** Whether a run was trained on vectors of length 1; false if that is unknown. */
function trainedOnUnit({ manifest: { data, audit } }: Model): boolean {
  if (data?.normalized === true) return true
  return data !== null && audit !== null && audit !== undefined && !audit.codes.includes('NORMS')
}

const describe = (model: Model, bank: Bank | undefined, name: string | undefined): ServedRun => ({
  name: name ?? basename(model.name),
  folder: model.folder,
  architecture: model.manifest.model,
  dim: model.dim,
  context: model.context,
  contexts: model.contexts,
  causal: model.causal,
  unit: trainedOnUnit(model),
  parameters: model.parameters,
  weights: model.weights,
  scheme: model.manifest.quantized?.scheme ?? null,
  space: model.manifest.data?.space ?? model.manifest.space ?? null,
  device: model.device,
  threads: model.settings.threads,
  bank: bank === undefined ? null : { path: bank.path, rows: bank.rows, hash: bank.hash },
})

/** A run in its inference process, with its bank. */
export interface Opened {
  readonly model: Model
  readonly bank: Bank | undefined
  readonly run: ServedRun
}

/** Loads a run and its bank. Errors: those of load; those of openBeside for a bank that does not fit. */
export async function openServed({ run, name, bank: path, space, device, threads }: OpenHeader): Promise<Opened> {
  const model = await load(run, { device, ...(threads !== undefined && { threads }) })
  const bank = path === undefined ? undefined : await openBank(model, path, space)
  return { model, bank, run: describe(model, bank, name) }
}
