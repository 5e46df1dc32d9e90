import { LvmError, shown } from '../errors.js'
import type { Architecture } from '../spec/architecture.js'
import { distilgpt2 } from './distilgpt2.js'
import { gru } from './gru.js'
import { hybrid } from './hybrid.js'
import { hyena } from './hyena.js'
import { lcm } from './lcm.js'
import { linformer } from './linformer.js'
import { lstm } from './lstm.js'
import { mamba2 } from './mamba2.js'
import { mlp } from './mlp.js'
import { performer } from './performer.js'
import { retnet } from './retnet.js'
import { rwkv } from './rwkv.js'
import { s4 } from './s4.js'
import { transformer } from './transformer.js'

/** All architectures, in the order of the comparison table; to add one, write a file and add it here. */
export const architectures: readonly Architecture[] = [
  lstm,
  gru,
  transformer,
  distilgpt2,
  performer,
  linformer,
  s4,
  hyena,
  retnet,
  mamba2,
  hybrid,
  rwkv,
  lcm,
  mlp,
]

/** Finds an architecture by name. Errors: BAD_OPTION, with the known names. */
export function findArchitecture(name: string): Architecture {
  const found = architectures.find((a) => a.name === name)
  if (found !== undefined) return found
  throw new LvmError(
    'BAD_OPTION',
    `models: expected one of ${architectures.map((a) => a.name).join(', ')} for "model" but received ${shown(name)}`,
    {
      hint: 'run: lvm-torch models',
    },
  )
}
