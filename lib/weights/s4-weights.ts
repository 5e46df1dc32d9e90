import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'
import { call, Tensor, type Value } from '../torch/tensor.js'

/** Tensors of one S4 kernel as state-spaces/s4 stores them; n is half the number of states, S the number of copies of the matrix. */
export interface S4Kernel {
  /** [1, d, n, 2] */
  readonly C: Tensor
  /** [d, 1] */
  readonly inv_dt: Tensor
  /** [S, n] */
  readonly A_real: Tensor
  readonly A_imag: Tensor
  /** [1, S, n, 2] */
  readonly P: Tensor
}

/**
 * Computes C of the state space from the C̃ = C (I − dAᴸ) that the reference trains, with kernel length L:
 *
 *   A = diag(λ) − p p*     λ = −exp(A_real) − i A_imag     dA = (I − ½dt A)⁻¹ (I + ½dt A)     C = C̃ (I − dAᴸ)⁻¹
 *
 * over both halves of every conjugate pair, in complex128.
 * Shapes: as C, in float32.
 * Source: Gu et al. 2022, arXiv:2111.00396, appendix C.3; `_setup_step` of state-spaces/s4.
 */
export async function trueC(kernel: S4Kernel, length: number): Promise<Tensor> {
  const made: Tensor[] = []
  const keep = async (tensor: Promise<Tensor>) => {
    made.push(await tensor)
    return made.at(-1)!
  }
  const op = (x: Tensor, name: string, ...args: Value[]) => keep(x.op(`aten::${name}`, ...args))
  const wide = (x: Tensor) => keep(x.to({ dtype: 'float64' }).ready())
  /** Appends the conjugates. */
  const both = async (x: Tensor) => {
    const other = await op(await op(x, 'conj'), 'resolve_conj')
    return keep(call('aten::cat', [[x, other], 1]) as Promise<Tensor>)
  }
  try {
    const channels = kernel.C.shape[1]!
    const copies = kernel.A_real.shape[0]!
    const forAll = (x: Tensor) => op(x, 'repeat', [channels / copies, 1])
    const complex = async (x: Tensor) => op(await op(await wide(x), 'view_as_complex'), 'select', 0, 0)
    const real = await op(await op(await wide(kernel.A_real), 'exp'), 'neg')
    const eigen = await both(await forAll(await op(real, 'complex', await op(await wide(kernel.A_imag), 'neg'))))
    const p = await both(await forAll(await complex(kernel.P)))
    const rankOne = await op(await op(p, 'unsqueeze', 2), 'mul', await op(await op(p, 'conj'), 'unsqueeze', 1))
    const matrix = await op(await op(eigen, 'diag_embed'), 'sub', rankOne)
    const half = await op(await op(await op(await wide(kernel.inv_dt), 'exp'), 'mul', 0.5), 'unsqueeze', 2)
    const step = await op(matrix, 'mul', half)
    const identity = await op(
      await keep(Tensor.from(new Float64Array(eigen.shape[1]!).fill(1)).to({ dtype: 'complex128' }).ready()),
      'diag',
    )
    const discrete = await op(await op(identity, 'sub', step), 'linalg_solve', await op(identity, 'add', step))
    const decayed = await op(identity, 'sub', await op(discrete, 'linalg_matrix_power', length))
    const trained = await op(await both(await complex(kernel.C)), 'unsqueeze', 2)
    const solved = await op(await op(decayed, 'transpose', 1, 2), 'linalg_solve', trained)
    const kept = await op(await op(await op(solved, 'squeeze', 2), 'slice', 1, 0, eigen.shape[1]! / 2), 'contiguous')
    return await (await op(await op(kept, 'view_as_real'), 'unsqueeze', 0)).to({ dtype: 'float32' }).ready()
  } finally {
    for (const tensor of made) tensor.dispose()
  }
}

const KERNEL = /^(.*\.kernel\.)l_kernel$/

/** Replaces C̃ by C in every kernel that stores its training length, and removes the length. */
export function withTrueC(tensors: StoredTensors): StoredTensors {
  const changed = new Map(tensors)
  for (const [name, length] of tensors) {
    const prefix = KERNEL.exec(name)?.[1]
    const stored = prefix === undefined ? undefined : tensors.get(`${prefix}C`)
    if (stored === undefined) continue
    changed.delete(name)
    changed.set(`${prefix}C`, { shape: stored.shape, read: () => readC(tensors, prefix!, length) })
  }
  return changed
}

async function readC(tensors: StoredTensors, prefix: string, length: Stored): Promise<Tensor> {
  const read: Tensor[] = []
  const part = async (name: string) => {
    const stored = tensors.get(`${prefix}${name}`)
    if (stored === undefined)
      throw new LvmError('BAD_CHECKPOINT', `weights: expected a tensor "${prefix}${name}" but there is none`)
    read.push(await stored.read())
    return read.at(-1)!
  }
  try {
    using steps = await length.read()
    const most = await steps.item()
    if (most === 0) return await tensors.get(`${prefix}C`)!.read() // not yet C̃
    const kernel = {
      C: await part('C'),
      inv_dt: await part('inv_dt'),
      A_real: await part('A_real'),
      A_imag: await part('A_imag'),
      P: await part('P'),
    }
    return await trueC(kernel, most)
  } finally {
    for (const tensor of read) tensor.dispose()
  }
}
