import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'
import { recognised } from './published.js'
import { CLASSES } from './trainer-classes.js'

/** Name parts added by PyTorch wrappers: parallel, averaged, compiled, sharded and checkpointed modules. */
const WRAPPERS = new Set(['module', '_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module', '_forward_module'])

const unwrap = (name: string): string =>
  name
    .split('.')
    .filter((part) => !WRAPPERS.has(part))
    .join('.')

/** Whether names belong to a model: one of a published form, or one with a head like ours. */
function isModel(names: readonly string[]): boolean {
  if (recognised(names) !== undefined) return true
  return names.some((name) => /^head\.(3\.)?weight$/.test(CLASSES.renamed.reduce((n, [from, to]) => n.replace(from, to), name)))
}

/** Prefixes of a name up to each dot, shortest first. */
const prefixesOf = (name: string): string[] => {
  const parts = name.split('.')
  return parts.slice(0, 4).map((_, i) =>
    parts
      .slice(0, i)
      .map((part) => `${part}.`)
      .join(''),
  )
}

/** Shortest prefix of a model's names; `model.` wins ties. Errors: BAD_CHECKPOINT for other ties. */
function modelPrefix(path: string, names: readonly string[]): string {
  const below = new Map<string, string[]>()
  for (const name of names)
    for (const prefix of prefixesOf(name)) {
      if (!below.has(prefix)) below.set(prefix, [])
      below.get(prefix)!.push(name.slice(prefix.length))
    }
  const fitting = [...below].filter(([, inside]) => isModel(inside)).map(([prefix]) => prefix)
  const depth = (prefix: string) => prefix.split('.').length
  const least = fitting.reduce((least, prefix) => Math.min(least, depth(prefix)), Infinity)
  const shortest = fitting.filter((prefix) => depth(prefix) === least)
  if (shortest.length <= 1) return shortest[0] ?? ''
  if (shortest.includes('model.')) return 'model.'
  throw new LvmError(
    'BAD_CHECKPOINT',
    `${path}: expected weights of one model but the file has several, under ${shortest.slice(0, 5).join(' and ')}${shortest.length > 5 ? ' and others' : ''}`,
    {
      hint: 'save the state dict of one of them',
    },
  )
}

/** Removes the name prefixes of wrappers and trainers; also returns the names of tensors outside the model. */
export function unwrapped({ path, tensors }: { path: string; tensors: StoredTensors }): {
  tensors: StoredTensors
  outside: readonly string[]
} {
  const bare = new Map<string, Stored>()
  for (const [name, stored] of tensors) {
    const short = unwrap(name)
    if (bare.has(short))
      throw new LvmError(
        'BAD_CHECKPOINT',
        `${path}: expected weights of one model but "${short}" occurs with and without a wrapper`,
      )
    bare.set(short, stored)
  }
  const prefix = modelPrefix(path, [...bare.keys()])
  const inside = [...bare].filter(([name]) => name.startsWith(prefix))
  return {
    tensors: new Map(inside.map(([name, stored]) => [name.slice(prefix.length), stored])),
    outside: [...bare.keys()].filter((name) => !name.startsWith(prefix)),
  }
}
